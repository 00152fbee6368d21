use std::path::PathBuf;

use super::Missing;
use crate::{Difference, JournalError, header};

/// Why journals were not put together. Whatever it is, none of them has changed, and nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A journal cannot be read, or the merged one cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No journals were given.
    #[error("there is nothing to merge; name the journals of all shards")]
    Nothing,
    /// Something is where the merged journal is to be.
    #[error("{path} is there already; merge into another file, or move it away")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Two journals are of two runs.
    #[error(
        "{other} is of another run than {one}, which was begun with {}; merge journals of one run",
        header::summary(.differences)
    )]
    Differs {
        /// The first journal.
        one: PathBuf,
        /// Another one.
        other: PathBuf,
        /// Every setting that differs.
        differences: Vec<Difference>,
    },
    /// Two journals are of the same shard, or one is a copy of the other.
    #[error("{one} and {other} hold the same samples; name one of them")]
    Twins {
        /// One of them.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// A sample is in two journals and not the same.
    #[error(
        "the {what} of {task_id} sample {sample} differ between {one} and {other}; leave out the one that is \
         wrong, and run its shard again into another file"
    )]
    Disagree {
        /// One journal.
        one: PathBuf,
        /// Another one.
        other: PathBuf,
        /// The problem.
        task_id: String,
        /// Which of its samples.
        sample: usize,
        /// What differs.
        what: &'static str,
    },
    /// Samples are in no journal.
    #[error("{}", .missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Incomplete {
        /// Which ones.
        missing: Vec<Missing>,
    },
}
