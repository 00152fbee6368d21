use std::fmt::Debug;

use infer_code_cad_decode::TokenId;
use infer_code_cad_engine::{Completion, Cost, FinishReason, NUMERICS, Request, TokenLogProb};
use infer_code_cad_tasks::{Extraction, Problem};

use crate::fingerprint::Fingerprint;

/// A completion from which a selection may make its answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Draft {
    /// Its number among all drafts of its role, which with the role names its random stream.
    pub index: usize,
    /// Whose prompt it answers: 0 the technique's own.
    pub role: u32,
    /// What the model wrote.
    pub text: String,
    /// The module cut out of it.
    pub program: String,
    /// The same in tokens, an end of text included.
    pub tokens: Vec<TokenId>,
    /// Why it ended.
    pub finish: FinishReason,
    /// The sum of its tokens' log-probabilities, where it is known.
    pub log_prob: Option<f64>,
    /// Token by token, where they were asked for.
    pub log_probs: Vec<TokenLogProb>,
    /// What it cost.
    pub cost: Cost,
    /// Names everything that it depends on: drafts of equal address are equal.
    pub address: String,
}

impl Draft {
    /// A draft that was found or written elsewhere: also for tests of selectors.
    pub fn new(
        problem: &Problem,
        extraction: Extraction,
        role: u32,
        index: usize,
        address: String,
        known: KnownDraft,
    ) -> Self {
        let program = extraction.program(problem, &known.text);
        Self::with_program(program, role, index, address, known)
    }

    pub(crate) fn with_program(
        program: String,
        role: u32,
        index: usize,
        address: String,
        known: KnownDraft,
    ) -> Self {
        let KnownDraft { text, tokens, finish, log_prob, log_probs, cost } = known;
        Self { index, role, text, program, tokens, finish, log_prob, log_probs, cost, address }
    }
}

/// Drafts of earlier runs, which need not be drawn again.
///
/// # Examples
/// ```
/// use std::collections::HashMap;
///
/// use infer_code_cad::{KnownDraft, KnownDrafts};
///
/// #[derive(Debug)]
/// struct Remembered(HashMap<String, KnownDraft>);
///
/// impl KnownDrafts for Remembered {
///     fn draft(&self, address: &str) -> Option<KnownDraft> {
///         self.0.get(address).cloned()
///     }
/// }
///
/// assert!(Remembered(HashMap::new()).draft("0123456789abcdef").is_none());
/// ```
pub trait KnownDrafts: Debug + Send + Sync {
    /// The draft of an address, see [`Draft::address`]; `None` where it must be drawn.
    fn draft(&self, address: &str) -> Option<KnownDraft>;
}

/// What an earlier run kept of a draft.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct KnownDraft {
    /// See [`Draft::text`].
    pub text: String,
    /// See [`Draft::tokens`].
    pub tokens: Vec<TokenId>,
    /// See [`Draft::finish`].
    pub finish: FinishReason,
    /// See [`Draft::log_prob`].
    pub log_prob: Option<f64>,
    /// See [`Draft::log_probs`].
    pub log_probs: Vec<TokenLogProb>,
    /// See [`Draft::cost`].
    pub cost: Cost,
}

impl KnownDraft {
    /// A draft without log-probabilities, of which nobody knows the cost.
    pub fn new(text: impl Into<String>, tokens: Vec<TokenId>, finish: FinishReason) -> Self {
        let (log_prob, log_probs, cost) = Default::default();
        Self { text: text.into(), tokens, finish, log_prob, log_probs, cost }
    }
}

impl From<Completion> for KnownDraft {
    fn from(completion: Completion) -> Self {
        let Completion { tokens, text, finish, log_prob, log_probs, cost, .. } = completion;
        Self { text, tokens, finish, log_prob: Some(log_prob), log_probs, cost }
    }
}

/// The addresses of a request's drafts.
///
/// They cover what tokens depend on: arithmetic, model, streams, decoder, limits, seed and the name of the
/// random stream. They do not cover what is read off the tokens, such as the program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses(Fingerprint);

impl Addresses {
    /// The addresses of what `request` draws from the model of this fingerprint.
    pub(crate) fn new(model: &str, request: &Request) -> Self {
        let hash = Fingerprint::new().number(NUMERICS.into()).text(model);
        let hash = request
            .streams
            .iter()
            .fold(hash.number(request.streams.len() as u64), |hash, stream| tokens(hash, stream));
        let hash = hash.text(&request.written).text(&request.decoder.settings().to_string());
        let hash = hash.number(request.max_new_tokens as u64).number(request.stop.len() as u64);
        let hash = request.stop.iter().fold(hash, |hash, stop| hash.text(stop));
        let hash = tokens(hash, &request.eos).number(request.seed).text(&request.task);
        Self(hash.number(request.role.into()))
    }

    /// The address of one draft.
    pub(crate) fn of(&self, index: usize) -> String {
        self.0.number(index as u64).to_string()
    }
}

fn tokens(hash: Fingerprint, tokens: &[TokenId]) -> Fingerprint {
    hash.numbers(tokens.iter().map(|&token| token.into()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use infer_code_cad_decode::{Greedy, Nucleus};

    use super::*;

    #[test]
    fn everything_that_tokens_depend_on_is_in_an_address() {
        let plain = || Request::new("t", vec![vec![1, 2], vec![3]], Arc::new(Greedy));
        let changes: [fn(&mut Request); 9] = [
            |request| request.task = "u".into(),
            |request| request.role = 1,
            |request| request.streams = vec![vec![1], vec![2, 3]],
            |request| request.written = "w".into(),
            |request| request.decoder = Arc::new(Nucleus::default()),
            |request| request.max_new_tokens = 7,
            |request| request.stop = vec!["s".into()],
            |request| request.eos = vec![0],
            |request| request.seed = 1,
        ];
        let address = |request: &Request| Addresses::new("model", request).of(3);
        let mut found = vec![address(&plain()), Addresses::new("other", &plain()).of(3)];
        found.push(Addresses::new("model", &plain()).of(4));
        for change in changes {
            let mut request = plain();
            change(&mut request);
            found.push(address(&request));
        }
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 12);
        assert!(found.iter().all(|address| address.len() == 16));
    }
}
