use std::path::Path;
use std::sync::Arc;

use infer_code_cad_metrics::Throughput;

use super::file::LineFile;
use super::index::Index;
use super::line::{DraftLine, Line, SampleLine};
use super::{JournalError, near, place};
use crate::{Judging, Record, RunHeader, RunMemory};

/// What a journal holds, read from it when asked for: in memory is where each line lies.
///
/// Reading takes no lock, so the run may still be going on; what it appends later is not seen.
///
/// # Examples
/// ```no_run
/// use std::path::Path;
///
/// use infer_code_cad::StoredRun;
///
/// let run = StoredRun::read(Path::new("cad.jsonl"))?;
/// println!("{} with seed {}", run.header().technique, run.header().seed);
/// for record in run.records() {
///     let record = record?;
///     println!("{}: {} of {}", record.task_id, record.passes(), record.samples.len());
/// }
/// # Ok::<(), infer_code_cad::JournalError>(())
/// ```
#[derive(Debug)]
pub struct StoredRun {
    pub(super) file: Arc<LineFile>,
    pub(super) header: RunHeader,
    pub(super) index: Index,
}

impl StoredRun {
    /// Reads a journal, without changing it. A last line that a kill or a full disk cut short is left out.
    ///
    /// # Errors
    /// As [`Journal::open`](super::Journal::open), but for those of locks and settings.
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        place::check_path(path)?;
        Self::of(LineFile::read(path)?)
    }

    pub(super) fn of(file: LineFile) -> Result<Self, JournalError> {
        let Scan { file, contents, .. } = Scan::new(file)?;
        match contents {
            Some((header, index)) => Ok(Self { file: Arc::new(file), header, index }),
            None => Err(JournalError::Foreign {
                path: file.path().to_owned(),
                found: "it holds no whole line",
                remedy: "name a file that a run was stored in",
            }),
        }
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The settings of the run.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// What all sessions that ended in order cost together.
    pub fn throughput(&self) -> Throughput {
        self.index.throughput()
    }

    /// When programs ran while that was timed: beside generation if it was so in one of the sessions; `None`
    /// where no session has generated anything.
    pub fn judging(&self) -> Option<Judging> {
        self.index.judging()
    }

    /// What memory its sessions took at most.
    pub fn memory(&self) -> RunMemory {
        self.index.memory()
    }

    /// Whether every sample has a verdict or a failure.
    pub fn is_complete(&self) -> bool {
        let samples = || 0..self.header.n_samples;
        self.header.tasks.iter().all(|id| samples().all(|sample| self.is_done(id, sample)))
    }

    /// Whether a sample has a verdict or a failure, which may be that of its whole problem.
    pub(super) fn is_done(&self, task_id: &str, sample: usize) -> bool {
        self.index.task(task_id).is_some_and(|task| {
            let failed = |of| task.failures.contains_key(&of);
            task.samples.contains_key(&sample) || failed(Some(sample)) || failed(None)
        })
    }

    /// Whether a sample has a verdict.
    pub fn has_verdict(&self, task_id: &str, sample: usize) -> bool {
        self.index.task(task_id).is_some_and(|task| task.samples.contains_key(&sample))
    }

    /// Every problem of the run, in its order: also those of which the journal knows nothing yet.
    ///
    /// # Errors
    /// In each place, [`JournalError::Io`] and [`JournalError::Line`] when the file can no longer be read.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, JournalError>> {
        self.header.tasks.iter().map(|task_id| self.record(task_id))
    }

    /// What is known of one problem.
    ///
    /// # Errors
    /// [`JournalError::UnknownTask`]; those of [`StoredRun::records`].
    pub fn record(&self, task_id: &str) -> Result<Record, JournalError> {
        let mut record = Record::new(task_id);
        let unknown = || near::unknown(self.path(), task_id, &self.header.tasks);
        let task = self.index.task(task_id).ok_or_else(unknown)?;
        let prompt = task.prompt.as_ref().map(|prompt| self.file.entry(prompt.span));
        record.prompt = prompt.transpose()?;
        for span in task.drafts.values() {
            record.drafts.push(self.file.entry::<DraftLine>(*span)?.into_draft());
        }
        for span in task.samples.values() {
            let line: SampleLine = self.file.entry(*span)?;
            let chosen = (line.role, line.draft);
            let draft = record.drafts.iter().find(|draft| (draft.role, draft.index) == chosen);
            let sample = line.into_record(draft).ok_or_else(|| self.file.changed())?;
            record.samples.push(sample);
        }
        for span in task.failures.values() {
            record.failures.push(self.file.entry(*span)?);
        }
        Ok(record)
    }
}

/// What a file of lines holds.
pub(super) struct Scan {
    pub(super) file: LineFile,
    /// `None` where the file has no whole line.
    pub(super) contents: Option<(RunHeader, Index)>,
    /// Whether bytes follow the last whole line.
    pub(super) is_torn: bool,
}

impl Scan {
    /// Reads a file from its beginning to its last whole line, one line at a time.
    ///
    /// # Errors
    /// [`JournalError::Foreign`], [`JournalError::Version`], [`JournalError::Line`] and [`JournalError::Io`].
    pub(super) fn new(file: LineFile) -> Result<Self, JournalError> {
        let path = file.path().to_owned();
        place::check_beginning(&path, &file.beginning(place::BEGINNING)?)?;
        let (mut contents, mut number) = (None, 0);
        let is_torn = file.scan(&mut |span, line| {
            number += 1;
            let fault = |reason| JournalError::Line { path: path.clone(), line: number, reason };
            match &mut contents {
                None => contents = Some(Self::first(&path, line)?),
                Some(_) if line.is_empty() => {}
                Some((_, index)) => {
                    let line =
                        serde_json::from_slice(line).map_err(|error| fault(reason(&error)))?;
                    index.enter(span, &line).map_err(fault)?;
                }
            }
            Ok(())
        })?;
        Ok(Self { file, contents, is_torn })
    }

    fn first(path: &Path, line: &[u8]) -> Result<(RunHeader, Index), JournalError> {
        place::check_version(path, line)?;
        let fault = |reason| JournalError::Line { path: path.to_owned(), line: 1, reason };
        let line: Line = serde_json::from_slice(line).map_err(|error| fault(reason(&error)))?;
        let header: Box<RunHeader> =
            line.try_into().map_err(|()| fault("no settings".to_owned()))?;
        let index = Index::new(&header.tasks);
        Ok((*header, index))
    }
}

/// What is wrong with a line, without the number that it has for the parser, which is always 1.
fn reason(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}
