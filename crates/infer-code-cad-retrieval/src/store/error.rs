use std::io;
use std::path::Path;

use crate::{EmbedError, IndexError, RetrievalError};

/// Why an index on disk could not be written or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no index in the directory.
    #[error(
        "{directory} holds no index (it has no manifest.json); build one there, or check the path"
    )]
    NoStore {
        /// The directory as given.
        directory: String,
    },
    /// The directory holds files under the names of an index, but no manifest, so they may be someone else's.
    #[error(
        "{file} is in the way: {directory} has no manifest.json, so it is no index; move the file, or choose another directory"
    )]
    InTheWay {
        /// The directory as given.
        directory: String,
        /// The file.
        file: String,
    },
    /// Another process writes to the index.
    #[error("{directory} is being written by {}; wait for it, or end it", writer(*.pid))]
    Locked {
        /// The directory as given.
        directory: String,
        /// The process that holds the lock, where it says so.
        pid: Option<u32>,
    },
    /// A file of the index is not there.
    #[error(
        "{file} is missing, the manifest lists it; restore it from a copy, or build the index again"
    )]
    Missing {
        /// The file.
        file: String,
    },
    /// A file of the index does not hold what was written.
    #[error("{file} is damaged: {what}; restore it from a copy, or build the index again")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong, and where.
        what: String,
    },
    /// The index is of a later format.
    #[error(
        "{file} is of format {found}, this program reads up to {supported}; use a newer one, or another directory"
    )]
    Version {
        /// The manifest.
        file: String,
        /// Its format.
        found: u64,
        /// The latest format read.
        supported: u64,
    },
    /// A file cannot be read.
    #[error("{file} cannot be read: {source}; check the path and its permissions")]
    Read {
        /// The file or directory.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("{file} cannot be written: {source}; the index there is unchanged")]
    Write {
        /// The file or directory.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// There is no room for a file.
    #[error(
        "no room for {file}: {source}; the index there is unchanged; make room and run the same again, vectors made so far are kept"
    )]
    Full {
        /// The file.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing to store, or nothing would be left.
    #[error(
        "an index needs at least one passage, there would be none; check the sources, or delete the directory"
    )]
    NoPassages,
    /// Two passages have one id.
    #[error("two passages have the id {id:?}; ids must be unique")]
    DuplicateId {
        /// The id.
        id: String,
    },
    /// The vectors of the index are another embedder's.
    #[error(
        "the vectors were made by {index}, this embedder is {given}; take that one, or build the index again"
    )]
    OtherEmbedder {
        /// The settings of the embedder that made them.
        index: String,
        /// Those of the embedder given.
        given: String,
    },
    /// The index has vectors, and there is no embedder to make more.
    #[error("the vectors were made by {index}; new passages need that embedder")]
    NoEmbedder {
        /// The settings of the embedder that made them.
        index: String,
    },
    /// The index has no vectors to search.
    #[error(
        "{directory} was built without an embedder; search it without one, or build it again with one"
    )]
    NoVectors {
        /// The directory as given.
        directory: String,
    },
    /// The embedder failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The embedder's answer does not fit the texts asked.
    #[error(
        "the embedder answered {texts} texts of dimension {dimension} with vectors of shape {shape:?} and {cuts} counts"
    )]
    Shape {
        /// Texts asked.
        texts: usize,
        /// The dimension it promises.
        dimension: usize,
        /// Shape of the vectors.
        shape: [usize; 2],
        /// Counts of tokens cut.
        cuts: usize,
    },
    /// A vector with a NaN or an infinity.
    #[error("the vector of the passage {id:?} holds {value}; check the embedder's weights")]
    NotFinite {
        /// The passage.
        id: String,
        /// The value.
        value: f32,
    },
    /// The caller broke the run off.
    #[error(
        "stopped with {done} of {total} passages embedded; run the same again to go on from there"
    )]
    Cancelled {
        /// Passages embedded by now, in this run and before.
        done: usize,
        /// Passages that need a vector.
        total: usize,
    },
    /// The vectors cannot be searched.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The passages cannot be searched.
    #[error(transparent)]
    Retrieval(#[from] RetrievalError),
}

fn writer(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// Names the file that could not be read.
pub(super) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let file = path.display().to_string();
    move |source| match source.kind() {
        io::ErrorKind::NotFound => StoreError::Missing { file },
        _ => StoreError::Read { file, source },
    }
}

/// Names the file that could not be written.
pub(super) fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let file = path.display().to_string();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StoreError::Full { file, source }
        }
        _ => StoreError::Write { file, source },
    }
}

/// Names the file that holds something else than was written.
pub(super) fn damaged(path: &Path, what: impl Into<String>) -> StoreError {
    StoreError::Damaged { file: path.display().to_string(), what: what.into() }
}
