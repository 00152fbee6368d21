//! What is left when whoever asked for verdicts goes away before they are there.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use infer_code_cad_sandbox::{Judge, Limits, Sandbox, SandboxConfig, Submission, Tests};
use tempfile::TempDir;

use crate::common::sandbox_or_say;

const WORKERS: usize = 2;
const SCRATCH: &str = "SANDBOX_TEST_SCRATCH";
const END: &str = "SANDBOX_TEST_END";
/// Far more than is needed, also on a loaded machine, and far less than a candidate's limits.
const PATIENCE: Duration = Duration::from_secs(20);

/// Leaves a daemon, says that it runs, and runs for a minute.
const CANDIDATE: &str = "import os, time\n\
    if os.fork() == 0:\n    \
        os.setsid()\n    \
        time.sleep(60)\n\
    open('running', 'w').close()\n\
    time.sleep(60)";

#[test]
fn a_process_that_ends_while_threads_judge_leaves_nothing() {
    let name = "a_process_that_ends_while_threads_judge_leaves_nothing";
    if sandbox_or_say(name, 1).is_none() {
        return;
    }
    for end in ["return", "exit", "killed"] {
        let scratch = scratch();
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "ends::judge_on_threads_that_nobody_joins", "--ignored"])
            .env(SCRATCH, scratch.path())
            .env(END, end)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(|| running(scratch.path()) == WORKERS, "the candidates to run");
        if end == "killed" {
            process.kill().unwrap();
        }
        let status: ExitStatus =
            wait_for_some(|| process.try_wait().unwrap(), "the process to end");
        assert_eq!(status.success(), end != "killed", "{end}: {status}");
        wait_for(|| entries(scratch.path()).is_empty(), "the scratch directories to go");
        wait_for(|| processes_in(scratch.path()).is_empty(), "the processes to go");
    }
}

#[test]
#[ignore = "started by a_process_that_ends_while_threads_judge_leaves_nothing"]
fn judge_on_threads_that_nobody_joins() {
    let Some(scratch) = env::var_os(SCRATCH).map(PathBuf::from) else { return };
    let judge = judge_in(&scratch, WORKERS);
    // Twice as many as there are workers, so that some wait for a free one.
    for _ in 0..2 * WORKERS {
        let judge = Arc::clone(&judge);
        thread::spawn(move || judge_candidate(&*judge, CANDIDATE));
    }
    drop(judge);
    wait_for(|| running(&scratch) == WORKERS, "the candidates to run");
    match env::var(END).unwrap().as_str() {
        "return" => {}
        "exit" => std::process::exit(0),
        _ => thread::sleep(2 * PATIENCE),
    }
}

#[test]
fn the_last_thread_that_judges_ends_the_sandbox() {
    if sandbox_or_say("the_last_thread_that_judges_ends_the_sandbox", 1).is_none() {
        return;
    }
    let scratch = scratch();
    let judge = judge_in(scratch.path(), WORKERS);
    assert_eq!((entries(scratch.path()).len(), judge.workers()), (WORKERS, WORKERS));
    let program = CANDIDATE.replace("60", "1");
    let shared = Arc::clone(&judge);
    let thread = thread::spawn(move || judge_candidate(&*shared, &program));
    wait_for(|| running(scratch.path()) == 1, "the candidate to run");
    drop(judge);
    thread.join().unwrap();
    assert_eq!(entries(scratch.path()), [""; 0].map(PathBuf::from));
    wait_for(|| processes_in(scratch.path()).is_empty(), "the processes to go");
}

fn judge_in(scratch: &Path, workers: usize) -> Arc<dyn Judge> {
    let config = SandboxConfig { workers, scratch: scratch.to_owned(), ..SandboxConfig::default() };
    Arc::new(Sandbox::start(&config).unwrap())
}

fn judge_candidate(judge: &dyn Judge, program: &str) {
    let limits = Limits { wall_time: Duration::from_secs(60), ..Limits::default() };
    let tests = Tests::default();
    judge.judge(&Submission::new(program, &tests), &limits).unwrap();
}

/// A directory that candidates may enter.
fn scratch() -> TempDir {
    let scratch = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    }
    scratch
}

/// How many candidates have come to run.
fn running(scratch: &Path) -> usize {
    let candidates = entries(scratch).into_iter().flat_map(|home| entries(&home));
    candidates.filter(|candidate| candidate.join("running").exists()).count()
}

/// What a directory holds; nothing if it is gone.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(Result::ok).map(|entry| entry.path()).collect()
}

/// The processes at work below a directory, where the system shows them: workers to root only.
fn processes_in(directory: &Path) -> Vec<PathBuf> {
    let working = |process: &PathBuf| {
        fs::read_link(process.join("cwd")).is_ok_and(|place| place.starts_with(directory))
    };
    entries(Path::new("/proc")).into_iter().filter(working).collect()
}

fn wait_for(met: impl Fn() -> bool, what: &str) {
    wait_for_some(|| met().then_some(()), what);
}

fn wait_for_some<T>(mut look: impl FnMut() -> Option<T>, what: &str) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
