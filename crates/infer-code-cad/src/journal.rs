mod drafts;
mod error;
mod file;
mod index;
mod line;
mod merge;
mod near;
mod place;
mod stored;

use std::path::Path;
use std::sync::Arc;

use line::{DraftLine, Line, SampleLine};
use stored::Scan;

pub use drafts::JournalDrafts;
pub use error::JournalError;
pub use merge::{MergeError, Missing, merge};
pub use stored::StoredRun;

pub(crate) use file::{LineFile, Span, io_error};
#[cfg(feature = "report")]
pub(crate) use place::RUN;
pub(crate) use place::{RESULTS, check_path};

use crate::{
    Difference, Draft, FailureRecord, PromptRecord, RunHeader, SampleRecord, SessionRecord,
};

/// A result file that survives a kill: one JSON object per line, only ever appended to.
///
/// The first line is the [`RunHeader`], so that results of different runs never mix. Each further line is a
/// prompt, a draft, a judged sample, a failure or the cost of a session, in the order in which they came to
/// be. What is there is not made again when the run goes on, and what is appended again is not written
/// again.
///
/// A killed process loses what was in flight. Lines reach the disk within 100 ms of the next one, and at the
/// end, so a machine that loses its power loses little more. A line cut short by a kill or a full disk is
/// dropped when the file is opened again.
///
/// # Examples
/// ```
/// use infer_code_cad::{Journal, PromptRecord, RunHeader, SampleRecord};
/// # use infer_code_cad::{Executor, SolveConfig, Solver, Supplies, Technique, embedded};
/// # use infer_code_cad::{engine::EngineConfig, sandbox::{Limits, ScriptedJudge}};
/// # let solver = Solver::new(&embedded::model()?, &EngineConfig::default());
/// # let executor = Executor::new(solver, ScriptedJudge::new(), Limits::default());
/// # let technique = Technique::named("vanilla", &Supplies::default())?;
/// # let (tasks, config) = (embedded::tasks()?, SolveConfig::default());
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("run.jsonl");
/// use infer_code_cad::{FailureRecord, Stage};
///
/// let header = RunHeader::new("tiny", &technique, &tasks, &executor, &config)?;
/// let id = &header.tasks[0];
/// let mut journal = Journal::open(&path, &header)?;
/// journal.failure(&FailureRecord::new(id, None, Stage::Solving, "the prompt is too long"))?;
/// drop(journal);
///
/// let journal = Journal::open(&path, &header)?; // the same run goes on
/// let record = journal.run().records().next().expect("the first task")?;
/// assert_eq!(record.failures[0].reason, "the prompt is too long");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Journal {
    run: StoredRun,
}

impl Journal {
    /// Creates the file, or opens it to go on where an earlier session stopped.
    ///
    /// # Errors
    /// - [`JournalError::NotAFile`]: the path is a directory, a device, a pipe or a socket
    /// - [`JournalError::Locked`]: another session writes to it
    /// - [`JournalError::Foreign`], [`JournalError::Version`]: it is no journal, or none of this release
    /// - [`JournalError::Line`]: a line other than an unfinished last one does not parse
    /// - [`JournalError::Mismatch`]: it belongs to other settings
    /// - [`JournalError::Io`]: the system refuses
    ///
    /// Whichever it is, the file is as it was.
    pub fn open(path: &Path, header: &RunHeader) -> Result<Self, JournalError> {
        place::check_path(path)?;
        let Scan { file, contents, is_torn } = Scan::new(LineFile::lock(path)?)?;
        let (index, is_new) = match contents {
            Some((was, index)) => {
                check(path, was.differences(header))?;
                (index, false)
            }
            None => {
                expect_own_beginning(&file, header)?;
                (index::Index::new(&header.tasks), true)
            }
        };
        // Only now is the file known to be ours, and its unfinished line safe to drop.
        if is_torn {
            tracing::warn!(path = %path.display(), "dropping an unfinished last line");
            file.cut()?;
        }
        let run = StoredRun { file: Arc::new(file), header: header.clone(), index };
        if is_new {
            run.file.append(&Line::Run(Box::new(header.clone())))?;
        }
        Ok(Self { run })
    }

    /// Refuses at once a path that [`Journal::open`] would refuse whatever the settings: to be asked before a
    /// model is loaded. Nothing is created.
    ///
    /// # Errors
    /// [`JournalError::NotAFile`], [`JournalError::Foreign`], [`JournalError::Locked`] and
    /// [`JournalError::Io`].
    pub fn check(path: &Path) -> Result<(), JournalError> {
        place::check_path(path)?;
        if path.exists() {
            let file = LineFile::lock(path)?;
            place::check_beginning(path, &file.beginning(place::BEGINNING)?)?;
        }
        Ok(())
    }

    /// What the file holds.
    pub fn run(&self) -> &StoredRun {
        &self.run
    }

    /// Stores a prompt.
    ///
    /// # Errors
    /// [`JournalError::Mismatch`] when the file has another prompt for the problem, whose drafts must not
    /// mix with this one's; those of an append: [`JournalError::Io`] and then the file ends with the line
    /// before, [`JournalError::Poisoned`] and then nothing more can be appended, [`JournalError::Line`] for
    /// a problem that is none of the run's.
    pub fn prompt(&mut self, record: &PromptRecord) -> Result<(), JournalError> {
        let known = self.run.index.task(&record.task_id).and_then(|task| task.prompt.as_ref());
        let Some(known) = known else { return self.append(&Line::Prompt(record.clone())) };
        if known.fingerprint == record.fingerprint {
            return Ok(());
        }
        let was: PromptRecord = self.run.file.entry(known.span)?;
        check(self.run.file.path(), was.differences(record))
    }

    /// Stores a draft, unless the file has it.
    ///
    /// # Errors
    /// Those of an append, see [`Journal::prompt`].
    pub fn draft(&mut self, task_id: &str, draft: &Draft) -> Result<(), JournalError> {
        if self.run.index.addresses().contains_key(&draft.address) {
            return Ok(());
        }
        self.append(&Line::Draft(DraftLine::new(task_id, draft)))
    }

    /// Stores a judged sample, unless the file has a verdict on it.
    ///
    /// # Errors
    /// Those of an append, see [`Journal::prompt`].
    pub fn sample(&mut self, task_id: &str, record: &SampleRecord) -> Result<(), JournalError> {
        if self.run.has_verdict(task_id, record.sample) {
            return Ok(());
        }
        let task = self.run.index.task(task_id);
        let span = task.and_then(|task| task.drafts.get(&(record.role, record.draft)));
        let draft: Option<DraftLine> = span.map(|span| self.run.file.entry(*span)).transpose()?;
        self.append(&Line::Sample(SampleLine::new(task_id, record, draft.as_ref())))
    }

    /// Stores a failure, unless the file has it.
    ///
    /// # Errors
    /// Those of an append, see [`Journal::prompt`].
    pub fn failure(&mut self, record: &FailureRecord) -> Result<(), JournalError> {
        let task = self.run.index.task(&record.task_id);
        if let Some(span) = task.and_then(|task| task.failures.get(&record.sample))
            && self.run.file.entry::<FailureRecord>(*span)? == *record
        {
            return Ok(());
        }
        self.append(&Line::Failure(record.clone()))
    }

    /// Stores what this session cost, and puts everything on the disk.
    ///
    /// # Errors
    /// Those of an append, see [`Journal::prompt`].
    pub fn session(&mut self, record: &SessionRecord) -> Result<(), JournalError> {
        self.append(&Line::Session(*record))?;
        self.sync()
    }

    /// Puts everything on the disk.
    ///
    /// # Errors
    /// [`JournalError::Poisoned`].
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.run.file.sync()
    }

    /// Puts lines on the disk that have waited for longer than 100 ms.
    ///
    /// # Errors
    /// [`JournalError::Poisoned`].
    pub fn sync_due(&mut self) -> Result<(), JournalError> {
        self.run.file.sync_due()
    }

    fn append(&mut self, line: &Line) -> Result<(), JournalError> {
        let path = self.run.file.path();
        if let Some(id) = line.task_id().filter(|id| self.run.index.task(id).is_none()) {
            return Err(near::unknown(path, id, &self.run.header.tasks));
        }
        let span = self.run.file.append(line)?;
        // Its problem is one of the run's, and it is no second header.
        self.run.index.enter(span, line).map_err(|_| self.run.file.changed())
    }
}

impl Drop for Journal {
    /// Puts everything on the disk, as far as it takes it.
    fn drop(&mut self) {
        let _ = self.run.file.sync();
    }
}

fn check(path: &Path, differences: Vec<Difference>) -> Result<(), JournalError> {
    if differences.is_empty() {
        return Ok(());
    }
    Err(JournalError::Mismatch { path: path.to_owned(), differences })
}

/// A file without a whole line is ours only if it is the beginning of our first line.
fn expect_own_beginning(file: &LineFile, header: &RunHeader) -> Result<(), JournalError> {
    let line = file::text(file.path(), &Line::Run(Box::new(header.clone())))?;
    if line.starts_with(&file.beginning(line.len() as u64 + 1)?) {
        return Ok(());
    }
    Err(JournalError::Foreign {
        path: file.path().to_owned(),
        found: "it holds no whole line, and not the beginning of this run's first one",
        remedy: "remove it if it is of no use, or name another file",
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
