//! Integration tests: the whole pipeline through the facade, on the embedded model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod anchoring;
mod cad_parity;
mod canonical;
mod chat;
mod decoding_parity;
mod determinism;
mod drafts;
mod embedded;
mod explain;
mod export;
mod fairness;
mod faults;
mod flags;
mod journal;
mod judging;
mod kill;
mod medoid;
mod memory;
mod numerics;
mod own_problems;
mod pipeline;
mod presets;
mod prompts;
#[cfg(feature = "report")]
mod reproduce;
mod samples;
mod search;
mod shards;
mod sharing;
#[cfg(feature = "report")]
mod study;
mod timing;
mod visible;
mod voting;
mod waves;

use std::path::PathBuf;

use infer_code_cad::engine::EngineConfig;
use infer_code_cad::tasks::{Problem, Task};
use infer_code_cad::{LanguageModel, Solver, Supplies, Technique};

/// The embedded model.
fn model() -> LanguageModel {
    infer_code_cad::embedded::model().unwrap()
}

/// A solver on an engine of its own, for the embedded model.
fn solver() -> Solver {
    Solver::new(&model(), &EngineConfig::default())
}

/// A technique by name, with the embedded passages.
fn technique(name: &str) -> Technique {
    let retriever = Some(infer_code_cad::embedded::retriever().unwrap());
    Technique::named(name, &Supplies { retriever, ..Supplies::default() }).unwrap()
}

/// Every `step`-th embedded task.
fn tasks(step: usize) -> Vec<Task> {
    infer_code_cad::embedded::tasks().unwrap().into_iter().step_by(step).collect()
}

/// Every `step`-th embedded problem.
fn problems(step: usize) -> Vec<Problem> {
    tasks(step).into_iter().map(|task| task.problem).collect()
}

/// Real weights by their place below a folder that `.ci/fetch_weights.py` fills, or a note on standard error that they are
/// missing.
fn weights(place: &str) -> Option<PathBuf> {
    let models = std::env::var_os("INFER_CODE_CAD_MODELS").map(PathBuf::from);
    let path = models.map(|models| models.join(place)).filter(|path| path.exists());
    if path.is_none() {
        eprintln!(
            "skipped: {place} needs INFER_CODE_CAD_MODELS, a folder that .ci/fetch_weights.py fills"
        );
    }
    path
}

/// A benchmark file, or a note on standard error that it is missing.
fn data(file: &str) -> Option<PathBuf> {
    let directory = std::env::var_os("INFER_CODE_CAD_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let path = directory.join(file);
    if path.exists() {
        return Some(path);
    }
    eprintln!("not run: {} is missing; set INFER_CODE_CAD_DATA", path.display());
    None
}
