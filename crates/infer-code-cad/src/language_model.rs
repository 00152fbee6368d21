use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use infer_code_cad_checkpoint::{ChatTemplate, Checkpoint, Tokenizer};
use infer_code_cad_decode::TokenId;
use infer_code_cad_engine::CausalLm;

use crate::{Error, LoadOptions, hub};

/// A model with what it takes to talk to it in text. Cloning shares it.
#[derive(Debug, Clone)]
pub struct LanguageModel {
    /// Shown in reports and result files.
    pub name: String,
    /// Token streams to logits.
    pub causal_lm: Arc<dyn CausalLm>,
    /// Text to tokens and back.
    pub tokenizer: Arc<Tokenizer>,
    /// Tokens that end a completion.
    pub eos: Vec<TokenId>,
    /// How to put messages to it; `None` for a model that was not trained to chat.
    pub chat_template: Option<Arc<ChatTemplate>>,
}

impl LanguageModel {
    /// Loads `"DIR" | "file.gguf" | "org/name[@revision]"`, or one of
    /// [`MODEL_ALIASES`](crate::hub::MODEL_ALIASES): weights as they are stored, on the best device that
    /// this program was built for.
    ///
    /// A repository is taken from the hub's cache or, with the feature `hub`, downloaded in silence;
    /// [`hub::resolve`] and [`LanguageModel::open`] show the progress.
    ///
    /// # Errors
    /// [`Error::Hub`], [`Error::Checkpoint`] and [`Error::Native`] naming the file, the tensor or the
    /// setting at fault, and before anything is loaded when the weights do not fit into memory.
    pub fn load(spec: &str) -> Result<Self, Error> {
        Self::load_with(spec, &LoadOptions::default())
    }

    /// [`LanguageModel::load`], held and run as told.
    ///
    /// # Errors
    /// As [`LanguageModel::load`].
    pub fn load_with(spec: &str, options: &LoadOptions) -> Result<Self, Error> {
        let path = hub::resolve(spec, &mut |_| ControlFlow::Continue(()))?;
        Self::from_checkpoint(spec.to_owned(), &Checkpoint::open(&path)?, options)
    }

    /// Loads a Hugging Face directory (`config.json`, `tokenizer.json` and safetensors) or a file.
    ///
    /// # Errors
    /// As [`LanguageModel::load`].
    pub fn open(path: &Path, options: &LoadOptions) -> Result<Self, Error> {
        Self::from_checkpoint(path.display().to_string(), &Checkpoint::open(path)?, options)
    }

    /// Loads a checkpoint that is open.
    ///
    /// # Errors
    /// As [`LanguageModel::load`].
    pub fn from_checkpoint(
        name: String,
        checkpoint: &Checkpoint,
        options: &LoadOptions,
    ) -> Result<Self, Error> {
        Self::with_model(name, checkpoint, options.build(checkpoint)?)
    }

    /// Joins a model of one's own with the rest of its checkpoint.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] when tokenizer or template cannot be used.
    pub fn with_model(
        name: String,
        checkpoint: &Checkpoint,
        causal_lm: Arc<dyn CausalLm>,
    ) -> Result<Self, Error> {
        Ok(Self {
            name,
            causal_lm,
            tokenizer: Arc::new(checkpoint.tokenizer()?),
            eos: checkpoint.eos_token_ids().to_vec(),
            chat_template: checkpoint.chat_template()?.map(Arc::new),
        })
    }
}
