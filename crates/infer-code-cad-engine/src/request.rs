use std::ops::Range;
use std::sync::Arc;

use infer_code_cad_decode::{Decoder, TokenId};

use crate::Speculation;

/// A prompt, how often and how to complete it; its own limits, seed and error.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use infer_code_cad_decode::Greedy;
/// use infer_code_cad_engine::Request;
///
/// let mut request = Request::new("HumanEval/0", vec![vec![1, 7, 3]], Arc::new(Greedy));
/// request.samples = 0..10;
/// request.eos = vec![2];
/// request.stop = vec!["\ndef".to_owned()];
/// assert_eq!(request.max_new_tokens, 512);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Request {
    /// Names the random numbers, as in `"HumanEval/0"`. Requests that share a name and a role share their
    /// random numbers, sample by sample.
    pub task: String,
    /// Whose prompt this is: 0 the technique's own, above 0 others, such as a repair's. Sample `d` has the
    /// random stream (seed, task, role, d), so a later wave goes on where the last one ended.
    pub role: u32,
    /// The completions to draw. A sample is the same whatever the range it is drawn in.
    pub samples: Range<usize>,
    /// The token streams the decoder reads, [`Decoder::arity`] of them; stream 0 is the full prompt.
    pub streams: Vec<Vec<TokenId>>,
    /// Text of the answer that the prompt has already opened.
    pub written: String,
    /// Logits to tokens.
    pub decoder: Arc<dyn Decoder>,
    /// The most tokens in a completion, which is also bounded by
    /// [`CausalLm::max_positions`](crate::CausalLm::max_positions). With 0 and `prompt_log_probs` the prompt
    /// is scored and nothing is drawn.
    pub max_new_tokens: usize,
    /// Strings that end a completion, as [`StopStrings`](crate::StopStrings) finds them.
    pub stop: Vec<String>,
    /// Tokens that end a completion.
    pub eos: Vec<TokenId>,
    /// Seeds the random numbers, together with task, role and sample.
    pub seed: u64,
    /// Which log-probabilities of generated tokens are reported.
    pub log_probs: LogProbs,
    /// Reports the log-probabilities of a prompt's own tokens.
    pub prompt_log_probs: Option<PromptLogProbs>,
    /// Guesses tokens for the engine to verify: the same tokens in fewer passes where it guesses well.
    pub speculation: Option<Arc<dyn Speculation>>,
}

impl Request {
    /// One completion of up to 512 tokens, no end but the length, seed 0, no log-probabilities.
    pub fn new(
        task: impl Into<String>,
        streams: Vec<Vec<TokenId>>,
        decoder: Arc<dyn Decoder>,
    ) -> Self {
        Self {
            task: task.into(),
            role: 0,
            samples: 0..1,
            streams,
            written: String::new(),
            decoder,
            max_new_tokens: 512,
            stop: Vec::new(),
            eos: Vec::new(),
            seed: 0,
            log_probs: LogProbs::Off,
            prompt_log_probs: None,
            speculation: None,
        }
    }
}

/// Which log-probabilities of generated tokens a completion brings along.
///
/// They are natural, at temperature 1 and before all cuts, of the row that the token was chosen from: under
/// a mix the mixed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogProbs {
    /// Their sum alone.
    #[default]
    Off,
    /// Those of the tokens.
    Chosen,
    /// Also the so many most probable tokens of each row.
    Top(usize),
}

/// Asks for the log-probabilities of a prompt's own tokens. They are computed in chunks; what is known of the
/// stream's beginning is used up to `from` only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromptLogProbs {
    /// Which stream.
    pub stream: usize,
    /// The first token of it; the very first has no log-probability, so 0 means 1.
    pub from: usize,
    /// How many of the most probable tokens are reported at each position.
    pub top: usize,
}

/// Names a request of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);
