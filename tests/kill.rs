//! A run that is killed without a warning, again and again, comes to the results of an undisturbed one.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use infer_code_cad::sandbox::{Limits, Sandbox, SandboxConfig};
use infer_code_cad::{Executor, Judging, SolveConfig, evaluate_into, results_path};

const FILE: &str = "INFER_CODE_CAD_KILL";
const AFTER: &str = "INFER_CODE_CAD_KILL_AFTER";

/// One session over some embedded tasks.
fn session(path: &Path, judging: Judging) {
    let sandbox = Sandbox::start(&SandboxConfig { workers: 1, ..Default::default() }).unwrap();
    let mut executor = Executor::new(crate::solver(), sandbox, Limits::default());
    executor.judging = judging;
    let config = SolveConfig { n_samples: 3, ..SolveConfig::default() };
    let (technique, tasks) = (crate::technique("sc(drafts=2)"), crate::tasks(10));
    let go_on = &mut |_: infer_code_cad::Progress<'_>| ControlFlow::Continue(());
    let evaluation = evaluate_into(path, "tiny", &technique, &tasks, &executor, &config, go_on);
    assert!(!evaluation.unwrap().cancelled);
}

/// The process that is killed; not a test.
#[test]
#[ignore = "runs in the process that the test below starts and kills"]
fn victim() {
    let is_after = std::env::var_os(AFTER).is_some();
    let judging = if is_after { Judging::After } else { Judging::Beside };
    session(&PathBuf::from(std::env::var_os(FILE).unwrap()), judging);
}

fn victim_on(path: &Path, judging: Judging) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "kill::victim", "--quiet"]).env(FILE, path);
    if judging == Judging::After {
        command.env(AFTER, "");
    }
    command.stdout(std::process::Stdio::null()).spawn().unwrap()
}

/// Lets the process run until its file has grown to `size`, and kills it; `false` when it was done before.
fn kill_at(path: &Path, judging: Judging, size: u64) -> bool {
    let mut victim = victim_on(path, judging);
    loop {
        if let Some(status) = victim.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return false;
        }
        if len(path) >= size {
            victim.kill().unwrap(); // SIGKILL
            victim.wait().unwrap();
            return true;
        }
        sleep(Duration::from_micros(300));
    }
}

fn len(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

#[test]
fn twenty_kills_at_random_moments_change_no_result() {
    kill(20, Judging::Beside);
}

#[test]
fn kills_change_no_result_where_judging_waits() {
    kill(8, Judging::After);
}

/// Kills sessions until it is done, again and again.
fn kill(most: usize, judging: Judging) {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    session(&path("undisturbed"), judging);
    let results = |name: &str| fs::read_to_string(results_path(&path(name))).unwrap();
    let (expected, whole) = (results("undisturbed"), len(&path("undisturbed")));
    let (mut kills, mut files, mut state) = (0, 0, 0x9e37_79b9_7f4a_7c15_u64);
    while kills < most {
        let name = files.to_string();
        // Knuth's generator: up to an eighth of the file further, so several kills hit one run.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let further = (state >> 33) % (whole / 8);
        if kill_at(&path(&name), judging, len(&path(&name)) + further) {
            kills += 1;
        } else {
            assert_eq!(results(&name), expected, "after {kills} kills");
            files += 1;
        }
    }
    let last = files.to_string();
    session(&path(&last), judging);
    assert_eq!(results(&last), expected);
}
