use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use infer_code_cad_hub::{HubError, ProblemSource};

use crate::Setup;
use crate::server::{COMMIT, Site};

/// What a data set with two configurations has.
fn files() -> BTreeMap<String, Vec<u8>> {
    let names = [
        "README.md",
        "full/prompt-00000-of-00001.parquet",
        "full/test-00000-of-00002.parquet",
        "full/test-00001-of-00002.parquet",
        "sanitized/test-00000-of-00001-0123abcd.parquet",
        "full/testing-00000-of-00001.parquet",
    ];
    names.map(|name| (name.to_owned(), format!("the bytes of {name}").into_bytes())).into()
}

impl Setup {
    fn split(&self, spec: &str, split: &str) -> Result<Vec<PathBuf>, HubError> {
        let source: ProblemSource = spec.parse()?;
        source.fetch(split, &self.config, &mut |_| ControlFlow::Continue(()))
    }
}

fn setup() -> Setup {
    Setup::new(Site { files: files(), ..Site::default() })
}

#[test]
fn the_files_of_a_split_are_fetched_once_and_no_others() {
    let setup = setup();
    let paths = setup.split("org/name/full", "test").unwrap();
    let folder = setup.cache.path().join("datasets--org--name/snapshots").join(COMMIT).join("full");
    let expected = [0, 1].map(|part| folder.join(format!("test-0000{part}-of-00002.parquet")));
    assert_eq!(paths, expected);
    for path in &paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), format!("the bytes of full/{name}"));
    }
    let requests = setup.server.requests();
    assert!(requests.iter().all(|request| !request.path.contains("prompt")));
    for request in requests {
        let of_data_sets =
            ["/api/datasets/org/name/", "/datasets/org/name/resolve/", "/storage/full/"];
        assert!(of_data_sets.iter().any(|start| request.path.starts_with(start)), "{request:?}");
    }
    assert_eq!(setup.split("org/name/full@main", "test").unwrap(), expected);
    assert_eq!(setup.requests(), [""; 0]);
    // Another split of what is in the cache is asked for.
    assert_eq!(setup.split("org/name/full", "prompt").unwrap().len(), 1);
    assert_eq!(setup.split("org/name/sanitized", "test").unwrap().len(), 1);
}

#[test]
fn a_part_that_the_cache_lacks_is_fetched() {
    let setup = setup();
    let paths = setup.split("org/name/full", "test").unwrap();
    fs::remove_file(&paths[0]).unwrap();
    setup.requests();
    assert_eq!(setup.split("org/name/full", "test").unwrap(), paths);
    assert!(!setup.requests().is_empty() && paths[0].exists());
}

#[test]
fn several_configurations_and_none_are_told_apart() {
    let setup = setup();
    let error = setup.split("org/name", "test").unwrap_err();
    let HubError::DatasetConfigurations { configurations, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(configurations, &["full", "sanitized"]);
    assert!(error.to_string().contains("org/name/configuration"), "{error}");
    for (spec, split) in [("org/name/full", "train"), ("org/name/none", "test")] {
        let error = setup.split(spec, split).unwrap_err();
        assert!(error.to_string().contains("no parquet files"), "{error}");
        assert!(error.to_string().contains("/datasets/org/name"), "{error}");
    }
    assert_eq!(setup.split("org/name", "prompt").unwrap().len(), 1);
    // What the cache has by now does not decide which one is meant.
    setup.split("org/name/sanitized", "test").unwrap();
    assert!(matches!(setup.split("org/name", "test"), Err(HubError::DatasetConfigurations { .. })));
}

#[test]
fn a_split_with_too_few_or_too_many_files_is_refused() {
    for (other, found) in
        [("full/test-00000-of-00003.parquet", 1), ("full/test-00000-of-00001-ab.parquet", 2)]
    {
        let mut files = BTreeMap::from([(other.to_owned(), b"x".to_vec())]);
        if found == 2 {
            files.insert("full/test-00000-of-00001.parquet".into(), b"x".to_vec());
        }
        files.insert("full/test-hard-00000-of-00001.parquet".into(), b"x".to_vec());
        let error = Setup::new(Site { files, ..Site::default() }).split("org/name", "test");
        let told = matches!(error, Err(HubError::DatasetParts { found: n, .. }) if n == found);
        assert!(told, "{error:?}");
    }
}

#[test]
fn offline_the_cache_is_all_there_is() {
    let mut setup = setup();
    setup.split("org/name/full", "test").unwrap();
    setup.config.offline = true;
    assert_eq!(setup.split("org/name/full", "test").unwrap().len(), 2);
    let error = setup.split("org/name/full", "prompt").unwrap_err();
    assert!(matches!(error, HubError::NotCached { .. }), "{error:?}");
    assert!(error.to_string().contains("hf download org/name --repo-type dataset"), "{error}");
}

#[test]
fn a_data_set_cannot_lead_out_of_the_cache() {
    let mut files = files();
    files.insert("../../up/train-00000-of-00001.parquet".into(), b"out".to_vec());
    let setup = Setup::new(Site { files, ..Site::default() });
    setup.split("org/name", "train").unwrap_err();
    for spec in
        ["org/name/..", "org/name/a/b", "org/name/", "org/..", "./no.jsonl", "no.jsonl.gz", "none"]
    {
        let error = setup.split(spec, "test").unwrap_err();
        assert!(matches!(error, HubError::DatasetSpec { .. }), "{spec}: {error:?}");
    }
}
