//! Vectors that are searched by inner product.

mod error;
#[cfg(feature = "faiss")]
mod faiss;
mod file;
mod flat;
#[cfg(feature = "pgvector")]
mod pgvector;
mod rows;
mod sharded;

#[cfg(feature = "faiss")]
pub use self::faiss::{FaissError, FaissIndex, FaissOptions};
#[cfg(feature = "pgvector")]
pub use self::pgvector::{PgVectorError, PgVectorIndex, PgVectorSearch};
pub use error::IndexError;
pub(crate) use file::write_flat_header;
pub use file::{VectorFileError, read_npy, write_npy};
pub use flat::{FlatConfig, FlatIndex, VectorFormat};
pub use sharded::ShardedIndex;

use std::fmt::Debug;

use infer_code_cad_decode::Settings;
use ndarray::ArrayView2;

/// Holds vectors under numbers and finds those with the largest inner product with a query.
///
/// Vectors of length 1 make it the cosine. Numbers are the caller's own, as FAISS's `add_with_ids` has them; a
/// store counts its passages.
pub trait VectorIndex: Debug + Send + Sync {
    /// Values of a vector.
    fn dimension(&self) -> usize;

    /// Vectors held.
    fn len(&self) -> usize;

    /// Whether it holds none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes in one vector per number: `vectors` is `(ids, dimension)`.
    ///
    /// # Errors
    /// [`IndexError::Dimension`], [`IndexError::Ids`], [`IndexError::DuplicateId`] for a number given twice or held
    /// already, [`IndexError::NotFinite`], and those of the kind of index. After an error it holds what it held before.
    fn add(&mut self, ids: &[i64], vectors: ArrayView2<'_, f32>) -> Result<(), IndexError>;

    /// Drops vectors; numbers that are not held are passed over. How many were dropped.
    ///
    /// # Errors
    /// [`IndexError::Unsupported`] where the kind of index cannot.
    fn remove(&mut self, ids: &[i64]) -> Result<usize, IndexError>;

    /// Of each query, `(queries, dimension)`, the `top_k` vectors with the largest inner product, or all where there
    /// are fewer: the largest first, equal ones by their number.
    ///
    /// # Errors
    /// [`IndexError::Dimension`], [`IndexError::ZeroTopK`], [`IndexError::NotFinite`] for a query with a NaN or an
    /// infinity.
    fn search(
        &self,
        queries: ArrayView2<'_, f32>,
        top_k: usize,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError>;

    /// The vector of a number as it is stored, or `None` where there is none.
    ///
    /// # Errors
    /// Those of reading it.
    fn vector(&self, id: i64) -> Result<Option<Vec<f32>>, IndexError>;

    /// What result files call it: the kind and what an answer depends on beside the vectors.
    fn settings(&self) -> Settings;
}

/// A vector found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// The number it was added under.
    pub id: i64,
    /// Its inner product with the query.
    pub score: f32,
}
