use crate::jsonl::{self, Row};
use crate::python::{Line, is_word, logical_lines};
use crate::{Problem, TaskError};
use std::path::Path;

/// Part of MBPP, by task id as in the paper that introduced it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MbppSplit {
    /// 1 to 10: examples for few-shot prompts.
    Prompt,
    /// 11 to 510.
    Test,
    /// 511 to 600: the 90 problems that the CAD paper calls HumanEval's.
    Validation,
    /// 601 to 974.
    Train,
    /// Every row.
    All,
}

impl MbppSplit {
    fn contains(self, task_id: u32) -> bool {
        match self {
            Self::Prompt => (1..=10).contains(&task_id),
            Self::Test => (11..=510).contains(&task_id),
            Self::Validation => (511..=600).contains(&task_id),
            Self::Train => (601..=974).contains(&task_id),
            Self::All => true,
        }
    }
}

/// Loads MBPP (`mbpp.jsonl`, gzip-compressed or not).
///
/// Austin et al., [Program Synthesis with Large Language Models](https://arxiv.org/abs/2108.07732).
/// The entry point is the function of the reference code that the tests call, and the signature is
/// its `def` line: reference code often starts with imports, constants or helpers (tasks 14, 18).
/// These stay out of prompt and preamble, for they are part of the answer.
///
/// # Errors
/// Unreadable or empty file, malformed line, field missing or of the wrong type, tests that call no
/// function of the reference code, repeated task ids, no row in the split.
pub fn load_mbpp(path: &Path, split: MbppSplit) -> Result<Vec<Problem>, TaskError> {
    let rows = jsonl::read_rows(path)?;
    let numbers: Vec<u32> =
        rows.iter().map(|row| row.integer("task_id")).collect::<Result<_, _>>()?;
    let ids: Vec<String> = numbers.iter().map(|number| format!("MBPP/{number}")).collect();
    jsonl::reject_duplicates(&rows, &ids)?;
    let chosen = rows.iter().zip(&ids).zip(&numbers).filter(|(_, number)| split.contains(**number));
    let problems: Vec<Problem> =
        chosen.map(|((row, id), _)| problem(row, id)).collect::<Result<_, _>>()?;
    if problems.is_empty() {
        return Err(TaskError::Empty {
            file: path.display().to_string(),
            what: "task ids of the split asked for",
        });
    }
    Ok(problems)
}

fn problem(row: &Row, task_id: &str) -> Result<Problem, TaskError> {
    let code = row.string("code")?;
    let tests = row.strings("test_list")?.join("\n");
    let (entry_point, signature) = signature(&code, &tests).ok_or_else(|| {
        let reason = "calls no function that `code` defines; correct the tests or the code";
        row.invalid("test_list", reason.to_owned())
    })?;
    let docstring = row.string("text")?.trim().to_owned();
    Ok(Problem {
        task_id: task_id.to_owned(),
        prompt: format!("{signature}\n    \"\"\"{docstring}\"\"\"\n"),
        preamble: String::new(),
        signature,
        docstring,
        entry_point,
        setup: row.string("test_setup_code")?,
        tests: tests + "\n",
        canonical_solution: Some(code),
        embedded: None,
    })
}

/// Name and `def` line of the outermost function in `code` that `tests` call first.
fn signature(code: &str, tests: &str) -> Option<(String, String)> {
    let code = code.replace("\r\n", "\n");
    let lines = logical_lines(&code);
    let is_function = |line: &&Line<'_>| line.indent == 0 && line.first_word() != "class";
    let functions: Vec<(&str, &Line<'_>)> = lines
        .iter()
        .filter(is_function)
        .filter_map(|line| Some((line.defined_name()?, line)))
        .collect();
    called_names(tests).find_map(|name| {
        let (_, line) = functions.iter().rfind(|(function, _)| *function == name)?;
        Some((name.to_owned(), line.header().to_owned()))
    })
}

/// Names directly before an opening parenthesis, in order.
fn called_names(tests: &str) -> impl Iterator<Item = &str> {
    tests.match_indices('(').filter_map(|(at, _)| {
        let before = tests[..at].trim_end();
        let name = before.rsplit(|c| !is_word(c)).next()?;
        (!name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    fn sig(code: &str, tests: &str) -> String {
        signature(code, tests).unwrap().1
    }

    #[test]
    fn the_function_that_the_tests_call_is_taken() {
        let code = "import math\r\nN = 3\r\ndef g(x):\r\n\treturn x\r\ndef f(l,b = N) : #c\r\n\treturn g(l)";
        assert_eq!(sig(code, "assert set(f(g2(1), 2)) == {2}"), "def f(l,b = N) :");
        assert_eq!(sig(code, "assert not math.isclose(f (1), g(1))"), "def f(l,b = N) :");
        assert_eq!(sig("def f(a,\r\n      b): return a", "assert f(1,2)"), "def f(a,\n      b):");
        assert_eq!(signature(code, "assert h(1)"), None);
    }

    #[test]
    fn splits_and_errors() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let row = |id: u32, tests: &str| {
            format!(
                "{{\"task_id\": {id}, \"text\": \"Add.\", \"code\": \"def f(a):\\r\\n  return a\", \"test_setup_code\": \"x = 1\", \"test_list\": [{tests}]}}\n"
            )
        };
        let ok = "\"assert f(1) == 1\", \"assert f(2) == 2\"";
        std::fs::write(file.path(), row(10, ok) + &row(11, ok)).unwrap();
        let problems = load_mbpp(file.path(), MbppSplit::Test).unwrap();
        assert_eq!(problems.len(), 1);
        let p = &problems[0];
        assert_eq!((p.task_id.as_str(), p.setup.as_str()), ("MBPP/11", "x = 1"));
        assert_eq!(p.prompt, "def f(a):\n    \"\"\"Add.\"\"\"\n");
        assert_eq!(p.tests, "assert f(1) == 1\nassert f(2) == 2\n");
        assert_eq!(p.canonical_program().unwrap(), "def f(a):\r\n  return a");
        let message = |split| load_mbpp(file.path(), split).unwrap_err().to_string();
        assert!(message(MbppSplit::Train).contains("no task ids of the split asked for"));
        std::fs::write(file.path(), row(11, ok) + &row(12, "\"assert g(1)\"")).unwrap();
        assert!(message(MbppSplit::All).contains("line 2: field `test_list` calls no function"));
        std::fs::write(file.path(), row(11, ok) + &row(11, ok)).unwrap();
        assert!(
            message(MbppSplit::All).contains("line 2: field `task_id` repeats MBPP/11 of line 1")
        );
    }
}
