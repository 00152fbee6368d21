//! Runs that are stored: what a result file holds, and how a run goes on in it.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use infer_code_cad::decode::{Settings, from_fn};
use infer_code_cad::engine::LogProbs;
use infer_code_cad::sandbox::{Judge, JudgeError, Limits, Report, Submission, Verdict};
use infer_code_cad::tasks::{Problem, Task};
use infer_code_cad::{
    Error, Evaluation, Executor, Journal, JournalError, Layout, PaperPrompter, Progress,
    PromptError, Prompted, Prompter, RunHeader, SolveConfig, SolveEvent, Stage, StoredRun,
    TaskLimits, Technique, Writer, evaluate, evaluate_into, rejudge, results_path,
};
use tempfile::TempDir;

/// Passes programs of even length, and has the faults that a test gives it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Even(Arc<Faults>);

#[derive(Debug, Default)]
struct Faults {
    /// Panics on programs whose length is a multiple of 7.
    panics: AtomicBool,
    fails: AtomicBool,
    sleeps: AtomicBool,
    /// Judges the other way round.
    is_odd: AtomicBool,
    judged: AtomicUsize,
}

impl Judge for Even {
    fn judge(&self, submission: &Submission<'_>, _: &Limits) -> Result<Report, JudgeError> {
        let (faults, len) = (&self.0, submission.program.len());
        let has = |fault: &AtomicBool| fault.load(Ordering::Relaxed);
        faults.judged.fetch_add(1, Ordering::Relaxed);
        assert!(!has(&faults.panics) || !len.is_multiple_of(7), "seven");
        if has(&faults.fails) {
            return Err(JudgeError::Other("the judge is gone".into()));
        }
        if has(&faults.sleeps) {
            std::thread::sleep(Duration::from_secs(60));
        }
        if len.is_multiple_of(2) != has(&faults.is_odd) {
            return Ok(Report::new(Verdict::Passed, ""));
        }
        Ok(Report::new(Verdict::Failed, "<f.<locals>.g object at 0x7f3a5c2d10>"))
    }

    fn settings(&self) -> Settings {
        Settings::new("even")
    }

    fn workers(&self) -> usize {
        2
    }
}

/// A run of a technique into a file of a directory that goes when the test ends.
pub(crate) struct Run {
    pub(crate) technique: Technique,
    pub(crate) tasks: Vec<Task>,
    pub(crate) executor: Executor,
    pub(crate) config: SolveConfig,
    pub(crate) path: PathBuf,
    judge: Even,
    _directory: TempDir,
}

pub(crate) fn run(technique: &str) -> Run {
    let (directory, judge) = (tempfile::tempdir().unwrap(), Even::default());
    Run {
        technique: crate::technique(technique),
        tasks: crate::tasks(20),
        executor: Executor::new(crate::solver(), judge.clone(), Limits::default()),
        config: SolveConfig { n_samples: 2, max_new_tokens: 48, ..SolveConfig::default() },
        path: directory.path().join("run.jsonl"),
        judge,
        _directory: directory,
    }
}

impl Run {
    pub(crate) fn go(
        &self,
        sink: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Evaluation, Error> {
        let Self { technique, tasks, executor, config, path, .. } = self;
        evaluate_into(path, "tiny", technique, tasks, executor, config, sink)
    }

    pub(crate) fn finish(&self) -> Evaluation {
        self.go(&mut |_| ControlFlow::Continue(())).unwrap()
    }

    pub(crate) fn results(&self) -> String {
        fs::read_to_string(results_path(&self.path)).unwrap()
    }

    /// How many programs were judged.
    pub(crate) fn judged(&self) -> &AtomicUsize {
        &self.faults().judged
    }

    pub(crate) fn samples(&self) -> usize {
        self.tasks.len() * self.config.n_samples
    }

    fn header(&self) -> RunHeader {
        let Self { technique, tasks, executor, config, .. } = self;
        RunHeader::new("tiny", technique, tasks, executor, config).unwrap()
    }

    fn faults(&self) -> &Faults {
        &self.judge.0
    }
}

fn reopened(path: &Path) -> StoredRun {
    StoredRun::read(path).unwrap()
}

#[test]
fn a_file_holds_what_evaluate_returns() {
    let mut run = run("cad+rag");
    run.config.log_probs = LogProbs::Top(2);
    let Run { technique, tasks, executor, config, .. } = &run;
    let go_on = &mut |_: Progress<'_>| ControlFlow::Continue(());
    let mut returned = evaluate(technique, tasks, executor, config, go_on).unwrap().records;
    let mut stored = run.finish().records;
    assert_eq!(stored, reopened(&run.path).records().map(Result::unwrap).collect::<Vec<_>>());
    for sample in returned.iter_mut().chain(&mut stored).flat_map(|record| &mut record.samples) {
        (sample.cpu_seconds, sample.wall_seconds) = (0.0, 0.0);
        assert!(sample.answer_seconds.take().is_some());
    }
    assert_eq!(stored, returned);
    let record = &stored[0];
    assert_eq!((record.drafts.len(), record.samples.len()), (2, 2));
    assert_eq!(record.drafts[0].log_probs.len(), record.drafts[0].tokens.len());
    let prompt = record.prompt.as_ref().unwrap();
    assert_eq!(prompt.streams.len(), 2, "context and question");
    assert!(prompt.shown.iter().any(|shown| !shown.kept && !shown.why.is_empty()));
    assert!(!run.results().contains("0x7f3a5c2d10"), "an address of memory");
}

#[test]
fn a_run_that_was_broken_off_goes_on_to_the_same_results() {
    let (undisturbed, broken) = (run("vanilla"), run("vanilla"));
    undisturbed.finish();
    let (mut drafted, mut judged, mut sessions) = (0, 0, 0);
    loop {
        let (mut news, mut resumed) = (0, 0);
        let evaluation = broken.go(&mut |progress| {
            match progress {
                Progress::Resumed { judged, of } => {
                    assert_eq!(of, broken.samples());
                    resumed = judged;
                }
                Progress::Judged { .. } => news += 1,
                Progress::Writing(SolveEvent::Drafted { known: false, .. }) => drafted += 1,
                _ => {}
            }
            if news == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(resumed, judged, "what was judged before");
        (judged, sessions) = (judged + news, sessions + 1);
        if !evaluation.unwrap().cancelled {
            break;
        }
    }
    assert_eq!((judged, sessions > 3), (broken.samples(), true), "each once");
    assert!(drafted >= broken.samples());
    assert_eq!(broken.results(), undisturbed.results());
    let tokens = |run: &Run| reopened(&run.path).records().map(|r| r.unwrap().drafts.len()).sum();
    let (all, again): (usize, usize) = (tokens(&undisturbed), tokens(&broken));
    assert_eq!(all, again);
}

#[test]
fn a_decoder_a_prompter_and_a_judge_of_ones_own_change_the_header() {
    let was = run("vanilla").header();
    let differing = |change: fn(&mut Run)| {
        let mut other = run("vanilla");
        change(&mut other);
        let differences = was.differences(&other.header());
        differences.into_iter().map(|difference| difference.setting).collect::<Vec<_>>()
    };
    assert_eq!(differing(|_| {}), Vec::<String>::new());
    let decoder = differing(|run| {
        let own = from_fn(Settings::new("own").with("k", 3), |_, _, _| Ok(0));
        run.technique.decoder = Arc::new(own);
    });
    assert_eq!(decoder, ["technique.decoder"]);
    assert_eq!(
        differing(|run| run.technique.prompter = Arc::new(Fails("")))[..],
        ["technique.prompter"]
    );
    assert_eq!(differing(|run| run.executor.limits.common.processes = 2), ["limits.processes"]);
    assert_eq!(differing(|run| run.executor.solver.judge = Arc::new(Even::default())), ["bench"]);
    assert_eq!(differing(|run| run.tasks[0].hidden.setup.push('\n')), ["tests"]);
    assert_eq!(differing(|run| drop(run.tasks.pop())), ["tasks", "tests"]);
    assert_eq!(differing(|run| run.executor.solver.model.eos.clear()), ["model.eos"]);
}

/// Has no prompt for one task; else the plain ones.
#[derive(Debug)]
struct Fails(&'static str);

impl Prompter for Fails {
    fn prompts(
        &self,
        problems: &[Problem],
        writer: &dyn Writer,
    ) -> Vec<Result<Prompted, PromptError>> {
        let prompts = PaperPrompter::new(Layout::Plain).prompts(problems, writer);
        let fail = |(problem, prompt): (&Problem, _)| {
            if problem.task_id == self.0 {
                Err(PromptError::Other("no words".into()))
            } else {
                prompt
            }
        };
        problems.iter().zip(prompts).map(fail).collect()
    }

    fn settings(&self) -> Settings {
        Settings::new("fails")
    }
}

#[test]
fn what_fails_is_told_and_tried_again_and_ends_nothing_else() {
    let (mut run, mut sound) = (run("vanilla"), run("vanilla"));
    sound.technique.prompter = Arc::new(Fails(""));
    sound.finish();
    run.technique.prompter = Arc::new(Fails("Tiny/20"));
    run.faults().panics.store(true, Ordering::Relaxed);
    let records = run.finish().records;
    let prompt = &records[1].failures[0];
    assert_eq!(
        (prompt.sample, prompt.stage, prompt.reason.as_str()),
        (None, Stage::Solving, "no words")
    );
    let judged = |record: &infer_code_cad::Record| record.samples.len() + record.failures.len();
    assert!(records.iter().filter(|record| record.task_id != "Tiny/20").all(|r| judged(r) == 2));
    let mut faults =
        records.iter().flat_map(|record| &record.failures).filter(|f| f.stage == Stage::Judging);
    assert!(faults.all(|fault| fault.reason.contains("the judge panicked: seven")));
    assert!(
        run.results().contains("\"failed\":\"solving\",\"reason\":\"no words\""),
        "{}",
        run.results()
    );

    run.faults().panics.store(false, Ordering::Relaxed);
    run.technique.prompter = Arc::new(Fails(""));
    assert!(run.finish().records.iter().all(|record| record.failures.is_empty()));
    assert_eq!(run.results(), sound.results());
}

#[test]
fn a_judge_that_is_gone_ends_the_run_and_fails_no_sample() {
    let (run, sound) = (run("vanilla"), run("vanilla"));
    run.faults().fails.store(true, Ordering::Relaxed);
    let error = run.go(&mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains("the judge is gone"), "{error}");
    run.faults().fails.store(false, Ordering::Relaxed);
    run.finish();
    sound.finish();
    assert_eq!(run.results(), sound.results());
}

#[test]
fn breaking_off_does_not_wait_for_programs() {
    let run = run("vanilla");
    run.faults().sleeps.store(true, Ordering::Relaxed);
    let mut asked = None;
    let evaluation = run.go(&mut |progress| {
        let Progress::Waiting { judging } = progress else { return ControlFlow::Continue(()) };
        assert_eq!(judging, run.samples());
        asked = Some(Instant::now());
        ControlFlow::Break(())
    });
    assert!(evaluation.unwrap().cancelled);
    assert!(
        asked.unwrap().elapsed() < Duration::from_millis(500),
        "{:?}",
        asked.unwrap().elapsed()
    );
    run.faults().sleeps.store(false, Ordering::Relaxed);
    run.go(&mut |progress| {
        if let Progress::Writing(SolveEvent::Drafted { known, .. }) = progress {
            assert!(known, "all drafts were stored");
        }
        ControlFlow::Continue(())
    })
    .unwrap();
}

#[test]
fn two_runs_cannot_share_a_file_and_other_settings_cannot_go_on_in_it() {
    let mut run = run("vanilla");
    let journal = Journal::open(&run.path, &run.header()).unwrap();
    let locked = run.go(&mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(locked, Error::Journal(JournalError::Locked { .. })), "{locked}");
    drop(journal);
    run.config.seed = 1;
    let other = run.go(&mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(other.to_string().contains("seed 0, this run has 1"), "{other}");
    run.tasks.push(run.tasks[0].clone());
    let twice = run.go(&mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(twice, Error::DuplicateTask { .. }), "{twice}");
}

#[test]
fn programs_whose_verdict_differs_are_listed() {
    let run = run("vanilla");
    run.finish();
    let was = fs::read(&run.path).unwrap();
    let again = |tasks: &[Task]| {
        let (judge, limits) = (run.executor.judge.clone(), TaskLimits::default());
        rejudge(&run.path, tasks, &judge, &limits, &mut |_, _| ControlFlow::Continue(()))
    };
    let same = again(&run.tasks).unwrap();
    assert_eq!((same.judged, same.differing.len(), same.cancelled), (run.samples(), 0, false));
    run.faults().is_odd.store(true, Ordering::Relaxed);
    run.faults().panics.store(true, Ordering::Relaxed);
    let other = again(&run.tasks).unwrap();
    assert_eq!(other.differing.len(), run.samples());
    assert!(other.differing.iter().all(|other| other.now != Some(other.was)));
    let order: Vec<_> =
        other.differing.iter().map(|other| (other.task_id.as_str(), other.sample)).collect();
    assert_eq!(order[..3], [("Tiny/0", 0), ("Tiny/0", 1), ("Tiny/20", 0)]);
    let strangers = again(&crate::tasks(30)).unwrap_err();
    assert!(matches!(strangers, Error::Journal(JournalError::Mismatch { .. })), "{strangers}");
    assert_eq!(fs::read(&run.path).unwrap(), was, "the file stays as it is");
}
