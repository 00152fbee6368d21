//! The embedded demonstration model with its problems and passages; needs no download.

use std::sync::Arc;

use infer_code_cad_checkpoint::Checkpoint;
use infer_code_cad_native::KvFormat;
use infer_code_cad_retrieval::{Bm25Config, Bm25Index, Retriever, parse_passages};
use infer_code_cad_tasks::{Problem, Task, parse_tiny};
use infer_code_cad_tiny as tiny;

use crate::fingerprint::Fingerprint;
use crate::{Error, LanguageModel, LoadOptions};

/// The files of the embedded model.
///
/// # Errors
/// [`Error::Checkpoint`] when the embedded files are damaged, which the tests rule out.
pub fn checkpoint() -> Result<Checkpoint, Error> {
    Ok(Checkpoint::from_bytes(tiny::CONFIG, tiny::TOKENIZER, vec![tiny::WEIGHTS.into()])?)
}

/// The embedded model; its weights stay in the 16 bits they are stored in.
///
/// # Errors
/// As [`checkpoint`].
pub fn model() -> Result<LanguageModel, Error> {
    let checkpoint = checkpoint()?;
    // Its figures in the documents were measured with keys and values in single precision.
    let options = LoadOptions { kv: Some(KvFormat::F32), ..LoadOptions::default() };
    let model = LanguageModel::from_checkpoint("tiny".to_owned(), &checkpoint, &options)?;
    let identity = model.identity.with("files", Fingerprint::new().bytes(tiny::WEIGHTS));
    Ok(LanguageModel { identity, ..model })
}

/// The embedded benchmark, with its hidden tests.
///
/// # Errors
/// [`Error::Task`] when the embedded file is damaged, which the tests rule out.
pub fn tasks() -> Result<Vec<Task>, Error> {
    Ok(parse_tiny(tiny::PROBLEMS)?)
}

/// The problems of the embedded benchmark, as a model sees them.
///
/// # Errors
/// As [`tasks`].
pub fn problems() -> Result<Vec<Problem>, Error> {
    Ok(tasks()?.into_iter().map(|task| task.problem).collect())
}

/// BM25 over the embedded passages, glossary included.
///
/// # Errors
/// [`Error::Retrieval`] when the embedded file is damaged, which the tests rule out.
pub fn retriever() -> Result<Arc<dyn Retriever>, Error> {
    let passages = parse_passages(tiny::PASSAGES)?;
    Ok(Arc::new(Bm25Index::new(passages, Bm25Config::default())?))
}
