use rand_core::Rng;

use crate::certainty::Distribution;
use crate::contrast::check;
use crate::{
    Branch, BranchId, DecodeError, Decoder, Decoding, Greedy, Moves, Opening, RowLogProbs,
    Settings, TokenId,
};

/// Greedy where the model is sure, and with a look ahead where it is not: AdaDec.
///
/// A row is uncertain where its entropy `H = -sum p ln p`, in nats and at temperature 1, is at least the threshold.
/// There each of the most probable `candidates` is continued greedily by up to `lookahead` tokens, or to where its
/// text ends, and scored by the mean log-probability of what it has then, the candidate and an end of text
/// counted. The best goes on, of equal ones the more probable candidate. Its continuation is kept up to the first token
/// that was chosen from an uncertain row itself: it is what the same rule would choose token by token.
///
/// Use it for one deterministic draft where a sampler's would be the only one. The threshold depends on the
/// model: its authors learn it, 0.6 to 1.3 for models of 0.6 to 3 billion weights, and then look ahead at about every
/// fifteenth token. A look ahead costs no weight pass where the winner is kept whole, only `candidates` rows in
/// `lookahead` of them; where it is cut, as many passes as tokens are cut and one more. Memory is set aside for
/// `candidates` branches. Under a [`ContextAware`](crate::ContextAware) entropy and log-probabilities are the mixed
/// row's. With a threshold of infinity, one candidate or no look ahead it is [`Greedy`].
///
/// He et al., [Towards Better Code Generation: Adaptive Decoding with Uncertainty
/// Guidance](https://arxiv.org/abs/2506.08980).
///
/// # Examples
/// ```
/// use infer_code_cad_decode::{AdaDec, Decoder, Logits, pick};
/// # use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let decoder = AdaDec { threshold: 1.0, ..AdaDec::default() };
/// let text = "adadec(threshold=1,candidates=3,lookahead=5)";
/// assert_eq!(decoder.settings().to_string(), text);
/// assert_eq!(decoder.branches(), 3);
/// # let mut rng = ChaCha8Rng::seed_from_u64(0);
/// assert_eq!(pick(&decoder, Logits::new(&[0.1, 9.0, -1.0], 1, 3)?, &mut rng)?, 1);
/// # Ok::<(), infer_code_cad_decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaDec {
    /// The least entropy of an uncertain row in nats, at least 0, where every row is; infinity makes none uncertain.
    pub threshold: f32,
    /// Tokens that are tried at an uncertain row; at least 1. Fewer where a row has no more.
    pub candidates: usize,
    /// Tokens that each of them is continued by, at most [`AdaDec::MOST_LOOKAHEAD`].
    pub lookahead: usize,
}

impl AdaDec {
    /// An engine takes a decoder that is asked ever so often for one token for one that never ends.
    pub const MOST_LOOKAHEAD: usize = 32;
}

impl Default for AdaDec {
    /// A threshold of 1 nat, three candidates and a look ahead of five tokens.
    fn default() -> Self {
        Self { threshold: 1.0, candidates: 3, lookahead: 5 }
    }
}

const LOOKAHEAD: &str = "at most 32";

impl Decoder for AdaDec {
    fn branches(&self) -> usize {
        if self.lookahead > 0 { self.candidates.max(1) } else { 1 }
    }

    fn begin(&self, opening: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        let (name, value) = ("threshold", self.threshold);
        if value.is_nan() || value < 0.0 {
            return Err(DecodeError::Parameter { name, value, expected: "a value of at least 0" });
        }
        check("candidates", self.candidates as f32, self.candidates > 0, "at least 1")?;
        let in_range = self.lookahead <= Self::MOST_LOOKAHEAD;
        check("lookahead", self.lookahead as f32, in_range, LOOKAHEAD)?;
        if self.branches() == 1 {
            return Greedy.begin(opening);
        }
        Ok(Box::new(Adaptive { parameters: *self, pause: None }))
    }

    fn settings(&self) -> Settings {
        Settings::new("adadec")
            .with("threshold", self.threshold)
            .with("candidates", self.candidates)
            .with("lookahead", self.lookahead)
    }
}

struct Adaptive {
    parameters: AdaDec,
    /// Where a look ahead goes on.
    pause: Option<Pause>,
}

/// A position at which candidates are tried.
struct Pause {
    /// Tokens before it, and the sum of their log-probabilities.
    len: usize,
    log_prob: f64,
    /// The length at which a branch first was uncertain again.
    doubts: Vec<(BranchId, usize)>,
}

/// A branch of a look ahead with its next token, if it has not ended.
struct Ahead<'b, 'a> {
    branch: &'b Branch<'a>,
    next: Option<(TokenId, f64)>,
}

impl Decoding for Adaptive {
    fn advance(
        &mut self,
        branches: &[Branch<'_>],
        moves: &mut Moves<'_>,
        _: &mut dyn Rng,
    ) -> Result<(), DecodeError> {
        match (self.pause.take(), branches) {
            (Some(pause), _) => self.look(pause, branches, moves),
            (None, [branch, ..]) => self.step(branch, moves),
            (None, []) => Ok(()),
        }
    }
}

impl Adaptive {
    /// The next token, or the candidates for it.
    fn step(&mut self, branch: &Branch<'_>, moves: &mut Moves<'_>) -> Result<(), DecodeError> {
        if branch.ended {
            return Ok(()); // of one branch that is the completion
        }
        let is_uncertain = self.is_uncertain(branch)?;
        let (row, len) = (branch.logits.row(0), branch.past.len());
        let candidates = if is_uncertain { self.parameters.candidates } else { 1 };
        let mut top = RowLogProbs::of(row).top(candidates);
        top.retain(|(_, log_prob)| *log_prob > f64::NEG_INFINITY);
        let [(best, _), others @ ..] = &top[..] else { return Ok(()) };
        moves.extend(branch.id, *best, row);
        if others.is_empty() {
            moves.settle(branch.id, len + 1);
            return Ok(());
        }
        others.iter().for_each(|(token, _)| _ = moves.fork(branch.id, *token, row));
        self.pause = Some(Pause { len, log_prob: branch.log_prob, doubts: Vec::new() });
        Ok(())
    }

    /// One more token of every candidate's continuation, or the choice among them.
    fn look(
        &mut self,
        mut pause: Pause,
        branches: &[Branch<'_>],
        moves: &mut Moves<'_>,
    ) -> Result<(), DecodeError> {
        let mut ahead = Vec::with_capacity(branches.len());
        for branch in branches {
            ahead.push(Ahead { branch, next: next(branch)? });
        }
        let is_short =
            |of: &&Ahead<'_, '_>| of.branch.past.len() - pause.len < self.parameters.lookahead;
        if !ahead.iter().filter(|of| of.next.is_some()).any(|of| is_short(&of)) {
            return self.choose(&pause, &ahead, moves);
        }
        for Ahead { branch, next } in ahead {
            let Some((token, _)) = next else { continue };
            let is_known = pause.doubts.iter().any(|(id, _)| *id == branch.id);
            if !is_known && self.is_uncertain(branch)? {
                pause.doubts.push((branch.id, branch.past.len()));
            }
            moves.extend(branch.id, token, branch.logits.row(0));
        }
        self.pause = Some(pause);
        Ok(())
    }

    /// Goes on with the best candidate.
    fn choose(
        &mut self,
        pause: &Pause,
        ahead: &[Ahead<'_, '_>],
        moves: &mut Moves<'_>,
    ) -> Result<(), DecodeError> {
        let better =
            |best, other| if pause.score(other) > pause.score(best) { other } else { best };
        let Some(Ahead { branch: winner, .. }) = ahead.iter().reduce(better) else { return Ok(()) };
        for Ahead { branch, .. } in ahead.iter().filter(|of| of.branch.id != winner.id) {
            moves.drop(branch.id);
        }
        let doubt = pause.doubts.iter().find(|(id, _)| *id == winner.id);
        let len = doubt.map_or(winner.past.len(), |(_, len)| *len);
        moves.settle(winner.id, len);
        if doubt.is_some() {
            moves.rewind(winner.id, len);
            return Ok(());
        }
        // Its last row is here: the token that was looked at comes of it, or the next look ahead.
        self.step(winner, moves)
    }

    fn is_uncertain(&self, branch: &Branch<'_>) -> Result<bool, DecodeError> {
        branch.logits.expect_arity(1)?;
        let entropy = Distribution::of(branch.logits, 0)?.entropy().max(0.0); // or what rounding leaves
        Ok(entropy >= f64::from(self.parameters.threshold))
    }
}

impl Pause {
    /// The mean log-probability of what came after it, the next token included.
    fn score(&self, Ahead { branch, next }: &Ahead<'_, '_>) -> f64 {
        let more = next.map_or(0.0, |(_, log_prob)| log_prob);
        let tokens = branch.past.len() + usize::from(next.is_some()) - self.len;
        (branch.log_prob + more - self.log_prob) / tokens as f64
    }
}

/// The most probable next token; the lowest of equal ones.
fn next(branch: &Branch<'_>) -> Result<Option<(TokenId, f64)>, DecodeError> {
    if branch.ended {
        return Ok(None);
    }
    branch.logits.expect_arity(1)?;
    let peak = branch.logits.peak(0)?; // or its fault
    let row = branch.logits.row(0);
    let token = row.iter().position(|logit| *logit == peak);
    let token = token.expect("the peak is a value of the row") as TokenId;
    Ok(Some((token, RowLogProbs::of(row).of_token(token))))
}
