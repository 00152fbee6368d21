use std::fs;
use std::ops::ControlFlow;
use std::time::Duration;

use infer_code_cad_hub::download;
use infer_code_cad_hub::{HubError, ModelSource};

use crate::server::{Site, etag, megabyte};
use crate::{Setup, repo};

const WEIGHTS: &str = "model.safetensors";

fn setup(site: Site) -> Setup {
    Setup::new(Site { files: megabyte(), ..site })
}

impl Setup {
    fn weights(&self) -> Vec<u8> {
        self.server.site().files[WEIGHTS].clone()
    }

    /// Where the weights grow.
    fn part(&self) -> std::path::PathBuf {
        let name = format!("{}.incomplete", etag(WEIGHTS, &self.weights()));
        self.folder().join("blobs").join(name)
    }

    fn plant(&self, bytes: &[u8]) {
        fs::create_dir_all(self.part().parent().unwrap()).unwrap();
        fs::write(self.part(), bytes).unwrap();
    }

    /// Fetches, checks the weights, and gives the requests for their bytes.
    fn fetched(&self) -> Vec<String> {
        let path = self.fetch("org/name").unwrap();
        assert!(fs::read(path.join(WEIGHTS)).unwrap() == self.weights());
        assert!(!self.part().exists());
        let is_bytes = |request: &String| request.starts_with("GET model.safetensors");
        let mut requests: Vec<_> = self.requests().into_iter().filter(is_bytes).collect();
        // The redirect and the storage behind it are asked alike.
        requests.dedup();
        requests
    }
}

#[test]
fn a_cut_body_is_resumed_at_once() {
    let setup = setup(Site { cuts: vec![300_000, 700_001], ..Site::default() });
    let asked = ["", " from 300000", " from 700001"].map(|range| format!("GET {WEIGHTS}{range}"));
    assert_eq!(setup.fetched(), asked);
}

#[test]
fn a_body_cut_again_and_again_at_one_place_is_an_error_that_keeps_the_part() {
    let setup = setup(Site { cuts: vec![300_000, 300_000], ..Site::default() });
    match setup.failure() {
        HubError::DownloadTruncated { file, expected, actual, .. } => {
            assert_eq!((file.as_str(), expected, actual), (WEIGHTS, 1 << 20, 300_000));
        }
        other => panic!("{other:?}"),
    }
    assert!(fs::read(setup.part()).unwrap() == setup.weights()[..300_000]);
    setup.requests();
    assert_eq!(setup.fetched(), [format!("GET {WEIGHTS} from 300000")]);
}

#[test]
fn an_interrupted_download_is_resumed_by_the_next() {
    let setup = setup(Site::default());
    let source: ModelSource = "org/name".parse().unwrap();
    let interrupted = source.fetch(&setup.config, &mut |progress| match progress.file == WEIGHTS
        && progress.file_bytes > 400_000
    {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    });
    let error = interrupted.unwrap_err();
    assert!(matches!(error, HubError::DownloadInterrupted { .. }), "{error:?}");
    assert!(source.locate(&setup.config).is_err());
    let there = fs::metadata(setup.part()).unwrap().len();
    assert!((400_000..1 << 20).contains(&there));
    setup.requests();
    assert_eq!(setup.fetched(), [format!("GET {WEIGHTS} from {there}")]);
}

#[test]
fn what_a_killed_process_left_is_resumed() {
    let setup = setup(Site::default());
    setup.plant(&setup.weights()[..123_456]);
    assert_eq!(setup.fetched(), [format!("GET {WEIGHTS} from 123456")]);
}

#[test]
fn a_part_that_only_lacked_its_name_is_verified_without_a_request() {
    let setup = setup(Site::default());
    setup.plant(&setup.weights());
    assert_eq!(setup.fetched(), [""; 0]);
}

#[test]
fn a_part_longer_than_the_file_is_begun_anew() {
    let setup = setup(Site::default());
    setup.plant(&vec![7; (1 << 20) + 1]);
    assert_eq!(setup.fetched(), [format!("GET {WEIGHTS}")]);
}

#[test]
fn a_server_without_ranges_sends_it_all_again() {
    let setup = setup(Site { ignores_range: true, ..Site::default() });
    setup.plant(&setup.weights()[..123_456]);
    assert_eq!(setup.fetched(), [format!("GET {WEIGHTS} from 123456")]);
}

#[test]
fn a_part_with_other_bytes_is_thrown_away_and_fetched_anew() {
    let setup = setup(Site::default());
    setup.plant(&[7; 1000]);
    let error = setup.failure();
    assert!(matches!(error, HubError::DownloadChecksum { .. }), "{error:?}");
    assert!(!setup.part().exists());
    setup.requests();
    assert_eq!(setup.fetched(), [format!("GET {WEIGHTS}")]);
}

#[test]
fn a_silent_server_is_given_up_and_asked_again() {
    let mut setup = setup(Site { stall: Some(Duration::from_secs(3)), ..Site::default() });
    setup.config.timeout = Duration::from_millis(500);
    let requests = setup.fetched();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert!(requests[1].contains(" from "), "{requests:?}");
}

#[test]
fn two_downloads_of_one_file_wait_for_each_other() {
    let setup = setup(Site::default());
    std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| setup.download().unwrap()));
        for thread in both {
            assert_eq!(thread.join().unwrap(), setup.snapshot());
        }
    });
    let bytes = |request: &&String| request.starts_with("GET model.safetensors");
    // Once from the hub, once from its storage.
    assert_eq!(setup.requests().iter().filter(bytes).count(), 2);
}

#[test]
fn waiting_for_another_process_can_be_interrupted() {
    let setup = setup(Site::default());
    let locks = setup.cache.path().join(".locks/models--org--name");
    fs::create_dir_all(&locks).unwrap();
    let lock = locks.join(format!("{}.lock", etag(WEIGHTS, &setup.weights())));
    let held = fs::File::create(lock).unwrap();
    held.lock().unwrap();
    let mut waited = 0;
    let error = download(&repo("org/name"), &setup.config, &mut |progress| {
        waited += usize::from(progress.file == WEIGHTS);
        if waited > 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(error, Err(HubError::DownloadInterrupted { .. })), "{error:?}");
    drop(held);
    setup.fetched();
}
