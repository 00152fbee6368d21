use std::cell::Cell;

use rand_core::RngCore;

use crate::{DecodeError, Decoder, Logits, TokenId, vector};

/// Mixes the logits of several streams into one row and leaves the choice to an inner decoder.
///
/// With [`Alpha::Fixed`] this is context-aware decoding: row 0 saw context and question, row 1 the
/// question only, and the mixed row is `(1 + alpha) * logits[0] - alpha * logits[1]`, which the
/// inner decoder turns into `softmax(..)`, equation 2 of the paper. Raw logits and log-softmax
/// give the same distribution, since a constant added to a row cancels.
///
/// A token that a stream of non-zero weight excludes (`-inf`) stays excluded.
///
/// Shi et al., [Trusting Your Evidence](https://arxiv.org/abs/2305.14739); the same rule is
/// classifier-free guidance with scale `1 + alpha`
/// (Sanchez et al., [2306.17806](https://arxiv.org/abs/2306.17806)).
///
/// # Examples
/// ```
/// use infer_code_cad_decode::{ContextAware, Decoder, Greedy, Logits};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// // The context speaks for token 1, and the question alone would have said token 0.
/// let streams = [2.0, 1.9, 0.0, /* question: */ 3.0, 0.0, 0.0];
/// let mut rng = ChaCha8Rng::seed_from_u64(0);
/// let decoder = ContextAware::new(0.5, Greedy);
/// assert_eq!(decoder.decode(Logits::new(&streams, 2, 3)?, &mut rng)?, 1);
/// # Ok::<(), infer_code_cad_decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ContextAware<D> {
    /// How the streams are weighted.
    pub alpha: Alpha,
    /// Keeps tokens whose probability under row 0 is at least this share of the best one's, in
    /// `[0, 1]`; 0 keeps all. Contrast inflates rare tokens, and 0.1 stops that
    /// (Li et al., [Contrastive Decoding](https://arxiv.org/abs/2210.15097), section 3.3).
    pub plausibility: f32,
    /// Chooses from the mixed row.
    pub inner: D,
}

/// Larger weights could overflow the mixed row.
const LARGEST: f32 = 1e6;
const WEIGHT: &str = "a value in [-1e6, 1e6]";

/// The weight of each stream.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Alpha {
    /// Two streams with the weights `1 + alpha` and `-alpha`; in `[0, 1e6]`, and 0 is the inner
    /// decoder on row 0.
    Fixed(f32),
    /// One weight in `[-1e6, 1e6]` per stream, any number of streams; one must be above 0.
    Weights(Vec<f32>),
}

impl<D> ContextAware<D> {
    /// Equation 2 with a fixed `alpha` and no plausibility mask.
    pub fn new(alpha: f32, inner: D) -> Self {
        Self { alpha: Alpha::Fixed(alpha), plausibility: 0.0, inner }
    }
}

impl<D: Decoder> Decoder for ContextAware<D> {
    fn arity(&self) -> usize {
        match &self.alpha {
            Alpha::Fixed(_) => 2,
            Alpha::Weights(weights) => weights.len(),
        }
    }

    fn decode(&self, logits: Logits<'_>, rng: &mut dyn RngCore) -> Result<TokenId, DecodeError> {
        let mut mixed = ROOM.take();
        let outcome = self.mix(logits, &mut mixed);
        let token = outcome
            .and_then(|()| Logits::new(&mixed, 1, mixed.len()))
            .and_then(|mixed| self.inner.decode(mixed, rng));
        ROOM.set(mixed);
        token
    }
}

thread_local! {
    /// Room for a mixed row, kept from token to token; nested decoders find it taken and make another.
    static ROOM: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

impl<D: Decoder> ContextAware<D> {
    fn mix(&self, logits: Logits<'_>, mixed: &mut Vec<f32>) -> Result<(), DecodeError> {
        logits.expect_arity(self.arity())?;
        match &self.alpha {
            Alpha::Fixed(alpha) => {
                check("alpha", *alpha, (0.0..=LARGEST).contains(alpha), "a value in [0, 1e6]")?;
                mix(logits, &[1.0 + alpha, -alpha], mixed)?;
            }
            Alpha::Weights(weights) => {
                for &weight in weights {
                    check("weight", weight, weight.abs() <= LARGEST, WEIGHT)?;
                }
                let largest = weights.iter().copied().fold(0.0, f32::max);
                check("the largest weight", largest, largest > 0.0, "a value above 0")?;
                mix(logits, weights, mixed)?;
            }
        }
        self.exclude_implausible(logits, mixed)
    }

    fn exclude_implausible(
        &self,
        logits: Logits<'_>,
        mixed: &mut [f32],
    ) -> Result<(), DecodeError> {
        let share = self.plausibility;
        check("plausibility", share, (0.0..=1.0).contains(&share), "a value in [0, 1]")?;
        if share == 0.0 {
            return Ok(());
        }
        let floor = logits.peak(0)? + share.ln();
        for (mixed, &logit) in mixed.iter_mut().zip(logits.row(0)) {
            if logit < floor {
                *mixed = f32::NEG_INFINITY;
            }
        }
        Ok(())
    }
}

/// The weighted sum of the rows, each counted from its own peak so that large offsets cost no
/// precision.
fn mix(logits: Logits<'_>, weights: &[f32], mixed: &mut Vec<f32>) -> Result<(), DecodeError> {
    mixed.clear();
    mixed.resize(logits.vocab_size(), 0.0);
    for (stream, &weight) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
        let peak = logits.peak(stream)?;
        vector::mix(mixed, logits.row(stream), peak, weight);
    }
    Ok(())
}

fn check(
    name: &'static str,
    value: f32,
    in_range: bool,
    expected: &'static str,
) -> Result<(), DecodeError> {
    if in_range && value.is_finite() {
        return Ok(());
    }
    Err(DecodeError::Parameter { name, value, expected })
}
