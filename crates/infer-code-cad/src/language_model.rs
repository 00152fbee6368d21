use std::ops::ControlFlow;
use std::path::Path;

use infer_code_cad_decode::TokenId;
use infer_code_cad_metrics::available_bytes;
use infer_code_cad_models::{CausalLm, ChatTemplate, Checkpoint, DType, Tokenizer};

use crate::{Error, hub};

/// A model with what it takes to talk to it in text.
#[derive(Debug)]
pub struct LanguageModel {
    /// Shown in reports and result files.
    pub name: String,
    /// Token streams to logits.
    pub causal_lm: Box<dyn CausalLm>,
    /// Text to tokens and back.
    pub tokenizer: Tokenizer,
    /// Tokens that end a completion.
    pub eos: Vec<TokenId>,
    /// How to put messages to it; `None` for a model that was not trained to chat.
    pub chat_template: Option<ChatTemplate>,
}

impl LanguageModel {
    /// Loads `"DIR" | "file.gguf" | "org/name[@revision]"`, or one of
    /// [`MODEL_ALIASES`](infer_code_cad_models::MODEL_ALIASES).
    ///
    /// A repository is taken from the hub's cache or, with the feature `hub`, downloaded in silence;
    /// [`hub::resolve`](crate::hub::resolve) and [`LanguageModel::open`] show the progress.
    ///
    /// # Errors
    /// [`Error::Model`] naming the file, the tensor or the setting at fault, and before anything is
    /// loaded when the weights do not fit into memory.
    pub fn load(spec: &str, dtype: DType) -> Result<Self, Error> {
        let path = hub::resolve(spec, &mut |_| ControlFlow::Continue(()))?;
        Self::from_files(spec.to_owned(), &path, dtype)
    }

    /// Loads a Hugging Face directory (`config.json`, `tokenizer.json` and safetensors) or a file.
    ///
    /// # Errors
    /// As [`LanguageModel::load`].
    pub fn open(path: &Path, dtype: DType) -> Result<Self, Error> {
        Self::from_files(path.display().to_string(), path, dtype)
    }

    fn from_files(name: String, path: &Path, dtype: DType) -> Result<Self, Error> {
        let checkpoint = Checkpoint::open(path)?;
        if let Some(available) = available_bytes() {
            checkpoint.check_memory(dtype.into(), available)?;
        }
        Self::from_checkpoint(name, &checkpoint, checkpoint.load(dtype)?)
    }

    /// Joins a model, loaded as and where one likes, with the rest of its checkpoint.
    ///
    /// # Errors
    /// As [`LanguageModel::load`].
    pub fn from_checkpoint(
        name: String,
        checkpoint: &Checkpoint,
        model: impl CausalLm + 'static,
    ) -> Result<Self, Error> {
        Ok(Self {
            name,
            causal_lm: Box::new(model),
            tokenizer: checkpoint.tokenizer()?,
            eos: checkpoint.eos_token_ids().to_vec(),
            chat_template: checkpoint.chat_template()?,
        })
    }
}
