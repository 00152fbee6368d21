use std::path::PathBuf;

use infer_code_cad_checkpoint::CheckpointError;
use infer_code_cad_engine::EngineError;
use infer_code_cad_hub::HubError;
use infer_code_cad_metrics::MetricError;
use infer_code_cad_native::NativeError;
use infer_code_cad_retrieval::RetrievalError;
use infer_code_cad_sandbox::SandboxError;
use infer_code_cad_tasks::TaskError;

use crate::Device;

/// What can go wrong while techniques are composed and measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model could not be run, or not with these prompts.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The files of a model could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A model could not be found or downloaded.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// A model could not be put together on the CPU.
    #[error(transparent)]
    Native(#[from] NativeError),
    /// A model could not be put together on a device of the tensor library.
    #[cfg(feature = "candle")]
    #[error(transparent)]
    Candle(#[from] infer_code_cad_candle::CandleError),
    /// Nobody has a device of this name.
    #[error("device {name:?} is unknown; choose cpu, cuda, cuda:1 or metal")]
    UnknownDevice {
        /// What was asked for.
        name: String,
    },
    /// This program was built without the device.
    #[error("{device} needs the feature {feature}; build with --features {feature}, or use cpu")]
    DeviceFeature {
        /// What was asked for.
        device: Device,
        /// What it needs.
        feature: &'static str,
    },
    /// Problems could not be read.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// Passages could not be read or searched.
    #[error(transparent)]
    Retrieval(#[from] RetrievalError),
    /// The sandbox itself failed; never a property of a candidate.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A metric is undefined for its input.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A technique needs passages and has none.
    #[error(
        "technique {technique} retrieves passages and was given no retriever; name a passage file"
    )]
    NoRetriever {
        /// The technique's name.
        technique: String,
    },
    /// The selector needs at least one draft.
    #[error("technique {technique} selects among 0 drafts; ask for 1 or more")]
    NoDrafts {
        /// The technique's name.
        technique: String,
    },
    /// Nobody has a technique of this name.
    #[error("technique {name:?} is unknown; choose vanilla, cad, rag, cad+rag, sc or cot")]
    UnknownTechnique {
        /// What was asked for.
        name: String,
    },
    /// The prompts are to be put as a chat and the model has no chat template.
    #[error(
        "{model} has no chat template, which a chat and a system message need; choose the raw \
         prompt format without a system message"
    )]
    NoChatTemplate {
        /// The model's name.
        model: String,
    },
    /// A result file could not be read or written.
    #[error("{path}: {source}; what was written before is intact")]
    JournalIo {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A line of a result file does not parse.
    #[error("{path}, line {line}: {reason}; move the file away to start afresh")]
    JournalLine {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A result file belongs to a run with other settings.
    #[error(
        "{path} was begun with {was}, this run has {now}; use the same settings or another file"
    )]
    JournalMismatch {
        /// The file.
        path: PathBuf,
        /// The first differing setting as written.
        was: String,
        /// The same setting now.
        now: String,
    },
}
