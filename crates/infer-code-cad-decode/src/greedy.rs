use rand_core::Rng;

use crate::sampling::{Sample, Sampling};
use crate::{Branch, DecodeError, Decoder, Decoding, Moves, Opening, Settings, TokenId};

/// Picks the most probable token; the lowest index wins a tie. Draws nothing from the generator.
///
/// # Examples
/// ```
/// use infer_code_cad_decode::{Greedy, Logits, pick};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(0);
/// let logits = Logits::new(&[0.1, 2.0, -1.0], 1, 3)?;
/// assert_eq!(pick(&Greedy, logits, &mut rng)?, 1);
/// # Ok::<(), infer_code_cad_decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Greedy;

impl Decoder for Greedy {
    fn begin(&self, _: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        Ok(Box::new(Sampling(*self)))
    }

    fn settings(&self) -> Settings {
        Settings::new("greedy")
    }
}

impl Sample for Greedy {
    fn sample(
        &mut self,
        branch: &Branch<'_>,
        _: &mut Moves<'_>,
        _: &mut dyn Rng,
    ) -> Result<TokenId, DecodeError> {
        let peak = branch.logits.peak(0)?;
        let token = branch.logits.row(0).iter().position(|&l| l == peak);
        Ok(token.expect("the peak is a value of the row") as TokenId)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;
    use crate::{Logits, pick};

    fn greedy(values: &[f32], arity: usize) -> Result<TokenId, DecodeError> {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        pick(&Greedy, Logits::new(values, arity, values.len() / arity)?, &mut rng)
    }

    #[test]
    fn takes_the_first_of_equal_peaks() {
        assert_eq!(greedy(&[-3.0, 1.0, f32::NEG_INFINITY, 1.0], 1).unwrap(), 1);
    }

    #[test]
    fn says_which_logit_is_at_fault() {
        let error = |values: &[f32]| greedy(values, 1).unwrap_err();
        assert!(matches!(error(&[0.0, f32::NAN]), DecodeError::NotANumber { stream: 0, token: 1 }));
        let infinite = error(&[f32::INFINITY, 0.0]);
        assert!(matches!(infinite, DecodeError::PositiveInfinity { stream: 0, token: 0 }));
        let masked = error(&[f32::NEG_INFINITY; 3]);
        assert!(matches!(masked, DecodeError::NoCandidate { stream: 0 }));
    }

    #[test]
    fn reads_one_stream_only() {
        let error = greedy(&[0.0; 6], 2).unwrap_err();
        assert!(matches!(error, DecodeError::Arity { expected: 1, actual: 2 }), "{error}");
    }
}
