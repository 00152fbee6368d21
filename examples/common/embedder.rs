//! Flags that choose an embedder.

use std::sync::Arc;

use clap::Args;
use infer_code_cad::retrieval::{Embedder, EmbedderOptions, EncoderWeights, Pool, load_embedder};

use super::{Failure, model::download, positive};

/// Which model makes vectors of texts, and how.
#[derive(Args)]
pub(crate) struct EmbedderArgs {
    /// A directory in the layout of sentence-transformers or Model2Vec, org/name[@revision] on the Hugging Face hub, or
    /// a short name such as bge-base, mpnet or minilm. Without it words alone are searched (BM25).
    #[arg(long, value_name = "MODEL")]
    embedder: Option<String>,
    /// Holds the embedder's weights in this format: f32 or int8.
    #[arg(long, default_value = "f32", value_parser = weights)]
    weights: EncoderWeights,
    /// Threads that embed; without it as many as there are.
    #[arg(long, value_parser = positive)]
    threads: Option<usize>,
}

fn weights(name: &str) -> Result<EncoderWeights, String> {
    let named = EncoderWeights::ALL.into_iter().find(|weights| weights.name() == name);
    named.ok_or_else(|| "expected f32 or int8".to_owned())
}

impl EmbedderArgs {
    /// Loads the embedder, where one was chosen.
    pub(crate) fn open(&self) -> Result<Option<Arc<dyn Embedder>>, Failure> {
        let Some(spec) = &self.embedder else { return Ok(None) };
        let pool = Arc::new(self.threads.map_or_else(Pool::all_threads, Pool::new));
        let options = EmbedderOptions { weights: self.weights, pool, ..EmbedderOptions::default() };
        Ok(Some(load_embedder(&download(spec)?, &options)?))
    }
}
