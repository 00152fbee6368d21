use infer_code_cad_decode::{Decoder, TokenId};

use crate::{CausalLm, EngineError};

/// A prompt and how often to complete it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Names the random numbers of this prompt, as in `"HumanEval/0"`.
    ///
    /// Prompts that share a name share their random numbers, sample by sample.
    pub task: String,
    /// The token streams the decoder reads, [`Decoder::arity`] of them; stream 0 is the full prompt.
    pub streams: Vec<Vec<TokenId>>,
    /// How many completions to draw. The first `n` of them are the same for every larger number.
    pub n_samples: usize,
}

impl Prompt {
    /// How many tokens may be generated before a stream is longer than the model allows.
    ///
    /// The last token of a completion is never fed back, so a prompt as long as the model's limit
    /// still yields one.
    ///
    /// # Errors
    /// See [`super::generate`].
    pub(super) fn room(
        &self,
        model: &dyn CausalLm,
        decoder: &dyn Decoder,
    ) -> Result<usize, EngineError> {
        let (task, expected, actual) = (&self.task, decoder.arity(), self.streams.len());
        if actual != expected {
            return Err(EngineError::StreamCount { task: task.clone(), expected, actual });
        }
        let max_positions = model.max_positions();
        let mut room = usize::MAX;
        for (stream, tokens) in self.streams.iter().enumerate() {
            if tokens.is_empty() {
                return Err(EngineError::EmptyStream { task: task.clone(), stream });
            }
            let vocab_size = model.vocab_size();
            if let Some(position) = tokens.iter().position(|&token| token as usize >= vocab_size) {
                let (task, token) = (task.clone(), tokens[position]);
                return Err(EngineError::PromptToken { task, stream, position, token, vocab_size });
            }
            if tokens.len() > max_positions {
                let (task, tokens) = (task.clone(), tokens.len());
                return Err(EngineError::PromptTooLong { task, stream, tokens, max_positions });
            }
            room = room.min(max_positions - tokens.len() + 1);
        }
        Ok(room)
    }
}

/// How to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateConfig {
    /// The most tokens in a completion. A completion is also bounded by
    /// [`CausalLm::max_positions`].
    pub max_new_tokens: usize,
    /// Tokens that end a completion.
    pub eos: Vec<TokenId>,
    /// Strings that end a completion, as [`crate::StopStrings`] finds them.
    pub stop: Vec<String>,
    /// The most streams that advance in one forward pass, at least [`Decoder::arity`].
    ///
    /// It bounds the memory of the caches and does not change a token.
    pub max_rows: usize,
    /// The most tokens of a stream that one forward pass reads of a prompt, at least 1.
    pub prefill_chunk: usize,
    /// Seeds the random numbers, together with the task and the index of the sample.
    pub seed: u64,
}

impl Default for GenerateConfig {
    /// 512 tokens, no end but the length, 16 rows, prompts read 512 tokens at a time, seed 0.
    fn default() -> Self {
        Self {
            max_new_tokens: 512,
            eos: Vec::new(),
            stop: Vec::new(),
            max_rows: 16,
            prefill_chunk: 512,
            seed: 0,
        }
    }
}

impl GenerateConfig {
    /// Checks what does not depend on a prompt.
    pub(super) fn check(&self, decoder: &dyn Decoder) -> Result<(), EngineError> {
        let (max_rows, arity) = (self.max_rows, decoder.arity());
        if max_rows < arity {
            return Err(EngineError::RowCap { max_rows, arity });
        }
        if self.prefill_chunk == 0 {
            return Err(EngineError::EmptyPrefillChunk);
        }
        Ok(())
    }
}
