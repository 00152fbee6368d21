use std::error::Error;
use std::io;
use std::path::Path;

/// Why a source gives no document at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The file or folder cannot be opened or read.
    #[error("{file}: {source}; check the path and its permissions")]
    Io {
        /// Path as given.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file that the others depend on is no JSON of its kind.
    #[error("{file}: {source}; take another copy of it")]
    Json {
        /// Path as given.
        file: String,
        /// What the parser found.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The list of a site's objects cannot be read.
    #[error("{file}: {why}; build the documentation again, or take another copy of it")]
    Inventory {
        /// Path as given.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file of columns without the ones of documents, or damaged.
    #[cfg(feature = "parquet")]
    #[error(
        "{file}: {why}; expected parquet with the columns id and text, or doc_id and doc_content"
    )]
    Columns {
        /// Path as given.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The interpreter does not say what is installed.
    #[error("{interpreter}: {why}; expected a Python of at least 3.8")]
    Interpreter {
        /// Path as given.
        interpreter: String,
        /// What happened.
        why: String,
    },
    /// A package asked for is not there.
    #[error(
        "{interpreter} has no package {package:?}; install it there, or name another interpreter"
    )]
    NoPackage {
        /// Path as given.
        interpreter: String,
        /// The name.
        package: String,
    },
    /// What a source of one's own cannot say otherwise.
    #[error("the source failed: {0}")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

impl SourceError {
    /// Any error, or a text, as a [`SourceError::Other`].
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    /// The system's word on a path.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { file: path.display().to_string(), source }
    }
}
