//! Looking repositories up in the cache that Hugging Face's libraries share; no feature, no network.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::PathBuf;

use infer_code_cad_hub::HubConfig;
use infer_code_cad_hub::{HubError, ModelSource};
use tempfile::TempDir;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const INDEX: &str = r#"{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#;

struct Cache(TempDir);

impl Cache {
    /// A snapshot with these files, and a branch that points to it.
    fn new(branch: &str, files: &[(&str, &str)]) -> Self {
        let cache = Self(tempfile::tempdir().unwrap());
        let reference = cache.folder().join("refs").join(branch);
        fs::create_dir_all(reference.parent().unwrap()).unwrap();
        fs::write(reference, COMMIT).unwrap();
        fs::create_dir_all(cache.snapshot()).unwrap();
        for (name, text) in files {
            fs::write(cache.snapshot().join(name), text).unwrap();
        }
        cache
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("models--org--name")
    }

    fn snapshot(&self) -> PathBuf {
        self.folder().join("snapshots").join(COMMIT)
    }

    fn locate(&self, spec: &str) -> Result<PathBuf, HubError> {
        let source: ModelSource = spec.parse().unwrap();
        source.locate(&HubConfig::new(self.0.path()))
    }

    fn missing(&self) -> String {
        match self.locate("org/name") {
            Err(HubError::IncompleteSnapshot { missing, .. }) => missing,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn branches_and_commits_lead_to_the_snapshot() {
    let files = [("config.json", "{}"), ("model.safetensors", "")];
    let cache = Cache::new("main", &files);
    assert_eq!(cache.locate("org/name").unwrap(), cache.snapshot());
    assert_eq!(cache.locate("org/name@main").unwrap(), cache.snapshot());
    assert_eq!(cache.locate(&format!("org/name@{COMMIT}")).unwrap(), cache.snapshot());
    let cache = Cache::new("refs/pr/7", &files);
    assert_eq!(cache.locate("org/name@refs/pr/7").unwrap(), cache.snapshot());
}

#[test]
fn what_is_not_there_names_repository_cache_and_remedy() {
    let cache = Cache::new("main", &[("config.json", "{}"), ("model.safetensors", "")]);
    let other_commit = "f".repeat(40);
    for spec in ["org/other", "org/name@v2", "org/name@0123456", "org/name@main/deeper"] {
        let error = cache.locate(spec).unwrap_err();
        assert!(matches!(error, HubError::NotCached { .. }), "{error:?}");
    }
    let message = cache.locate(&format!("org/name@{other_commit}")).unwrap_err().to_string();
    assert!(message.contains(cache.0.path().to_str().unwrap()), "{message}");
    let command = format!("hf download org/name --revision {other_commit}");
    assert!(message.contains(&command), "{message}");
    assert_eq!(
        message.contains("enable the feature hub"),
        !cfg!(feature = "download"),
        "{message}"
    );
}

#[test]
fn an_incomplete_snapshot_names_what_is_missing() {
    let nothing = Cache::new("main", &[]);
    assert_eq!(nothing.missing(), "config.json, model.safetensors or model.safetensors.index.json");
    assert_eq!(Cache::new("main", &[("model.safetensors", "")]).missing(), "config.json");
    let sharded = [("config.json", "{}"), ("model.safetensors.index.json", INDEX)];
    let cache = Cache::new("main", &sharded);
    assert_eq!(cache.missing(), "one.safetensors, two.safetensors");
    fs::write(cache.snapshot().join("two.safetensors"), "").unwrap();
    assert_eq!(cache.missing(), "one.safetensors");
    // A link to a blob that was deleted is no file.
    #[cfg(unix)]
    std::os::unix::fs::symlink("../../blobs/gone", cache.snapshot().join("one.safetensors"))
        .unwrap();
    assert_eq!(cache.missing(), "one.safetensors");
}

#[test]
fn a_repository_of_gguf_files_names_them_and_how_to_pass_one() {
    let cache = Cache::new("main", &[("b-Q8_0.gguf", ""), ("README.md", "")]);
    let folder = cache.snapshot().join("BF16");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a-00001-of-00002.gguf"), "").unwrap();
    let named = || match cache.locate("org/name") {
        Err(error @ HubError::GgufOnly { .. }) => error,
        other => panic!("{other:?}"),
    };
    let path = folder.join("a-00001-of-00002.gguf").display().to_string();
    let message = named().to_string();
    assert!(message.contains("has the GGUF files BF16/a-00001-of-00002.gguf, b-Q8_0.gguf; "));
    assert!(message.ends_with(&format!("give the path of one, such as {path}")), "{message}");
    // A configuration is no weights.
    fs::write(cache.snapshot().join("config.json"), "{}").unwrap();
    named();
    // Safetensors that are not whole are what is missing.
    fs::write(cache.snapshot().join("model.safetensors.index.json"), INDEX).unwrap();
    assert_eq!(cache.missing(), "one.safetensors, two.safetensors");
}

#[test]
fn an_index_that_is_a_git_lfs_pointer_is_called_one() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    let files = [("config.json", "{}"), ("model.safetensors.index.json", pointer)];
    let error = Cache::new("main", &files).locate("org/name").unwrap_err();
    assert!(error.to_string().contains("is a Git LFS pointer"), "{error}");
}

#[test]
fn a_reference_cannot_lead_out_of_the_cache() {
    let cache = Cache::new("main", &[("config.json", "{}"), ("model.safetensors", "")]);
    for content in ["../../..", "/", "", "main", "..", "0123456789"] {
        fs::write(cache.folder().join("refs/main"), content).unwrap();
        let error = cache.locate("org/name").unwrap_err();
        assert!(matches!(error, HubError::NotCached { .. }), "{content:?}: {error:?}");
    }
    fs::write(cache.folder().join("refs/main"), [0xff, 0xfe]).unwrap();
    assert!(matches!(cache.locate("org/name"), Err(HubError::Io { .. })));
}

#[test]
fn a_damaged_index_is_an_error_of_its_own() {
    for (index, expected) in [("{", "Json"), (r#"{"weight_map": {"a": "../x"}}"#, "ShardName")] {
        let files = [("config.json", "{}"), ("model.safetensors.index.json", index)];
        let error = Cache::new("main", &files).locate("org/name").unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
    }
}

#[test]
fn a_path_needs_no_cache() {
    let cache = Cache::new("main", &[]);
    let path = cache.snapshot();
    assert_eq!(cache.locate(path.to_str().unwrap()).unwrap(), path);
}
