//! A run in shards, put together again.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use infer_code_cad::{
    Evaluation, MergeError, Progress, Shard, StoredRun, merge, rejudge, results_path,
};

use crate::flags;
use crate::journal::{Run, run};

const FILE: &str = "INFER_CODE_CAD_SHARD_FILE";

fn session(path: &Path, shard: &str) -> Evaluation {
    prepared(path, shard).finish()
}

fn prepared(path: &Path, shard: &str) -> Run {
    let mut run = run("sc(drafts=2)");
    run.executor.shard = shard.parse().unwrap();
    run.path = path.to_owned();
    run
}

/// The process that is killed at its third verdict; not a test.
#[test]
#[ignore = "runs in the process that a test below starts and kills"]
fn victim() {
    let mut judged = 0;
    let wait_for_the_end = &mut |progress: Progress<'_>| {
        judged += usize::from(matches!(progress, Progress::Judged { .. }));
        if judged == 3 {
            std::thread::sleep(Duration::from_secs(600));
        }
        ControlFlow::Continue(())
    };
    let path = PathBuf::from(std::env::var_os(FILE).unwrap());
    prepared(&path, "2/3").go(wait_for_the_end).unwrap();
}

fn killed(path: &Path) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "shards::victim", "--quiet"]).env(FILE, path);
    let mut victim = command.stdout(Stdio::null()).spawn().unwrap();
    let judged = || fs::read_to_string(path).unwrap_or_default().matches("{\"sample\":").count();
    while judged() < 3 {
        assert_eq!(victim.try_wait().unwrap(), None, "it ends by itself");
        std::thread::sleep(Duration::from_millis(2));
    }
    victim.kill().unwrap(); // SIGKILL
    victim.wait().unwrap();
}

/// Three shards of a run in a directory that goes with the value.
struct Shards {
    directory: tempfile::TempDir,
}

impl Shards {
    fn new() -> Self {
        let shards = Self { directory: tempfile::tempdir().unwrap() };
        for shard in ["1/3", "2/3", "3/3"] {
            session(&shards.path(&shard[..1]), shard);
        }
        shards
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn paths(&self, names: &str) -> Vec<PathBuf> {
        names.split(' ').map(|name| self.path(name)).collect()
    }

    /// All files and what they hold.
    fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut contents: Vec<_> =
            paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
        contents.sort();
        contents
    }

    /// Why these do not merge: nothing has changed.
    fn fault(&self, names: &str) -> String {
        let before = self.contents();
        let error = merge(&self.paths(names), &self.path("whole")).unwrap_err();
        assert!(self.contents() == before, "{error}");
        error.to_string().replace(&format!("{}/", self.directory.path().display()), "")
    }
}

#[test]
fn shards_in_any_order_one_of_them_killed_are_the_whole_run() {
    let shards = Shards { directory: tempfile::tempdir().unwrap() };
    let path = |name: &str| shards.path(name);
    session(&path("single"), "1/1");
    let results = |name: &str| fs::read_to_string(results_path(&path(name))).unwrap();
    let expected = results("single");

    killed(&path("2"));
    for shard in ["1/3", "3/3"] {
        session(&path(&shard[..1]), shard);
    }
    let fault = shards.fault("1 2 3");
    assert!(fault.starts_with("2 lacks Tiny"), "{fault}");
    let evaluation = session(&path("2"), "2/3");
    assert!(!evaluation.cancelled);
    let own: Vec<String> = evaluation.records.into_iter().map(|record| record.task_id).collect();
    let header = StoredRun::read(&path("2")).unwrap().header().clone();
    let second: Shard = "2/3".parse().unwrap();
    assert!(own.iter().eq(second.part(&header.tasks)), "{own:?}");
    assert_eq!(header, StoredRun::read(&path("single")).unwrap().header().clone());
    assert!(!results_path(&path("2")).exists(), "a shard has no results");

    for (number, order) in ["1 2 3", "3 1 2", "2 3 1"].into_iter().enumerate() {
        let whole = path(&format!("whole{number}"));
        // What a merge that was killed has left.
        fs::write(path(&format!("whole{number}.part")), "{\"run\":{\"ver").unwrap();
        let written = merge(&shards.paths(order), &whole).unwrap();
        assert_eq!(fs::read_to_string(written).unwrap(), expected, "{order}");
        assert!(!path(&format!("whole{number}.part")).exists());
    }
    let (single, whole) =
        (StoredRun::read(&path("single")).unwrap(), StoredRun::read(&path("whole0")).unwrap());
    assert!(whole.is_complete());
    assert!(whole.throughput().decode_tokens < single.throughput().decode_tokens, "one was killed");
    assert!(whole.throughput().decode_tokens > 0);
}

#[test]
fn a_merged_file_goes_on_and_is_judged_again() {
    let shards = Shards::new();
    let whole = shards.path("whole");
    merge(&shards.paths("3 2 1"), &whole).unwrap();
    let again = prepared(&whole, "1/1");
    let before = fs::read(&whole).unwrap();
    again.finish();
    assert_eq!(fs::read(&whole).unwrap(), before, "all was there");
    let (judge, limits) = (again.executor.judge.clone(), again.executor.limits.clone());
    let go_on = &mut |_, _| ControlFlow::Continue(());
    let rejudged = rejudge(&whole, &again.tasks, &judge, &limits, go_on).unwrap();
    assert_eq!((rejudged.judged, rejudged.differing.len()), (again.samples(), 0));
}

#[test]
fn more_shards_than_problems_are_merged() {
    let shards = Shards { directory: tempfile::tempdir().unwrap() };
    for index in 1..=3 {
        let mut run = prepared(&shards.path(&index.to_string()), &format!("{index}/3"));
        run.tasks.truncate(2);
        assert_eq!(run.finish().records.len(), usize::from(index < 3));
    }
    merge(&shards.paths("1 2 3"), &shards.path("whole")).unwrap();
}

#[test]
fn a_journal_of_all_may_overlap_with_others() {
    let shards = Shards::new();
    session(&shards.path("two"), "1/2");
    session(&shards.path("two"), "2/2");
    assert!(results_path(&shards.path("two")).exists(), "the last one found everything done");
    let two = fs::read_to_string(results_path(&shards.path("two"))).unwrap();
    let merged = merge(&shards.paths("1 two"), &shards.path("whole")).unwrap();
    assert_eq!(fs::read_to_string(merged).unwrap(), two);
}

#[test]
fn what_does_not_belong_together_is_named_and_left_as_it_is() {
    let shards = Shards::new();
    let text = |name: &str| fs::read_to_string(shards.path(name)).unwrap();
    let write = |name: &str, text: &str| fs::write(shards.path(name), text).unwrap();
    let last = text("2").rfind("{\"sample\":").unwrap();
    write("torn", &text("2")[..last + 30]);
    write("half", &text("2")[..100]);
    write("copy", &text("1"));
    write("foreign", "{\"task_id\": 3}\n");
    let mut lines: Vec<String> = text("1").lines().map(str::to_owned).collect();
    let sample = lines.iter().rposition(|line| line.starts_with("{\"sample\":")).unwrap();
    lines.remove(sample);
    let sample = lines.iter().rposition(|line| line.starts_with("{\"sample\":")).unwrap();
    let (was, is) = if lines[sample].contains("\"passed\"") {
        ("\"verdict\":\"passed\"", "\"verdict\":\"failed\"")
    } else {
        ("\"verdict\":\"failed\"", "\"verdict\":\"passed\"")
    };
    lines[sample] = lines[sample].replace(was, is);
    write("other", &(lines.join("\n") + "\n"));
    let mut seed = prepared(&shards.path("seed"), "2/3");
    seed.config.seed = 7;
    seed.finish();

    for (names, complaint) in [
        ("1 3", "no journal has shard 2/3 (Tiny"),
        ("2", "no journal has shard 1/3, 3/3 (Tiny"),
        ("1 torn 3", "torn lacks Tiny"),
        ("1 half 3", "half is not a result file: it holds no whole line"),
        ("1 2 3 copy", "1 and copy hold the same samples; name one of them"),
        ("1 2 2 3", "2 and 2 hold the same samples"),
        ("1 foreign 3", "foreign is not a result file"),
        ("1 2 3 none", "none: cannot open it"),
        ("1 seed 3", "seed is of another run than 1, which was begun with seed 0, this run has 7"),
        ("1 2 3 other", "the verdicts of Tiny"),
    ] {
        let fault = shards.fault(names);
        assert!(fault.starts_with(complaint), "{names}: {fault}");
    }
    let nothing = merge::<PathBuf>(&[], &shards.path("whole"));
    assert!(matches!(nothing, Err(MergeError::Nothing)));

    for (taken, complaint) in [
        ("whole.results.jsonl", "results would be written there"),
        ("whole.part", "whole.part is not a result file"),
        ("whole", "whole is there already; merge into another file"),
    ] {
        write(taken, "mine\n");
        let fault = shards.fault("1 2 3");
        assert!(fault.contains(complaint), "{taken}: {fault}");
        fs::remove_file(shards.path(taken)).unwrap();
    }
    merge(&shards.paths("1 2 3"), &shards.path("whole")).unwrap();
}

/// `evaluate` on two problems: what it says on standard error, and whether it succeeds.
fn evaluated(directory: &Path, out: &str, args: &[&str], env: &[(&str, &str)]) -> (bool, String) {
    let (data, out) = (flags::problems(directory), directory.join(out));
    let mut evaluate = flags::example("evaluate");
    evaluate.args(["--benchmark", "humaneval", "--n", "2", "--max-new-tokens", "24", "--data"]);
    evaluate.arg(data).arg("--out").arg(out).args(args).envs(env.iter().copied());
    let output = evaluate.output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn schedulers_say_the_shard_and_merge_puts_them_together() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let does = |out: &str, args: &[&str], env: &[(&str, &str)]| {
        let (succeeds, said) = evaluated(directory.path(), out, args, env);
        assert!(succeeds, "{said}");
        said
    };
    let of_two = |id| {
        [
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_COUNT", "2"),
            ("SLURM_ARRAY_TASK_MIN", "7"),
        ]
    };
    let said = does("single", &["--shard", "none"], &[("RANK", "3")]);
    assert!(!said.contains("shard"), "{said}");
    let said = does("1", &["--shard", "1/2"], &of_two("8"));
    assert!(said.contains("notice: shard 1/2, by --shard\n"), "{said}");
    assert!(said.contains("shard 1/2 done: 2 of 2 samples are judged"), "{said}");
    for (out, env, why) in [
        (
            "slurm",
            &of_two("8")[..],
            "SLURM_ARRAY_TASK_ID=8, SLURM_ARRAY_TASK_COUNT=2, which counts from 7",
        ),
        ("hq", &[("HQ_TASK_ID", "2"), ("INFER_CODE_CAD_SHARDS", "2")], "HQ_TASK_ID=2, INFER"),
        ("k8s", &[("JOB_COMPLETION_INDEX", "1"), ("INFER_CODE_CAD_SHARDS", "2")], "JOB_COMPL"),
        (
            "rank",
            &[("RANK", "1"), ("WORLD_SIZE", "2")],
            "RANK=1, WORLD_SIZE=2, which counts from 0\n",
        ),
    ] {
        let said = does(out, &[], env);
        assert!(said.contains(&format!("notice: shard 2/2, by {why}")), "{said}");
        let mut merge = flags::example("merge");
        merge.arg(path(out)).arg(path("1")).arg("--out").arg(path(&format!("{out}-whole")));
        let output = merge.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("vanilla"));
        let results = |name: &str| fs::read_to_string(results_path(&path(name))).unwrap();
        assert_eq!(results(&format!("{out}-whole")), results("single"));
    }
}

#[test]
fn what_names_no_shard_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let slurm = ("SLURM_ARRAY_TASK_ID", "5");
    for (args, env, complaint) in [
        (&["--shard", "0/2"][..], &[][..], "there is no shard 0/2; shards count from 1"),
        (&["--shard", "2"], &[], "\"2\" is no shard; write the second of four as 2/4"),
        (&["--shard", "1/0"], &[], "cannot be split into 0 shards"),
        (&["--rejudge", "--shard", "1/2"], &[], "cannot be used with"),
        (&[], &[("RANK", "1")], "WORLD_SIZE is missing beside RANK"),
        (
            &[],
            &[("RANK", "2"), ("WORLD_SIZE", "2")],
            "RANK=2, WORLD_SIZE=2, which counts from 0: there is no shard 3/2",
        ),
        (&[], &[("RANK", "0"), ("WORLD_SIZE", "0")], "cannot be split into 0 shards"),
        (&[], &[("RANK", "x"), ("WORLD_SIZE", "2")], "RANK=x is no number"),
        (&[], &[("HQ_TASK_ID", "1")], "INFER_CODE_CAD_SHARDS is missing beside HQ_TASK_ID"),
        (
            &[],
            &[("HQ_TASK_ID", "0"), ("INFER_CODE_CAD_SHARDS", "2")],
            "which counts from 1: there is no shard 0/2",
        ),
        (&[], &[slurm, ("SLURM_ARRAY_TASK_COUNT", "3")], "SLURM_ARRAY_TASK_MIN is missing"),
        (
            &[],
            &[slurm, ("SLURM_ARRAY_TASK_COUNT", "3"), ("SLURM_ARRAY_TASK_MIN", "1")],
            "there is no shard 5/3; shards count from 1, so take one of 1/3 to 3/3",
        ),
        (&[], &[slurm, ("RANK", "1")], "SLURM_ARRAY_TASK_ID and RANK are both set; say --shard"),
    ] {
        let (succeeds, said) = evaluated(directory.path(), "out", args, env);
        assert!(!succeeds && said.contains(complaint), "{args:?} {env:?}: {said}");
        assert!(!directory.path().join("out").exists());
    }
}
