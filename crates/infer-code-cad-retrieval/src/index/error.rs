use std::error::Error;

use super::VectorFileError;

/// Why vectors could not be stored or searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Vectors or queries of another length than the index holds.
    #[error(
        "the index holds vectors of {index} values, these have {given}; one embedder must make both"
    )]
    Dimension {
        /// That of the index.
        index: usize,
        /// That of the vectors or queries.
        given: usize,
    },
    /// As many numbers as vectors are needed.
    #[error("{ids} numbers for {vectors} vectors; give one for each")]
    Ids {
        /// Numbers given.
        ids: usize,
        /// Vectors given.
        vectors: usize,
    },
    /// A number that is held already or comes twice.
    #[error("the number {id} is taken; remove its vector first")]
    DuplicateId {
        /// The number.
        id: i64,
    },
    /// A vector or query with a NaN or an infinity.
    #[error("row {row} holds a value that is not finite ({value}); its text cannot be searched")]
    NotFinite {
        /// Its place among those given, from 0.
        row: usize,
        /// The value.
        value: f32,
    },
    /// A vector or query so long that an inner product with one as long overflows.
    #[error("row {row} is so long that its inner products overflow; divide it by its length")]
    TooLong {
        /// Its place among those given, from 0.
        row: usize,
    },
    /// Zero neighbours were asked for.
    #[error("top_k is 0, so nothing can be found; ask for at least 1")]
    ZeroTopK,
    /// A sharded index of nothing.
    #[error("a sharded index needs at least one index, got none")]
    NoShards,
    /// What this kind of index cannot do.
    #[error("an index of kind {kind} cannot {what}; {remedy}")]
    Unsupported {
        /// The kind of index.
        kind: &'static str,
        /// What was asked.
        what: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
    /// What an index of FAISS says.
    #[cfg(feature = "faiss")]
    #[error(transparent)]
    Faiss(#[from] super::FaissError),
    /// What an index in PostgreSQL says.
    #[cfg(feature = "pgvector")]
    #[error(transparent)]
    PgVector(#[from] super::PgVectorError),
    /// The file that holds the vectors fails.
    #[error(transparent)]
    File(#[from] VectorFileError),
    /// What an index of one's own cannot say otherwise.
    #[error("the index failed: {0}")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

impl IndexError {
    /// Any error, or a text, as an [`IndexError::Other`].
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}
