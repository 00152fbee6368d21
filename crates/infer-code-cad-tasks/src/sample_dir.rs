use crate::{Answer, SampleLine, TaskError, mbpp};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::vec;

/// A directory of samples as EvalPlus lays it out: `HumanEval_0/0.py`, `HumanEval_0/1.py`, ...
///
/// Only the names are held; each file is read when it is its turn.
#[derive(Debug)]
pub(crate) struct SampleDir {
    files: vec::IntoIter<(String, PathBuf)>,
    read: usize,
}

/// A name cut into texts and numbers, so that 2 comes before 10.
type Natural = Vec<(String, u64)>;

impl SampleDir {
    pub(crate) fn open(path: &Path) -> Result<Self, TaskError> {
        let mut files = Vec::new();
        for (folder, name) in entries(path)? {
            if !folder.is_dir() {
                continue;
            }
            let programs = entries(&folder)?.into_iter();
            let programs = programs.filter(|(path, name)| path.is_file() && name.ends_with(".py"));
            files.extend(programs.map(|(path, _)| (task_id(&name), path)));
        }
        if files.is_empty() {
            let what = "samples in folders such as HumanEval_0/0.py";
            return Err(TaskError::Empty { file: path.display().to_string(), what });
        }
        Ok(Self { files: files.into_iter(), read: 0 })
    }
}

impl Iterator for SampleDir {
    type Item = Result<SampleLine, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (task_id, path) = self.files.next()?;
        self.read += 1;
        Some(read(&path).map(|program| SampleLine {
            line: self.read,
            object: solution_object(&task_id, &program),
            task_id,
            answer: Answer::Solution(program),
        }))
    }
}

/// A line of EvalPlus's form.
pub(crate) fn solution_object(task_id: &str, program: &str) -> String {
    let [task_id, program] = [task_id, program].map(Value::from);
    format!("{{\"task_id\": {task_id}, \"solution\": {program}}}")
}

fn read(path: &Path) -> Result<String, TaskError> {
    let file = path.display().to_string();
    let bytes = fs::read(path).map_err(|source| TaskError::Io { file: file.clone(), source })?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        TaskError::NotUtf8 { file, line }
    })
}

/// What a directory holds, in the order of the numbers in the names.
fn entries(path: &Path) -> Result<Vec<(PathBuf, String)>, TaskError> {
    let io = |source| TaskError::Io { file: path.display().to_string(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?;
        // A name that is no text is nobody's task.
        if let Ok(name) = entry.file_name().into_string() {
            entries.push((entry.path(), name));
        }
    }
    entries.sort_by_cached_key(|(_, name)| natural(name));
    Ok(entries)
}

fn natural(name: &str) -> Natural {
    let mut parts = Natural::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, number) = rest.split_at(text);
        let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        parts.push((text.to_owned(), number[..end].parse().unwrap_or(u64::MAX)));
        rest = &number[end..];
    }
    parts
}

/// `HumanEval_0` is `HumanEval/0`; a task of MBPP has our name for it.
fn task_id(folder: &str) -> String {
    mbpp::own_id(&folder.replace('_', "/"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::SampleReader;

    #[test]
    fn a_directory_is_read_in_the_order_of_its_numbers() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["Mbpp_10/0.py", "Mbpp_2/10.py", "Mbpp_2/9.py", "HumanEval_1/0.py", "x/y.txt"] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, path.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
        fs::write(dir.path().join("eval_results.json"), "{}").unwrap();
        fs::write(dir.path().join("Mbpp_10/1.py"), b"a\n\xff").unwrap();
        let mut lines: Vec<_> = SampleReader::open(dir.path()).unwrap().collect();
        let error = lines.pop().unwrap().unwrap_err();
        assert!(error.to_string().ends_with("1.py, line 2: not UTF-8; save the file as UTF-8"));
        let lines: Vec<_> = lines.into_iter().map(Result::unwrap).collect();
        assert_eq!(lines[1].object, r#"{"task_id": "MBPP/2", "solution": "9.py"}"#);
        let lines = lines.into_iter();
        let read: Vec<_> = lines.map(|line| (line.line, line.task_id, line.answer)).collect();
        let program = |text: &str| Answer::Solution(text.to_owned());
        let expected = [
            (1, "HumanEval/1".to_owned(), program("0.py")),
            (2, "MBPP/2".to_owned(), program("9.py")),
            (3, "MBPP/2".to_owned(), program("10.py")),
            (4, "MBPP/10".to_owned(), program("0.py")),
        ];
        assert_eq!(read, expected);
        let empty = tempfile::tempdir().unwrap();
        let error = SampleReader::open(empty.path()).err().unwrap().to_string();
        assert!(error.contains("no samples in folders such as HumanEval_0/0.py"), "{error}");
    }
}
