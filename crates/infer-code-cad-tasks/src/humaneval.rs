use crate::examples;
use crate::jsonl::{self, Row};
use crate::plus::{self, PlusTests};
use crate::python::{self, Line, logical_lines};
use crate::{Embedded, Hidden, Problem, Task, TaskError, mbpp};
use std::path::Path;

/// Loads HumanEval or EvalPlus's HumanEval+ (`.jsonl`, `.jsonl.gz` or one JSON list; with the feature `parquet` also
/// that; told apart by content).
///
/// Of HumanEval+ as a release has it (`HumanEvalPlus.jsonl`) the tests are all its inputs, `base_input` and
/// `plus_input`, whose answers must agree with those of the reference within `atol`. Of the rows of its data
/// set they are the `test`, which needs NumPy.
///
/// Problems of your own have the same fields, of which `entry_point` (else the function that the prompt ends with)
/// and `canonical_solution` may be missing, and whose `test` may be asserts, in one text or a list of lines, where
/// HumanEval defines a `check`.
///
/// Chen et al., [Evaluating Large Language Models Trained on Code](https://arxiv.org/abs/2107.03374).
/// The signature is that of the entry point, also in problems whose prompt defines a helper or a
/// string first (10, 32, 38, 50, 64); `import math`, which problem 115 writes between signature and
/// docstring, goes to the preamble.
///
/// # Errors
/// Unreadable or empty file, malformed line, field missing or of the wrong type, a prompt that does
/// not define its entry point with a docstring, repeated task ids.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::load_humaneval;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("HumanEval.jsonl");
/// let row = r#"{"task_id": "HumanEval/53", "entry_point": "add",
///     "prompt": "def add(x, y):\n    \"\"\"Add two numbers.\n    >>> add(2, 3)\n    5\n    \"\"\"\n",
///     "canonical_solution": "    return x + y\n", "test": "def check(f):\n    assert f(0, 1) == 1\n"}"#;
/// std::fs::write(&path, row.replace('\n', " "))?;
/// let task = &load_humaneval(&path)?[0];
/// assert_eq!(task.problem.signature, "def add(x, y):");
/// assert_eq!(task.problem.visible_tests, ["assert add(2, 3) == 5"]);
/// assert!(task.hidden.asserts.ends_with("check(add)\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load_humaneval(path: &Path) -> Result<Vec<Task>, TaskError> {
    collect(&jsonl::read_rows(path)?, task)
}

/// Parses the embedded set: HumanEval's fields, and `family`, `level`, `term`, `passage_id`.
///
/// # Errors
/// As [`load_humaneval`]; messages call the text `embedded problems`.
///
/// # Examples
/// ```
/// let row = r#"{"task_id": "Tiny/0", "prompt": "def f(x):\n    \"\"\"Double x.\"\"\"\n",
///     "entry_point": "f", "canonical_solution": "    return 2 * x\n", "test": "def check(f):\n    pass\n",
///     "family": "arithmetic", "level": 1, "term": "zorbel", "passage_id": "g-1"}"#;
/// let tasks = infer_code_cad_tasks::parse_tiny(&row.replace('\n', " "))?;
/// assert_eq!(tasks[0].problem.term(), Some("zorbel"));
/// # Ok::<(), infer_code_cad_tasks::TaskError>(())
/// ```
pub fn parse_tiny(jsonl: &str) -> Result<Vec<Task>, TaskError> {
    collect(&jsonl::parse_rows(jsonl, "embedded problems")?, |row| {
        let embedded = Embedded {
            family: row.string("family")?,
            level: row.integer("level")?,
            term: row.optional_string("term")?,
            passage_id: row.optional_string("passage_id")?,
        };
        let Task { problem, hidden } = task(row)?;
        Ok(Task::new(Problem { embedded: Some(embedded), ..problem }, hidden))
    })
}

/// Reads HumanEval or MBPP rows, of any edition that they load, told apart by the first one:
/// MBPP's have a `test_list`, an `assertion`, an id `Mbpp/..`, or a `text` and no `prompt`.
///
/// # Errors
/// As [`load_humaneval`] or [`load_mbpp`](crate::load_mbpp).
///
/// # Examples
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("problems.jsonl");
/// let row = r#"{"task_id": 3, "text": "Negate.", "code": "def f(n):\n  return -n", "test_list": ["assert f(2) == -2"]}"#;
/// std::fs::write(&path, row)?;
/// assert_eq!(infer_code_cad_tasks::load_problems(&path)?[0].problem.task_id, "MBPP/3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load_problems(path: &Path) -> Result<Vec<Task>, TaskError> {
    let rows = jsonl::read_rows(path)?;
    if rows.first().is_some_and(mbpp::is_mbpp) {
        return mbpp::from_rows(&rows, mbpp::MbppSplit::All, path);
    }
    collect(&rows, task)
}

impl Problem {
    /// A problem to solve and not to judge: `prompt` ends in a signature with its docstring, and may
    /// define imports and helpers before it.
    ///
    /// # Errors
    /// [`TaskError::InvalidField`] when no function with a docstring ends the prompt.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad_tasks::Problem;
    ///
    /// let problem = Problem::from_prompt("mine", "def f(xs):\n    \"\"\"Sum xs.\"\"\"\n")?;
    /// assert_eq!((problem.signature.as_str(), problem.docstring.as_str()), ("def f(xs):", "Sum xs."));
    /// # Ok::<(), infer_code_cad_tasks::TaskError>(())
    /// ```
    pub fn from_prompt(task_id: &str, prompt: &str) -> Result<Self, TaskError> {
        let prompt = format!("{}\n", prompt.trim_end());
        let entry_point = last_defined(&prompt);
        let parts = split_prompt(&prompt, &entry_point).ok_or_else(|| TaskError::InvalidField {
            file: task_id.to_owned(),
            line: prompt.lines().count(),
            field: "prompt",
            reason: "must end with `def name(..):` and a docstring in quotes".to_owned(),
        })?;
        Ok(parts.into_problem(task_id.to_owned(), prompt, entry_point))
    }
}

fn collect(
    rows: &[Row],
    task: impl Fn(&Row) -> Result<Task, TaskError>,
) -> Result<Vec<Task>, TaskError> {
    let tasks: Vec<Task> = rows.iter().map(task).collect::<Result<_, _>>()?;
    let ids: Vec<String> = tasks.iter().map(|task| task.problem.task_id.clone()).collect();
    jsonl::reject_duplicates(rows, &ids)?;
    Ok(tasks)
}

fn task(row: &Row) -> Result<Task, TaskError> {
    let prompt = row.string("prompt")?;
    let entry_point = match row.optional_string("entry_point")? {
        Some(name) => name,
        None => last_defined(&prompt),
    };
    let parts = split_prompt(&prompt, &entry_point).ok_or_else(|| {
        let name = if entry_point.is_empty() { "name" } else { &entry_point };
        row.invalid(
            "prompt",
            format!("must end with `def {name}(..):` and a docstring; check `entry_point`"),
        )
    })?;
    let mut helpers = parts.preamble.clone();
    let asserts = if plus::has_inputs(row) {
        let whole = format!("{prompt}{}", row.string("canonical_solution")?);
        let tests = PlusTests::new(row, &entry_point, &whole, None)?;
        helpers.push_str(&tests.helpers);
        tests.asserts
    } else {
        asserts(row, &entry_point)?
    };
    let reference = row.optional_string("canonical_solution")?;
    let hidden = Hidden { helpers, asserts, reference, ..Hidden::default() };
    Ok(Task::new(parts.into_problem(row.string("task_id")?, prompt, entry_point), hidden))
}

/// HumanEval's tests define a `check` and leave the call to others; asserts run as they are.
fn asserts(row: &Row, entry_point: &str) -> Result<String, TaskError> {
    let test = row.lines("test")?;
    if python::defines(&test, "check") {
        return Ok(format!("{test}\ncheck({entry_point})\n"));
    }
    if !test.contains("assert") {
        let reason =
            "has no assert and defines no `check(candidate)`, so any program would pass; add one";
        return Err(row.invalid("test", reason.to_owned()));
    }
    Ok(format!("{test}\n"))
}

/// The function that a prompt ends with; `""` where there is none.
fn last_defined(prompt: &str) -> String {
    let lines = logical_lines(prompt);
    let last = lines.iter().rev().filter(|line| line.indent == 0).find_map(Line::defined_name);
    last.unwrap_or_default().to_owned()
}

pub(crate) struct Parts {
    preamble: String,
    signature: String,
    docstring: String,
}

impl Parts {
    pub(crate) fn into_problem(
        self,
        task_id: String,
        prompt: String,
        entry_point: String,
    ) -> Problem {
        let Self { preamble, signature, docstring } = self;
        let visible_tests = examples::asserts(&docstring, &signature, &entry_point, &preamble);
        Problem {
            task_id,
            prompt,
            preamble,
            signature,
            docstring,
            entry_point,
            visible_tests,
            embedded: None,
        }
    }
}

/// Splits a prompt at the definition of the entry point, the last one of that name.
pub(crate) fn split_prompt(prompt: &str, entry_point: &str) -> Option<Parts> {
    let prompt = prompt.replace("\r\n", "\n");
    let lines = logical_lines(&prompt);
    let at = lines.iter().rposition(|line| line.defined_name() == Some(entry_point))?;
    let inside = &lines[at + 1..];
    let docstring = inside.iter().position(|line| quotes(line.code()).is_some())?;

    let mut preamble = prompt[..lines[at].start].trim_start_matches('\n').to_owned();
    if preamble.trim().is_empty() {
        preamble.clear();
    }
    for line in &inside[..docstring] {
        preamble.push_str(line.code().trim_end());
        preamble.push('\n');
    }
    Some(Parts {
        preamble,
        signature: lines[at].header().to_owned(),
        docstring: unquote(&inside[docstring])?,
    })
}

/// The quote characters that a string literal starts with.
fn quotes(code: &str) -> Option<&'static str> {
    let literal = code.trim_start_matches(['r', 'R', 'u', 'U']);
    ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| literal.starts_with(quotes))
}

fn unquote(line: &Line<'_>) -> Option<String> {
    let quotes = quotes(line.code())?;
    let (_, rest) = line.code().split_once(quotes)?;
    let (text, _) = rest.rsplit_once(quotes)?;
    Some(dedent(text))
}

/// Removes the indentation common to all lines but the first, and blank space around the whole.
fn dedent(text: &str) -> String {
    let margin = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common = text.lines().skip(1).filter(|line| !line.trim().is_empty()).map(margin).min();
    let mut lines = text.lines();
    let mut out = lines.next().unwrap_or_default().trim_start().to_owned();
    for line in lines {
        out.push('\n');
        out.push_str(line.get(common.unwrap_or(0)..).unwrap_or_default());
    }
    out.trim().to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
pub(crate) mod tests {
    use super::*;

    /// A row of the embedded set.
    pub(crate) fn row() -> String {
        r#"{"task_id": "Tiny/0", "prompt": "def f(x):\n    \"\"\"Double x.\"\"\"\n", "entry_point": "f",
            "canonical_solution": "    return 2 * x\n", "test": "def check(f):\n    assert f(2) == 4\n",
            "family": "arithmetic", "level": 2, "term": null, "passage_id": "p1"}"#
            .replace('\n', " ")
    }

    fn parts(prompt: &str) -> Parts {
        split_prompt(prompt, "f").unwrap()
    }

    #[test]
    fn an_embedded_row_gives_all_fields() {
        let task = &parse_tiny(&format!("{}\n\n", row())).unwrap()[0];
        let p = &task.problem;
        assert_eq!((p.signature.as_str(), p.docstring.as_str()), ("def f(x):", "Double x."));
        assert_eq!(task.hidden.asserts, "def check(f):\n    assert f(2) == 4\n\ncheck(f)\n");
        assert_eq!(task.canonical_program().unwrap(), format!("{}    return 2 * x\n", p.prompt));
        let facts = p.embedded.as_ref().unwrap();
        assert_eq!((facts.level, facts.passage_id.as_deref()), (2, Some("p1")));
        assert_eq!((facts.family.as_str(), &facts.term), ("arithmetic", &None));
    }

    #[test]
    fn humaneval_plus_is_read_with_its_test() {
        let plus = "\"base_input\": [[1.0, NaN]], \"plus_input\": [[-Infinity], [\"\\udc80\"]], \
             \"contract\": \"\\n    assert x\", \"atol\": 0}";
        let row = row().replace(
            "\"family\": \"arithmetic\", \"level\": 2, \"term\": null, \"passage_id\": \"p1\"}",
            plus,
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in [row.clone(), format!("\u{feff}[\r\n{row}\r\n]")] {
            std::fs::write(file.path(), text).unwrap();
            let task = &load_humaneval(file.path()).unwrap()[0];
            let p = &task.problem;
            let asserts =
                "_plus_check(f, _plus_reference, \"equal\", \"plain\", 0, _plus_inputs)\n";
            let inputs = r#"_plus_json.loads("[[1.0, NaN]]") + _plus_json.loads("[[-Infinity], [\"\\udc80\"]]")"#;
            assert!(task.hidden.helpers.contains(inputs));
            assert_eq!(task.hidden.asserts, asserts);
            assert!(task.hidden.helpers.contains("\\n    return 2 * x"), "the whole reference");
            assert_eq!((p.docstring.as_str(), &p.embedded), ("Double x.", &None));
            assert_eq!(load_problems(file.path()).unwrap()[0], *task);
        }
        let no_inputs = row.replace("base_input", "base").replace("plus_input", "plus");
        std::fs::write(file.path(), &no_inputs).unwrap();
        let task = &load_humaneval(file.path()).unwrap()[0];
        assert_eq!(task.hidden.asserts, "def check(f):\n    assert f(2) == 4\n\ncheck(f)\n");
        assert_eq!(task.hidden.helpers, "");
        std::fs::write(file.path(), no_inputs.replace("\"test\"", "\"tests\"")).unwrap();
        let message = load_humaneval(file.path()).unwrap_err().to_string();
        assert!(message.contains("line 1: field `test` is missing"), "{message}");
    }

    #[test]
    fn helpers_and_strings_before_the_entry_point_are_preamble() {
        let p = parts(
            "\n\nimport math\n\n\ndef g(s):\n    \"\"\" Doc of g \"\"\"\n    return s\n\n\ndef f(s: str):\n    ''' First.\n      more\n    last\n    '''\n",
        );
        assert!(
            p.preamble.starts_with("import math\n\n\ndef g(s):")
                && p.preamble.ends_with("return s\n\n\n")
        );
        assert_eq!(p.signature, "def f(s: str):");
        assert_eq!(p.docstring, "First.\n  more\nlast");
        let p = parts(
            "\nA = \"\"\"\ndef f(no): x\n\"\"\"\n\ndef f(\n    a,\n    b=':'\n) -> int:  # c\n    import math\n    \"\"\"D\"\"\"\n",
        );
        assert_eq!(p.signature, "def f(\n    a,\n    b=':'\n) -> int:");
        assert!(p.preamble.ends_with("\"\"\"\n\nimport math\n"));
    }

    #[test]
    fn problems_of_ones_own_need_a_prompt_and_asserts() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let load = |test: &str| {
            let row = r#"{"task_id": "t", "prompt": "def g():\n    pass\n\ndef f(x):\n    'Double x.'\n", "test": TEST}"#;
            std::fs::write(file.path(), row.replace("TEST", test)).unwrap();
            load_problems(file.path()).map(|mut tasks| tasks.remove(0))
        };
        for test in [
            r#""assert f(1) == 2\nassert f(0) == 0""#,
            r#"["assert f(1) == 2", "assert f(0) == 0"]"#,
        ] {
            let task = load(test).unwrap();
            assert_eq!(task.hidden.asserts, "assert f(1) == 2\nassert f(0) == 0\n");
            assert_eq!((task.problem.entry_point.as_str(), task.hidden.reference), ("f", None));
        }
        let message = load(r#""f(1)""#).unwrap_err().to_string();
        assert!(message.contains("line 1: field `test` has no assert"), "{message}");
        let message = load("3").unwrap_err().to_string();
        assert!(
            message.contains("must be a string or a list of strings, found a number"),
            "{message}"
        );
    }

    #[test]
    fn errors_name_line_and_field() {
        let message = |text: String| parse_tiny(&text).unwrap_err().to_string();
        let twice = message(format!("{}\n{}", row(), row()));
        assert!(
            twice
                .starts_with("embedded problems, line 2: field `task_id` repeats Tiny/0 of line 1")
        );
        let other = message(row().replace("\"entry_point\": \"f\"", "\"entry_point\": \"g\""));
        assert!(
            other.starts_with(
                "embedded problems, line 1: field `prompt` must end with `def g(..):`"
            )
        );
        let missing = message(row().replace("\"level\": 2,", ""));
        assert!(missing.starts_with("embedded problems, line 1: field `level` is missing"));
    }
}
