use crate::distribution::beta::quantile;
use crate::wilson::check_count;
use crate::{Interval, MetricError};

/// The Clopper-Pearson interval of a success rate, for one 0/1 result per problem.
///
/// It covers the rate at least as often as `level` says, whatever the rate, and so is wider than
/// [`wilson`](crate::wilson) and [`jeffreys`], which keep to it on average.
/// Clopper and Pearson, [The Use of Confidence or Fiducial Limits Illustrated in the Case of the
/// Binomial](https://doi.org/10.1093/biomet/26.4.404).
///
/// # Errors
/// [`MetricError::Empty`] for `n = 0`, [`MetricError::TooManyPasses`] for `successes > n`,
/// [`MetricError::Parameter`] for a `level` outside (0, 1).
///
/// # Examples
/// ```
/// let interval = infer_code_cad_metrics::clopper_pearson(0, 20, 0.95)?;
/// assert_eq!(interval.low, 0.0);
/// assert!((interval.high - 0.168433).abs() < 1e-6);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
pub fn clopper_pearson(successes: u64, n: u64, level: f64) -> Result<Interval, MetricError> {
    check_count(successes, n, level)?;
    let tail = (1.0 - level) / 2.0;
    let (hits, misses) = (successes as f64, (n - successes) as f64);
    let low = if successes == 0 { 0.0 } else { quantile(tail, hits, misses + 1.0) };
    let high = if successes == n { 1.0 } else { quantile(1.0 - tail, hits + 1.0, misses) };
    Ok(Interval { low, high })
}

/// The middle of the Beta posterior of a success rate under Jeffreys' prior, Beta(1/2, 1/2), for one 0/1 result
/// per problem.
///
/// At 0 and at `n` successes the end at the rate itself is that rate, as Brown et al. advise. Samples of one
/// problem are not independent: do not add up a problem set's samples into `n`, average each problem and use
/// [`Bootstrap`](crate::Bootstrap). For the samples of one problem it is the posterior of its avg@n.
/// Brown, Cai and DasGupta, [Interval Estimation for a Binomial
/// Proportion](https://doi.org/10.1214/ss/1009213286).
///
/// # Errors
/// As [`clopper_pearson`].
///
/// # Examples
/// ```
/// let interval = infer_code_cad_metrics::jeffreys(7, 15, 0.95)?;
/// assert!((interval.low - 0.2388).abs() < 1e-4 && (interval.high - 0.7061).abs() < 1e-4);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
pub fn jeffreys(successes: u64, n: u64, level: f64) -> Result<Interval, MetricError> {
    check_count(successes, n, level)?;
    let tail = (1.0 - level) / 2.0;
    let (a, b) = (successes as f64 + 0.5, (n - successes) as f64 + 0.5);
    let low = if successes == 0 { 0.0 } else { quantile(tail, a, b) };
    let high = if successes == n { 1.0 } else { quantile(1.0 - tail, a, b) };
    Ok(Interval { low, high })
}
