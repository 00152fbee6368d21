#![doc = include_str!("../README.md")]
//!
//! # Why an index of our own
//! The published crates were weighed against a hundred lines. `bm25` 2.3 keeps its matches in hash
//! sets, so the order of equal scores changes from run to run, tells terms apart by a 32-bit hash
//! from the unmaintained `fxhash`, and its word splitter brings stemmers and stop words made for
//! prose. `tantivy` is a search engine on disk. Here results must repeat exactly, and words are
//! identifiers as often as prose.

#![deny(unsafe_code)]

mod bm25;
mod budget;
mod chunk;
mod dense;
#[cfg(feature = "embed")]
mod embed;
mod embedder;
mod error;
mod fingerprint;
mod gate;
mod hub_penalty;
mod hybrid;
mod index;
#[cfg(feature = "mcp")]
pub mod mcp;
mod mmr;
mod passage;
mod replace;
mod retrieved;
mod retriever;
mod source;
mod store;
mod terms;
#[cfg(test)]
mod trial;

pub use bm25::{Bm25Config, Bm25Index};
pub use budget::{Budget, TokenCount};
pub use chunk::{ChunkCounts, ChunkError, Chunker, Chunking};
pub use dense::Dense;
#[cfg(feature = "embed")]
pub use embed::{EmbedderOptions, EncoderWeights, SentenceEmbedder, StaticEmbedder, load_embedder};
pub use embedder::{EmbedError, Embedder, Embeddings, TextRole};
pub use error::RetrievalError;
pub use gate::{Calibration, Gate, GateConfig, Verdict, area_under_curve};
pub use hub_penalty::{HubPenalty, HubPenaltyConfig};
pub use hybrid::{Hybrid, HybridConfig};
#[cfg(feature = "faiss")]
pub use index::{FaissError, FaissIndex, FaissOptions};
pub use index::{
    FlatConfig, FlatIndex, IndexError, Neighbor, ShardedIndex, VectorFileError, VectorFormat,
    VectorIndex, read_npy, write_npy,
};
#[cfg(feature = "pgvector")]
pub use index::{PgVectorError, PgVectorIndex, PgVectorSearch};
pub use infer_code_cad_decode::Settings;
pub use infer_code_cad_kernels::Pool;
pub use mmr::{Mmr, MmrConfig};
pub use ndarray;
pub use passage::{Passage, load_passages, parse_passages, read_passages};
pub use retrieved::Retrieved;
pub use retriever::{Hit, Part, Query, Retriever};
#[cfg(feature = "parquet")]
pub use source::ParquetFile;
#[cfg(feature = "sources")]
pub use source::{DevDocs, Folder, SphinxSite};
pub use source::{
    Document, DocumentKind, Documents, JsonLines, PythonEnvironment, Skipped, Source, SourceError,
};
pub use store::{
    Contents, EmbedderSummary, FileSums, IndexProgress, IndexReport, Manifest, Reading,
    ReadingError, SourceSummary, Store, StoreError, StoreWriter,
};
