//! The tokens that a sampler may choose from, and the cuts that leave some of them out.

use std::cmp::Ordering;

use rand_core::Rng;

use crate::{TokenId, vector};

/// A token that may be chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) token: TokenId,
    /// Not normalised; 1 for the most probable token.
    pub(crate) weight: f32,
}

/// Most probable first, then by index, so that the order is total. Logits tell apart what as a
/// weight is the same.
fn rank(row: &[f32], a: &Candidate, b: &Candidate) -> Ordering {
    let logit = |candidate: &Candidate| row[candidate.token as usize];
    logit(b).total_cmp(&logit(a)).then(a.token.cmp(&b.token))
}

/// Room for the vocabulary, kept from token to token.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Relative to the most probable token's; [`vector::EXCLUDED`] for those that cannot be chosen.
    pub(crate) weights: Vec<f32>,
    pub(crate) candidates: Vec<Candidate>,
    last: Vec<Candidate>,
}

/// Walks through the candidates until their mass passes a random share of all of it.
pub(crate) fn draw(candidates: &[Candidate], rng: &mut dyn Rng) -> TokenId {
    let mut left = unit_interval(rng) * mass(candidates);
    for candidate in candidates {
        left -= f64::from(candidate.weight);
        if left < 0.0 {
            return candidate.token;
        }
    }
    // Rounding can leave a sliver after the last subtraction.
    let last = candidates.iter().rfind(|c| c.weight > 0.0);
    last.expect("what is left of the cuts has a mass above 0").token
}

pub(crate) fn mass(candidates: &[Candidate]) -> f64 {
    candidates.iter().map(|c| f64::from(c.weight)).sum()
}

/// Of a weight's bits, those below which weights share a bin: 32 bins per power of two.
const BIN_SHIFT: u32 = 18;
/// Weights are at most 1.
const N_BINS: usize = (1f32.to_bits() >> BIN_SHIFT) as usize + 1;

fn bin(weight: f32) -> usize {
    (weight.to_bits() >> BIN_SHIFT) as usize
}

impl Room {
    /// Takes the tokens of at least this weight that are not excluded.
    pub(crate) fn collect(&mut self, floor: f32) {
        let Self { weights, candidates, .. } = self;
        candidates.clear();
        candidates.resize(weights.len(), Candidate { token: 0, weight: 0.0 });
        // Written whether it stays or not: what a vocabulary's weights are nobody can predict.
        let mut kept = 0;
        for (token, &weight) in weights.iter().enumerate() {
            candidates[kept] = Candidate { token: token as TokenId, weight };
            kept += usize::from(weight >= floor);
        }
        candidates.truncate(kept);
    }

    /// Excludes all but the `n` most probable tokens.
    pub(crate) fn keep_best(&mut self, row: &[f32], n: usize) {
        self.collect(0.0);
        if n < self.candidates.len() {
            self.candidates.select_nth_unstable_by(n, |a, b| rank(row, a, b));
            for excluded in &self.candidates[n..] {
                self.weights[excluded.token as usize] = vector::EXCLUDED;
            }
        }
    }

    /// Takes the most probable tokens whose mass first reaches the share `top_p` of all.
    ///
    /// The masses of bins tell in which bin the nucleus ends; only what is in there is sorted.
    pub(crate) fn keep_mass(&mut self, row: &[f32], top_p: f32) {
        let total = vector::sum(&self.weights);
        let target = f64::from(top_p) * total;
        // Tokens below an equal share of the tail hold less than the tail together, so the nucleus
        // has none of them. Half of that share leaves room for rounding.
        self.collect((0.5 * (total - target) / row.len() as f64) as f32);
        let mut bins = [0.0; N_BINS];
        for candidate in &self.candidates {
            bins[bin(candidate.weight)] += f64::from(candidate.weight);
        }
        let (mut left, mut cut) = (target, N_BINS);
        while cut > 0 && left > 0.0 {
            cut -= 1;
            left -= bins[cut];
        }
        self.cut_in_bin(row, cut, left + bins[cut]);
    }

    /// Excludes the tokens whose logits are below a floor.
    pub(crate) fn exclude_below(&mut self, row: &[f32], floor: f32) {
        for (weight, &logit) in self.weights.iter_mut().zip(row) {
            if logit < floor {
                *weight = vector::EXCLUDED;
            }
        }
    }

    /// Keeps the candidates whose surprise is nearest to the entropy of them all, until their mass reaches
    /// the share `typical_p`.
    ///
    /// With `x = (logit - peak) * scale` the surprise is `ln(mass) - x` and the entropy `ln(mass) - mean(x)`, so
    /// that `|x - mean(x)|` is how far they are apart.
    pub(crate) fn keep_typical(&mut self, row: &[f32], peak: f32, scale: f32, typical_p: f32) {
        let candidates = &mut self.candidates;
        let total = mass(candidates);
        let x = |c: &Candidate| f64::from((row[c.token as usize] - peak) * scale);
        let weighed = candidates.iter().filter(|c| c.weight > 0.0);
        let mean = weighed.map(|c| f64::from(c.weight) * x(c)).sum::<f64>() / total;
        let order = |a: &Candidate, b: &Candidate| {
            let apart = |c| (x(c) - mean).abs();
            apart(a).total_cmp(&apart(b)).then_with(|| rank(row, a, b))
        };
        keep_first(candidates, f64::from(typical_p) * total, order);
    }

    /// Keeps the candidates above a bin, and those in it whose mass first reaches `left`.
    fn cut_in_bin(&mut self, row: &[f32], cut: usize, mut left: f64) {
        let Self { candidates, last, .. } = self;
        last.clear();
        let mut kept = 0;
        for i in 0..candidates.len() {
            let candidate = candidates[i];
            candidates[kept] = candidate;
            kept += usize::from(bin(candidate.weight) > cut);
            if bin(candidate.weight) == cut {
                last.push(candidate);
            }
        }
        candidates.truncate(kept);
        last.sort_unstable_by(|a, b| rank(row, a, b));
        for &candidate in &*last {
            candidates.push(candidate);
            left -= f64::from(candidate.weight);
            if left <= 0.0 {
                break;
            }
        }
    }
}

/// Keeps the first candidates of an order whose mass reaches `left`. Halves are told apart, never sorted.
fn keep_first(
    candidates: &mut Vec<Candidate>,
    mut left: f64,
    order: impl Fn(&Candidate, &Candidate) -> Ordering,
) {
    let (mut kept, mut end) = (0, candidates.len());
    while end - kept > 1 {
        let half = (end - kept) / 2;
        candidates[kept..end].select_nth_unstable_by(half, &order);
        let held = mass(&candidates[kept..kept + half]);
        if left <= held {
            end = kept + half;
        } else {
            (kept, left) = (kept + half, left - held);
        }
    }
    candidates.truncate(end);
}

/// A uniform draw from `[0, 1)` with 53 bits.
fn unit_interval(rng: &mut dyn Rng) -> f64 {
    const STEP: f64 = 1.0 / (1u64 << 53) as f64;
    (rng.next_u64() >> 11) as f64 * STEP
}
