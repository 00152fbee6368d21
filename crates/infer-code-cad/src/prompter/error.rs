use std::error::Error;

use infer_code_cad_checkpoint::CheckpointError;
use infer_code_cad_engine::EngineError;
use infer_code_cad_retrieval::RetrievalError;

/// Why a problem has no prompt. It ends nothing but that problem.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// No passage could be searched for.
    #[error("no passage could be searched for: {0}")]
    Retrieval(#[from] RetrievalError),
    /// The retriever did not answer the query of this problem.
    #[error(
        "the retriever gave {answers} answers to {queries} queries; it must give one to each, in order"
    )]
    NoAnswer {
        /// Answers given.
        answers: usize,
        /// Queries put.
        queries: usize,
    },
    /// The chat template or the tokenizer refused the text.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The model could not score a stream.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A stream's tokens are not those of its text.
    #[error(
        "the stream of {tokens} tokens was not written by this writer: its text has other tokens; \
         pass streams as Writer::chat and Writer::raw give them"
    )]
    ForeignStream {
        /// Its length.
        tokens: usize,
    },
    /// What went wrong in a prompter or writer of one's own.
    #[error(transparent)]
    Other(#[from] Box<dyn Error + Send + Sync>),
}
