use std::path::Path;

use infer_code_cad_decode::TokenId;
use infer_code_cad_models::{CausalLm, ChatTemplate, Checkpoint, DType, Tokenizer};

use crate::Error;

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
    /// Loads a Hugging Face directory: `config.json`, `tokenizer.json` and safetensors.
    ///
    /// # Errors
    /// [`Error::Model`] naming the file, the tensor or the setting at fault.
    pub fn open(directory: &Path, dtype: DType) -> Result<Self, Error> {
        let checkpoint = Checkpoint::open(directory)?;
        Self::load(directory.display().to_string(), &checkpoint, dtype)
    }

    /// Loads a checkpoint that is already at hand.
    ///
    /// # Errors
    /// As [`LanguageModel::open`].
    pub fn load(name: String, checkpoint: &Checkpoint, dtype: DType) -> Result<Self, Error> {
        Ok(Self {
            name,
            causal_lm: Box::new(checkpoint.load(dtype)?),
            tokenizer: checkpoint.tokenizer()?,
            eos: checkpoint.eos_token_ids().to_vec(),
            chat_template: checkpoint.chat_template()?,
        })
    }
}
