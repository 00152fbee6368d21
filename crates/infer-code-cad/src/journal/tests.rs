use std::fs::{self, OpenOptions};
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use infer_code_cad_decode::Settings;
use infer_code_cad_engine::{Cost, FinishReason, TokenLogProb};
use infer_code_cad_sandbox::Verdict;
use tempfile::TempDir;

use super::file::Storage;
use super::*;
use crate::header::VERSION;
use crate::{KnownDraft, KnownDrafts as _, Preset, Record, Stage, results_path, write_results};

fn header() -> RunHeader {
    RunHeader {
        version: VERSION,
        benchmark: "tiny".into(),
        technique: Settings::new("vanilla").with("decoder", "nucleus(temperature=0.8)"),
        model: Settings::new("tiny").with("kv", "f32"),
        prompt_format: Settings::new("raw"),
        extraction: Settings::new("plain").with("version", 2),
        n_samples: 2,
        max_new_tokens: 128,
        max_length: None,
        stop_tokens: vec![],
        preset: Preset::default().settings(),
        stop: vec!["\nprint(".into()],
        seed: 0,
        log_probs: Settings::new("chosen"),
        numerics: 1,
        bench: Settings::new("none"),
        judge: Settings::new("scripted"),
        limits: Settings::new("limits"),
        tests: "0123456789abcdef".into(),
        tasks: vec!["t/1".into(), "t/0".into()],
    }
}

fn draft(index: usize) -> Draft {
    Draft {
        index,
        role: 0,
        text: format!("    return {index}\n\u{e9}\u{2028}"),
        program: format!("def f():\n    return {index}\n"),
        tokens: vec![1, 2, 3],
        finish: FinishReason::Length,
        log_prob: Some(f64::NEG_INFINITY),
        log_probs: vec![TokenLogProb {
            token: 1,
            log_prob: -1.0 / 3.0,
            top: vec![(1, -1.0 / 3.0)],
        }],
        cost: Cost { prompt_tokens: 7, kept: 3, thrown_away: 0, row_passes: 3 },
        address: format!("{index:016x}"),
    }
}

fn sample(sample: usize) -> SampleRecord {
    let draft = draft(sample);
    SampleRecord {
        sample,
        role: 0,
        draft: sample,
        drafts: sample..sample + 1,
        why: "the only draft".into(),
        completion: draft.text,
        program: draft.program,
        finish: FinishReason::Length,
        tokens: 3,
        draft_tokens: 3,
        answer_seconds: Some(1.5),
        verdict: Verdict::Failed,
        reason: "assert f() == 2".into(),
        cpu_seconds: 0.1 + 0.2,
        wall_seconds: 1e-9,
    }
}

fn prompt(task_id: &str) -> PromptRecord {
    let shown = vec![];
    let (streams, written) = (vec!["def f():".to_owned()], String::new());
    PromptRecord { task_id: task_id.into(), fingerprint: "00".into(), streams, written, shown }
}

/// A journal in which the first task has all its samples and the second one of two.
fn write(path: &Path) -> Journal {
    let mut journal = Journal::open(path, &header()).unwrap();
    for (task, index) in [("t/0", 1), ("t/1", 0), ("t/1", 1)] {
        let mut of_task = draft(index);
        of_task.address = format!("{task} {index}");
        journal.prompt(&prompt(task)).unwrap();
        journal.draft(task, &of_task).unwrap();
        journal.sample(task, &sample(index)).unwrap();
    }
    journal
}

struct Place {
    path: PathBuf,
    _directory: TempDir,
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    Place { path: directory.path().join("run.jsonl"), _directory: directory }
}

fn records(run: &StoredRun) -> Vec<Record> {
    run.records().map(Result::unwrap).collect()
}

#[test]
fn what_is_stored_is_read_back_in_the_order_of_the_run() {
    let Place { path, _directory } = place();
    drop(write(&path));
    let journal = Journal::open(&path, &header()).unwrap();
    let records = records(journal.run());
    assert_eq!([&records[0].task_id, &records[1].task_id], ["t/1", "t/0"]);
    assert_eq!(records[0].samples, [sample(0), sample(1)]);
    assert_eq!(records[1].samples, [sample(1)]);
    assert_eq!(records[1].drafts[0].log_prob, Some(f64::NEG_INFINITY));
    assert_eq!(records[1].drafts[0].log_probs, draft(1).log_probs);
    assert_eq!(records[0].prompt, Some(prompt("t/1")));
    assert!(journal.run().has_verdict("t/1", 0) && !journal.run().has_verdict("t/0", 0));
    assert!(!journal.run().is_complete());
}

#[test]
fn what_is_there_is_not_written_again() {
    let Place { path, _directory } = place();
    let mut journal = write(&path);
    let was = fs::read(&path).unwrap();
    let failure = FailureRecord::new("t/0", Some(0), Stage::Judging, "the judge is gone");
    journal.prompt(&prompt("t/0")).unwrap();
    journal.draft("t/0", &Draft { address: "t/0 1".into(), ..draft(1) }).unwrap();
    journal.sample("t/0", &sample(1)).unwrap();
    assert_eq!(fs::read(&path).unwrap(), was);
    journal.failure(&failure).unwrap();
    journal.failure(&failure).unwrap();
    assert_eq!(
        fs::read(&path).unwrap().len(),
        was.len() + 1 + serde_json::to_vec(&Line::Failure(failure)).unwrap().len()
    );
    assert!(journal.run().is_complete(), "a failure is an outcome");
    journal.draft("t/0", &Draft { address: "t/0 0".into(), ..draft(0) }).unwrap();
    journal.sample("t/0", &sample(0)).unwrap();
    assert!(records(journal.run())[1].failures.is_empty(), "a verdict replaces a failure");
}

#[test]
fn a_line_says_only_what_its_draft_does_not() {
    let Place { path, _directory } = place();
    let mut journal = write(&path);
    assert!(!fs::read_to_string(&path).unwrap().contains("\"completion\""));
    let aligned = SampleRecord { program: "def f(): return 7\n".into(), ..sample(0) };
    journal.draft("t/0", &Draft { address: "t/0 0".into(), ..draft(0) }).unwrap();
    journal.sample("t/0", &aligned).unwrap();
    assert_eq!(records(journal.run())[1].samples[0], aligned);
}

#[test]
fn a_journal_cut_anywhere_goes_on_to_the_same_results() {
    let Place { path, _directory } = place();
    drop(write(&path));
    let whole = fs::read(&path).unwrap();
    let results = fs::read(write_results(&path).unwrap()).unwrap();
    for cut in (0..=whole.len()).step_by(97).chain([1, whole.len() - 1, whole.len()]) {
        fs::write(&path, &whole[..cut]).unwrap();
        drop(write(&path));
        assert_eq!(fs::read(&path).unwrap(), whole, "cut at {cut}");
        assert_eq!(fs::read(write_results(&path).unwrap()).unwrap(), results, "cut at {cut}");
    }
}

#[test]
fn results_have_neither_times_nor_the_order_of_events() {
    let Place { path, _directory } = place();
    drop(write(&path));
    let results = fs::read_to_string(write_results(&path).unwrap()).unwrap();
    assert!(!results.contains("seconds"), "{results}");
    let lines: Vec<serde_json::Value> =
        results.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |line: &serde_json::Value| {
        (line["task_id"].as_str().unwrap().to_owned(), line["sample"].as_u64())
    };
    let order: Vec<_> = lines[1..].iter().map(of).collect();
    let expected = [("t/1", 0), ("t/1", 1), ("t/0", 1)];
    assert_eq!(order, expected.map(|(task, sample)| (task.to_owned(), Some(sample))));
    assert_eq!(lines[0]["results"]["seed"], 0);
    assert_eq!(lines[1]["solution"], "def f():\n    return 0\n");
}

#[test]
fn other_settings_are_named_with_both_values() {
    let Place { path, _directory } = place();
    drop(write(&path));
    let was = fs::read(&path).unwrap();
    let mut other = header();
    other.technique = Settings::new("vanilla").with("decoder", "greedy");
    other.judge = Settings::new("mine");
    other.seed = 7;
    let error = Journal::open(&path, &other).unwrap_err().to_string();
    for part in [
        "seed 0, this run has 7",
        "technique.decoder nucleus(temperature=0.8), this run has greedy",
        "scripted",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let mut journal = Journal::open(&path, &header()).unwrap();
    let mut reworded = prompt("t/0");
    reworded.streams = vec!["def g():".into()];
    reworded.fingerprint = "01".into();
    let error = journal.prompt(&reworded).unwrap_err().to_string();
    assert!(error.contains("the prompt of t/0 def f():, this run has def g():"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), was);
}

#[test]
fn what_is_no_journal_is_left_alone() {
    let Place { path, _directory } = place();
    drop(write(&path));
    let ours = fs::read_to_string(&path).unwrap();
    let results = fs::read_to_string(write_results(&path).unwrap()).unwrap();
    for (content, expected) in [
        ("{\"weights\": 1}".to_owned(), "not the settings of a run"),
        ("{\"a\": 1}\n{\"b\": 2}\n".to_owned(), "not the settings of a run"),
        ("\u{1}binary".to_owned(), "not the settings of a run"),
        ("{\"runs\"".to_owned(), "not the settings of a run"),
        (format!("\u{feff}{ours}"), "byte order mark"),
        (results, "derived from a journal"),
        (ours.replace("\"version\":2", "\"version\":3"), "a later release (its format is 3"),
        (ours.replace("\"version\":2,", ""), "an earlier release"),
        (ours.replace("\"seed\":0", "\"seed\":0,\"luck\":1"), "unknown field `luck`"),
        (ours.replace("\"role\":0", "\"role\":0,\"luck\":1"), "line 3: unknown field `luck`"),
        (format!("{ours}not json\n"), "line 10: expected"),
        (
            ours.replace("{\"task_id\":\"t/1\"", "{\"task_id\":\"t/9\""),
            "\"t/9\" is none of this run's",
        ),
        ("{\"run\":{\"version\":2,\"other".to_owned(), "holds no whole line"),
    ] {
        fs::write(&path, &content).unwrap();
        for error in
            [Journal::open(&path, &header()).unwrap_err(), StoredRun::read(&path).unwrap_err()]
        {
            let error = error.to_string();
            assert!(error.contains(expected), "{expected}: {error}");
            assert!(error.contains("run.jsonl"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }
}

#[test]
fn what_is_no_file_is_named() {
    let Place { path, _directory } = place();
    let open = |path: &Path| Journal::open(path, &header()).unwrap_err().to_string();
    assert!(open(path.parent().unwrap()).contains("is a directory"));
    assert!(open(&path.join("deeper")).contains("make its directory first"));
    #[cfg(unix)]
    assert!(open(Path::new("/dev/null")).contains("/dev/null is a device"));
}

#[test]
fn two_sessions_cannot_write_one_file() {
    let Place { path, _directory } = place();
    let first = write(&path);
    let error = Journal::open(&path, &header()).unwrap_err();
    assert!(matches!(error, JournalError::Locked { .. }), "{error}");
    assert_eq!(records(&StoredRun::read(&path).unwrap()).len(), 2, "reading needs no lock");
    drop(first);
    Journal::open(&path, &header()).unwrap();
}

#[test]
fn a_file_that_is_no_result_is_not_replaced() {
    let Place { path, _directory } = place();
    drop(write(&path));
    fs::write(results_path(&path), "precious").unwrap();
    let error = write_results(&path).unwrap_err().to_string();
    assert!(error.contains("something else"), "{error}");
    assert_eq!(fs::read_to_string(results_path(&path)).unwrap(), "precious");
}

#[test]
fn drafts_are_found_by_their_address() {
    let Place { path, _directory } = place();
    let mut journal = write(&path);
    let drafts = JournalDrafts::of(journal.run());
    journal.draft("t/0", &Draft { address: "later".into(), ..draft(0) }).unwrap();
    assert_eq!((drafts.len(), JournalDrafts::read(&path).unwrap().len()), (3, 4));
    let Draft { text, tokens, finish, log_prob, log_probs, cost, .. } = draft(1);
    let known = KnownDraft { text, tokens, finish, log_prob, log_probs, cost };
    assert_eq!(drafts.draft("t/0 1"), Some(known));
    assert_eq!(drafts.draft("later"), None);
    drop(journal);
    OpenOptions::new().write(true).open(&path).unwrap().set_len(100).unwrap();
    assert_eq!(drafts.draft("t/0 1"), None, "a file that was changed meanwhile");
}

/// A file in memory on a disk of its own size.
#[derive(Debug, Default)]
struct Disk {
    file: Cursor<Vec<u8>>,
    size: usize,
    cuts_fail: bool,
    syncs_fail: bool,
}

impl Read for Disk {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file.read(into)
    }
}

impl Write for Disk {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let room = self.size.saturating_sub(self.file.position() as usize).min(from.len());
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write(&from[..room])
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Storage for Disk {
    fn cut(&mut self, len: u64) -> io::Result<()> {
        if self.cuts_fail {
            return Err(io::ErrorKind::Other.into());
        }
        self.file.get_mut().truncate(len as usize);
        self.size += 10_000; // somebody makes room
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        if self.syncs_fail { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }
}

fn on(disk: Disk) -> LineFile {
    LineFile::over(Path::new("run.jsonl"), Box::new(disk))
}

#[test]
fn a_full_disk_takes_no_half_line_and_the_next_append_goes_on() {
    let line = Line::Prompt(prompt("t/0"));
    let file = on(Disk { size: 150, ..Disk::default() });
    let first = file.append(&line).unwrap();
    let error = file.append(&line).unwrap_err().to_string();
    assert!(error.contains("those before it are intact"), "{error}");
    let second = file.append(&line).unwrap();
    assert_eq!(second.start, first.len as u64 + 1);
    assert_eq!(file.entry::<PromptRecord>(second).unwrap(), prompt("t/0"));
}

#[test]
fn a_journal_whose_end_is_unknown_is_written_to_no_more() {
    let line = Line::Prompt(prompt("t/0"));
    let file = on(Disk { size: 10, cuts_fail: true, ..Disk::default() });
    assert!(matches!(file.append(&line).unwrap_err(), JournalError::Io { .. }));
    let error = file.append(&line).unwrap_err();
    assert!(matches!(error, JournalError::Poisoned { .. }), "{error}");
    assert!(error.to_string().contains("half a line could not be removed"), "{error}");

    let file = on(Disk { size: 1 << 20, syncs_fail: true, ..Disk::default() });
    file.append(&line).unwrap();
    std::thread::sleep(Duration::from_millis(110));
    for _ in 0..2 {
        let error = file.append(&line).unwrap_err();
        assert!(error.to_string().contains("the disk refused what was written"), "{error}");
    }
}
