use std::io;

/// Why an index of FAISS could not be made, read or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FaissError {
    /// FAISS knows no such index.
    #[error(
        "FAISS makes no index {factory:?} for vectors of {dimension} values ({reason}); \
         give a factory string such as Flat, HNSW32 or IVF256,Flat"
    )]
    Kind {
        /// The factory string.
        factory: String,
        /// Values of a vector.
        dimension: usize,
        /// What FAISS said, or what is wrong.
        reason: String,
    },
    /// Vectors cannot be taken in yet.
    #[error(
        "the index {kind} learns from vectors before it takes any in; call train with a sample of them first"
    )]
    Untrained {
        /// The kind of index.
        kind: String,
    },
    /// The number by which FAISS says that there is no vector.
    #[error("FAISS keeps the number -1 for no vector; give another")]
    ReservedId,
    /// The path is not UTF-8, or holds a NUL.
    #[error("FAISS cannot be told the path {file:?}; give one of UTF-8 without NUL")]
    Path {
        /// The path.
        file: String,
    },
    /// A file cannot be read or written.
    #[error("{file}: {source}; check the path, its permissions and the room on the disk")]
    Io {
        /// The path.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what FAISS or this crate wrote.
    #[error("{file} is no index of FAISS or is damaged ({reason}); write it again")]
    Damaged {
        /// The path.
        file: String,
        /// What does not fit.
        reason: String,
    },
    /// An index that does not rank by inner product.
    #[error(
        "{file} ranks by FAISS's metric {metric}, not by inner product (0); build it with METRIC_INNER_PRODUCT"
    )]
    Metric {
        /// The path.
        file: String,
        /// FAISS's number of the metric; 1 is the Euclidean distance.
        metric: i32,
    },
    /// What FAISS said of anything else.
    #[error("FAISS could not {what}: {reason}")]
    Native {
        /// What was asked of it.
        what: &'static str,
        /// Its words.
        reason: String,
    },
}

impl FaissError {
    pub(super) fn native(what: &'static str) -> impl Fn(faiss::error::Error) -> Self {
        move |error| Self::Native { what, reason: error.to_string() }
    }
}
