use std::error::Error;
use std::io;

use crate::{EmbedError, IndexError};

/// Why passages could not be read or searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetrievalError {
    /// The query holds nothing to search for. For retrievers that cannot answer such a query;
    /// [`Bm25Index`](crate::Bm25Index) answers it with no passage.
    #[error("the query {query:?} holds no word; ask with at least one letter or digit")]
    EmptyQuery {
        /// The query.
        query: String,
    },
    /// Zero hits were asked for.
    #[error("top_k is 0, so no passage can be returned; ask for at least 1")]
    ZeroTopK,
    /// There is nothing to index.
    #[error("an index needs at least one passage, got none")]
    NoPassages,
    /// A fusion of nothing.
    #[error("a hybrid search needs at least one retriever, got none")]
    NoRetrievers,
    /// A part that a hybrid search does not have.
    #[error(
        "no retriever of the hybrid search is called {name:?}; name the one whose scores are cosines"
    )]
    NoRetriever {
        /// The name asked for.
        name: String,
    },
    /// Values from which nothing can be learned.
    #[error(
        "a sample of {values} values is empty or holds one that is not finite; give finite cosines of both kinds"
    )]
    Sample {
        /// Values given.
        values: usize,
    },
    /// As many vectors as passages are needed.
    #[error("the index holds {vectors} vectors for {passages} passages; index these passages anew")]
    Vectors {
        /// Vectors in the index.
        vectors: usize,
        /// Passages given.
        passages: usize,
    },
    /// The index found a number that no passage has.
    #[error("the index found number {number}, which no passage has; index these passages anew")]
    NoPassage {
        /// The number.
        number: i64,
    },
    /// A passage without a vector.
    #[error("no vector is held for the passage {id:?}; search and vectors must be of one store")]
    NoVector {
        /// The passage's id.
        id: String,
    },
    /// A query has no vector.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// Vectors could not be searched.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A parameter is out of its range.
    #[error("{name} is {value}, expected {expected}")]
    Parameter {
        /// The field.
        name: &'static str,
        /// What it was set to.
        value: f32,
        /// The range allowed.
        expected: &'static str,
    },
    /// The file cannot be opened or read.
    #[error("{file}: {source}; check the path and its permissions")]
    Io {
        /// Path as given.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The gzip stream is truncated or damaged.
    #[error("damaged gzip data ({source}); download or compress the passages again")]
    Gzip {
        /// What the decoder said.
        source: io::Error,
    },
    /// A line holds bytes that are not UTF-8.
    #[error("line {line} is not UTF-8; save the passages as UTF-8")]
    NotUtf8 {
        /// Its number, from 1.
        line: usize,
    },
    /// What is wrong with the passages of a file.
    #[error("{file}: {reason}")]
    InFile {
        /// Path as given.
        file: String,
        /// The fault.
        #[source]
        reason: Box<Self>,
    },
    /// A line is not a JSON object.
    #[error("line {line} is not a JSON object: {source}")]
    Json {
        /// Its number, from 1.
        line: usize,
        /// What the parser found.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A line lacks a field, or the field is not a string.
    #[error("line {line} has no string field {field:?}; a passage needs id, title and text")]
    Field {
        /// Its number, from 1.
        line: usize,
        /// The field.
        field: &'static str,
    },
    /// Two passages have one id.
    #[error("line {line} repeats the id {id:?} of line {first_line}; ids must be unique")]
    DuplicateId {
        /// The id.
        id: String,
        /// The line of the second passage, from 1.
        line: usize,
        /// The line of the first.
        first_line: usize,
    },
    /// A query stands twice in a file of answers.
    #[error("line {line} repeats the query {query:?}; a query has one answer")]
    DuplicateQuery {
        /// The query.
        query: String,
        /// The second line, from 1.
        line: usize,
    },
    /// A query that a file of answers does not have.
    #[error("nobody searched for {query:?} when the file was made; retrieve for these problems")]
    NotRetrieved {
        /// The query.
        query: String,
    },
    /// More hits than a file of answers has.
    #[error(
        "the file holds {held} hits of a query, {asked} were asked for; retrieve again with more"
    )]
    TooFewRetrieved {
        /// What it was made with.
        held: usize,
        /// What is asked for now.
        asked: usize,
    },
    /// Answers cannot be written.
    #[error("the answers cannot be written: {source}")]
    Write {
        /// What the system said.
        source: io::Error,
    },
    /// What a retriever of one's own cannot say with the variants above.
    #[error("the retriever failed: {0}")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

impl RetrievalError {
    /// Any error, or a text, as a [`RetrievalError::Other`].
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    /// [`RetrievalError::Parameter`] for a value below 0 or not finite.
    pub(crate) fn at_least_zero(name: &'static str, value: f32) -> Result<(), Self> {
        let expected = "a finite number of at least 0";
        let fits = value >= 0.0 && value.is_finite();
        if fits { Ok(()) } else { Err(Self::Parameter { name, value, expected }) }
    }

    /// [`RetrievalError::Parameter`] for a value outside 0 to 1.
    pub(crate) fn at_most_one(name: &'static str, value: f32) -> Result<(), Self> {
        let expected = "0 to 1";
        let fits = (0.0..=1.0).contains(&value);
        if fits { Ok(()) } else { Err(Self::Parameter { name, value, expected }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_error_keeps_its_words_and_its_type() {
        let error = RetrievalError::other(io::Error::other("the store is asleep"));
        assert_eq!(error.to_string(), "the retriever failed: the store is asleep");
        assert!(matches!(error, RetrievalError::Other(source) if source.is::<io::Error>()));
    }
}
