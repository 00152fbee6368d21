use rand_core::RngCore;

use crate::{DecodeError, Decoder, Logits, TokenId};

/// Picks the most probable token; the lowest index wins a tie. Draws nothing from the generator.
///
/// # Examples
/// ```
/// use infer_code_cad_decode::{Decoder, Greedy, Logits};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let mut rng = ChaCha8Rng::seed_from_u64(0);
/// let logits = Logits::new(&[0.1, 2.0, -1.0], 1, 3)?;
/// assert_eq!(Greedy.decode(logits, &mut rng)?, 1);
/// # Ok::<(), infer_code_cad_decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Greedy;

impl Decoder for Greedy {
    fn decode(&self, logits: Logits<'_>, _rng: &mut dyn RngCore) -> Result<TokenId, DecodeError> {
        logits.expect_arity(1)?;
        let peak = logits.peak(0)?;
        let token = logits.row(0).iter().position(|&l| l == peak);
        Ok(token.expect("the peak is a value of the row") as TokenId)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    use super::*;

    fn greedy(values: &[f32]) -> Result<TokenId, DecodeError> {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        Greedy.decode(Logits::new(values, 1, values.len())?, &mut rng)
    }

    #[test]
    fn takes_the_first_of_equal_peaks() {
        assert_eq!(greedy(&[-3.0, 1.0, f32::NEG_INFINITY, 1.0]), Ok(1));
    }

    #[test]
    fn says_which_logit_is_at_fault() {
        let nan = DecodeError::NotANumber { stream: 0, token: 1 };
        assert_eq!(greedy(&[0.0, f32::NAN]), Err(nan));
        let infinite = DecodeError::PositiveInfinity { stream: 0, token: 0 };
        assert_eq!(greedy(&[f32::INFINITY, 0.0]), Err(infinite));
        let masked = DecodeError::NoCandidate { stream: 0 };
        assert_eq!(greedy(&[f32::NEG_INFINITY; 3]), Err(masked));
    }

    #[test]
    fn reads_one_stream_only() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let two = Logits::new(&[0.0; 6], 2, 3).expect("two rows of three");
        let expected = DecodeError::Arity { expected: 1, actual: 2 };
        assert_eq!(Greedy.decode(two, &mut rng), Err(expected));
    }
}
