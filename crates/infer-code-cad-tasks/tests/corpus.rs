//! Mangled answers, and by running Python that the right program is cut out of each.
//!
//! `answers/make.py` writes them.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use infer_code_cad_tasks::{Extraction, Problem, extract_program};
use serde::Deserialize;
use std::collections::HashMap;

mod python;

use python::python;

/// What a model wrote.
#[derive(Debug, Deserialize)]
struct Case {
    kind: String,
    prompt: String,
    text: String,
    expected: String,
}

impl Case {
    fn problem(&self) -> Problem {
        Problem::from_prompt("t", &self.prompt).unwrap()
    }

    /// A program with the asserts that judge it.
    fn judged(&self, program: &str) -> String {
        let asserts = match self.problem().entry_point.as_str() {
            "area" => "assert area(2, 3) == 6\nassert area(0, 4) == 0\n",
            _ => "assert total([1, 2, 3]) == 6\nassert total([]) == 0\n",
        };
        format!("{program}\n{asserts}")
    }
}

fn cases() -> Vec<Case> {
    let lines = include_str!("answers/answers.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Runs programs, each for two seconds at most and without input: why each fails, empty where it passes.
fn run_with_python(programs: &[String]) -> Option<Vec<String>> {
    const SCRIPT: &str = "\
import contextlib, io, json, random, signal, sys, warnings
warnings.simplefilter('ignore')
programs = json.load(sys.stdin)
def late(*_):
    raise TimeoutError
signal.signal(signal.SIGALRM, late)
def run(program):
    sys.stdin = io.StringIO()
    sys.setrecursionlimit(1000)
    output = io.StringIO()
    signal.alarm(2)
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            exec(program, {'__name__': 'm'})
    except BaseException as error:
        return repr(error)
    finally:
        signal.alarm(0)
    return ''
print(json.dumps([run(program) for program in programs]))
";
    python(SCRIPT, &programs).map(|faults| serde_json::from_str(&faults).unwrap())
}

#[test]
fn the_right_program_is_cut_out_of_every_answer() {
    let cases = cases();
    let programs: Vec<String> = cases
        .iter()
        .map(|case| case.judged(&extract_program(&case.problem(), &case.text)))
        .collect();
    let Some(faults) = run_with_python(&programs) else { return };
    assert_eq!(faults.len(), cases.len());
    let mut wrong: HashMap<&str, usize> = HashMap::new();
    for ((case, program), fault) in cases.iter().zip(&programs).zip(&faults) {
        if fault.is_empty() != (case.expected == "passed") {
            *wrong.entry(&case.kind).or_default() += 1;
            eprintln!("--- {}: {fault}\n{}\n---\n{program}", case.kind, case.text);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn no_answer_that_passes_as_it_stands_is_expected_to_fail() {
    let cases = cases();
    let texts: Vec<String> = cases
        .iter()
        .filter(|case| case.expected == "failed")
        .flat_map(|case| {
            [case.judged(&case.text), case.judged(&(case.prompt.clone() + &case.text))]
        })
        .collect();
    assert!(!texts.is_empty());
    let Some(faults) = run_with_python(&texts) else { return };
    for (text, fault) in texts.iter().zip(&faults) {
        assert!(!fault.is_empty(), "{text}");
    }
}

#[test]
fn extracting_again_changes_nothing() {
    for case in cases() {
        for extraction in [Extraction::Plain, Extraction::Aligned] {
            let program = extraction.program(&case.problem(), &case.text);
            let again = extraction.program(&case.problem(), &program);
            assert_eq!(again, program, "{extraction}, {}:\n{}", case.kind, case.text);
        }
    }
}
