use std::cmp::Ordering;

use rand_core::RngCore;

use crate::{DecodeError, Decoder, Logits, TokenId};

/// Samples from the smallest set of tokens that holds the mass `top_p`.
///
/// Top-k and min-p cut the same set further. The vocabulary is never sorted: tokens too improbable
/// to belong to the nucleus are dropped in one pass, and only as many of the others are ordered as
/// the nucleus needs.
///
/// The paper samples with `temperature` 0.8 and `top_p` 0.9 throughout (appendix A.1).
/// Holtzman et al., [The Curious Case of Neural Text Degeneration](https://arxiv.org/abs/1904.09751);
/// min-p: Nguyen et al., [Turning Up the Heat](https://arxiv.org/abs/2407.01082).
///
/// # Examples
/// ```
/// use infer_code_cad_decode::{Decoder, Logits, Nucleus};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let decoder = Nucleus { temperature: 0.8, top_p: 0.9, ..Nucleus::default() };
/// let mut rng = ChaCha8Rng::seed_from_u64(7);
/// let token = decoder.decode(Logits::new(&[5.0, 4.5, -9.0], 1, 3)?, &mut rng)?;
/// assert!(token < 2, "the third token is far outside the nucleus");
/// # Ok::<(), infer_code_cad_decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Nucleus {
    /// Divides the logits; above zero. For the limit zero use [`crate::Greedy`].
    pub temperature: f32,
    /// The mass kept, in `(0, 1]`; 1 keeps every token.
    pub top_p: f32,
    /// The number of tokens kept, at least 1; `usize::MAX` keeps every token.
    pub top_k: usize,
    /// Keeps tokens at least `min_p` times as probable as the best, in `[0, 1]`; 0 keeps all.
    pub min_p: f32,
    /// Whether the cuts see the distribution after or before the temperature.
    pub order: SamplerOrder,
}

/// Where the temperature stands among the cuts; the cuts themselves are top-k, top-p, min-p.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SamplerOrder {
    /// Temperature first, as in Hugging Face `transformers`.
    #[default]
    Hf,
    /// Temperature last, as in llama.cpp: the cuts do not depend on it.
    LlamaCpp,
}

impl Default for Nucleus {
    /// The model's own distribution: temperature 1, nothing cut.
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
            top_k: usize::MAX,
            min_p: 0.0,
            order: SamplerOrder::Hf,
        }
    }
}

/// A token that may be chosen.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    token: TokenId,
    /// Distance of the logit from the row's peak, at most 0.
    logit: f32,
    /// Not normalised; 1 for the most probable token.
    weight: f32,
}

impl Candidate {
    /// Most probable first, then by index, so that the order is total.
    fn rank(&self, other: &Self) -> Ordering {
        other.logit.total_cmp(&self.logit).then(self.token.cmp(&other.token))
    }
}

impl Decoder for Nucleus {
    fn decode(&self, logits: Logits<'_>, rng: &mut dyn RngCore) -> Result<TokenId, DecodeError> {
        let candidates = self.candidates(logits)?;
        let mass: f64 = candidates.iter().map(|c| f64::from(c.weight)).sum();
        let mut left = unit_interval(rng) * mass;
        for candidate in &candidates {
            left -= f64::from(candidate.weight);
            if left < 0.0 {
                return Ok(candidate.token);
            }
        }
        // Rounding can leave a sliver after the last subtraction.
        let last = candidates.iter().rfind(|c| c.weight > 0.0);
        Ok(last.expect("the most probable token has weight 1").token)
    }
}

impl Nucleus {
    /// The tokens that may be chosen, with the probability of each.
    ///
    /// # Errors
    /// Those of [`Decoder::decode`].
    pub fn distribution(&self, logits: Logits<'_>) -> Result<Vec<(TokenId, f32)>, DecodeError> {
        let candidates = self.candidates(logits)?;
        let mass: f64 = candidates.iter().map(|c| f64::from(c.weight)).sum();
        let share = |c: &Candidate| (c.token, (f64::from(c.weight) / mass) as f32);
        Ok(candidates.iter().map(share).collect())
    }

    fn candidates(&self, logits: Logits<'_>) -> Result<Vec<Candidate>, DecodeError> {
        logits.expect_arity(1)?;
        self.check_parameters()?;
        let peak = logits.peak(0)?;
        let cut_temperature = match self.order {
            SamplerOrder::Hf => self.temperature,
            SamplerOrder::LlamaCpp => 1.0,
        };
        let mut candidates = weigh(logits.row(0), peak, cut_temperature);
        if self.top_k < candidates.len() {
            candidates.select_nth_unstable_by(self.top_k, Candidate::rank);
            candidates.truncate(self.top_k);
        }
        if self.top_p < 1.0 {
            keep_mass(&mut candidates, self.top_p);
        }
        if self.min_p > 0.0 {
            candidates.retain(|c| c.weight >= self.min_p);
        }
        if self.order == SamplerOrder::LlamaCpp {
            for candidate in &mut candidates {
                candidate.weight = (candidate.logit / self.temperature).exp();
            }
        }
        Ok(candidates)
    }

    fn check_parameters(&self) -> Result<(), DecodeError> {
        let ranges = [
            ("temperature", self.temperature, self.temperature > 0.0, "a finite value above 0"),
            ("top_p", self.top_p, self.top_p > 0.0 && self.top_p <= 1.0, "a value in (0, 1]"),
            ("min_p", self.min_p, self.min_p >= 0.0 && self.min_p <= 1.0, "a value in [0, 1]"),
            ("top_k", self.top_k as f32, self.top_k > 0, "at least 1"),
        ];
        for (name, value, in_range, expected) in ranges {
            if !in_range || !value.is_finite() {
                return Err(DecodeError::Parameter { name, value, expected });
            }
        }
        Ok(())
    }
}

/// Every token that is not excluded, with its weight relative to the most probable one.
fn weigh(row: &[f32], peak: f32, temperature: f32) -> Vec<Candidate> {
    let weigh = |(token, &value): (usize, &f32)| {
        let logit = value - peak;
        Candidate { token: token as TokenId, logit, weight: (logit / temperature).exp() }
    };
    row.iter().enumerate().filter(|(_, l)| **l > f32::NEG_INFINITY).map(weigh).collect()
}

/// Cuts `candidates` to the most probable ones, in order, whose mass first reaches `top_p`.
fn keep_mass(candidates: &mut Vec<Candidate>, top_p: f32) {
    let total: f64 = candidates.iter().map(|c| f64::from(c.weight)).sum();
    let target = f64::from(top_p) * total;
    // Tokens below an equal share of the tail hold less than the tail together, so the nucleus
    // has none of them. Half of that share leaves room for rounding.
    let floor = (0.5 * (total - target) / candidates.len() as f64) as f32;
    candidates.retain(|c| c.weight >= floor);

    let mut ordered = 0;
    let mut mass = 0.0;
    let mut block = 64;
    while ordered < candidates.len() {
        let rest = &mut candidates[ordered..];
        let size = block.min(rest.len());
        if size < rest.len() {
            rest.select_nth_unstable_by(size, Candidate::rank);
        }
        rest[..size].sort_unstable_by(Candidate::rank);
        for candidate in &rest[..size] {
            mass += f64::from(candidate.weight);
            ordered += 1;
            if mass >= target {
                candidates.truncate(ordered);
                return;
            }
        }
        block *= 4;
    }
}

/// A uniform draw from `[0, 1)` with 53 bits.
fn unit_interval(rng: &mut dyn RngCore) -> f64 {
    const STEP: f64 = 1.0 / (1u64 << 53) as f64;
    (rng.next_u64() >> 11) as f64 * STEP
}
