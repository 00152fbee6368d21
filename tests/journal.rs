//! Result files survive kills, full lines of garbage and changed settings.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use infer_code_cad::metrics::Throughput;
use infer_code_cad::retrieval::{Bm25Config, Bm25Index, Passage, Retriever};
use infer_code_cad::sandbox::Verdict;
use infer_code_cad::tasks::Problem;
use infer_code_cad::{
    Error, Journal, PaperTechnique, Record, RunHeader, SampleRecord, Settings, SolveConfig,
    Technique, embedded,
};

fn header() -> RunHeader {
    RunHeader {
        technique: "vanilla".into(),
        model: "tiny".into(),
        benchmark: "tiny".into(),
        prompt_format: "raw".into(),
        prompts: "0123456789abcdef".into(),
        n_samples: 1,
        max_new_tokens: 128,
        stop: vec!["\nprint(".into()],
        seed: 0,
    }
}

fn record(task_id: &str) -> Record {
    let sample = SampleRecord {
        completion: "    return 1\n\u{e9}".into(),
        tokens: 3,
        draft_tokens: 3,
        verdict: Verdict::Failed,
        reason: "assert f() == 2".into(),
        cpu_seconds: 0.01,
        wall_seconds: 0.02,
    };
    Record { task_id: task_id.into(), passages: vec!["p1".into()], samples: vec![sample] }
}

fn begun(path: &Path) -> Journal {
    let mut journal = Journal::open(path, &header()).unwrap();
    journal.append(&record("Tiny/0")).unwrap();
    journal.append(&record("Tiny/1")).unwrap();
    journal
}

#[test]
fn a_session_goes_on_where_the_last_one_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("results.jsonl");
    let cost = Throughput {
        prefill_tokens: 10,
        prefill_time: Duration::from_millis(5),
        decode_tokens: 6,
        decode_time: Duration::from_millis(20),
    };
    let mut journal = begun(&path);
    journal.close_session(&cost).unwrap();
    drop(journal);
    let mut journal = Journal::open(&path, &header()).unwrap();
    assert_eq!(journal.records(), [record("Tiny/0"), record("Tiny/1")]);
    assert_eq!(*journal.throughput(), cost);
    let left = journal.remaining(&crate::problems(1));
    assert!(left.iter().all(|p| p.task_id != "Tiny/0" && p.task_id != "Tiny/1"));
    assert_eq!(left.len(), crate::problems(1).len() - 2);
    journal.append(&record("Tiny/2")).unwrap();
    drop(journal);
    assert_eq!(Journal::open(&path, &header()).unwrap().records().len(), 3);
}

#[test]
fn a_line_cut_short_is_dropped_and_written_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("results.jsonl");
    drop(begun(&path));
    let whole = fs::read(&path).unwrap();
    let last_line = 1 + whole[..whole.len() - 1].iter().rposition(|&b| b == b'\n').unwrap();
    for cut in [last_line + 1, last_line + 40, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        let mut journal = Journal::open(&path, &header()).unwrap();
        assert_eq!(journal.records(), [record("Tiny/0")], "cut at {cut}");
        journal.append(&record("Tiny/1")).unwrap();
        drop(journal);
        assert_eq!(fs::read(&path).unwrap(), whole, "cut at {cut}");
    }
    // Killed while the first line was written: the file starts afresh.
    fs::write(&path, &whole[..5]).unwrap();
    assert!(Journal::open(&path, &header()).unwrap().records().is_empty());
}

#[test]
fn other_settings_and_garbage_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("results.jsonl");
    drop(begun(&path));
    let other = RunHeader { seed: 1, ..header() };
    let error = Journal::open(&path, &other).unwrap_err();
    assert!(matches!(error, Error::JournalMismatch { .. }), "{error}");
    assert!(error.to_string().contains("seed 0"), "{error}");

    writeln!(OpenOptions::new().append(true).open(&path).unwrap(), "not json").unwrap();
    let error = Journal::open(&path, &header()).unwrap_err();
    assert!(matches!(error, Error::JournalLine { line: 4, .. }), "{error}");
}

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("precious");
    for content in ["{\"weights\": 1}", "{\"a\": 1}\n{\"b\": 2}", "\u{1}binary", "{\"runs\""] {
        fs::write(&path, content).unwrap();
        let error = Journal::open(&path, &header()).unwrap_err();
        assert!(matches!(error, Error::JournalLine { line: 1, .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn the_fingerprint_tells_passages_and_problems_apart() {
    let (model, problems) = (crate::model(), crate::problems(10));
    let fingerprint = |technique: &Technique, problems: &[Problem]| {
        let config = SolveConfig::default();
        RunHeader::new(technique, &model, "b".into(), problems, &config).unwrap().prompts
    };
    let retriever = Some(embedded::retriever().unwrap());
    let rag = PaperTechnique::Rag.build(&Settings { retriever, ..Settings::default() }).unwrap();
    let few = vec![Passage { id: "0".into(), title: "t".into(), text: "the".into() }];
    let few: Arc<dyn Retriever> = Arc::new(Bm25Index::new(few, Bm25Config::default()).unwrap());
    let settings = Settings { retriever: Some(few), ..Settings::default() };
    let other = PaperTechnique::Rag.build(&settings).unwrap();
    assert_eq!(fingerprint(&rag, &problems), fingerprint(&rag, &problems));
    assert_ne!(fingerprint(&rag, &problems), fingerprint(&other, &problems));
    assert_ne!(fingerprint(&rag, &problems), fingerprint(&rag, &problems[1..]));
}

#[test]
fn two_sessions_cannot_write_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("results.jsonl");
    let first = begun(&path);
    let error = Journal::open(&path, &header()).unwrap_err();
    assert!(matches!(error, Error::JournalIo { .. }), "{error}");
    drop(first);
    Journal::open(&path, &header()).unwrap();
}
