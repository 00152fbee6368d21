use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use rand_core::Rng;

use crate::exp::exp;
use crate::sampling::{Sample, Sampling};
use crate::{
    Branch, DecodeError, Decoder, Decoding, Logits, Moves, Opening, Settings, TokenId, vector,
};

/// Samples from the smallest set of tokens that holds the mass `top_p`.
///
/// Top-k and min-p cut the same set further. As in Hugging Face `transformers` the temperature comes first, then
/// top-k, then top-p on what is left, then min-p ([`SamplerOrder`] may put the temperature last). Of equal
/// logits the lower token comes first, so that exactly `top_k` tokens are left, where `transformers` keeps all
/// that tie with the last one. The vocabulary is never sorted: the masses
/// of bins of like probability tell where the nucleus ends, and only that bin is.
///
/// The paper samples with `temperature` 0.8 and `top_p` 0.9 throughout (appendix A.1).
/// Holtzman et al., [The Curious Case of Neural Text Degeneration](https://arxiv.org/abs/1904.09751);
/// top-k: Fan et al., [Hierarchical Neural Story Generation](https://arxiv.org/abs/1805.04833), section 5.4;
/// min-p: Nguyen et al., [Turning Up the Heat](https://arxiv.org/abs/2407.01082).
///
/// # Examples
/// ```
/// use infer_code_cad_decode::{Logits, Nucleus, pick};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let decoder = Nucleus { temperature: 0.8, top_p: 0.9, ..Nucleus::default() };
/// let mut rng = ChaCha8Rng::seed_from_u64(7);
/// let token = pick(&decoder, Logits::new(&[5.0, 4.5, -9.0], 1, 3)?, &mut rng)?;
/// assert!(token < 2, "the third token is far outside the nucleus");
/// # Ok::<(), infer_code_cad_decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Nucleus {
    /// Divides the logits; finite and at least [`f32::MIN_POSITIVE`], below which its reciprocal is no
    /// number. For the limit zero use [`crate::Greedy`].
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

impl fmt::Display for SamplerOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Hf => "hf",
            Self::LlamaCpp => "llamacpp",
        })
    }
}

impl FromStr for SamplerOrder {
    type Err = DecodeError;

    fn from_str(name: &str) -> Result<Self, DecodeError> {
        let known = [Self::Hf, Self::LlamaCpp].into_iter().find(|order| order.to_string() == name);
        known.ok_or_else(|| {
            DecodeError::other(format!("sampler order {name:?} is unknown; choose hf or llamacpp"))
        })
    }
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

const TEMPERATURE: &str = "a finite value of at least 1.2e-38; for the limit zero take Greedy";

/// A token that may be chosen.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    token: TokenId,
    /// Not normalised; 1 for the most probable token.
    weight: f32,
}

/// Most probable first, then by index, so that the order is total. Logits tell apart what as a
/// weight is the same.
fn rank(row: &[f32], a: &Candidate, b: &Candidate) -> Ordering {
    let logit = |candidate: &Candidate| row[candidate.token as usize];
    logit(b).total_cmp(&logit(a)).then(a.token.cmp(&b.token))
}

/// Room for the vocabulary, kept from token to token.
#[derive(Debug, Default)]
struct Room {
    /// Relative to the most probable token's; [`vector::EXCLUDED`] for those that cannot be chosen.
    weights: Vec<f32>,
    candidates: Vec<Candidate>,
    last: Vec<Candidate>,
}

impl Decoder for Nucleus {
    fn begin(&self, _: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        self.check_parameters()?;
        Ok(Box::new(Sampling(self.clone())))
    }

    /// Temperature and top-p always, the rest where it cuts something.
    fn settings(&self) -> Settings {
        let rest = Self::default();
        let mut settings = Settings::new("nucleus")
            .with("temperature", self.temperature)
            .with("top_p", self.top_p);
        if self.top_k != rest.top_k {
            settings = settings.with("top_k", self.top_k);
        }
        if self.min_p != rest.min_p {
            settings = settings.with("min_p", self.min_p);
        }
        if self.order != rest.order {
            settings = settings.with("order", self.order);
        }
        settings
    }
}

impl Sample for Nucleus {
    fn sample(
        &mut self,
        branch: &Branch<'_>,
        moves: &mut Moves<'_>,
        rng: &mut dyn Rng,
    ) -> Result<TokenId, DecodeError> {
        let mut room = moves.take::<Room>();
        let token =
            self.candidates(branch.logits, &mut room).map(|candidates| draw(candidates, rng));
        moves.give(room);
        token
    }
}

/// Walks through the candidates until their mass passes a random share of all of it.
fn draw(candidates: &[Candidate], rng: &mut dyn Rng) -> TokenId {
    let mut left = unit_interval(rng) * mass(candidates);
    for candidate in candidates {
        left -= f64::from(candidate.weight);
        if left < 0.0 {
            return candidate.token;
        }
    }
    // Rounding can leave a sliver after the last subtraction.
    let last = candidates.iter().rfind(|c| c.weight > 0.0);
    last.expect("the most probable token has weight 1").token
}

impl Nucleus {
    /// The tokens that may be chosen, with the probability of each.
    ///
    /// # Errors
    /// [`DecodeError::Parameter`], and those of a row that is no distribution.
    pub fn distribution(&self, logits: Logits<'_>) -> Result<Vec<(TokenId, f32)>, DecodeError> {
        self.check_parameters()?;
        let mut room = Room::default();
        let candidates = self.candidates(logits, &mut room)?;
        let mass = mass(candidates);
        let share = |c: &Candidate| (c.token, (f64::from(c.weight) / mass) as f32);
        Ok(candidates.iter().map(share).collect())
    }

    fn candidates<'r>(
        &self,
        logits: Logits<'_>,
        room: &'r mut Room,
    ) -> Result<&'r [Candidate], DecodeError> {
        logits.expect_arity(1)?;
        let (row, peak) = (logits.row(0), logits.peak(0)?);
        let cut_temperature = match self.order {
            SamplerOrder::Hf => self.temperature,
            SamplerOrder::LlamaCpp => 1.0,
        };
        room.weights.resize(row.len(), 0.0);
        vector::weigh(row, peak, cut_temperature.recip(), &mut room.weights);
        if self.top_k < row.len() {
            room.keep_best(row, self.top_k);
        }
        if self.top_p < 1.0 {
            room.keep_mass(row, self.top_p);
        } else {
            room.collect(0.0);
        }
        let candidates = &mut room.candidates;
        if self.min_p > 0.0 {
            candidates.retain(|c| c.weight >= self.min_p);
        }
        if self.order == SamplerOrder::LlamaCpp {
            for candidate in &mut *candidates {
                let logit = row[candidate.token as usize] - peak;
                candidate.weight = exp(logit / self.temperature);
            }
        }
        Ok(candidates)
    }

    fn check_parameters(&self) -> Result<(), DecodeError> {
        let ranges = [
            ("temperature", self.temperature, self.temperature >= f32::MIN_POSITIVE, TEMPERATURE),
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

fn mass(candidates: &[Candidate]) -> f64 {
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
    fn collect(&mut self, floor: f32) {
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
    fn keep_best(&mut self, row: &[f32], n: usize) {
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
    fn keep_mass(&mut self, row: &[f32], top_p: f32) {
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

/// A uniform draw from `[0, 1)` with 53 bits.
fn unit_interval(rng: &mut dyn Rng) -> f64 {
    const STEP: f64 = 1.0 / (1u64 << 53) as f64;
    (rng.next_u64() >> 11) as f64 * STEP
}
