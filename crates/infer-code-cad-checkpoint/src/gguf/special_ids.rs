use infer_code_cad_decode::TokenId;

use super::Gguf;
use super::token_metadata::MODEL;
use super::tokenizer::SENTENCE_PIECE;
use crate::CheckpointError;

/// The tokens that have a part of their own in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpecialIds {
    /// Begins a text.
    pub(super) bos: Option<TokenId>,
    /// Ends a text.
    pub(super) eos: Option<TokenId>,
    /// Stands for what cannot be spelled.
    pub(super) unknown: Option<TokenId>,
}

impl SpecialIds {
    /// Those of a file, which need not be tokens of it. What is wrong with the name of the model is for
    /// [`super::tokenizer`] to tell.
    pub(super) fn of(gguf: &Gguf, tokens: &[String]) -> Result<Self, CheckpointError> {
        let model = gguf.string(MODEL).ok().flatten().unwrap_or_default();
        Ok(Self::named(gguf)?.or_default(model, tokens))
    }

    /// Those that the keys name.
    pub(super) fn named(gguf: &Gguf) -> Result<Self, CheckpointError> {
        let token = |name: &str| gguf.token(&format!("tokenizer.ggml.{name}_token_id"));
        Ok(Self { bos: token("bos")?, eos: token("eos")?, unknown: token("unknown")? })
    }

    /// Puts what llama.cpp takes for granted where a SentencePiece file is silent or says -1, if there are such
    /// tokens.
    pub(super) fn or_default(self, model: &str, tokens: &[String]) -> Self {
        if model != SENTENCE_PIECE {
            return self;
        }
        let default = |id: TokenId| {
            tokens.get(id as usize).is_some_and(|token| !token.is_empty()).then_some(id)
        };
        Self {
            bos: self.bos.or_else(|| default(1)),
            eos: self.eos.or_else(|| default(2)),
            unknown: self.unknown.or_else(|| default(0)),
        }
    }
}
