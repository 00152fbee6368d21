//! Token streams to logits: ragged-batch language models, checkpoint loading and the generate loop.
//!
//! [`CausalLm`] advances any number of cached streams in one pass; [`Transformer`] is the portable
//! implementation, loaded by [`Checkpoint`] from a Hugging Face directory or from bytes.
//! [`Tokenizer`] turns text to tokens and tokens to their exact bytes, [`ChatTemplate`] messages to
//! the text a chat model was trained on.

#![deny(unsafe_code)]

mod attention;
mod batch;
mod block;
mod cache;
mod causal_lm;
mod chat;
mod checkpoint;
mod config;
mod decoder_stack;
mod device;
mod error;
mod feed_forward;
mod file_bytes;
mod generate;
mod gguf;
mod host;
pub mod hub;
mod linear;
mod loader;
mod memory_plan;
mod names;
mod native;
mod norm;
mod random;
mod rope;
mod score;
mod source;
mod stop;
mod tensor_attention;
mod tokenizer;
mod transformer;
mod weights;

pub use causal_lm::{CausalLm, KvCache, LogitRows, Step};
pub use chat::{ChatOptions, ChatTemplate, Date, Message, Role};
pub use checkpoint::Checkpoint;
pub use config::{
    Activation, Architecture, AttentionBias, FeedForwardKind, NormKind, NormPlacement, Positions,
    RopeScaling, TransformerConfig,
};
pub use device::Device;
pub use error::ModelError;
pub use generate::{
    Completion, Event, FinishReason, GenerateConfig, GenerateStats, Prompt, Vocabulary, generate,
};
pub use infer_code_cad_decode::TokenId;
pub use infer_code_cad_kernels::{Isa, KvFormat, Pool};
pub use memory_plan::MemoryPlan;
pub use native::{NativeOptions, WeightFormat};
pub use score::{next_logits, score};
pub use source::{MODEL_ALIASES, ModelSource};
pub use stop::{StopMatch, StopMatcher, StopStrings};
pub use tokenizer::Tokenizer;
pub use transformer::{DType, Transformer};
pub use weights::TensorInfo;
