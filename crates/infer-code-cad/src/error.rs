use infer_code_cad_checkpoint::CheckpointError;
use infer_code_cad_engine::EngineError;
use infer_code_cad_hub::HubError;
use infer_code_cad_metrics::MetricError;
use infer_code_cad_native::NativeError;
use infer_code_cad_retrieval::RetrievalError;
use infer_code_cad_sandbox::{JudgeError, SandboxError};
use infer_code_cad_tasks::TaskError;

use crate::{
    Device, JournalError, MergeError, PresetError, PromptError, ShardError, StopError,
    TechniqueError,
};

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
    /// A judge gave no answer; never a property of a candidate.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// The sandbox itself failed; never a property of a candidate.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A metric is undefined for its input.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A technique cannot be made from its name.
    #[error(transparent)]
    Technique(#[from] TechniqueError),
    /// A text says no stop strings.
    #[error(transparent)]
    Stop(#[from] StopError),
    /// A text names no preset.
    #[error(transparent)]
    Preset(#[from] PresetError),
    /// A text that is to end completions as a token is none.
    #[error(
        "{text:?} is not one token of {model}, so it cannot end a completion as a token; make it a stop string, or \
         turn it off where a preset has it (+no-cad-stop)"
    )]
    StopToken {
        /// The model's name.
        model: String,
        /// The text.
        text: String,
    },
    /// A prompt could not be written.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A prompter did not answer for every problem.
    #[error(
        "the prompter of technique {technique} gave {actual} prompts for {expected} problems; it must \
         give one to each, in order"
    )]
    PromptCount {
        /// The technique's name.
        technique: String,
        /// Problems it was asked for.
        expected: usize,
        /// Prompts and errors it gave.
        actual: usize,
    },
    /// The selector needs at least one draft.
    #[error("technique {technique} selects among 0 drafts; ask for 1 or more")]
    NoDrafts {
        /// The technique's name.
        technique: String,
    },
    /// The first wave of a selector is empty or larger than all of its drafts.
    #[error(
        "technique {technique} begins with {first} drafts of {most} per sample; Selector::first_drafts \
         must be at least 1 and at most Selector::most_drafts"
    )]
    FirstDrafts {
        /// The technique's name.
        technique: String,
        /// Drafts of the first wave.
        first: usize,
        /// The most drafts of a sample.
        most: usize,
    },
    /// Nobody has a prompt format of this name.
    #[error("prompt format {name:?} is unknown; choose auto, raw or chat")]
    UnknownPromptFormat {
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
    /// A result file cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Result files are not those of one run.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A text names no part of a run.
    #[error(transparent)]
    Shard(#[from] ShardError),
    /// A sample has no verdict.
    #[error("sample {sample} of {task_id} is not judged: {reason}")]
    NotJudged {
        /// The problem.
        task_id: String,
        /// What was asked for.
        sample: usize,
        /// What became of it, and what to do.
        reason: String,
    },
    /// Two tasks share an identifier, which names results and random numbers.
    #[error("task {task_id:?} is there twice; give each task an id of its own")]
    DuplicateTask {
        /// The identifier.
        task_id: String,
    },
    /// A reference solution could not be run, so that no limit can be taken from its time.
    #[error(
        "the reference solution of {task_id:?} could not be timed: {reason}; repair the judge, or leave the \
         limits unscaled"
    )]
    ReferenceTime {
        /// The problem.
        task_id: String,
        /// Why.
        reason: String,
    },
    /// The judge fails time and again, on more than one problem.
    #[error(
        "the judge failed {faults} times in a row, last with: {reason}; what was judged before counts, \
         so repair it and run again"
    )]
    JudgeGone {
        /// Failures in a row.
        faults: usize,
        /// The last one.
        reason: String,
    },
}
