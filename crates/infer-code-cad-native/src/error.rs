use infer_code_cad_checkpoint::CheckpointError;
use infer_code_cad_decode::TokenId;
use infer_code_cad_kernels::KernelError;

/// Why a model could not be put together on the CPU.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NativeError {
    /// The weights do not fit into memory.
    #[error(
        "the weights need {needed_bytes} bytes of memory, {available_bytes} are to be had; choose a \
         format of fewer bits or a smaller model"
    )]
    WeightMemory {
        /// What they take once they are loaded.
        needed_bytes: u64,
        /// What there is.
        available_bytes: u64,
    },
    /// A text has more tokens than the encoder knows positions for.
    #[error(
        "text {text} has {tokens} tokens, the encoder has {max_tokens} positions; cut the text"
    )]
    TooManyTokens {
        /// Which text of the call, from 0.
        text: usize,
        /// Its tokens.
        tokens: usize,
        /// The most there may be.
        max_tokens: usize,
    },
    /// A token is in no row of the embedding.
    #[error(
        "text {text} has the token {token}, the embedding has {vocab_size} rows; take its own tokenizer"
    )]
    UnknownToken {
        /// Which text of the call, from 0.
        text: usize,
        /// The token.
        token: TokenId,
        /// Rows of the embedding.
        vocab_size: usize,
    },
    /// The vector of a text has no direction.
    #[error("the vector of text {text} is not finite; the weights are damaged, fetch them again")]
    NotFinite {
        /// Which text of the call, from 0.
        text: usize,
    },
    /// A text names no choice there is.
    #[error("{kind} {name:?} is unknown; choose {choices}")]
    UnknownName {
        /// Of what.
        kind: &'static str,
        /// The text.
        name: String,
        /// What it may be.
        choices: &'static str,
    },
    /// The files are at fault.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The kernels refuse the weights.
    #[error("the kernels refuse: {0}")]
    Kernel(#[from] KernelError),
}
