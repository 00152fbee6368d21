//! Embedding models from directories.

mod fingerprint;
mod sentence;
mod static_embedder;

pub use infer_code_cad_native::EncoderWeights;
pub use sentence::SentenceEmbedder;
pub use static_embedder::StaticEmbedder;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::{EmbedError, Embedder, Pool};

/// How an embedding model is held, and what computes it.
#[derive(Debug, Clone)]
pub struct EmbedderOptions {
    /// The format of the matrices. Static tables have none.
    pub weights: EncoderWeights,
    /// What stands before queries, in place of what the model's directory says; an empty text is nothing.
    pub query_instruction: Option<String>,
    /// The threads. An embedder beside a language model takes a pool of its own, so that neither waits for the other.
    pub pool: Arc<Pool>,
}

impl Default for EmbedderOptions {
    /// Single precision, the directory's instruction, every thread of the machine.
    fn default() -> Self {
        let pool = Arc::new(Pool::all_threads());
        Self { weights: EncoderWeights::F32, query_instruction: None, pool }
    }
}

/// Loads the embedding model of a directory: a [`StaticEmbedder`] where its `config.json` says so, else a
/// [`SentenceEmbedder`].
///
/// # Errors
/// Those of [`StaticEmbedder::load`] and [`SentenceEmbedder::load`].
pub fn load_embedder(
    dir: &Path,
    options: &EmbedderOptions,
) -> Result<Arc<dyn Embedder>, EmbedError> {
    if is_static(dir) {
        return Ok(Arc::new(StaticEmbedder::load(dir, Arc::clone(&options.pool))?));
    }
    Ok(Arc::new(SentenceEmbedder::load(dir, options)?))
}

/// Whether a directory is one of Model2Vec. What cannot be read is for the loader to tell.
fn is_static(dir: &Path) -> bool {
    let config = fs::read(dir.join("config.json")).unwrap_or_default();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap_or_default();
    config["model_type"] == "model2vec"
}
