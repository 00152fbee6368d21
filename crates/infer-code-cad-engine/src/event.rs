use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use infer_code_cad_decode::TokenId;

use crate::EngineError;

/// What becomes of a request, as it happens.
///
/// The events of one sample are in order; those of different samples interleave, and how depends on what else
/// the engine does. [`Event::Ended`] is the last of a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The prompt was admitted, or a pass read a piece of it.
    Prefilled {
        /// Tokens known so far, read or reused, all streams together.
        tokens: usize,
        /// Tokens of the prompt, all streams together.
        of: usize,
    },
    /// The prompt was read, and these are the log-probabilities of its tokens that were asked for.
    PromptScored {
        /// One per token, in their order.
        log_probs: Vec<TokenLogProb>,
    },
    /// A sample begins.
    Started {
        /// Which one.
        sample: usize,
    },
    /// A token is final.
    Token {
        /// Of which sample.
        sample: usize,
        /// The token.
        token: TokenId,
        /// Its log-probability, see [`LogProbs`](crate::LogProbs).
        log_prob: f64,
        /// Text that is now certain; often empty. All pieces together are [`Completion::text`], but for what
        /// was held back when a decoder finished without a new token: that comes with the completion alone.
        text: Cow<'a, str>,
    },
    /// A sample is done.
    Finished {
        /// Which one.
        sample: usize,
        /// What was written.
        completion: Completion,
    },
    /// A sample failed, and its siblings go on.
    Failed {
        /// Which one; `None`: the request as a whole.
        sample: Option<usize>,
        /// Why.
        error: EngineError,
    },
    /// Nothing more comes of this request.
    Ended {
        /// What it cost.
        stats: RequestStats,
    },
}

impl Event<'_> {
    /// The same event, to be kept or sent.
    pub fn into_owned(self) -> Event<'static> {
        match self {
            Self::Prefilled { tokens, of } => Event::Prefilled { tokens, of },
            Self::PromptScored { log_probs } => Event::PromptScored { log_probs },
            Self::Started { sample } => Event::Started { sample },
            Self::Token { sample, token, log_prob, text } => {
                let text = Cow::Owned(text.into_owned());
                Event::Token { sample, token, log_prob, text }
            }
            Self::Finished { sample, completion } => Event::Finished { sample, completion },
            Self::Failed { sample, error } => Event::Failed { sample, error },
            Self::Ended { stats } => Event::Ended { stats },
        }
    }
}

/// What a model wrote after a prompt.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Completion {
    /// All tokens of it, including the end-of-sequence token or those of a stop string.
    pub tokens: Vec<TokenId>,
    /// The text before the end-of-sequence token or the stop string.
    ///
    /// Bytes that are not UTF-8 appear as U+FFFD.
    pub text: String,
    /// Why it ended.
    pub finish: FinishReason,
    /// The sum of its tokens' log-probabilities.
    pub log_prob: f64,
    /// Token by token, where the request asked for them.
    pub log_probs: Vec<TokenLogProb>,
    /// What it cost.
    pub cost: Cost,
}

impl Completion {
    pub(crate) fn empty(finish: FinishReason, cost: Cost) -> Self {
        let (tokens, text, log_probs) = Default::default();
        Self { tokens, text, finish, log_prob: 0.0, log_probs, cost }
    }
}

/// The natural log-probability of a token, given those before it.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenLogProb {
    /// The token.
    pub token: TokenId,
    /// Its log-probability; the same number as in `top` where it is among them.
    pub log_prob: f64,
    /// The most probable tokens of the row, best first.
    pub top: Vec<(TokenId, f64)>,
}

/// What a completion cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Tokens of its prompt, all streams together, whether read, reused or shared with other samples.
    pub prompt_tokens: usize,
    /// Tokens of the completion.
    pub kept: usize,
    /// Tokens that were generated or guessed and are not in the completion.
    pub thrown_away: usize,
    /// Rows (one token of one stream) that forward passes computed for it, its prompt left out.
    pub row_passes: usize,
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
    /// The decoder ended it.
    Decoder,
}

impl FinishReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Eos, Self::Stop, Self::Length, Self::Decoder];
}

impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Eos => "eos",
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Decoder => "decoder",
        })
    }
}

impl FromStr for FinishReason {
    type Err = EngineError;

    fn from_str(name: &str) -> Result<Self, EngineError> {
        let known = Self::ALL.into_iter().find(|reason| reason.to_string() == name);
        known.ok_or_else(|| EngineError::UnknownFinish { name: name.to_owned() })
    }
}

/// What a request cost, as far as it is its own.
///
/// Tokens and times are of the same work, also of a request that fails or is cancelled. A pass's time is shared
/// out among the requests it advances by the rows it computes for each, so those of all requests together are
/// the engine's ([`GenerateStats`]). The exception is what a decoder has not settled when its sample is given
/// up: it has cost time and counts no token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestStats {
    /// Completions finished.
    pub completions: usize,
    /// Samples that failed; a request that failed as a whole counts one.
    pub failures: usize,
    /// Prompt tokens read, all streams together; a prompt is read once, whatever its samples.
    pub prefill_tokens: usize,
    /// Prompt tokens that were not read, because another stream begins with them.
    pub reused_tokens: usize,
    /// Its share of [`GenerateStats::prefill_time`].
    pub prefill_time: Duration,
    /// Tokens told of, whatever became of their samples.
    pub decode_tokens: usize,
    /// How many of them were the first of their sample.
    pub first_tokens: usize,
    /// Its share of [`GenerateStats::decode_time`].
    pub decode_time: Duration,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

/// What an engine did and how long it took.
///
/// Times are of the model and the decoders; what the caller does in the callback is not counted. A pass that
/// reads prompts beside decoding rows is shared out by tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GenerateStats {
    /// Completions finished.
    pub completions: usize,
    /// Prompt tokens read, all streams together. Each prompt is read once, whatever its samples.
    pub prefill_tokens: usize,
    /// Prompt tokens that were not read, because another stream begins with them.
    pub reused_tokens: usize,
    /// Time spent reading prompts and drawing the first token of each sample.
    pub prefill_time: Duration,
    /// Tokens told of, whatever became of their samples.
    pub decode_tokens: usize,
    /// How many of them were the first of their sample: drawn from the logits of the prompt, without a forward
    /// pass.
    pub first_tokens: usize,
    /// Time spent generating the tokens after the first ones.
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

impl GenerateStats {
    /// What was done after an earlier look; `peak_rows` stays that of all the time.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            completions: self.completions - earlier.completions,
            prefill_tokens: self.prefill_tokens - earlier.prefill_tokens,
            reused_tokens: self.reused_tokens - earlier.reused_tokens,
            prefill_time: self.prefill_time.saturating_sub(earlier.prefill_time),
            decode_tokens: self.decode_tokens - earlier.decode_tokens,
            first_tokens: self.first_tokens - earlier.first_tokens,
            decode_time: self.decode_time.saturating_sub(earlier.decode_time),
            decode_steps: self.decode_steps - earlier.decode_steps,
            decode_rows: self.decode_rows - earlier.decode_rows,
            ..*self
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_back() {
        for reason in FinishReason::ALL {
            assert_eq!(reason.to_string().parse::<FinishReason>().unwrap(), reason);
        }
        let error = "length!".parse::<FinishReason>().unwrap_err().to_string();
        assert!(error.contains("eos, stop, length, decoder"), "{error}");
    }
}
