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
    #[arg(long, value_name = "FORMAT", default_value_t = EncoderWeights::F32)]
    embedder_weights: EncoderWeights,
    /// Threads that embed; without it as many as there are.
    #[arg(long, value_name = "N", value_parser = positive)]
    embedder_threads: Option<usize>,
}

impl EmbedderArgs {
    /// Loads the embedder, where one was chosen.
    pub(crate) fn open(&self) -> Result<Option<Arc<dyn Embedder>>, Failure> {
        self.embedder.as_deref().map(|spec| self.load(spec)).transpose()
    }

    /// Loads an embedder by name, held as these flags say.
    pub(crate) fn load(&self, spec: &str) -> Result<Arc<dyn Embedder>, Failure> {
        let pool = Arc::new(self.embedder_threads.map_or_else(Pool::all_threads, Pool::new));
        let weights = self.embedder_weights;
        let options = EmbedderOptions { weights, pool, ..EmbedderOptions::default() };
        Ok(load_embedder(&download(spec)?, &options)?)
    }
}
