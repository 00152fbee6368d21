use std::sync::Arc;

use infer_code_cad_decode::{BranchId, DecodeError, TokenId};

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
    #[error(
        "max_rows is {max_rows}, but the decoder of {task} reads {arity} streams in up to {branches} \
         branches per sequence; raise it to {}{}",
        arity.saturating_mul(*branches), fewer_branches(*max_rows, *arity)
    )]
    RowCap {
        /// The request's name.
        task: String,
        /// The cap.
        max_rows: usize,
        /// Streams per position.
        arity: usize,
        /// Branches per sequence.
        branches: usize,
    },
    /// An engine would advance no stream.
    #[error("max_rows is 0, so nothing could be generated; set it to 1 or more")]
    NoRows,
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
    /// A pass would read no token.
    #[error("tokens_per_pass is 0, so nothing could be read; set it to 1 or more")]
    EmptyPass,
    /// A stream that is to be scored is not there.
    #[error("stream {stream} of the prompt of {task} is to be scored, it has {streams} streams")]
    ScoredStream {
        /// The request's name.
        task: String,
        /// The stream asked for.
        stream: usize,
        /// Streams of the prompt.
        streams: usize,
    },
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
    /// The decoder reads nothing.
    #[error("the decoder of {task} reads no stream; its arity must be 1 or more")]
    NoStreams {
        /// The request's name.
        task: String,
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
    /// The decoder asked for what cannot be done.
    #[error("after token {position} of sample {sample} of {task}: {source}")]
    Moves {
        /// The request's name.
        task: String,
        /// Which sample.
        sample: usize,
        /// Tokens of its longest branch.
        position: usize,
        /// What was asked for.
        source: MoveError,
    },
    /// A forward pass failed, and with it all that it advanced.
    #[error("the forward pass failed: {0}")]
    Pass(#[source] Arc<Self>),
    /// The engine's thread is gone.
    #[error(
        "the engine has stopped: its last handle was dropped, or the model panicked; start another one"
    )]
    Stopped,
    /// No completion ends for this reason.
    #[error("finish reason {name:?} is unknown; choose eos, stop, length, decoder")]
    UnknownFinish {
        /// The text.
        name: String,
    },
    /// What a backend of its own cannot say with the variants above.
    #[error("the model failed: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A move of a decoder that cannot be made; a fault of the decoder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// There is no such branch, or it was not shown.
    #[error("{branch:?} is not a branch that was shown to the decoder")]
    UnknownBranch {
        /// The name used.
        branch: BranchId,
    },
    /// A branch was extended a second time in one call.
    #[error("{branch:?} was extended twice in one call; fork it for a second continuation")]
    ExtendedTwice {
        /// Which one.
        branch: BranchId,
    },
    /// A branch that has ended was extended or forked.
    #[error("{branch:?} has ended and was given another token; rewind it first")]
    Ended {
        /// Which one.
        branch: BranchId,
    },
    /// A branch was left as it was.
    #[error(
        "{branch:?} was neither extended, rewound nor dropped, so the sequence would never end"
    )]
    NotMoved {
        /// Which one.
        branch: BranchId,
    },
    /// The last branch was dropped.
    #[error("the last branch was dropped; finish the sequence instead")]
    NoneLeft,
    /// More branches than were set aside.
    #[error(
        "{held} branches are held, the decoder said it needs {allowed}; raise Decoder::branches"
    )]
    TooManyBranches {
        /// Branches after the call, ended ones included.
        held: usize,
        /// What [`infer_code_cad_decode::Decoder::branches`] says.
        allowed: usize,
    },
    /// A token that the model does not know.
    #[error("token {token} is outside the vocabulary of {vocab_size}")]
    TokenOutOfRange {
        /// The token.
        token: TokenId,
        /// The model's [`crate::CausalLm::vocab_size`].
        vocab_size: usize,
    },
    /// The row that a token was chosen from is no distribution.
    #[error(
        "the row that token {token} was chosen from holds NaN or +inf, or excludes every token"
    )]
    NoDistribution {
        /// The token.
        token: TokenId,
    },
    /// A length beyond what the branch has.
    #[error("length {len} was asked for of {branch:?}, which has {has} tokens")]
    TooLong {
        /// Which one.
        branch: BranchId,
        /// The length.
        len: usize,
        /// Its tokens.
        has: usize,
    },
    /// What a reader has seen would be taken back.
    #[error("{branch:?} would go back to {len} tokens, of which {settled} are settled")]
    Settled {
        /// Which one.
        branch: BranchId,
        /// The length.
        len: usize,
        /// Tokens settled.
        settled: usize,
    },
    /// A branch settles other tokens than another did.
    #[error("{branch:?} settles tokens that differ from those settled before")]
    SettledOtherwise {
        /// Which one.
        branch: BranchId,
    },
    /// A move after the sequence was finished.
    #[error("a move follows the one that finished the sequence")]
    AfterFinish,
    /// The decoder goes back again and again.
    #[error("{calls} calls of the decoder did not end a completion of at most {max_tokens} tokens")]
    Endless {
        /// Calls so far.
        calls: usize,
        /// The most tokens of the completion.
        max_tokens: usize,
    },
}

/// The other remedy for a row cap, where a sequence fits at all.
fn fewer_branches(max_rows: usize, arity: usize) -> String {
    match max_rows / arity.max(1) {
        0 => String::new(),
        branches => format!(", or take at most {branches} branches"),
    }
}
