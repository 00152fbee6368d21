//! Text to passages: a BM25 index with scored top-k search.
//!
//! ```
//! use infer_code_cad_retrieval::{Bm25Config, Bm25Index, parse_passages};
//!
//! let passages = parse_passages(concat!(
//!     r#"{"id": "sorted", "title": "sorted(iterable)", "text": "Return a new sorted list."}"#,
//!     "\n",
//!     r#"{"id": "zip", "title": "zip(*iterables)", "text": "Iterate over several in parallel."}"#,
//! ))?;
//! let index = Bm25Index::new(passages, Bm25Config::default())?;
//! let hits = index.search("how do I sort a list, or get it sorted?", 3)?;
//! assert_eq!(hits[0].passage.id, "sorted");
//! # Ok::<(), infer_code_cad_retrieval::RetrievalError>(())
//! ```
//!
//! # Why an index of our own
//! The published crates were weighed against a hundred lines. `bm25` 2.3 keeps its matches in hash
//! sets, so the order of equal scores changes from run to run, tells terms apart by a 32-bit hash
//! from the unmaintained `fxhash`, and its word splitter brings stemmers and stop words made for
//! prose. `tantivy` is a search engine on disk. Here results must repeat exactly, and words are
//! identifiers as often as prose.

#![forbid(unsafe_code)]

mod bm25;
mod error;
mod passage;
mod retriever;
mod terms;

pub use bm25::{Bm25Config, Bm25Index};
pub use error::RetrievalError;
pub use passage::{Passage, load_passages, parse_passages, read_passages};
pub use retriever::{Hit, Retriever};
