#![cfg_attr(feature = "tiny", doc = include_str!("../../../README.md"))]
#![cfg_attr(
    not(feature = "tiny"),
    doc = "Better code from small local language models, at inference time."
)]
#![forbid(unsafe_code)]

mod error;
mod evaluate;
mod journal;
mod language_model;
mod load_options;
mod prompt_format;
mod record;
mod report;
mod selection;
mod solve;
mod technique;

#[cfg(feature = "tiny")]
pub mod embedded;
pub mod hub;

#[cfg(feature = "candle")]
pub use infer_code_cad_candle as candle;
pub use infer_code_cad_checkpoint as checkpoint;
pub use infer_code_cad_decode as decode;
pub use infer_code_cad_engine as engine;
pub use infer_code_cad_metrics as metrics;
pub use infer_code_cad_native as native;
pub use infer_code_cad_retrieval as retrieval;
pub use infer_code_cad_sandbox as sandbox;
pub use infer_code_cad_tasks as tasks;

pub use error::Error;
pub use evaluate::{Evaluation, Executor, Progress, evaluate};
pub use journal::{Journal, RunHeader};
pub use language_model::LanguageModel;
pub use load_options::{Device, LoadOptions};
pub use prompt_format::{Chat, PromptFormat};
pub use record::{Record, SampleRecord};
pub use report::{PassAt, Summary, table};
pub use selection::{Jaccard, Selector, Similarity};
pub use solve::{MemoryLimit, Solution, SolveConfig, SolveEvent, solve};
pub use technique::{PaperTechnique, Prompted, Prompter, Settings, Technique};
