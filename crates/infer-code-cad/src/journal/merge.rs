mod error;
mod missing;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::file::{LineFile, io_error};
use super::line::Line;
use super::{JournalError, StoredRun, place};
use crate::{RunHeader, SampleRecord, results};

pub use error::MergeError;
pub use missing::Missing;

/// Puts the journals of a run's shards together into one, in any order, and derives the results from it: those of a
/// run that was not split, byte for byte. Returns where the results are.
///
/// Samples that failed are there, as in a run that was not split: [`evaluate_into`](crate::evaluate_into) tries
/// them again, in `into`. Journals may overlap if they agree. They stay as they are, and `into`, which must not
/// exist, appears when all is well. In memory is where each line lies.
///
/// # Errors
/// [`MergeError`] says which journal is at fault and what to do. Whichever it is, nothing has changed.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
///
/// use infer_code_cad::engine::EngineConfig;
/// use infer_code_cad::sandbox::{Limits, ScriptedJudge};
/// use infer_code_cad::{
///     Executor, Shard, SolveConfig, Solver, StoredRun, Supplies, Technique, embedded, evaluate_into, merge,
/// };
///
/// let technique = Technique::named("vanilla", &Supplies::default())?;
/// let (tasks, config) = (&embedded::tasks()?[..5], SolveConfig { n_samples: 1, ..Default::default() });
/// let solver = Solver::new(&embedded::model()?, &EngineConfig::default());
/// let mut executor = Executor::new(solver, ScriptedJudge::new(), Limits::default());
/// let directory = tempfile::tempdir()?;
/// let path = |name: &str| directory.path().join(name);
/// for index in 1..=2 {
///     executor.shard = Shard::new(index, 2)?; // on a machine of its own
///     let go_on = &mut |_: infer_code_cad::Progress<'_>| ControlFlow::Continue(());
///     evaluate_into(&path(&index.to_string()), "tiny", &technique, tasks, &executor, &config, go_on)?;
/// }
/// merge(&[path("2"), path("1")], &path("whole"))?;
/// assert!(StoredRun::read(&path("whole"))?.is_complete());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn merge<P: AsRef<Path>>(journals: &[P], into: &Path) -> Result<PathBuf, MergeError> {
    expect_vacant(into)?;
    let runs: Vec<StoredRun> =
        journals.iter().map(|path| StoredRun::read(path.as_ref())).collect::<Result<_, _>>()?;
    let header = check(&runs)?;
    let part = results::appended(into, ".part");
    let file = lock(&part)?;
    let merged = write(&runs, header, file).map_err(MergeError::from).and_then(|run| {
        expect_vacant(into)?; // still
        let results = results::derive(into, &run)?;
        let moved = fs::rename(&part, into);
        moved.map_err(|source| io_error(into, "put the merged journal there", source))?;
        Ok(results)
    });
    if merged.is_err() {
        let _ = fs::remove_file(&part);
    }
    merged
}

fn expect_vacant(into: &Path) -> Result<(), MergeError> {
    place::check_path(into)?;
    if into.exists() {
        return Err(MergeError::Exists { path: into.to_owned() });
    }
    Ok(results::check_results(&results::results_path(into))?)
}

/// The part file of this merge alone, emptied of what a merge that was killed has left.
fn lock(part: &Path) -> Result<LineFile, JournalError> {
    place::check_path(part)?;
    let file = LineFile::lock(part)?;
    place::check_beginning(part, &file.beginning(place::BEGINNING)?)?;
    file.cut()?;
    Ok(file)
}

fn write(
    runs: &[StoredRun],
    header: &RunHeader,
    file: LineFile,
) -> Result<StoredRun, JournalError> {
    file.append(&Line::Run(Box::new(header.clone())))?;
    for run in runs {
        run.file.scan(&mut |span, text| {
            if span.start > 0 && !text.is_empty() {
                let line: Line = serde_json::from_slice(text).map_err(|_| run.file.changed())?;
                file.append(&line)?;
            }
            Ok(())
        })?;
    }
    file.sync()?;
    StoredRun::of(file)
}

/// Whether the journals are parts of one run, and all of it: its header.
fn check(runs: &[StoredRun]) -> Result<&RunHeader, MergeError> {
    let first = runs.first().ok_or(MergeError::Nothing)?;
    for other in runs {
        let differences = first.header.differences(&other.header);
        if !differences.is_empty() {
            let (one, other) = paths(first, other);
            return Err(MergeError::Differs { one, other, differences });
        }
    }
    let mut seen = BTreeMap::new();
    for run in runs {
        let samples: Vec<_> = first.header.tasks.iter().flat_map(|id| samples(run, id)).collect();
        if samples.is_empty() {
            continue; // a shard without problems, or one that was killed early
        }
        if let Some(one) = seen.insert(samples, run) {
            let (one, other) = paths(one, run);
            return Err(MergeError::Twins { one, other });
        }
    }
    first.header.tasks.iter().try_for_each(|task_id| agree(runs, task_id))?;
    let missing = missing::find(runs, &first.header);
    if missing.is_empty() { Ok(&first.header) } else { Err(MergeError::Incomplete { missing }) }
}

fn samples<'a>(run: &'a StoredRun, task_id: &'a str) -> impl Iterator<Item = (&'a str, usize)> {
    let task = run.index.task(task_id);
    task.into_iter().flat_map(move |task| task.samples.keys().map(move |sample| (task_id, *sample)))
}

/// What several journals have of a sample must be the same.
fn agree(runs: &[StoredRun], task_id: &str) -> Result<(), MergeError> {
    let holders = runs.iter().filter(|run| samples(run, task_id).next().is_some());
    let holders: Vec<&StoredRun> = holders.collect();
    if holders.len() < 2 {
        return Ok(()); // by far the most, and none of it is read
    }
    let mut seen: BTreeMap<usize, (&StoredRun, Option<String>, SampleRecord)> = BTreeMap::new();
    for run in holders {
        let record = run.record(task_id)?;
        let prompt = record.prompt.map(|prompt| prompt.fingerprint);
        for sample in record.samples {
            let Some((one, known_prompt, known)) = seen.get(&sample.sample) else {
                seen.insert(sample.sample, (run, prompt.clone(), sample));
                continue;
            };
            let prompts = (*known_prompt != prompt).then_some("prompts");
            if let Some(what) = prompts.or_else(|| difference(known, &sample)) {
                let ((one, other), task_id) = (paths(one, run), task_id.to_owned());
                return Err(MergeError::Disagree {
                    one,
                    other,
                    task_id,
                    sample: sample.sample,
                    what,
                });
            }
        }
    }
    Ok(())
}

fn difference(one: &SampleRecord, other: &SampleRecord) -> Option<&'static str> {
    let judged =
        |of: &SampleRecord| (of.verdict, results::without_addresses(&of.reason).into_owned());
    if (&one.completion, &one.program) != (&other.completion, &other.program) {
        return Some("programs");
    }
    (judged(one) != judged(other)).then_some("verdicts")
}

fn paths(one: &StoredRun, other: &StoredRun) -> (PathBuf, PathBuf) {
    (one.file.path().to_owned(), other.file.path().to_owned())
}
