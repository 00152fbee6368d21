use infer_code_cad_decode::{DecodeError, TokenId};

/// Why streams could not be advanced or prompts not be completed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A step brings no token.
    #[error("step {step} of the batch has no tokens; leave it out")]
    EmptyStep {
        /// Its place in the batch.
        step: usize,
    },
    /// A token is not in the vocabulary.
    #[error(
        "step {step} of the batch: token {token} at position {position} is outside the vocabulary \
         of {vocab_size}; use the tokenizer of this model"
    )]
    TokenOutOfRange {
        /// Its place in the batch.
        step: usize,
        /// Its place among the step's tokens.
        position: usize,
        /// The token.
        token: TokenId,
        /// The model's [`crate::CausalLm::vocab_size`].
        vocab_size: usize,
    },
    /// A stream would grow past the model's limit.
    #[error(
        "step {step} of the batch makes a stream of {len} tokens, the model takes {max_positions}; \
         shorten the prompt or ask for fewer new tokens"
    )]
    StreamTooLong {
        /// Its place in the batch.
        step: usize,
        /// The length it would have.
        len: usize,
        /// The model's [`crate::CausalLm::max_positions`].
        max_positions: usize,
    },
    /// A cache was made by another model.
    #[error("step {step} of the batch brings a cache of another model; use new_cache of this one")]
    ForeignCache {
        /// Its place in the batch.
        step: usize,
    },
    /// The row cap cannot hold the streams of one sequence.
    #[error("max_rows is {max_rows}, but the decoder reads {arity} streams per sequence; raise it")]
    RowCap {
        /// The cap.
        max_rows: usize,
        /// Streams per sequence.
        arity: usize,
    },
    /// Not one sequence fits into memory.
    #[error(
        "one sequence may need {needed_bytes} bytes of memory, {available_bytes} are to be had; ask \
         for fewer new tokens, shorten the prompt or take a smaller model"
    )]
    SequenceMemory {
        /// What the streams of a sequence and of its prompt may need.
        needed_bytes: u64,
        /// What there is.
        available_bytes: u64,
    },
    /// Prompts would be read in chunks of no token.
    #[error("prefill_chunk is 0, so no prompt could be read; set it to 1 or more")]
    EmptyPrefillChunk,
    /// A stop string is empty.
    #[error("stop string {index} is empty and would end every completion at once; leave it out")]
    EmptyStop {
        /// Which one.
        index: usize,
    },
    /// A prompt has another number of streams than the decoder reads.
    #[error("the prompt of {task} has {actual} streams, the decoder reads {expected}")]
    StreamCount {
        /// The prompt's name.
        task: String,
        /// What [`infer_code_cad_decode::Decoder::arity`] says.
        expected: usize,
        /// Streams of the prompt.
        actual: usize,
    },
    /// A stream of a prompt has no token.
    #[error("stream {stream} of the prompt of {task} is empty; begin it with a token such as bos")]
    EmptyStream {
        /// The prompt's name.
        task: String,
        /// Which stream.
        stream: usize,
    },
    /// A prompt holds a token the model does not know.
    #[error(
        "token {token} at position {position} of stream {stream} of the prompt of {task} is outside \
         the vocabulary of {vocab_size}; use the model's own tokenizer"
    )]
    PromptToken {
        /// The prompt's name.
        task: String,
        /// Which stream.
        stream: usize,
        /// Where in the stream.
        position: usize,
        /// The token.
        token: TokenId,
        /// Size of the vocabulary.
        vocab_size: usize,
    },
    /// A prompt is longer than the model can read.
    #[error(
        "stream {stream} of the prompt of {task} has {tokens} tokens, the model reads \
         {max_positions}; shorten the prompt"
    )]
    PromptTooLong {
        /// The prompt's name.
        task: String,
        /// Which stream.
        stream: usize,
        /// Its length.
        tokens: usize,
        /// What [`crate::CausalLm::max_positions`] says.
        max_positions: usize,
    },
    /// The decoder could not pick a token.
    #[error("token {position} of sample {sample} of {task} could not be decoded: {source}")]
    Decode {
        /// The prompt's name.
        task: String,
        /// Which sample.
        sample: usize,
        /// Tokens generated before.
        position: usize,
        /// What the decoder says.
        source: DecodeError,
    },
    /// What a backend of its own cannot say with the variants above.
    #[error("the model failed: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}
