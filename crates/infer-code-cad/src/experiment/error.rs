use std::path::PathBuf;

use crate::{Difference, Error, JournalError, header};

/// What is wrong with a plan, or kept it from being run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// A plan says something that cannot be.
    #[error("the plan: {reason}")]
    Plan {
        /// What.
        reason: String,
    },
    /// A run failed.
    #[error(transparent)]
    Run(#[from] Error),
    /// A result file was made with other settings, so its figures are not this plan's.
    #[error(
        "{}: it was made with other settings: {}; keep these results in another folder, or remove the file to have it \
         made again", path.display(), header::summary(differences)
    )]
    OtherSettings {
        /// The journal or archive.
        path: PathBuf,
        /// What differs.
        differences: Vec<Difference>,
    },
    /// A file is no archive.
    #[error("{}: {reason}; restore the file, or remove it to have it made again", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl From<JournalError> for ExperimentError {
    fn from(error: JournalError) -> Self {
        Self::Run(error.into())
    }
}
