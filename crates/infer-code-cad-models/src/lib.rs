//! Token streams to logits: ragged-batch language models, checkpoint loading and the generate loop.
//!
//! [`CausalLm`] advances any number of cached streams in one pass; [`Transformer`] is the portable
//! implementation, loaded by [`Checkpoint`] from a Hugging Face directory or from bytes.
//! [`Tokenizer`] turns text to tokens and tokens to their exact bytes.

#![deny(unsafe_code)]

mod causal_lm;
mod error;
mod generate;
mod stop;
mod tokenizer;

pub use causal_lm::{CausalLm, KvCache, LogitRows, Step};
pub use error::ModelError;
pub use generate::{
    Completion, Event, FinishReason, GenerateConfig, GenerateStats, Prompt, Vocabulary, generate,
};
pub use infer_code_cad_decode::TokenId;
pub use stop::{StopMatch, StopMatcher, StopStrings};
pub use tokenizer::Tokenizer;
