use std::path::PathBuf;

use infer_code_cad_tasks::TaskError;

use crate::header::VERSION;
use crate::{Difference, header};

/// Why a result file cannot be used. Whatever it is, what the file holds is left as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The system refused.
    #[error("{path}: cannot {doing}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The path is no regular file: it could not be read back.
    #[error("{path} is a {kind}; results are read back to go on, so name a regular file")]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// Another session writes to the file.
    #[error("{path} is in use by another run; wait for its end or name another file")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file is somebody else's.
    #[error("{path} is not a result file: {found}; nothing in it was changed, {remedy}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it begins with.
        found: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The file is that of another release.
    #[error("{path} is of {}; go on with that release, or name another file", release(*.found))]
    Version {
        /// The file.
        path: PathBuf,
        /// What its first line says; `None` for the first releases, which said none.
        found: Option<u64>,
    },
    /// A line does not say what it should.
    #[error(
        "{path}, line {line}: {reason}; the file was changed by something else: restore it, or name \
         another file"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that is no journal holds no judged samples either.
    #[error(transparent)]
    Samples(#[from] TaskError),
    /// A problem that the run does not have.
    #[error("{path}: task {task_id:?} is none of this run's; like it are {}", near.join(", "))]
    UnknownTask {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        task_id: String,
        /// The run's names that are most like it.
        near: Vec<String>,
    },
    /// A line that was read before is no longer there.
    #[error(
        "{path} was changed by something else while it was in use; run again to see what is left"
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The file belongs to a run with other settings.
    #[error(
        "{path} was begun with {}; use the same settings or another file",
        header::summary(.differences)
    )]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Every setting that differs.
        differences: Vec<Difference>,
    },
    /// Something failed in a way that leaves the end of the file unknown, so nothing more is written.
    #[error(
        "{path} is closed to this run since {reason}; free what is short and run again: the file is \
         repaired when it is opened"
    )]
    Poisoned {
        /// The file.
        path: PathBuf,
        /// What failed.
        reason: String,
    },
}

fn release(found: Option<u64>) -> String {
    match found {
        Some(version) if version > VERSION => {
            format!("a later release (its format is {version}, this one's {VERSION})")
        }
        _ => format!("an earlier release (this one's format is {VERSION})"),
    }
}
