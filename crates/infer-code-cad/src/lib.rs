#![cfg_attr(feature = "tiny", doc = include_str!("../../../README.md"))]
#![cfg_attr(
    not(feature = "tiny"),
    doc = "Better code from small local language models, at inference time."
)]
#![forbid(unsafe_code)]

mod cpu_scale;
mod dedup;
mod draft;
mod error;
mod evaluate;
#[cfg(feature = "report")]
mod experiment;
mod explain;
mod export;
mod fingerprint;
mod form;
mod guard;
mod header;
mod journal;
mod judges;
mod language_model;
mod load_options;
mod preset;
mod prompt_format;
mod prompter;
mod record;
mod results;
mod samples;
mod selection;
mod shard;
mod solve;
mod stop;
#[cfg(feature = "report")]
mod study;
mod summary;
mod switches;
mod task_limits;
mod task_tests;
mod technique;
mod writer;

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
#[cfg(feature = "report")]
pub use infer_code_cad_report as report;
pub use infer_code_cad_retrieval as retrieval;
pub use infer_code_cad_sandbox as sandbox;
pub use infer_code_cad_tasks as tasks;

pub use cpu_scale::CpuScale;
pub use dedup::Deduplicated;
pub use draft::{Draft, KnownDraft, KnownDrafts};
pub use error::Error;
pub use evaluate::{
    Evaluation, Executor, Judging, Progress, Rejudged, Rejudgement, evaluate, evaluate_into,
    rejudge,
};
#[cfg(feature = "report")]
pub use experiment::{
    Archive, Experiment, ExperimentError, Folders, Pace, Plan, PlannedArm, State, Unit,
};
pub use explain::{Cut, CutLine, Explanation, Rerun, StreamText, explain};
pub use export::{Exported, export_samples};
pub use guard::SyntaxGuard;
pub use header::{Difference, RunHeader};
pub use journal::{Journal, JournalDrafts, JournalError, MergeError, Missing, StoredRun, merge};
pub use language_model::LanguageModel;
pub use load_options::{Device, LoadOptions};
pub use preset::{Base, Defect, Drawing, Preset, PresetError};
pub use prompt_format::{Chat, PromptFormat};
pub use prompter::{
    Budget, Layout, PaperPrompter, PassageGate, PromptError, Prompted, Prompter, Question, Shown,
    Wording,
};
pub use record::{
    FailureRecord, PromptRecord, Record, RunMemory, SampleRecord, SessionRecord, ShownRecord, Stage,
};
pub use results::{results_path, write_results};
pub use samples::{
    JudgedSamples, SampleJudging, SampleProgress, judge_samples, sample_results_path,
};
pub use selection::{
    Bench, BestOfN, CodeT, DraftRequest, EmbeddingSimilarity, First, FunctionalVote, Jaccard,
    MeanLogProb, MostConsistent, Repair, SelectError, Selecting, Selection, Selector, Similarity,
    Stopping, TestWeights, Tie, VoteRule,
};
pub use shard::{Shard, ShardError};
pub use solve::{
    Prepared, Solution, SolveConfig, SolveEvent, Solver, prepare, solve, solve_prepared,
};
pub use stop::{StopError, stop_strings};
#[cfg(feature = "report")]
pub use study::{ArmFile, read_arm, read_study};
pub use summary::{DraftCost, PassAt, Summary, table};
pub use switches::{Switches, SwitchesError, Tried};
pub use task_limits::TaskLimits;
pub use task_tests::task_tests;
pub use technique::{
    Choice, Listed, PaperTechnique, PartSetting, Recipe, Sampler, Supplies, Technique,
    TechniqueError,
};
pub use writer::{ModelWriter, Stream, Writer};
