use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use infer_code_cad_checkpoint::Checkpoint;
use infer_code_cad_hub::{HubError, ModelSource};

use crate::server::{COMMIT, Site, etag, fixture, megabyte};
use crate::{Setup, names};

#[test]
fn a_single_file_model_is_fetched_into_the_standard_layout() {
    let setup = Setup::new(Site { files: fixture("llama"), ..Site::default() });
    let path = setup.fetch("org/name").unwrap();
    assert_eq!(path, setup.snapshot());
    let fetched = ["config.json", "generation_config.json", "model.safetensors"];
    assert_eq!(names(&path), fetched);
    assert_eq!(fs::read_to_string(setup.folder().join("refs/main")).unwrap(), COMMIT);
    let mut blobs: Vec<_> =
        fetched.iter().map(|file| etag(file, &setup.server.site().files[*file])).collect();
    blobs.sort();
    assert_eq!(names(&setup.folder().join("blobs")), blobs);
    #[cfg(unix)]
    for file in fetched {
        let target = fs::read_link(path.join(file)).unwrap();
        let blob = etag(file, &setup.server.site().files[file]);
        assert_eq!(target, Path::new("../../blobs").join(blob));
        assert_eq!(fs::read(path.join(file)).unwrap(), setup.server.site().files[file]);
    }
    Checkpoint::open(&path).unwrap().check_finite().unwrap();
}

#[test]
fn a_sharded_model_is_fetched_with_every_shard() {
    let setup = Setup::new(Site { files: fixture("llama-sharded"), ..Site::default() });
    let path = setup.fetch("org/name").unwrap();
    assert_eq!(
        names(&path),
        [
            "config.json",
            "generation_config.json",
            "model-00001-of-00003.safetensors",
            "model-00002-of-00003.safetensors",
            "model-00003-of-00003.safetensors",
            "model.safetensors.index.json",
        ]
    );
    Checkpoint::open(&path).unwrap().check_finite().unwrap();
}

#[test]
fn the_modules_of_an_encoder_are_fetched_with_their_folders() {
    let mut files = megabyte();
    let more = [
        "modules.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "tokenizer.json",
    ];
    for name in more {
        files.insert(name.into(), format!("{{\"{name}\": 1}}").into_bytes());
    }
    files.insert("onnx/model.onnx".into(), b"not needed".to_vec());
    let setup = Setup::new(Site { files, ..Site::default() });
    let path = setup.fetch("org/name").unwrap();
    // The server knows files by their last name: within a folder it gives the one outside.
    for name in more.into_iter().filter(|name| !name.contains('/')).chain(["model.safetensors"]) {
        assert_eq!(fs::read(path.join(name)).unwrap(), setup.server.site().files[name], "{name}");
    }
    assert_eq!(names(&path.join("1_Pooling")), ["config.json"]);
    assert!(!path.join("onnx").exists());
    #[cfg(unix)]
    {
        let target = fs::read_link(path.join("1_Pooling/config.json")).unwrap();
        assert!(target.starts_with("../../../blobs"), "{}", target.display());
    }
    setup.requests();
    assert_eq!(setup.fetch("org/name").unwrap(), path);
    assert_eq!(setup.requests(), [""; 0], "what is absent was noted");
}

#[test]
fn what_is_in_the_cache_costs_no_request_and_a_download_only_asks() {
    let setup = Setup::new(Site { files: megabyte(), ..Site::default() });
    let path = setup.fetch("org/name").unwrap();
    setup.requests();
    assert_eq!(setup.fetch("org/name").unwrap(), path);
    assert_eq!(setup.fetch(&format!("org/name@{COMMIT}")).unwrap(), path);
    assert_eq!(setup.requests(), [""; 0]);
    assert_eq!(setup.download().unwrap(), path);
    // The small file is announced behind a redirect on the same host.
    let asked = ["GET main", "HEAD config.json", "HEAD config.json", "HEAD model.safetensors"];
    assert_eq!(setup.requests(), asked);
}

#[test]
fn a_snapshot_without_what_only_changes_results_is_completed() {
    let mut files = megabyte();
    files.insert("generation_config.json".into(), b"{}".to_vec());
    let setup = Setup::new(Site { files, ..Site::default() });
    let path = setup.fetch("org/name").unwrap();
    fs::remove_file(path.join("generation_config.json")).unwrap();
    setup.requests();
    assert_eq!(setup.fetch("org/name").unwrap(), path);
    assert_eq!(fs::read(path.join("generation_config.json")).unwrap(), b"{}");
    assert!(!setup.requests().is_empty());
    assert_eq!(setup.fetch("org/name").unwrap(), path);
    assert_eq!(setup.requests(), [""; 0]);
}

#[test]
fn a_commit_leaves_no_reference_and_a_branch_does() {
    let setup = Setup::new(Site { files: megabyte(), ..Site::default() });
    setup.fetch(&format!("org/name@{COMMIT}")).unwrap();
    assert!(!setup.folder().join("refs").exists());
    setup.fetch("org/name@feature/one").unwrap();
    assert_eq!(fs::read_to_string(setup.folder().join("refs/feature/one")).unwrap(), COMMIT);
    setup.requests();
    setup.fetch("org/name@feature/one").unwrap();
    assert_eq!(setup.requests(), [""; 0]);
}

#[test]
fn offline_uses_the_cache_and_nothing_else() {
    let mut setup = Setup::new(Site { files: megabyte(), ..Site::default() });
    setup.config.offline = true;
    let error = setup.failure();
    assert!(matches!(error, HubError::NotCached { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains("HF_HUB_OFFLINE"), "{message}");
    assert!(message.contains("hf download org/name"), "{message}");
    assert!(matches!(setup.download(), Err(HubError::NotCached { .. })));
    assert_eq!(setup.requests(), [""; 0]);
    setup.config.offline = false;
    let path = setup.fetch("org/name").unwrap();
    setup.requests();
    setup.config.offline = true;
    assert_eq!(setup.fetch("org/name").unwrap(), path);
    assert_eq!(setup.download().unwrap(), path);
    assert_eq!(setup.requests(), [""; 0]);
    fs::remove_file(path.join("model.safetensors")).unwrap();
    let error = setup.fetch("org/name").unwrap_err();
    assert!(matches!(error, HubError::IncompleteSnapshot { .. }), "{error:?}");
}

#[test]
fn progress_reaches_the_total_file_by_file() {
    let setup = Setup::new(Site { files: fixture("llama-sharded"), ..Site::default() });
    let source: ModelSource = "org/name".parse().unwrap();
    let mut seen = vec![];
    let mut last = (0, 0);
    source
        .fetch(&setup.config, &mut |progress| {
            assert!(progress.file_bytes <= progress.file_size && progress.bytes <= progress.total);
            seen.push(progress.file.to_owned());
            last = (progress.bytes, progress.total);
            ControlFlow::Continue(())
        })
        .unwrap();
    let sizes = names(&setup.snapshot());
    let size = |name: &String| setup.server.site().files[name].len() as u64;
    let total: u64 = sizes.iter().map(size).sum();
    assert_eq!(last, (total, total));
    seen.sort();
    seen.dedup();
    assert_eq!(seen, sizes);
}

#[test]
fn a_token_opens_a_gated_repository_and_stays_with_the_hub() {
    let token = Some("hf_secret".to_owned());
    let site = Site { files: megabyte(), token: token.clone(), ..Site::default() };
    let mut setup = Setup::new(site);
    setup.config.token = token;
    setup.fetch("org/name").unwrap();
    let (stored, asked): (Vec<_>, Vec<_>) = setup
        .server
        .requests()
        .into_iter()
        .partition(|request| request.path.starts_with("/storage"));
    assert!(stored.len() == 1 && stored[0].authorization.is_none(), "{stored:?}");
    let resolved = asked.iter().filter(|request| request.path.contains("/resolve/"));
    for request in resolved {
        assert_eq!(request.authorization.as_deref(), Some("Bearer hf_secret"));
    }
}
