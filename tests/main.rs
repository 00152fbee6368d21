//! Integration tests: the whole pipeline through the facade, on the embedded model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cad_parity;
mod canonical;
mod chat;
mod determinism;
mod embedded;
mod journal;
mod memory;
mod pipeline;
mod prompts;

use std::path::PathBuf;

use infer_code_cad::LanguageModel;
use infer_code_cad::tasks::Problem;

/// The embedded model.
fn model() -> LanguageModel {
    infer_code_cad::embedded::model().unwrap()
}

/// Every `step`-th embedded problem.
fn problems(step: usize) -> Vec<Problem> {
    infer_code_cad::embedded::problems().unwrap().into_iter().step_by(step).collect()
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
