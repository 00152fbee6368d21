use infer_code_cad_decode::{BranchId, Chosen, TokenId};

use super::plan::Plan;
use crate::{FinishReason, KvCache, MoveError, StopMatcher, TokenLogProb};

/// A continuation of a sequence, with the streams that feed it.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) id: BranchId,
    /// One per stream. Of a branch that goes on they hold the prompt and all tokens but the last.
    pub(super) caches: Vec<Box<dyn KvCache>>,
    pub(super) tokens: Vec<TokenId>,
    /// Of each token; `top` is empty unless asked for.
    pub(super) scores: Vec<Score>,
    pub(super) log_prob: f64,
    pub(super) ended: Option<FinishReason>,
    matcher: StopMatcher,
    /// What this call of the decoder did with it.
    pub(super) moved: Moved,
}

/// How likely a token was.
#[derive(Debug, Clone)]
pub(super) struct Score {
    pub(super) log_prob: f64,
    top: Vec<(TokenId, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    Not,
    Back,
    On,
}

impl Branch {
    pub(super) fn new(id: BranchId, caches: Vec<Box<dyn KvCache>>, plan: &Plan) -> Self {
        Self {
            id,
            caches,
            tokens: Vec::new(),
            scores: Vec::new(),
            log_prob: 0.0,
            ended: None,
            matcher: plan.stops.matcher(),
            moved: Moved::Not,
        }
    }

    pub(super) fn fork(&self, to: BranchId) -> Self {
        Self {
            id: to,
            caches: self.caches.iter().map(|cache| cache.fork()).collect(),
            tokens: self.tokens.clone(),
            scores: self.scores.clone(),
            log_prob: self.log_prob,
            ended: self.ended,
            matcher: self.matcher.clone(),
            moved: Moved::Not,
        }
    }

    /// Appends a token, which may be the last.
    pub(super) fn extend(&mut self, chosen: Chosen, plan: &Plan) -> Result<(), MoveError> {
        let Chosen { token, log_prob, top, .. } = chosen;
        if token as usize >= plan.vocab_size {
            return Err(MoveError::TokenOutOfRange { token, vocab_size: plan.vocab_size });
        }
        if self.ended.is_some() {
            return Err(MoveError::Ended { branch: self.id });
        }
        if self.moved == Moved::On {
            return Err(MoveError::ExtendedTwice { branch: self.id });
        }
        if log_prob.is_nan() {
            return Err(MoveError::NoDistribution { token });
        }
        self.moved = Moved::On;
        self.tokens.push(token);
        self.scores.push(Score { log_prob, top });
        self.log_prob += log_prob;
        self.ended = self.end_after(token, plan);
        Ok(())
    }

    /// Whether the text ends with a token that was appended.
    fn end_after(&mut self, token: TokenId, plan: &Plan) -> Option<FinishReason> {
        if plan.request.eos.contains(&token) {
            return Some(FinishReason::Eos);
        }
        if self.matcher.advance(plan.vocabulary.token_bytes(token)).is_some() {
            return Some(FinishReason::Stop);
        }
        (self.tokens.len() == plan.max_tokens).then_some(FinishReason::Length)
    }

    /// Goes back to `len` tokens.
    pub(super) fn rewind(&mut self, len: usize, plan: &Plan) -> Result<(), MoveError> {
        let has = self.tokens.len();
        if len > has {
            return Err(MoveError::TooLong { branch: self.id, len, has });
        }
        self.tokens.truncate(len);
        self.scores.truncate(len);
        self.log_prob = self.log_prob_of(len);
        if len == has {
            // Nothing is taken back: one that has ended stays so, and one that was extended was.
            self.moved = if self.moved == Moved::On { Moved::On } else { Moved::Back };
            return Ok(());
        }
        self.moved = Moved::Back;
        self.ended = None;
        self.matcher = plan.stops.matcher();
        for &token in &self.tokens {
            self.matcher.advance(plan.vocabulary.token_bytes(token));
        }
        self.truncate_caches(len, plan);
        Ok(())
    }

    /// Forgets what the streams hold after the first `len` tokens.
    pub(super) fn truncate_caches(&mut self, len: usize, plan: &Plan) {
        for (cache, prompt) in self.caches.iter_mut().zip(plan.streams()) {
            cache.truncate(prompt.len() + len);
        }
    }

    /// Makes the last token, of the completion or of the prompt, the one to be fed next.
    pub(super) fn unfeed_last(&mut self, plan: &Plan) {
        for (cache, prompt) in self.caches.iter_mut().zip(plan.streams()) {
            cache.truncate((prompt.len() + self.tokens.len()).saturating_sub(1));
        }
    }

    /// The sum of the first `len` tokens' log-probabilities, in their order.
    pub(super) fn log_prob_of(&self, len: usize) -> f64 {
        self.scores[..len].iter().fold(0.0, |sum, score| sum + score.log_prob)
    }

    /// The first `len` tokens with their log-probabilities.
    pub(super) fn log_probs(&self, len: usize) -> Vec<TokenLogProb> {
        let scored = self.tokens.iter().zip(self.scores.iter().cloned()).take(len);
        scored
            .map(|(&token, Score { log_prob, top })| TokenLogProb { token, log_prob, top })
            .collect()
    }
}
