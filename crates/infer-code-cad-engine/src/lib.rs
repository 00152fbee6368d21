//! Token streams to completions, many at a time.
//!
//! [`CausalLm`] advances any number of cached streams in one pass: a backend implements it, with what
//! [`backend`] has ready. [`generate`] completes prompts by continuous batching, [`score()`] reads
//! log-probabilities, [`MemoryPlan`] tells what both may take. No tensor library, no file, no
//! technique is known here.

#![forbid(unsafe_code)]

pub mod backend;
mod causal_lm;
mod error;
mod generate;
mod memory_plan;
mod score;
mod stop;

pub use causal_lm::{CausalLm, KvCache, LogitRows, Step};
pub use error::EngineError;
pub use generate::{
    Completion, Event, FinishReason, GenerateConfig, GenerateStats, Prompt, generate,
};
pub use infer_code_cad_decode::{TokenId, Vocabulary};
pub use memory_plan::MemoryPlan;
pub use score::{next_logits, score};
pub use stop::{StopMatch, StopMatcher, StopStrings};
