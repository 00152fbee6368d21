#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod backend;
mod causal_lm;
mod config;
mod engine;
mod error;
mod event;
mod generate;
mod handle;
mod memory_plan;
mod ngrams;
mod request;
mod score;
mod speculation;
mod step_times;
mod stop;
mod table;

pub use causal_lm::{CausalLm, KvCache, LogitRows, Step};
pub use config::EngineConfig;
pub use engine::{Engine, Progress};
pub use error::{EngineError, MoveError};
pub use event::{Completion, Cost, Event, FinishReason, GenerateStats, RequestStats, TokenLogProb};
pub use generate::generate;
pub use handle::EngineHandle;
pub use infer_code_cad_decode::{TokenId, Vocabulary};
pub use memory_plan::MemoryPlan;
pub use ngrams::NGrams;
pub use request::{LogProbs, PromptLogProbs, Request, RequestId};
pub use score::{next_logits, score};
pub use speculation::{Ahead, Speculation, Speculator};
pub use step_times::StepTimes;
pub use stop::{StopMatch, StopMatcher, StopStrings};
pub use table::TableModel;

/// Raised by hand when a change of arithmetic changes tokens: results of different numbers are not mixed.
pub const NUMERICS: u32 = 3;
