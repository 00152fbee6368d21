use std::fmt::Debug;
use std::sync::Arc;

use infer_code_cad_decode::Settings;

use crate::{Passage, RetrievalError};

/// Finds the passages that fit a query.
///
/// The door for every kind of search; it holds no state of a query and serves many threads.
///
/// # Examples
/// A retriever of one's own, which finds the passages that the query names by their title:
/// ```
/// use std::sync::Arc;
///
/// use infer_code_cad_retrieval::{Hit, Passage, Query, RetrievalError, Retriever, Settings};
///
/// #[derive(Debug)]
/// struct ByTitle(Vec<Arc<Passage>>);
///
/// impl ByTitle {
///     fn named(&self, text: &str, top_k: usize) -> Result<Vec<Hit>, RetrievalError> {
///         if top_k == 0 {
///             return Err(RetrievalError::ZeroTopK);
///         }
///         let named = self.0.iter().filter(|passage| text.contains(&passage.title));
///         Ok(named.take(top_k).map(|passage| Hit::new(Arc::clone(passage), 1.0)).collect())
///     }
/// }
///
/// impl Retriever for ByTitle {
///     fn search(
///         &self,
///         queries: &[Query<'_>],
///         top_k: usize,
///     ) -> Vec<Result<Vec<Hit>, RetrievalError>> {
///         queries.iter().map(|query| self.named(query.text, top_k)).collect()
///     }
///
///     fn settings(&self) -> Settings {
///         let ids: Vec<&str> = self.0.iter().map(|passage| passage.id.as_str()).collect();
///         Settings::new("by_title").with("passages", ids.join("+"))
///     }
/// }
///
/// let zip = Passage::new("zip", "zip", "In parallel.");
/// let retriever = ByTitle(vec![Arc::new(zip)]);
/// let found = retriever.search(&[Query::new("use zip"), Query::new("use map")], 3);
/// assert_eq!(found[0].as_ref().unwrap()[0].passage.id, "zip");
/// assert!(found[1].as_ref().unwrap().is_empty());
/// assert_eq!(retriever.settings().to_string(), "by_title(passages=zip)");
/// ```
pub trait Retriever: Debug + Send + Sync {
    /// Answers each query, in the order asked: as many results as queries. A query that cannot be
    /// answered is an error in its own place and takes nothing from the others, so that a run over
    /// many problems goes on. All come in one call because an embedder works in batches.
    ///
    /// An answer holds at most `top_k` passages, best first; equal scores keep the order of
    /// insertion. No fitting passage is an empty answer, not an error; so is the answer to a query
    /// without a word, such as an empty docstring, where the retriever can give one.
    ///
    /// # Errors
    /// In each place: [`RetrievalError::ZeroTopK`] for `top_k = 0`;
    /// [`RetrievalError::EmptyQuery`] where a query without a word cannot be answered;
    /// [`RetrievalError::Other`] for the implementation's own.
    fn search(&self, queries: &[Query<'_>], top_k: usize) -> Vec<Result<Vec<Hit>, RetrievalError>>;

    /// What result files and reports call this retriever. Everything that an answer depends on
    /// belongs to it, the passages too: two that answer differently never have equal settings.
    fn settings(&self) -> Settings;
}

/// What is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query<'a> {
    /// The text as the retriever gets it: no instruction or prefix of an embedding model yet.
    pub text: &'a str,
}

impl<'a> Query<'a> {
    /// A query by text.
    pub fn new(text: &'a str) -> Self {
        Self { text }
    }
}

/// A passage found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Hit {
    /// The passage, shared with its retriever.
    pub passage: Arc<Passage>,
    /// How well it fits the query: higher is better. The scale is the retriever's own, so scores of
    /// two retrievers cannot be compared.
    pub score: f32,
    /// What each of several retrievers said of the passage, before their answers were fused; a gate
    /// reads it. Empty in the answer of a retriever that ranks by itself: there the place in the
    /// answer is the rank and [`Hit::score`] the score.
    pub parts: Vec<Part>,
}

impl Hit {
    /// A hit of a retriever that ranks by itself.
    pub fn new(passage: Arc<Passage>, score: f32) -> Self {
        Self { passage, score, parts: Vec::new() }
    }
}

/// One retriever's word on a passage that several were asked for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Part {
    /// The retriever's name, that of its [`Settings`] unless two in one fusion have the same.
    pub retriever: String,
    /// Place among that retriever's hits, from 1.
    pub rank: usize,
    /// That retriever's score.
    pub score: f32,
}

impl Part {
    /// The word of `retriever` on a passage; `rank` counts from 1.
    pub fn new(retriever: impl Into<String>, rank: usize, score: f32) -> Self {
        Self { retriever: retriever.into(), rank, score }
    }
}

macro_rules! through_pointer {
    ($($pointer:ident),*) => { $(
        impl<R: Retriever + ?Sized> Retriever for $pointer<R> {
            fn search(
                &self,
                queries: &[Query<'_>],
                top_k: usize,
            ) -> Vec<Result<Vec<Hit>, RetrievalError>> {
                (**self).search(queries, top_k)
            }

            fn settings(&self) -> Settings {
                (**self).settings()
            }
        }
    )* };
}
through_pointer!(Arc, Box);
