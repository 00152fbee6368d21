use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use infer_code_cad_hub::HubError;

use crate::Setup;
use crate::server::{COMMIT, Site, etag, fixture, megabyte};

fn setup(site: Site) -> Setup {
    Setup::new(Site { files: megabyte(), ..site })
}

fn protocol_reason(site: Site) -> String {
    match setup(site).failure() {
        HubError::HubProtocol { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_gated_repository_says_what_to_accept_and_set() {
    let setup = setup(Site { token: Some("hf_right".into()), ..Site::default() });
    let error = setup.failure();
    assert!(matches!(error, HubError::HubAccess { status: 401, .. }), "{error:?}");
    let message = error.to_string();
    let page = format!("{}/org/name ", setup.server.endpoint());
    assert!(message.starts_with(&page), "{message}");
    for part in ["accept its licence", "HF_TOKEN", "Access to model org/name is restricted."] {
        assert!(message.contains(part), "{message}");
    }
    setup.server.site().status = Some(("/org/name/resolve", "403 Forbidden"));
    let error = setup.failure();
    assert!(matches!(error, HubError::HubAccess { status: 403, .. }), "{error:?}");
}

#[test]
fn absent_repositories_revisions_and_files_are_told_apart() {
    let what = |setup: &Setup, spec: &str| match setup.fetch(spec).unwrap_err() {
        HubError::HubNotFound { what, .. } => what,
        other => panic!("{other:?}"),
    };
    let site = Site { withheld: vec!["model.safetensors".into()], ..Site::default() };
    let setup = setup(site);
    assert_eq!(what(&setup, "org/other"), "repository and its revision");
    assert_eq!(what(&setup, "org/name@v9"), "repository and its revision");
    assert_eq!(what(&setup, "org/name"), "file");
}

#[test]
fn a_repository_of_gguf_files_names_them_and_how_to_get_one() {
    let names = ["b.gguf", "Q8/a.gguf", "config.json"];
    let files = names.map(|name| (name.to_owned(), vec![1]));
    let setup = Setup::new(Site { files: BTreeMap::from(files), ..Site::default() });
    let message = setup.failure().to_string();
    assert!(message.contains("/org/name has no safetensors"), "{message}");
    assert!(message.contains("the GGUF files Q8/a.gguf, b.gguf; "), "{message}");
    assert!(message.contains("`hf download org/name Q8/a.gguf --revision main`"), "{message}");
    // Of a model in parts all are needed, and the first is given.
    let parts = ["Q8/a-00001-of-00002.gguf", "Q8/a-00002-of-00002.gguf"];
    let files = parts.map(|name| (name.to_owned(), vec![1]));
    let split = Setup::new(Site { files: BTreeMap::from(files), ..Site::default() });
    let text = split.failure().to_string();
    let command = "`hf download org/name --include 'Q8/a-*-of-00002.gguf' --revision main`";
    assert!(text.contains(command), "{text}");
    assert!(text.contains("the path of the first part, Q8/a-00001-of-00002.gguf, in"), "{text}");
    // One that is in the cache is named with its path there.
    fs::create_dir_all(setup.snapshot()).unwrap();
    fs::create_dir_all(setup.folder().join("refs")).unwrap();
    fs::write(setup.folder().join("refs/main"), COMMIT).unwrap();
    let path = setup.snapshot().join("b.gguf");
    fs::write(&path, [1]).unwrap();
    let message = setup.failure().to_string();
    assert!(message.ends_with(&format!("such as {}", path.display())), "{message}");
}

#[test]
fn a_repository_without_safetensors_is_refused_before_anything_is_fetched() {
    for (file, lacks) in
        [("pytorch_model.bin", "config.json"), ("config.json", "model.safetensors")]
    {
        let files = BTreeMap::from([(file.to_owned(), vec![1])]);
        let setup = Setup::new(Site { files, ..Site::default() });
        match setup.failure() {
            HubError::MissingFile { file, .. } => assert!(file.starts_with(lacks), "{file}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(setup.requests(), ["GET main"]);
    }
}

#[test]
fn other_statuses_are_reported_with_their_number() {
    let setup = setup(Site::default());
    for (head, expected) in [("429 Too Many Requests", 429), ("500 Internal Server Error", 500)] {
        setup.server.site().status = Some(("/api/models", head));
        match setup.failure() {
            HubError::HubStatus { status, .. } => assert_eq!(status, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_wrong_checksum_is_reported_and_leaves_nothing() {
    let wrong = "0".repeat(64);
    let setup = setup(Site { etag: Some(wrong.clone()), ..Site::default() });
    match setup.failure() {
        HubError::DownloadChecksum { file, expected, actual, .. } => {
            let right = etag(&file, &setup.server.site().files[&file]);
            assert_eq!((expected, actual), (wrong, right));
        }
        other => panic!("{other:?}"),
    }
    let blobs = crate::names(&setup.folder().join("blobs"));
    assert_eq!(blobs.len(), 1, "only config.json is there: {blobs:?}");
    // Once the announcement is right, the next download succeeds.
    setup.server.site().etag = None;
    setup.fetch("org/name").unwrap();
}

#[test]
fn a_wrong_size_is_noticed_either_way() {
    let shorter = Site { size: Some(1000), ..Site::default() };
    assert!(protocol_reason(shorter).contains("longer than announced"));
    let setup = setup(Site { size: Some(u64::MAX), ..Site::default() });
    // The server ends every body before the size it announced.
    match setup.failure() {
        HubError::DownloadTruncated { expected, actual, .. } => {
            assert_eq!((expected, actual), (u64::MAX, 1 << 20));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn answers_that_make_no_sense_are_refused() {
    let info = |text: &str| Site { info: Some(text.into()), ..Site::default() };
    assert!(protocol_reason(info("<html>a login page</html>")).contains("no description"));
    assert!(protocol_reason(info(r#"{"sha": "../../x", "siblings": []}"#)).contains("no commit"));
    let etag = |text: &str| Site { etag: Some(text.into()), ..Site::default() };
    for hostile in ["../../../escape", "", "a/b", ".", "a b"] {
        assert!(protocol_reason(etag(hostile)).contains("no ETag"), "{hostile}");
    }
    let circle = ("/org/name/resolve", "302 Found\r\nLocation: /org/name/resolve/again");
    let reason = protocol_reason(Site { status: Some(circle), ..Site::default() });
    assert!(reason.contains("without end"), "{reason}");
    let nowhere = Site { status: Some(("/org/name/resolve", "302 Found")), ..Site::default() };
    assert!(protocol_reason(nowhere).contains("redirects to None"));
}

#[test]
fn an_index_cannot_lead_out_of_the_snapshot() {
    let mut files = fixture("llama-sharded");
    let index = r#"{"weight_map": {"a": "../../../../escape.safetensors"}}"#;
    files.insert("model.safetensors.index.json".into(), index.into());
    let setup = Setup::new(Site { files, ..Site::default() });
    let error = setup.failure();
    assert!(matches!(error, HubError::ShardName { .. }), "{error:?}");
}

#[test]
fn an_endpoint_that_refuses_or_keeps_silent_is_named() {
    let mut setup = setup(Site::default());
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    setup.config.endpoint.clone_from(&endpoint);
    setup.config.timeout = Duration::from_millis(300);
    for listener in [Some(listener), None] {
        let began = Instant::now();
        match setup.failure() {
            error @ HubError::HubUnreachable { .. } => {
                let message = error.to_string();
                assert!(message.contains(&endpoint) && message.contains("HF_ENDPOINT"));
            }
            other => panic!("{other:?}"),
        }
        assert!(began.elapsed() < Duration::from_secs(5));
        drop(listener);
    }
    for nonsense in ["", "nonsense", "ftp://host", "http://a b"] {
        nonsense.clone_into(&mut setup.config.endpoint);
        let error = setup.failure();
        let typed = matches!(error, HubError::HubProtocol { .. } | HubError::HubUnreachable { .. });
        assert!(typed, "{error:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_named_and_leaves_only_what_can_be_resumed() {
    let setup = setup(Site::default());
    let blobs = setup.folder().join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    let name = etag("model.safetensors", &setup.server.site().files["model.safetensors"]);
    let part = blobs.join(format!("{name}.incomplete"));
    std::os::unix::fs::symlink("/dev/full", &part).unwrap();
    match setup.failure() {
        HubError::CacheWrite { path, source } => {
            assert_eq!(path, part);
            assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
        }
        other => panic!("{other:?}"),
    }
    assert!(!blobs.join(name).exists());
    assert!(!setup.folder().join("snapshots").join(COMMIT).join("model.safetensors").exists());
}
