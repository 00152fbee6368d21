//! Mutants of canonical solutions are judged as plain execution in one module judges them: see
//! `tests/mutants/make.py`.

use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use infer_code_cad_sandbox::{Limits, Submission, Tests, Verdict};
use serde_json::Value;

const WORKERS: usize = 2;

#[test]
fn a_sample_of_the_mutants_is_judged_as_by_plain_execution() {
    let equal = equal_verdicts("a_sample_of_the_mutants", &["--sample", "60"]);
    assert!(equal.is_none_or(|(equal, all)| all >= 50 && equal + 1 >= all), "{equal:?}");
}

#[test]
#[ignore = "a minute or two; .ci/more mutants runs it"]
fn whole_mutants() {
    let Some((equal, all)) = equal_verdicts("whole_mutants", &[]) else { return };
    assert!(all >= 2400, "only {all} mutants");
    assert!(equal * 1000 >= all * 998, "{equal} of {all} verdicts are equal: less than 99.8 %");
}

/// How many verdicts are equal, and of how many; the others are printed.
fn equal_verdicts(name: &str, options: &[&str]) -> Option<(usize, usize)> {
    let mutants = made(name, options)?;
    let sandbox = crate::common::sandbox_or_say(name, WORKERS)?;
    // More than plain execution had, so that what is slower here does not count.
    let limits = Limits {
        cpu_time: Duration::from_secs(4),
        wall_time: Duration::from_secs(30),
        ..Limits::default()
    };
    let (next, different) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (program, tests) = (field(mutant, "program"), tests(mutant));
            let passed = mutant["passed"].as_bool().unwrap();
            let said = match sandbox.execute(&Submission::new(&program, &tests), &limits) {
                Ok(report) if (report.verdict == Verdict::Passed) == passed => continue,
                Ok(report) => format!("{}: {}", report.verdict, report.reason),
                Err(error) => error.to_string(),
            };
            let (task, change) = (field(mutant, "task"), field(mutant, "change"));
            let plain = if passed { "passed" } else { "not passed" };
            different.lock().unwrap().push(format!("{task}, {change}: {plain} in plain; {said}"));
        }
    };
    thread::scope(|scope| (0..WORKERS).for_each(|_| drop(scope.spawn(work))));
    let mut different = different.into_inner().unwrap();
    different.sort();
    different.iter().for_each(|line| eprintln!("different: {line}"));
    let (all, equal) = (mutants.len(), mutants.len() - different.len());
    eprintln!("{name}: {equal} of {all} verdicts are equal, {:.2} %", share(equal, all));
    Some((equal, all))
}

/// Lets Python make the mutants and execute them; a line says why where it cannot.
fn made(name: &str, options: &[&str]) -> Option<Vec<Value>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mutants.jsonl");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mutants/make.py");
    let output = match Command::new("python3").arg(script).arg(&path).args(options).output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("{name}: not run, it needs python3: {error}");
            return None;
        }
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("FileNotFoundError") && said.contains("jsonl") {
        eprintln!(
            "{name}: not run, HumanEval.jsonl.gz or mbpp.jsonl is missing; set INFER_CODE_CAD_DATA"
        );
        return None;
    }
    assert!(output.status.success(), "{said}");
    let text = fs::read_to_string(&path).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn tests(mutant: &Value) -> Tests {
    Tests::new(field(mutant, "asserts"))
        .with_helpers(field(mutant, "helpers"))
        .with_setup(field(mutant, "setup"))
        .with_entry_point(field(mutant, "entry"))
}

fn field(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap().to_owned()
}

fn share(equal: usize, all: usize) -> f64 {
    100.0 * equal as f64 / all as f64
}
