use std::fmt;
use std::str::FromStr;

use rand_core::Rng;

use crate::candidates::{Candidate, Room, draw, mass};
use crate::exp::exp;
use crate::sampling::{Sample, Sampling};
use crate::{
    Branch, DecodeError, Decoder, Decoding, Logits, Moves, Opening, Settings, TokenId, vector,
};

/// Samples from the smallest set of tokens that holds the mass `top_p`.
///
/// Top-k and min-p cut the same set further, and so do two cuts that are off unless they are set:
/// * `top_n_sigma` keeps the tokens with `logit >= max - n * sigma`, where `sigma` is the standard deviation of the
///   row's logits: tokens that stand out from the noise, whatever the temperature. For samples that are to be
///   diverse, at temperatures above 1.
/// * `typical_p` keeps the tokens with the smallest `|-ln p - H|`, `H` being the entropy, until their mass
///   reaches `typical_p`: the most probable token goes as well where a less probable one is what is expected.
///   Against dull repetitions; it costs a pass over what the other cuts left, and no weight pass.
///
/// As in Hugging Face `transformers` the temperature comes first, then top-k, then top-p on what is left, then
/// min-p, then the typical cut ([`SamplerOrder`] may put the temperature last). `top_n_sigma`, which
/// `transformers` lacks, sees the whole row, before top-k; temperature scales `sigma` as it scales logits, so it
/// may come before or after. Of equal logits the lower token comes first, so that exactly `top_k` tokens are
/// left, where `transformers` keeps all that tie with the last one. The vocabulary is never sorted: the masses
/// of bins of like probability tell where the nucleus ends, and only that bin is.
///
/// The paper samples with `temperature` 0.8 and `top_p` 0.9 throughout (appendix A.1).
/// Holtzman et al., [The Curious Case of Neural Text Degeneration](https://arxiv.org/abs/1904.09751);
/// top-k: Fan et al., [Hierarchical Neural Story Generation](https://arxiv.org/abs/1805.04833), section 5.4;
/// min-p: Nguyen et al., [Turning Up the Heat](https://arxiv.org/abs/2407.01082);
/// typical: Meister et al., [Locally Typical Sampling](https://arxiv.org/abs/2202.00666);
/// top-n-sigma: Tang et al., [Not All Logits Are You Need](https://arxiv.org/abs/2411.07641).
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
    /// The mass that typical tokens are kept for, in `(0, 1]`; 1 keeps every token.
    pub typical_p: f32,
    /// Keeps tokens whose logits are within so many standard deviations of the best, at least 0, which keeps the
    /// best alone; infinity keeps every token. What a mask excludes does not count.
    pub top_n_sigma: f32,
    /// Whether the cuts see the distribution after or before the temperature.
    pub order: SamplerOrder,
}

/// Where the temperature stands among the cuts; the cuts themselves are top-n-sigma, top-k, top-p, min-p,
/// typical.
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
            typical_p: 1.0,
            top_n_sigma: f32::INFINITY,
            order: SamplerOrder::Hf,
        }
    }
}

const TEMPERATURE: &str = "a finite value of at least 1.2e-38; for the limit zero take Greedy";
const SHARE: &str = "a value in (0, 1]";

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
        if self.typical_p != rest.typical_p {
            settings = settings.with("typical_p", self.typical_p);
        }
        if self.top_n_sigma != rest.top_n_sigma {
            settings = settings.with("top_n_sigma", self.top_n_sigma);
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
        if self.top_n_sigma < f32::INFINITY {
            let sigma = vector::deviation(row, peak);
            room.exclude_below(row, (f64::from(peak) - f64::from(self.top_n_sigma) * sigma) as f32);
        }
        if self.top_k < row.len() {
            room.keep_best(row, self.top_k);
        }
        if self.top_p < 1.0 {
            room.keep_mass(row, self.top_p);
        } else {
            room.collect(0.0);
        }
        if self.min_p > 0.0 {
            room.candidates.retain(|c| c.weight >= self.min_p);
        }
        let mut best = peak;
        if self.typical_p < 1.0 {
            room.keep_typical(row, peak, cut_temperature.recip(), self.typical_p);
            let logits = room.candidates.iter().map(|c| row[c.token as usize]);
            best = logits.fold(f32::NEG_INFINITY, f32::max); // the peak may be gone
        }
        if self.order == SamplerOrder::LlamaCpp {
            for candidate in &mut room.candidates {
                let logit = row[candidate.token as usize] - best;
                candidate.weight = exp(logit / self.temperature);
            }
        }
        Ok(&room.candidates)
    }

    pub(crate) fn check_parameters(&self) -> Result<(), DecodeError> {
        let ranges = [
            ("temperature", self.temperature, self.temperature >= f32::MIN_POSITIVE, TEMPERATURE),
            ("top_p", self.top_p, self.top_p > 0.0 && self.top_p <= 1.0, SHARE),
            ("min_p", self.min_p, self.min_p >= 0.0 && self.min_p <= 1.0, "a value in [0, 1]"),
            ("typical_p", self.typical_p, self.typical_p > 0.0 && self.typical_p <= 1.0, SHARE),
            ("top_k", self.top_k as f32, self.top_k > 0, "at least 1"),
        ];
        let (name, value) = ("top_n_sigma", self.top_n_sigma);
        if value.is_nan() || value < 0.0 {
            return Err(DecodeError::Parameter { name, value, expected: "a value of at least 0" });
        }
        for (name, value, in_range, expected) in ranges {
            if !in_range || !value.is_finite() {
                return Err(DecodeError::Parameter { name, value, expected });
            }
        }
        Ok(())
    }
}
