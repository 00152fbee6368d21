use std::time::Duration;

use infer_code_cad_decode::TokenId;

/// What [`super::generate`] reports as it goes.
///
/// Prompts are numbered in the order they were drawn from the iterator. The events of one sample
/// are in order; those of different samples interleave, and how depends on the row cap.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A forward pass read a piece of a prompt.
    Prefilled {
        /// Which prompt.
        prompt: usize,
        /// Tokens known so far, read or reused, all streams together.
        tokens: usize,
        /// Tokens of the prompt, all streams together.
        of: usize,
    },
    /// A token was generated.
    Token {
        /// Which prompt.
        prompt: usize,
        /// Which of its samples.
        sample: usize,
        /// The token.
        token: TokenId,
        /// Text that is now certain; often empty. All pieces together are [`Completion::text`].
        text: &'a str,
    },
    /// A completion is done.
    Finished {
        /// Which prompt.
        prompt: usize,
        /// Which of its samples.
        sample: usize,
        /// The completion.
        completion: Completion,
    },
}

/// What a model wrote after a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// All tokens generated, including the end-of-sequence token or those of a stop string.
    pub tokens: Vec<TokenId>,
    /// The text before the end-of-sequence token or the stop string.
    ///
    /// Bytes that are not UTF-8 appear as U+FFFD.
    pub text: String,
    /// Why it ended.
    pub finish: FinishReason,
}

impl Completion {
    pub(super) fn empty(finish: FinishReason) -> Self {
        Self { tokens: Vec::new(), text: String::new(), finish }
    }
}

/// Why a completion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishReason {
    /// An end-of-sequence token was generated.
    Eos,
    /// A stop string was generated.
    Stop,
    /// The completion, or a stream of the model, reached its longest length.
    Length,
}

/// What a call of [`super::generate`] did and how long it took.
///
/// Times are of the model and the decoder; what the caller does in the callback is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GenerateStats {
    /// Completions finished.
    pub completions: usize,
    /// Prompt tokens read, all streams together. Each prompt is read once, whatever its samples.
    pub prefill_tokens: usize,
    /// Prompt tokens that were not read, because another stream begins with them.
    pub reused_tokens: usize,
    /// Time spent reading prompts.
    pub prefill_time: Duration,
    /// Tokens generated, one per sequence and step. The first of each completion is decoded from
    /// the logits of its prompt and costs no forward pass.
    pub decode_tokens: usize,
    /// Time spent generating.
    pub decode_time: Duration,
    /// Forward passes that generated.
    pub decode_steps: usize,
    /// Streams advanced by these passes; `decode_rows / decode_steps` is the mean batch.
    pub decode_rows: usize,
    /// The most streams advanced by one of these passes.
    pub peak_rows: usize,
    /// Whether the callback broke off the run.
    pub cancelled: bool,
}
