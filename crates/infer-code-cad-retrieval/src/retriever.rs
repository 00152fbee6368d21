use std::fmt::Debug;

use crate::{Passage, RetrievalError};

/// A passage found, borrowed from its retriever.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit<'a> {
    /// The passage.
    pub passage: &'a Passage,
    /// How well it fits the query: higher is better. The scale is the retriever's own, so scores of
    /// two retrievers cannot be compared.
    pub score: f32,
}

/// Finds the passages that fit a query.
///
/// The door for every kind of search; it holds no state of a query and serves many threads.
pub trait Retriever: Debug + Send + Sync {
    /// Returns at most `top_k` passages, best first; equal scores keep the order of insertion. No
    /// fitting passage is an empty answer, not an error; so is the answer to a query without a word,
    /// such as an empty docstring: a run over many problems goes on.
    ///
    /// # Errors
    /// [`RetrievalError::ZeroTopK`] for `top_k = 0`. Errors of the implementation.
    fn search(&self, query: &str, top_k: usize) -> Result<Vec<Hit<'_>>, RetrievalError>;
}
