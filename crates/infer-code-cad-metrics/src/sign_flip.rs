use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::MetricError;
use crate::interval::check_values;

/// Non-zero differences up to which every flip is tried: half a million sums.
const MOST_ENUMERATED: usize = 20;

/// Sums that differ by less than this share of the largest are equal.
const ROUNDING: f64 = 1e-12;

/// The largest sum of whole differences that is enumerated: 800 MB of probabilities.
const LARGEST_SUM: u64 = 100_000_000;

/// The paired sign-flip permutation test: two techniques on the same problems, any number of samples.
///
/// Were there no difference between the techniques, each problem's difference could as well have had the other
/// sign. The p-value is the share of all signs whose sum lies at least as far from 0 as the one observed.
/// Equal differences count; nothing is ranked and no distribution assumed.
/// Fisher, *The Design of Experiments*, section 21; Ernst, [Permutation Methods](https://doi.org/10.1214/088342304000000396).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignFlip {
    /// Random flips where not all are tried, at least 1.
    pub draws: usize,
    /// Seed of the generator.
    pub seed: u64,
}

impl Default for SignFlip {
    fn default() -> Self {
        Self { draws: 100_000, seed: 0 }
    }
}

/// The p-value of [`SignFlip::test`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Permutation {
    /// Two-sided.
    pub p: f64,
    /// Whether all signs were tried, rather than some drawn.
    pub exact: bool,
}

impl SignFlip {
    /// Tests the mean of `differences`, one per problem, against 0.
    ///
    /// With at most 20 differences that are not 0 all signs are tried. Otherwise `draws` are drawn, and the p is
    /// `(1 + hits) / (1 + draws)`: never 0, and never too small on average. When all differences are whole
    /// numbers over one denominator, [`sign_flip_counts`] is exact for any number of them.
    /// Phipson and Smyth, [Permutation P-values Should Never Be
    /// Zero](https://doi.org/10.2202/1544-6115.1585).
    ///
    /// # Errors
    /// [`MetricError::Empty`] without differences, [`MetricError::NotFinite`] for the first NaN or infinity,
    /// [`MetricError::Parameter`] for `draws = 0`.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad_metrics::{Permutation, SignFlip};
    ///
    /// // Only all signs plus, and all minus, reach the sum: 2 of 2^5.
    /// let test = SignFlip::default().test(&[0.1, 0.3, 0.0, 0.2, 0.1, 0.4])?;
    /// assert_eq!(test, Permutation { p: 0.0625, exact: true });
    /// # Ok::<(), infer_code_cad_metrics::MetricError>(())
    /// ```
    pub fn test(&self, differences: &[f64]) -> Result<Permutation, MetricError> {
        check_values(differences)?;
        if self.draws == 0 {
            let expected = "at least 1";
            return Err(MetricError::Parameter { name: "draws", value: 0.0, expected });
        }
        let nonzero: Vec<f64> = differences.iter().copied().filter(|&d| d != 0.0).collect();
        let reach: f64 = nonzero.iter().map(|d| d.abs()).sum();
        let observed = nonzero.iter().sum::<f64>().abs() - ROUNDING * reach;
        let exact = nonzero.len() <= MOST_ENUMERATED;
        let p = if exact { enumerated(&nonzero, observed) } else { self.drawn(&nonzero, observed) };
        Ok(Permutation { p, exact })
    }

    fn drawn(&self, differences: &[f64], observed: f64) -> f64 {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let reaches = |_: &usize| {
            let words = differences.chunks(64);
            words.map(|chunk| signed_sum(chunk, rng.next_u64())).sum::<f64>().abs() >= observed
        };
        let hits = (0..self.draws).filter(reaches).count();
        (1 + hits) as f64 / (1 + self.draws) as f64
    }
}

/// The share of all signs whose sum reaches `observed`. The sums of the signs of each half are tabulated, so
/// that no sum is of more than a few roundings.
fn enumerated(differences: &[f64], observed: f64) -> f64 {
    let (left, right) = differences.split_at(differences.len() / 2);
    let sums = |half: &[f64]| -> Vec<f64> {
        (0..1u64 << half.len()).map(|signs| signed_sum(half, signs)).collect()
    };
    let (left, right) = (sums(left), sums(right));
    let reaching = |&l: &f64| right.iter().filter(|&&r| (l + r).abs() >= observed).count();
    let hits: usize = left.iter().map(reaching).sum();
    hits as f64 / (left.len() * right.len()) as f64
}

/// The sum of at most 64 differences, with bit `i` of `signs` the sign of the `i`-th.
fn signed_sum(differences: &[f64], signs: u64) -> f64 {
    let flip = |(bit, d): (usize, &f64)| if signs >> bit & 1 == 1 { -d } else { *d };
    differences.iter().enumerate().map(flip).sum()
}

/// The exact two-sided p of the sign-flip test where every difference is a whole number, of any number of
/// problems: say passes of one technique less passes of the other, of equally many samples.
///
/// It is the p that [`SignFlip::test`] would find by trying all signs, by adding up how many signs lead to each
/// sum: as many additions as differences times the sum of their sizes.
///
/// # Errors
/// [`MetricError::Empty`] without differences; [`MetricError::Parameter`] when their sizes add up to more than
/// 100,000,000.
///
/// # Examples
/// ```
/// // Each of 400 problems one pass better: 2 of 2^400.
/// let p = infer_code_cad_metrics::sign_flip_counts(&[1; 400])?;
/// assert!((p / 2f64.powi(-399) - 1.0).abs() < 1e-12);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
pub fn sign_flip_counts(differences: &[i64]) -> Result<f64, MetricError> {
    if differences.is_empty() {
        return Err(MetricError::Empty);
    }
    let reach = differences.iter().fold(0u64, |sum, d| sum.saturating_add(d.unsigned_abs()));
    if reach > LARGEST_SUM {
        return Err(MetricError::Parameter {
            name: "the sum of the sizes of the differences",
            value: reach as f64,
            expected: "at most 100000000; use SignFlip::test",
        });
    }
    let observed = differences.iter().sum::<i64>().unsigned_abs();
    // A sum of `reach - 2 down` is reached by flipping differences whose sizes add up to `down`.
    let down = distribution(differences, reach as usize);
    let tail = ((reach - observed) / 2) as usize;
    Ok((2.0 * down[..=tail].iter().sum::<f64>()).min(1.0))
}

/// The probability of each sum of the sizes that are flipped, each with the chance 1/2.
fn distribution(differences: &[i64], reach: usize) -> Vec<f64> {
    let mut probability = vec![0.0; reach + 1];
    probability[0] = 1.0;
    let mut most = 0;
    for size in differences.iter().map(|d| d.unsigned_abs() as usize).filter(|&size| size > 0) {
        most += size;
        for sum in (0..=most).rev() {
            let flipped = if sum >= size { probability[sum - size] } else { 0.0 };
            probability[sum] = (probability[sum] + flipped) / 2.0;
        }
    }
    probability
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::McNemar;

    #[test]
    fn bad_input_is_an_error() {
        let test = SignFlip::default();
        assert_eq!(test.test(&[]), Err(MetricError::Empty));
        let error = test.test(&[0.1, f64::NAN]).unwrap_err();
        assert!(matches!(error, MetricError::NotFinite { index: 1, .. }), "{error}");
        let error = SignFlip { draws: 0, seed: 0 }.test(&[0.1]).unwrap_err();
        assert!(matches!(error, MetricError::Parameter { name: "draws", .. }), "{error}");
        assert_eq!(sign_flip_counts(&[]), Err(MetricError::Empty));
        assert!(sign_flip_counts(&[i64::MIN, i64::MIN]).is_err());
    }

    #[test]
    fn no_difference_at_all_is_a_p_of_1() {
        let p = SignFlip::default().test(&[0.0; 30]).unwrap();
        assert_eq!(p, Permutation { p: 1.0, exact: true });
        assert_eq!(sign_flip_counts(&[0; 30]), Ok(1.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn counts_equal_the_enumeration(differences in prop::collection::vec(-10i64..=10, 1..12)) {
            let tenths: Vec<f64> = differences.iter().map(|&d| d as f64 / 10.0).collect();
            let expected = SignFlip::default().test(&tenths).unwrap().p;
            prop_assert!((sign_flip_counts(&differences).unwrap() - expected).abs() < 1e-12);
        }

        #[test]
        fn one_sample_per_problem_is_mcnemar(first_only in 0u64..80, second_only in 0u64..80) {
            prop_assume!(first_only + second_only > 0);
            let mut differences = vec![1; first_only as usize];
            differences.resize((first_only + second_only) as usize, -1);
            let expected = McNemar { first_only, second_only }.exact();
            let actual = sign_flip_counts(&differences).unwrap();
            prop_assert!((actual - expected).abs() <= 1e-12 * expected, "{} {}", actual, expected);
        }

        #[test]
        fn draws_come_near_the_exact_p(
            differences in prop::collection::vec((-3i64..=4).prop_filter("not 0", |d| *d != 0), 25..60)
        ) {
            let exact = sign_flip_counts(&differences).unwrap();
            let floats: Vec<f64> = differences.iter().map(|&d| d as f64).collect();
            let drawn = SignFlip { draws: 4_000, seed: 1 }.test(&floats).unwrap();
            prop_assert!(!drawn.exact);
            prop_assert!((drawn.p - exact).abs() < 5.0 * (exact / 4_000.0).sqrt() + 0.001);
        }

        #[test]
        fn neither_order_nor_side_matters(differences in prop::collection::vec(-1.0..1.0f64, 1..15)) {
            let p = SignFlip::default().test(&differences).unwrap().p;
            let turned: Vec<f64> = differences.iter().rev().map(|d| -d).collect();
            prop_assert_eq!(SignFlip::default().test(&turned).unwrap().p, p);
        }
    }
}
