//! Readers and writers at once, and a full disk.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use infer_code_cad_retrieval::{Store, StoreError, StoreWriter};

use super::*;

#[test]
fn a_second_writer_is_told_who_the_first_is() {
    let directory = tempfile::tempdir().unwrap();
    let first = StoreWriter::open(directory.path()).unwrap();
    let second = StoreWriter::open(directory.path()).unwrap_err();
    let process =
        format!("is being written by process {}; wait for it, or end it", std::process::id());
    assert!(second.to_string().ends_with(&process), "{second}");
    drop(first);
    StoreWriter::open(directory.path()).unwrap();
}

/// Readers never see a mix: each opens one of the two indexes that a writer puts there in turn.
#[test]
fn readers_see_the_old_index_or_the_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let of = |salt| passages(0..200, salt);
    build(directory.path(), of("a"), Some(&Fake::default())).unwrap();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = || {
            let mut seen = [0; 2];
            while !is_done.load(Ordering::Relaxed) {
                let store = Store::open(directory.path()).unwrap();
                let salts: Vec<bool> =
                    store.passages().iter().map(|it| it.text.starts_with('a')).collect();
                assert!(salts.iter().all(|salt| *salt == salts[0]) && salts.len() == 200);
                seen[usize::from(salts[0])] += 1;
            }
            seen
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        let salts = ["b", "a"].into_iter().cycle().take(20);
        let written: Vec<_> =
            salts.map(|salt| build(directory.path(), of(salt), Some(&Fake::default()))).collect();
        is_done.store(true, Ordering::Relaxed); // first, for readers never end while a panic waits for them
        assert!(written.iter().all(Result::is_ok), "{written:?}");
        for reader in readers {
            assert!(reader.join().unwrap().iter().sum::<usize>() > 0);
        }
    });
}

const DIRECTORY: &str = "INFER_CODE_CAD_FULL";

/// The process whose files may not grow; not a test.
#[test]
#[ignore = "runs in the process that the test below starts with a limit on the size of files"]
fn full() {
    let directory = std::path::PathBuf::from(std::env::var_os(DIRECTORY).unwrap());
    let error = build(&directory, passages(0..900, "new"), Some(&Fake::default())).unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
}

/// A limit of the shell on the size of files (`ulimit -f`, in KiB) stands for a full disk: writes fail within a file.
#[test]
#[cfg(unix)]
fn a_full_disk_leaves_the_old_index() {
    let directory = tempfile::tempdir().unwrap();
    build(directory.path(), passages(0..50, "a"), Some(&Fake::default())).unwrap();
    let before = files(directory.path());
    for limit in [1, 8, 60, 300] {
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$@\"");
        let mut shell = Command::new("bash");
        shell.args(["-c", &script, "bash"]).arg(std::env::current_exe().unwrap());
        shell.args(["--ignored", "--exact", "sharing::full", "--quiet"]);
        let output = shell.env(DIRECTORY, directory.path()).output().unwrap();
        assert!(output.status.success(), "{limit} KiB: {output:?}");
        assert_eq!(files(directory.path()), before);
        let left = directory.path().join("building/passages.jsonl");
        assert!(!left.exists(), "a part of the new files takes up room");
    }
    let report = build(directory.path(), passages(0..900, "new"), Some(&Fake::default())).unwrap();
    assert!(report.resumed > 0 && report.passages == 900, "{report:?}");
}
