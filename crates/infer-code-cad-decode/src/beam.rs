use rand_core::Rng;

use crate::contrast::check;
use crate::{
    Branch, BranchId, DecodeError, Decoder, Decoding, Greedy, Moves, Opening, RowLogProbs,
    Settings, TokenId,
};

/// Beam search: the most probable completion that a search over the best `beams` continuations finds.
///
/// At every step the live beams are continued by every token, and the `beams` best of all continuations by
/// `sum ln p` go on. One that ends among them is a hypothesis with the score `sum ln p / length^length_penalty`,
/// its end of text counted; the best `beams` hypotheses are remembered. The search ends when there are as many and
/// the best live beam's score, at its present length, is not above the least of theirs, or at the most tokens
/// of a completion, where all beams are hypotheses. The best hypothesis is the completion.
///
/// These are the tokens of Hugging Face `transformers` with `generate(num_beams=beams, do_sample=False,
/// length_penalty=length_penalty, early_stopping=False)`, where the last is its default. One beam is [`Greedy`].
/// A beam wider than the vocabulary grows as the tree does. What a stop string ends is a hypothesis as well, one
/// step later than an end of text would be, since a decoder is not told of stop strings.
///
/// Use it for one deterministic draft where a sampler's would be the only one; its hypotheses are near-duplicates,
/// so it is of no use for pass@k. It costs `beams` rows per weight pass and memory for `beams + 1` branches, the
/// best hypothesis being one. Under a [`ContextAware`](crate::ContextAware) the probabilities are the mixed
/// row's. Tokens that all beams agree on are settled, and may be shown to a reader.
///
/// # Examples
/// ```
/// use infer_code_cad_decode::{Beam, Decoder, Logits, pick};
/// # use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let decoder = Beam { beams: 3, length_penalty: 1.0 };
/// assert_eq!(decoder.settings().to_string(), "beam(beams=3,length_penalty=1)");
/// assert_eq!(decoder.branches(), 4);
/// # let mut rng = ChaCha8Rng::seed_from_u64(0);
/// // A search begins with the best token and forks for the others.
/// assert_eq!(pick(&decoder, Logits::new(&[0.1, 2.0, -1.0], 1, 3)?, &mut rng)?, 1);
/// # Ok::<(), infer_code_cad_decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beam {
    /// Continuations that go on, and hypotheses that are remembered; at least 1.
    pub beams: usize,
    /// The power of the length that a hypothesis' log-probability is divided by: above 0 favours long ones, 0
    /// compares sums, below 0 favours short ones. Finite.
    pub length_penalty: f32,
}

impl Default for Beam {
    /// Three beams and a penalty of 1: the mean log-probability.
    fn default() -> Self {
        Self { beams: 3, length_penalty: 1.0 }
    }
}

impl Decoder for Beam {
    fn branches(&self) -> usize {
        // The best hypothesis is beside the live beams.
        if self.beams > 1 { self.beams.saturating_add(1) } else { 1 }
    }

    fn begin(&self, opening: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        check("beams", self.beams as f32, self.beams > 0, "at least 1")?;
        check("length_penalty", self.length_penalty, true, "a finite value")?;
        if self.beams == 1 {
            return Greedy.begin(opening);
        }
        Ok(Box::new(Search {
            beams: self.beams,
            length_penalty: f64::from(self.length_penalty),
            eos: opening.eos.to_vec(),
            max_new_tokens: opening.max_new_tokens,
            best: None,
            scores: Vec::new(),
            settled: 0,
        }))
    }

    fn settings(&self) -> Settings {
        let settings = Settings::new("beam").with("beams", self.beams);
        settings.with("length_penalty", self.length_penalty)
    }
}

struct Search {
    beams: usize,
    length_penalty: f64,
    eos: Vec<TokenId>,
    max_new_tokens: usize,
    /// The branch of the best hypothesis and its length.
    best: Option<(BranchId, usize)>,
    /// Of the best hypotheses, at most as many as beams, best first.
    scores: Vec<f64>,
    settled: usize,
}

/// A live beam and one more token.
#[derive(Debug, Clone, Copy)]
struct Path {
    log_prob: f64,
    beam: usize,
    token: TokenId,
}

impl Decoding for Search {
    fn advance(
        &mut self,
        branches: &[Branch<'_>],
        moves: &mut Moves<'_>,
        _: &mut dyn Rng,
    ) -> Result<(), DecodeError> {
        self.settle(branches, moves);
        self.take_stopped(branches, moves);
        let live: Vec<&Branch<'_>> = branches.iter().filter(|branch| !branch.ended).collect();
        let paths = self.paths(&live)?;
        let len = live.first().map_or(0, |beam| beam.past.len() + 1);
        let ends = |path: &&Path| len == self.max_new_tokens || self.eos.contains(&path.token);
        let ended: Vec<Path> = paths.iter().take(self.beams).filter(ends).copied().collect();
        let kept: Vec<Path> =
            paths.iter().filter(|path| !ends(path)).take(self.beams).copied().collect();
        self.take_ended(&ended, &live, moves);
        let goes_on = kept.first().is_some_and(|best| self.may_improve(best.log_prob, len));
        match self.best {
            Some((branch, len)) if !goes_on => moves.finish(branch, len),
            _ => follow(&kept, &live, moves),
        }
        Ok(())
    }
}

impl Search {
    /// What all beams agree on is final.
    fn settle(&mut self, branches: &[Branch<'_>], moves: &mut Moves<'_>) {
        let Some((first, others)) = branches.split_first() else { return };
        let agrees = |at: &usize| others.iter().all(|b| b.past.get(*at) == Some(&first.past[*at]));
        let known = self.settled;
        self.settled += (known..first.past.len()).take_while(agrees).count();
        if self.settled > known {
            moves.settle(first.id, self.settled);
        }
    }

    /// Branches that a stop string ended are hypotheses.
    fn take_stopped(&mut self, branches: &[Branch<'_>], moves: &mut Moves<'_>) {
        let known = self.best.map(|(branch, _)| branch);
        for branch in branches.iter().filter(|branch| branch.ended && Some(branch.id) != known) {
            let len = branch.past.len();
            let replaced = if self.admit(branch.log_prob, len) {
                self.best.replace((branch.id, len)).map(|(branch, _)| branch)
            } else {
                Some(branch.id)
            };
            replaced.into_iter().for_each(|branch| moves.drop(branch));
        }
    }

    /// The continuations among which are the best, best first; of equal ones the earlier beam, then the lower token.
    fn paths(&self, live: &[&Branch<'_>]) -> Result<Vec<Path>, DecodeError> {
        // Of one beam no more than this can be among the best that go on, and ends of text among the best.
        let most = self.beams.saturating_add(self.eos.len());
        let mut paths = Vec::new();
        for (beam, branch) in live.iter().enumerate() {
            branch.logits.expect_arity(1)?;
            branch.logits.peak(0)?; // or its fault
            let top = RowLogProbs::of(branch.logits.row(0)).top(most).into_iter();
            let possible = top.filter(|(_, log_prob)| *log_prob > f64::NEG_INFINITY);
            paths.extend(possible.map(|(token, log_prob)| Path {
                log_prob: branch.log_prob + log_prob,
                beam,
                token,
            }));
        }
        // Stable, and within a beam they are sorted already.
        paths.sort_by(|a, b| b.log_prob.total_cmp(&a.log_prob));
        Ok(paths)
    }

    /// Takes continuations that end as hypotheses; the best of all is kept as a branch.
    fn take_ended(&mut self, ended: &[Path], live: &[&Branch<'_>], moves: &mut Moves<'_>) {
        let mut best = None;
        for path in ended {
            if self.admit(path.log_prob, live[path.beam].past.len() + 1) {
                best = Some(path);
            }
        }
        let Some(path) = best else { return };
        let beam = live[path.beam];
        let fork = moves.fork(beam.id, path.token, beam.logits.row(0));
        if let Some((replaced, _)) = self.best.replace((fork, beam.past.len() + 1)) {
            moves.drop(replaced);
        }
    }

    fn score(&self, log_prob: f64, len: usize) -> f64 {
        log_prob / (len as f64).powf(self.length_penalty)
    }

    /// Remembers a hypothesis; whether it is the best.
    fn admit(&mut self, log_prob: f64, len: usize) -> bool {
        let score = self.score(log_prob, len);
        let rank = self.scores.partition_point(|known| *known >= score);
        self.scores.insert(rank, score);
        self.scores.truncate(self.beams);
        rank == 0
    }

    /// Whether a live beam may come before a hypothesis.
    fn may_improve(&self, log_prob: f64, len: usize) -> bool {
        let is_full = self.scores.len() == self.beams;
        !is_full || self.scores.last().is_none_or(|least| self.score(log_prob, len) > *least)
    }
}

/// Extends each beam by the first of its tokens and forks it for the others.
fn follow(kept: &[Path], live: &[&Branch<'_>], moves: &mut Moves<'_>) {
    for (beam, branch) in live.iter().enumerate() {
        let mut tokens = kept.iter().filter(|path| path.beam == beam).map(|path| path.token);
        let row = branch.logits.row(0);
        match tokens.next() {
            None => moves.drop(branch.id),
            Some(first) => {
                moves.extend(branch.id, first, row);
                tokens.for_each(|token| _ = moves.fork(branch.id, token, row));
            }
        }
    }
}
