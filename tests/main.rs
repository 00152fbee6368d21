//! Integration tests: the whole pipeline through the facade, on the embedded model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod canonical;
mod determinism;
mod journal;
mod pipeline;
mod prompts;

use infer_code_cad::tasks::Problem;
use infer_code_cad::{LanguageModel, embedded};

/// The embedded model.
fn model() -> LanguageModel {
    embedded::model().unwrap()
}

/// Every `step`-th embedded problem.
fn problems(step: usize) -> Vec<Problem> {
    embedded::problems().unwrap().into_iter().step_by(step).collect()
}
