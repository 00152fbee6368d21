//! The canonical solutions of HumanEval and MBPP pass.

use std::env;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use flate2::read::GzDecoder;
use infer_code_cad_sandbox::{Limits, Submission, Tests, Verdict};
use serde_json::Value;

const WORKERS: usize = 2;

struct Problem {
    name: String,
    program: String,
    tests: Tests,
}

#[test]
fn human_eval_canonical_solutions_pass() {
    let Some(bytes) = read_or_say("HumanEval.jsonl.gz") else { return };
    let mut text = String::new();
    GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    let problems: Vec<_> = rows(&text)
        .map(|row| {
            let (prompt, entry_point) = (field(&row, "prompt"), field(&row, "entry_point"));
            let helpers = prompt.split(&format!("def {entry_point}(")).next().unwrap().to_owned();
            Problem {
                name: field(&row, "task_id"),
                program: prompt + &field(&row, "canonical_solution"),
                tests: Tests::new(format!("{}\ncheck({entry_point})", field(&row, "test")))
                    .with_helpers(helpers)
                    .with_entry_point(entry_point),
            }
        })
        .collect();
    assert_eq!(problems.len(), 164);
    assert_all_pass("human_eval_canonical_solutions_pass", &problems);
}

#[test]
fn mbpp_canonical_solutions_pass() {
    let Some(bytes) = read_or_say("mbpp.jsonl") else { return };
    let problems: Vec<_> = rows(&String::from_utf8(bytes).unwrap())
        .map(|row| {
            let tests =
                row["test_list"].as_array().unwrap().iter().map(|test| test.as_str().unwrap());
            let mut tests = Tests::new(tests.collect::<Vec<_>>().join("\n"))
                .with_setup(field(&row, "test_setup_code"));
            if row["task_id"] == 126 {
                tests = tests.with_entry_point("sum"); // a builtin's name
            }
            Problem {
                name: format!("MBPP/{}", row["task_id"]),
                program: field(&row, "code"),
                tests,
            }
        })
        .collect();
    assert_eq!(problems.len(), 974);
    assert_all_pass("mbpp_canonical_solutions_pass", &problems);
}

fn assert_all_pass(name: &str, problems: &[Problem]) {
    let Some(sandbox) = crate::common::sandbox_or_say(name, WORKERS) else { return };
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let start = Instant::now();
    let work = || {
        while let Some(problem) = problems.get(next.fetch_add(1, Ordering::Relaxed)) {
            let submission = Submission::new(&problem.program, &problem.tests);
            let report = sandbox.execute(&submission, &Limits::default()).unwrap();
            if report.verdict != Verdict::Passed {
                wrong.lock().unwrap().push((&problem.name, report));
            }
        }
    };
    thread::scope(|scope| (0..WORKERS).for_each(|_| drop(scope.spawn(work))));
    let seconds = start.elapsed().as_secs_f64();
    eprintln!(
        "{name}: {} in {seconds:.1} s, {:.0}/s",
        problems.len(),
        problems.len() as f64 / seconds
    );
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn read_or_say(file: &str) -> Option<Vec<u8>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = env::var_os("INFER_CODE_CAD_DATA").map_or(beside, PathBuf::from).join(file);
    fs::read(&path)
        .map_err(|error| {
            eprintln!("not run: {} ({error}); set INFER_CODE_CAD_DATA", path.display())
        })
        .ok()
}

fn rows(text: &str) -> impl Iterator<Item = Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn field(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}
