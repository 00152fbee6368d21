mod bca;
mod difference;
mod two_level;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::interval::{check_level, check_values};
use crate::wilson::score_interval;
use crate::{Interval, MetricError};

/// Values that differ by no more are equal: one pass@k from unequal sample counts differs by a few
/// roundings of the last digit.
const EQUAL: f64 = 1e-9;

/// A bootstrap over problems: how far the mean would move had other problems been drawn.
///
/// Each draw picks as many problems as there are, with replacement, and takes their mean. The
/// generator is ChaCha8, seeded here and used for nothing else, so equal input (order included)
/// gives an equal interval on every machine.
/// Efron and Tibshirani, *An Introduction to the Bootstrap*, chapters 13 and 14.
///
/// # Examples
/// ```
/// use infer_code_cad_metrics::Bootstrap;
///
/// let values = [0.1, 0.0, 0.0, 0.7, 0.2, 0.0, 1.0, 0.3]; // pass@k of eight problems
/// let percentile = Bootstrap::default().percentile(&values)?;
/// let bca = Bootstrap::default().bca(&values)?;
/// assert!(percentile.contains(0.2875) && bca.contains(0.2875));
/// assert!(bca.high > percentile.high); // the values are skewed to the right
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// Resampled means, at least 1.
    pub draws: usize,
    /// Coverage aimed at, between 0 and 1 exclusive.
    pub level: f64,
    /// Seed of the generator.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { draws: 10_000, level: 0.95, seed: 0 }
    }
}

impl Bootstrap {
    /// The percentile interval of the mean of `values`, one value per problem (its pass@k).
    ///
    /// With few problems it tends to be too narrow. [`bca`](Self::bca) corrects for skew,
    /// [`two_level`](Self::two_level) also draws the samples of each problem anew.
    ///
    /// When all values are equal, resampling repeats one number and its interval would claim
    /// certainty. If they lie in [0, 1], as pass@k does, the answer is then the interval of
    /// [`wilson`](crate::wilson) at that rate with one trial per problem: values in [0, 1] of mean
    /// `m` vary by `m (1 - m)` at most, the variance of 0/1 results, so none call for a wider one.
    /// Trials are problems, not samples: samples of one problem say nothing about another. Equal
    /// values outside [0, 1] have no such bound, and the interval has no width.
    /// Bhatia and Davis, [A Better Bound on the Variance](https://doi.org/10.1080/00029890.2000.12005203).
    ///
    /// # Errors
    /// [`MetricError::Empty`] without values, [`MetricError::NotFinite`] for the first NaN or
    /// infinity, [`MetricError::Parameter`] for `draws = 0` or a `level` out of range.
    pub fn percentile(&self, values: &[f64]) -> Result<Interval, MetricError> {
        self.check(values)?;
        if let Some(rate) = equal_rate(values) {
            return Ok(score_interval(rate, values.len() as f64, self.level));
        }
        let tail = (1.0 - self.level) / 2.0;
        Ok(between_quantiles(&self.means(values), tail, 1.0 - tail))
    }

    /// The means of `draws` resamples of `values`, sorted.
    fn means(&self, values: &[f64]) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut means: Vec<f64> =
            (0..self.draws).map(|_| resampled_mean(values, &mut rng)).collect();
        means.sort_unstable_by(f64::total_cmp);
        means
    }

    fn check(&self, values: &[f64]) -> Result<(), MetricError> {
        self.check_settings()?;
        check_values(values)
    }

    fn check_settings(&self) -> Result<(), MetricError> {
        check_level(self.level)?;
        if self.draws == 0 {
            return Err(MetricError::Parameter {
                name: "draws",
                value: 0.0,
                expected: "at least 1",
            });
        }
        Ok(())
    }
}

/// The value that all share, if they do and it is a rate; `values` is not empty.
fn equal_rate(values: &[f64]) -> Option<f64> {
    equal_value(values).filter(|rate| (0.0..=1.0).contains(rate))
}

fn equal_value(values: &[f64]) -> Option<f64> {
    let first = values[0];
    values.iter().all(|value| (value - first).abs() <= EQUAL).then_some(first)
}

fn resampled_mean(values: &[f64], rng: &mut ChaCha8Rng) -> f64 {
    let sum: f64 = values.iter().map(|_| values[index_below(values.len(), rng)]).sum();
    sum / values.len() as f64
}

/// A uniform index in `0..bound`: the high word of a 64 x 64 bit product, whose bias of at most
/// `bound / 2^64` is far below what any number of draws can show.
fn index_below(bound: usize, rng: &mut ChaCha8Rng) -> usize {
    ((u128::from(rng.next_u64()) * bound as u128) >> 64) as usize
}

fn between_quantiles(sorted: &[f64], low: f64, high: f64) -> Interval {
    Interval { low: quantile(sorted, low), high: quantile(sorted, high) }
}

/// The quantile at `probability` in [0, 1], linear between order statistics (the default of NumPy
/// and R); `sorted` is not empty.
fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let position = probability * (sorted.len() - 1) as f64;
    let below = sorted[position.floor() as usize];
    let above = sorted[position.ceil() as usize];
    below + (above - below) * position.fract()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bad_input_is_an_error() {
        let bootstrap = Bootstrap::default();
        assert_eq!(bootstrap.percentile(&[]), Err(MetricError::Empty));
        assert!(matches!(
            bootstrap.percentile(&[0.5, f64::NAN, f64::INFINITY]),
            Err(MetricError::NotFinite { index: 1, .. })
        ));
        for level in [0.0, 1.0, -0.5, f64::NAN] {
            let error = Bootstrap { level, ..bootstrap }.percentile(&[0.5]).unwrap_err();
            assert!(matches!(error, MetricError::Parameter { name: "level", .. }), "{error}");
        }
        let error = Bootstrap { draws: 0, ..bootstrap }.percentile(&[0.5]).unwrap_err();
        assert!(matches!(error, MetricError::Parameter { name: "draws", .. }), "{error}");
    }

    #[test]
    fn quantiles_are_linear_between_order_statistics() {
        let sorted = [1.0, 2.0, 4.0];
        let quantiles = [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| quantile(&sorted, p));
        assert_eq!(quantiles, [1.0, 1.5, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        let values: Vec<f64> = (0..40).map(|i| f64::from(i % 7) / 7.0).collect();
        let interval = Bootstrap::default().percentile(&values).unwrap();
        assert_eq!(Bootstrap::default().percentile(&values).unwrap(), interval);
        let other = Bootstrap { seed: 1, ..Bootstrap::default() }.percentile(&values).unwrap();
        assert_ne!(other, interval);
    }

    #[test]
    fn equal_rates_are_not_certain() {
        let at = |value: f64, n: usize| Bootstrap::default().percentile(&vec![value; n]).unwrap();
        // Wilson's formula evaluated in Python, z = 1.959963984540054.
        for (value, n, low, high) in [
            (0.5, 10, 0.236_593_090_5, 0.763_406_909_5),
            (0.0, 20, 0.0, 0.161_125_158_1),
            (1.0, 20, 0.838_874_841_9, 1.0),
            (0.25, 164, 0.189_963_724_8, 0.321_479_987_7),
            (0.5, 1, 0.054_620_755_5, 0.945_379_244_5),
        ] {
            let interval = at(value, n);
            assert!((interval.low - low).abs() < 1e-9, "{value} x {n}: {interval:?}");
            assert!((interval.high - high).abs() < 1e-9, "{value} x {n}: {interval:?}");
        }
        assert_eq!(at(0.5, 10), crate::wilson(5, 10, 0.95).unwrap());
    }

    #[test]
    fn equal_rates_from_unequal_sample_counts_are_equal() {
        let tallies = [(2, 1), (6, 3), (10, 5), (14, 7), (98, 49)];
        let values = tallies.map(|(n, c)| crate::pass_at_k(n, c, 1).unwrap());
        let interval = Bootstrap::default().percentile(&values).unwrap();
        assert!(interval.low < 0.2 && interval.high > 0.8, "{interval:?}");
    }

    /// Intervals of simulated 0/1 results must hold the true rate about as often as promised.
    #[test]
    fn coverage_on_simulated_problems() {
        let (experiments, problems, rate) = (400, 100, 0.3);
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let threshold = (rate * u64::MAX as f64) as u64;
        let covered = (0..experiments)
            .filter(|&seed| {
                let values: Vec<f64> = (0..problems)
                    .map(|_| f64::from(u8::from(rng.next_u64() < threshold)))
                    .collect();
                let bootstrap = Bootstrap { draws: 500, seed, ..Bootstrap::default() };
                let interval = bootstrap.percentile(&values).unwrap();
                interval.low <= rate && rate <= interval.high
            })
            .count();
        let coverage = covered as f64 / experiments as f64;
        assert!((0.90..=0.98).contains(&coverage), "{coverage}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn equal_rates_have_a_width_that_problems_narrow(rate in 0.0..=1.0f64, n in 1..50usize) {
            let at = |n| Bootstrap::default().percentile(&vec![rate; n]).unwrap();
            let (few, many) = (at(n), at(2 * n));
            prop_assert!(0.0 <= few.low && few.low <= rate + 1e-15 && few.high <= 1.0);
            prop_assert!(rate <= few.high + 1e-15 && many.high > many.low);
            prop_assert!(many.high - many.low < few.high - few.low);
        }

        #[test]
        fn stays_within_the_values(values in prop::collection::vec(-5.0..5.0f64, 2..30)) {
            let bootstrap = Bootstrap { draws: 200, ..Bootstrap::default() };
            let Interval { low, high } = bootstrap.percentile(&values).unwrap();
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(least - 1e-12 <= low && low <= high && high <= most + 1e-12);
        }

        #[test]
        fn a_constant_that_is_no_rate_has_no_width(value in 1.1..1e3f64, n in 1..50usize) {
            let bootstrap = Bootstrap { draws: 200, ..Bootstrap::default() };
            let Interval { low, high } = bootstrap.percentile(&vec![value; n]).unwrap();
            prop_assert_eq!(low, high);
            prop_assert!((low - value).abs() <= 1e-14 * value.abs());
        }

        #[test]
        fn a_higher_level_is_wider(values in prop::collection::vec(0.0..1.0f64, 2..30)) {
            let at = |level| {
                let bootstrap = Bootstrap { draws: 200, level, ..Bootstrap::default() };
                bootstrap.percentile(&values).unwrap()
            };
            let (narrow, wide) = (at(0.8), at(0.99));
            prop_assert!(wide.low <= narrow.low && narrow.high <= wide.high);
        }
    }
}
