//! Flags that say what is searched for passages.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use infer_code_cad::embedded;
use infer_code_cad::retrieval::{
    Bm25Config, Bm25Index, Embedder as _, Gate, GateConfig, Retrieved, Retriever, Store,
    load_passages,
};

use super::{EmbedderArgs, Failure};

/// What rag searches.
#[derive(Args)]
pub(crate) struct PassageArgs {
    /// A store that build_index made.
    #[arg(long, value_name = "DIR")]
    index: Option<PathBuf>,
    /// Passages, one `{"id", "title", "text"}` per line; without them and a store the embedded ones, where they
    /// fit the problems.
    #[arg(long, value_name = "FILE", conflicts_with = "index")]
    passages: Option<PathBuf>,
    /// Answers that retrieve wrote.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["index", "passages"])]
    retrieved: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) embedder: EmbedderArgs,
    /// Shows passages only where the nearest one's cosine is at least this, and words and meaning agree on one of their
    /// first ten; `calibrated` is what was found for a known embedder.
    #[arg(long, value_name = "COSINE", requires = "index", requires = "embedder")]
    min_cosine: Option<String>,
}

impl PassageArgs {
    /// Whether anything was given.
    pub(crate) fn given(&self) -> bool {
        self.index.is_some() || self.passages.is_some() || self.retrieved.is_some()
    }

    /// What was given, else the embedded passages where `embedded_passages` says that they fit the problems.
    pub(crate) fn retriever(
        &self,
        embedded_passages: bool,
    ) -> Result<Option<Arc<dyn Retriever>>, Failure> {
        if let Some(dir) = &self.index {
            return Ok(Some(self.of_store(&Store::open(dir)?)?));
        }
        if let Some(file) = &self.retrieved {
            return Ok(Some(Arc::new(Retrieved::open(file)?)));
        }
        match &self.passages {
            Some(file) => {
                let index = Bm25Index::new(load_passages(file)?, Bm25Config::default())?;
                Ok(Some(Arc::new(index)))
            }
            None if embedded_passages => Ok(Some(embedded::retriever()?)),
            None => Ok(None),
        }
    }

    fn of_store(&self, store: &Store) -> Result<Arc<dyn Retriever>, Failure> {
        let embedder = self.embedder.open()?;
        let (Some(min_cosine), Some(embedder)) = (&self.min_cosine, &embedder) else {
            return Ok(store.retriever(embedder)?);
        };
        let gate = match min_cosine.as_str() {
            "calibrated" => GateConfig::of_embedder(&embedder.settings())
                .ok_or("nothing is known of this embedder's cosines: give --min-cosine a number")?,
            number => {
                GateConfig::new(number.parse().map_err(|error| format!("{number}: {error}"))?)
            }
        };
        Ok(Arc::new(Gate::new(store.hybrid(Arc::clone(embedder))?, gate)?))
    }
}
