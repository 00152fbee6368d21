//! What is left when whoever asked for verdicts goes away before they are there.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use infer_code_cad_sandbox::{Judge, Limits, Sandbox, SandboxConfig, Submission, Tests, Tier};
use tempfile::TempDir;

use crate::common::sandbox_or_say;

const WORKERS: usize = 2;
const SCRATCH: &str = "SANDBOX_TEST_SCRATCH";
const END: &str = "SANDBOX_TEST_END";
/// Far more than is needed, also on a loaded machine, and far less than a candidate's limits.
const PATIENCE: Duration = Duration::from_secs(20);

const TIER: &str = "SANDBOX_TEST_TIER";
/// Supervisor, judge, zygote and candidate, and in the tier full the first process's parent.
const PROCESSES: [(Tier, usize); 2] = [(Tier::None, 4), (Tier::Full, 5)];

/// Says that it runs, and runs for a minute.
const CANDIDATE: &str = "import time\nopen('running', 'w').close()\ntime.sleep(60)";

#[test]
fn a_process_that_ends_while_threads_judge_leaves_nothing() {
    let name = "a_process_that_ends_while_threads_judge_leaves_nothing";
    if sandbox_or_say(name, 1).is_none() {
        return;
    }
    if marked(Path::new("")) == 0 {
        eprintln!("{name}: not run, it sees its processes as root only");
        return;
    }
    for ((tier, processes), end) in PROCESSES
        .into_iter()
        .zip(["killed"; 2])
        .chain([(PROCESSES[0], "return"), (PROCESSES[1], "exit")])
    {
        let scratch = scratch();
        let path = format!("{}:{}", env::var("PATH").unwrap(), scratch.path().display());
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "ends::judge_on_threads_that_nobody_joins", "--ignored"])
            .envs([(SCRATCH, scratch.path().to_str().unwrap()), (END, end), (TIER, tier.as_str())])
            .env("PATH", path) // which marks all that it starts
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(|| marked(scratch.path()) > processes * WORKERS, "the candidates to run");
        thread::sleep(Duration::from_millis(300)); // beyond the programs of the self-check
        wait_for(|| marked(scratch.path()) > processes * WORKERS, "the candidates to run");
        if end == "killed" {
            process.kill().unwrap();
        }
        let status: ExitStatus =
            wait_for_some(|| process.try_wait().unwrap(), "the process to end");
        assert_eq!(status.success(), end != "killed", "{tier}, {end}: {status}");
        wait_for(|| marked(scratch.path()) == 0, "the processes to go");
        // What workers leave when their caller is killed is a lock, which the next sandbox removes.
        drop(judge_in(scratch.path(), 1));
        assert_eq!(entries(scratch.path()), [""; 0].map(PathBuf::from), "{tier}, {end}");
    }
}

#[test]
#[ignore = "started by a_process_that_ends_while_threads_judge_leaves_nothing"]
fn judge_on_threads_that_nobody_joins() {
    let Some(scratch) = env::var_os(SCRATCH).map(PathBuf::from) else { return };
    let tier = env::var(TIER).unwrap().parse().unwrap();
    let config = SandboxConfig { workers: WORKERS, scratch, tier, ..SandboxConfig::default() };
    let judge: Arc<dyn Judge> = Arc::new(Sandbox::start(&config).unwrap());
    // Twice as many as there are workers, so that some wait for a free one.
    for _ in 0..2 * WORKERS {
        let judge = Arc::clone(&judge);
        thread::spawn(move || judge_candidate(&*judge, CANDIDATE));
    }
    drop(judge);
    thread::sleep(Duration::from_secs(2));
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
}

fn judge_in(scratch: &Path, workers: usize) -> Arc<dyn Judge> {
    let (scratch, tier) = (scratch.to_owned(), Tier::None); // whose scratch is to be seen
    let config = SandboxConfig { workers, scratch, tier, ..SandboxConfig::default() };
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
    let homes = entries(scratch).into_iter();
    homes.filter(|home| home.join("work/candidate/running").exists()).count()
}

/// What a directory holds; nothing if it is gone.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(Result::ok).map(|entry| entry.path()).collect()
}

/// The processes that were started with a directory in their environment, where the system tells:
/// workers of others to root only.
fn marked(directory: &Path) -> usize {
    let mark = directory.to_str().unwrap().as_bytes().to_owned();
    let mark = if mark.is_empty() { b"PATH=".to_vec() } else { mark };
    let holds = |process: &PathBuf| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        environment.windows(mark.len()).any(|part| part == mark)
    };
    entries(Path::new("/proc")).into_iter().filter(holds).count()
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
