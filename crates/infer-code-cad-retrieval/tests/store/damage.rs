//! Every damage is found and named, and building again repairs it.

use std::fs::File;

use infer_code_cad_retrieval::{Store, StoreError, StoreWriter};

use super::*;

/// A store, and what opening says after one of its files was changed.
fn after(name: &str, change: impl FnOnce(&Path)) -> StoreError {
    let directory = tempfile::tempdir().unwrap();
    build(directory.path(), passages(0..40, "a"), Some(&Fake::default())).unwrap();
    let intact = files(directory.path());
    let file = directory.path().join(name);
    change(&file);
    let error = Store::open(directory.path()).unwrap_err();
    assert!(error.to_string().contains(&*file.display().to_string()), "{error}");
    let repairs = !matches!(error, StoreError::Version { .. } | StoreError::Missing { .. })
        || matches!(&error, StoreError::Missing { file } if !file.ends_with("manifest.json"));
    if repairs {
        build(directory.path(), passages(0..40, "a"), Some(&Fake::default())).unwrap();
        assert_eq!(files(directory.path()), intact);
    }
    error
}

fn flip(at: usize) -> impl FnOnce(&Path) {
    move |path| {
        let mut bytes = fs::read(path).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= 0x10;
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    for name in ["manifest.json", "passages.jsonl", "vectors.faiss"] {
        for at in [0, 7, 60, 333, 1234, 3_000] {
            let error = after(name, flip(at));
            assert!(matches!(error, StoreError::Damaged { .. }), "{name} at {at}: {error}");
        }
    }
    let error = after("vectors.faiss", flip(100)).to_string();
    let end = ": bytes 0 to 3885 are not those that were written; restore it from a copy, or build the index again";
    assert!(error.ends_with(&format!("is damaged{end}")), "{error}");
}

#[test]
fn a_file_cut_short_or_grown_is_found() {
    for name in ["passages.jsonl", "vectors.faiss"] {
        let cut = |path: &Path| {
            let file = File::options().write(true).open(path).unwrap();
            file.set_len(file.metadata().unwrap().len() - 1).unwrap();
        };
        let error = after(name, cut).to_string();
        assert!(
            error.contains("it is cut short: ") && error.contains("the manifest says"),
            "{error}"
        );
        let grow =
            |path: &Path| fs::write(path, [fs::read(path).unwrap(), vec![0]].concat()).unwrap();
        assert!(after(name, grow).to_string().contains("it is too long: "));
    }
    for length in [0, 1, 30] {
        let cut = |path: &Path| fs::write(path, &fs::read(path).unwrap()[..length]).unwrap();
        assert!(matches!(after("manifest.json", cut), StoreError::Damaged { .. }));
    }
}

#[test]
fn a_missing_file_is_named() {
    for name in ["manifest.json", "passages.jsonl", "vectors.faiss"] {
        let error = after(name, |path| fs::remove_file(path).unwrap());
        assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    }
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let newer = |path: &Path| fs::write(path, "{\"format\": 2, \"shards\": []}").unwrap();
    let error = after("manifest.json", newer).to_string();
    assert!(error.contains("is of format 2, this program reads up to 1"), "{error}");
    let directory = tempfile::tempdir().unwrap();
    newer(&directory.path().join("manifest.json"));
    let error = build(directory.path(), passages(0..4, "a"), None).unwrap_err();
    assert!(matches!(error, StoreError::Version { found: 2, .. }));
}

/// A manifest that was edited, with a checksum that fits: what it says is compared with the files.
#[test]
fn files_that_disagree_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    build(directory.path(), passages(0..40, "a"), Some(&Fake::default())).unwrap();
    build(other.path(), passages(0..41, "a"), Some(&Fake::default())).unwrap();
    for name in ["passages.jsonl", "vectors.faiss"] {
        let ours = fs::read(directory.path().join(name)).unwrap();
        fs::copy(other.path().join(name), directory.path().join(name)).unwrap();
        let error = Store::open(directory.path()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        fs::write(directory.path().join(name), ours).unwrap();
    }
    Store::open(directory.path()).unwrap();
}

#[test]
fn a_damaged_log_costs_its_vectors_and_nothing_else() {
    let [torn, straight] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let given = || passages(0..1200, "a");
    build(straight.path(), given(), Some(&Fake::default())).unwrap();
    let log = torn.path().join("building/vectors.log");
    for damage in 0..4 {
        let mut writer = StoreWriter::open(torn.path()).unwrap();
        let stop = &mut |progress: &IndexProgress| match progress.done_passages {
            0..100 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        };
        writer.build(contents(given()), Some(&Fake::default()), stop).unwrap_err();
        drop(writer);
        let mut bytes = fs::read(&log).unwrap();
        match damage {
            0 => bytes.truncate(bytes.len() - 5),
            1 => bytes[15_000] ^= 1,
            2 => bytes[9] ^= 1,
            _ => bytes.extend([0; 1000]),
        }
        fs::write(&log, bytes).unwrap();
    }
    let report = build(torn.path(), given(), Some(&Fake::default())).unwrap();
    assert!(report.resumed >= 100 && report.resumed + report.embedded == 1200, "{report:?}");
    assert_eq!(files(torn.path()), files(straight.path()));
}
