//! A build that is killed without a warning, again and again, comes to the files of an undisturbed one.

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use infer_code_cad_retrieval::{Store, StoreError};

use super::*;

const DIRECTORY: &str = "INFER_CODE_CAD_KILL";
const PASSAGES: usize = 1200;

/// Texts embedded by the process, a line each call, so that work done twice is seen.
#[derive(Debug)]
struct Noted(Fake, std::path::PathBuf);

impl Embedder for Noted {
    fn dimension(&self) -> usize {
        DIMENSION
    }

    fn embed(&self, texts: &[&str], role: TextRole) -> Result<Embeddings, EmbedError> {
        use std::io::Write as _;
        let mut notes = fs::File::options().append(true).create(true).open(&self.1).unwrap();
        writeln!(notes, "{}", texts.len()).unwrap();
        self.0.embed(texts, role)
    }

    fn token_count(&self, text: &str) -> usize {
        self.0.token_count(text)
    }

    fn max_tokens(&self) -> Option<usize> {
        self.0.max_tokens()
    }

    fn settings(&self) -> Settings {
        self.0.settings()
    }
}

fn notes(directory: &Path) -> std::path::PathBuf {
    directory.with_extension("notes")
}

fn embedded(directory: &Path) -> Vec<usize> {
    let notes = fs::read_to_string(notes(directory)).unwrap_or_default();
    notes.lines().filter_map(|line| line.parse().ok()).collect()
}

/// The process that is killed; not a test.
#[test]
#[ignore = "runs in the process that the test below starts and kills"]
fn victim() {
    let directory = std::path::PathBuf::from(std::env::var_os(DIRECTORY).unwrap());
    let embedder = Noted(Fake::default(), notes(&directory));
    build(&directory, passages(0..PASSAGES, "a"), Some(&embedder)).unwrap();
}

fn victim_on(directory: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "kill::victim", "--quiet"]).env(DIRECTORY, directory);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Lets a build run for a while, and kills it; `false` when it was done before.
fn kill_after(directory: &Path, wait: Duration) -> bool {
    let mut victim = victim_on(directory);
    sleep(wait);
    match victim.try_wait().unwrap() {
        Some(status) => {
            assert!(status.success(), "{status}");
            false
        }
        None => {
            victim.kill().unwrap(); // SIGKILL
            victim.wait().unwrap();
            true
        }
    }
}

/// Bytes in the files that are being written: how far a build is.
fn written(directory: &Path) -> u64 {
    let building = fs::read_dir(directory.join("building"));
    let files = building.into_iter().flatten().filter_map(Result::ok);
    files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// Kills a build once it has written so many bytes more; `false` when it was done before.
fn kill_at(directory: &Path, bytes: u64) -> bool {
    let mut victim = victim_on(directory);
    loop {
        if let Some(status) = victim.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return false;
        }
        if written(directory) >= bytes {
            victim.kill().unwrap(); // SIGKILL
            victim.wait().unwrap();
            return true;
        }
        sleep(Duration::from_micros(100));
    }
}

#[test]
fn twenty_kills_at_random_points_change_no_byte_and_cost_a_batch_each() {
    let root = tempfile::tempdir().unwrap();
    let straight = root.path().join("straight");
    build(&straight, passages(0..PASSAGES, "a"), Some(&Fake::default())).unwrap();
    let expected = files(&straight);
    let batch = {
        let embedder = Fake::default();
        build(&root.path().join("batches"), passages(0..PASSAGES, "a"), Some(&embedder)).unwrap();
        *embedder.calls.into_inner().unwrap().iter().max().unwrap()
    };
    // Log and new files are a little more than twice the log.
    let whole = (PASSAGES * (DIMENSION * 4 + 40)) as u64 * 2;
    let (mut kills, mut run, mut state) = (0, 0, 0x9e37_79b9_7f4a_7c15_u64);
    while kills < 20 {
        let directory = root.path().join(format!("run{run}"));
        // Knuth's generator: up to a quarter further, so several kills hit one run.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut here = 0;
        while kill_at(&directory, written(&directory) + (state >> 33) % (whole / 4)) {
            (kills, here) = (kills + 1, here + 1);
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        assert_eq!(files(&directory), expected, "after {kills} kills");
        let work: usize = embedded(&directory).iter().sum();
        assert!(
            work <= PASSAGES + here * batch,
            "{work} texts embedded, {here} kills, {batch} a batch"
        );
        run += 1;
    }
}

/// Whatever moment a rebuild is killed at, the index opens, as the old one or as the new one.
#[test]
fn a_rebuild_that_is_killed_leaves_an_index() {
    let root = tempfile::tempdir().unwrap();
    let [old, new, directory] = ["old", "new", "here"].map(|name| root.path().join(name));
    build(&old, passages(0..PASSAGES, "old"), Some(&Fake::default())).unwrap();
    build(&new, passages(0..PASSAGES, "a"), Some(&Fake::default())).unwrap();
    build(&directory, passages(0..PASSAGES, "old"), Some(&Fake::default())).unwrap();
    let [old, new] = [old, new].map(|path| Store::open(&path).unwrap().manifest().clone());
    let mut wait = Duration::from_millis(1);
    while kill_after(&directory, wait) {
        let manifest = Store::open(&directory).unwrap().manifest().clone();
        assert!(manifest == old || manifest == new);
        wait = wait * 5 / 4;
    }
    assert_eq!(*Store::open(&directory).unwrap().manifest(), new);
}

/// Every state that a kill within a commit can leave behind: readers see the new index, and a writer ends the commit.
#[test]
fn a_commit_that_ended_between_two_renames_is_ended() {
    let root = tempfile::tempdir().unwrap();
    let [new, directory] = ["new", "here"].map(|name| root.path().join(name));
    build(&new, passages(0..50, "a"), Some(&Fake::default())).unwrap();
    let expected = files(&new);
    for moved in 0..=3 {
        build(&directory, passages(0..70, "old"), Some(&Fake::default())).unwrap();
        fs::create_dir(directory.join("building")).unwrap();
        let names = ["passages.jsonl", "vectors.faiss", "manifest.json"];
        for (number, name) in names.into_iter().enumerate() {
            let place = if number < moved { "" } else { "building" };
            fs::write(directory.join(place).join(name), &expected[name]).unwrap();
        }
        let seen = Store::open(&directory).unwrap();
        assert_eq!(seen.passages().len(), if moved == 0 { 70 } else { 50 });
        drop(infer_code_cad_retrieval::StoreWriter::open(&directory).unwrap());
        assert_eq!(files(&directory), expected, "{moved} files moved");
        assert_eq!(Store::open(&directory).unwrap().passages().len(), 50);
    }
}

/// A decision that is damaged is taken back where the old index is whole.
#[test]
fn a_damaged_decision_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    build(directory.path(), passages(0..20, "a"), None).unwrap();
    fs::create_dir(directory.path().join("building")).unwrap();
    fs::write(directory.path().join("building/manifest.json"), "{\"format\": 1}").unwrap();
    assert_eq!(Store::open(directory.path()).unwrap().passages().len(), 20);
    build(directory.path(), passages(0..30, "a"), None).unwrap();
    assert_eq!(Store::open(directory.path()).unwrap().passages().len(), 30);
    let none = Store::open(&directory.path().join("building"));
    assert!(matches!(none, Err(StoreError::NoStore { .. })));
}
