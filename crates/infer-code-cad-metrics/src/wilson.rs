use crate::distribution::normal::two_sided_z;
use crate::interval::check_level;
use crate::{Interval, MetricError};

/// The Wilson score interval of a success rate, for one 0/1 result per problem.
///
/// Unlike the bootstrap it stays honest with few problems and at 0 % or 100 %.
/// Wilson, [Probable Inference, the Law of Succession, and Statistical
/// Inference](https://doi.org/10.1080/01621459.1927.10502953).
///
/// # Errors
/// [`MetricError::Empty`] for `n = 0`, [`MetricError::TooManyPasses`] for `successes > n`,
/// [`MetricError::Parameter`] for a `level` outside (0, 1).
///
/// # Examples
/// ```
/// let interval = infer_code_cad_metrics::wilson(0, 20, 0.95)?;
/// assert_eq!(interval.low, 0.0);
/// assert!((interval.high - 0.1611).abs() < 1e-4);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
pub fn wilson(successes: u64, n: u64, level: f64) -> Result<Interval, MetricError> {
    check_count(successes, n, level)?;
    Ok(score_interval(successes as f64 / n as f64, n as f64, level))
}

/// Refuses counts and levels that no interval of a rate is defined for.
pub(crate) fn check_count(successes: u64, n: u64, level: f64) -> Result<(), MetricError> {
    check_level(level)?;
    if n == 0 {
        return Err(MetricError::Empty);
    }
    if successes > n {
        return Err(MetricError::TooManyPasses { n, c: successes });
    }
    Ok(())
}

/// Wilson's interval for a `rate` in [0, 1] over `n` trials; `level` lies in (0, 1).
///
/// The rate need not be a count over `n`: the half width follows from the variance `rate (1 - rate)`.
pub(crate) fn score_interval(rate: f64, n: f64, level: f64) -> Interval {
    let z = two_sided_z(level);
    let shrink = 1.0 + z * z / n;
    let centre = (rate + z * z / (2.0 * n)) / shrink;
    let half = z / shrink * (rate * (1.0 - rate) / n + z * z / (4.0 * n * n)).sqrt();
    // At a rate of 0 or 1 one end is exactly that rate, near them it lies in [0, 1]; rounding must
    // not move it.
    let low = if rate == 0.0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if rate == 1.0 { 1.0 } else { (centre + half).min(1.0) };
    Interval { low, high }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bad_input_is_an_error() {
        assert_eq!(wilson(0, 0, 0.95), Err(MetricError::Empty));
        assert_eq!(wilson(3, 2, 0.95), Err(MetricError::TooManyPasses { n: 2, c: 3 }));
        assert!(matches!(wilson(1, 2, 1.0), Err(MetricError::Parameter { name: "level", .. })));
    }

    proptest! {
        #[test]
        fn holds_the_rate_and_mirrors(n in 1u64..10_000, share in 0.0..=1.0f64) {
            let successes = (share * n as f64) as u64;
            let interval = wilson(successes, n, 0.9).unwrap();
            let rate = successes as f64 / n as f64;
            prop_assert!(0.0 <= interval.low && interval.low <= rate);
            prop_assert!(rate <= interval.high && interval.high <= 1.0);
            let mirrored = wilson(n - successes, n, 0.9).unwrap();
            prop_assert!((mirrored.low - (1.0 - interval.high)).abs() < 1e-12);
        }
    }
}
