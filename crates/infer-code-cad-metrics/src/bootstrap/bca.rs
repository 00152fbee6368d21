use super::{Bootstrap, between_quantiles, equal_rate};
use crate::distribution::normal;
use crate::wilson::score_interval;
use crate::{Interval, MetricError};

/// Means that differ by less than this share of the largest one are equal: the order of summation differs.
const ROUNDING: f64 = 1e-12;

impl Bootstrap {
    /// The bias-corrected and accelerated interval of the mean of `values`, one value per problem.
    ///
    /// It moves the percentiles by the share of the resampled means below the mean, and by the skew of the
    /// values. Prefer it to [`percentile`](Self::percentile) where most problems are never solved or always.
    /// Equal values are answered as there.
    /// Efron, [Better Bootstrap Confidence Intervals](https://doi.org/10.1080/01621459.1987.10478410).
    ///
    /// # Errors
    /// As [`percentile`](Self::percentile).
    pub fn bca(&self, values: &[f64]) -> Result<Interval, MetricError> {
        self.check(values)?;
        if let Some(rate) = equal_rate(values) {
            return Ok(score_interval(rate, values.len() as f64, self.level));
        }
        Ok(adjusted_interval(&self.means(values), values, self.level))
    }
}

/// The interval between the corrected percentiles of `means`, which are resampled means of `values`, sorted.
fn adjusted_interval(means: &[f64], values: &[f64], level: f64) -> Interval {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let bias = normal::quantile(share_below(means, mean));
    let acceleration = acceleration(values, mean);
    let z = normal::two_sided_z(level);
    let corrected = |z: f64| {
        let moved = bias + z;
        normal::cdf(bias + moved / (1.0 - acceleration * moved))
    };
    between_quantiles(means, corrected(-z), corrected(z))
}

/// The share of `sorted` below `mean`, where equal ones count half, and never 0 or 1.
fn share_below(sorted: &[f64], mean: f64) -> f64 {
    let rounding = ROUNDING * sorted[0].abs().max(sorted[sorted.len() - 1].abs());
    let below = sorted.partition_point(|&value| value < mean - rounding);
    let up_to = sorted.partition_point(|&value| value <= mean + rounding);
    let draws = sorted.len() as f64;
    ((below + up_to) as f64 / (2.0 * draws)).clamp(0.5 / draws, 1.0 - 0.5 / draws)
}

/// A sixth of the skewness of the mean; equation 14.15 of Efron and Tibshirani, where for a mean the jackknife
/// is the values themselves.
fn acceleration(values: &[f64], mean: f64) -> f64 {
    let moment = |power: i32| values.iter().map(|value| (value - mean).powi(power)).sum::<f64>();
    let square = moment(2);
    if square > 0.0 { moment(3) / (6.0 * square.powf(1.5)) } else { 0.0 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    /// `bootstrap_bca.tsv` has level, low, high, values and means of each case, as SciPy computed the interval.
    #[test]
    fn equals_scipy_on_the_same_resamples() {
        let fixture = include_str!("../../tests/fixtures/bootstrap_bca.tsv");
        let numbers = |cell: &str| -> Vec<f64> {
            cell.split(' ').map(|number| number.parse().unwrap()).collect()
        };
        for line in fixture.lines().skip(1) {
            let cells: Vec<Vec<f64>> = line.split('\t').map(numbers).collect();
            let [level, low, high, values, means] = &cells[..] else { panic!("{line}") };
            let mut means = means.clone();
            means.sort_unstable_by(f64::total_cmp);
            let interval = adjusted_interval(&means, values, level[0]);
            assert!((interval.low - low[0]).abs() < 1e-12, "{interval:?} {low:?}");
            assert!((interval.high - high[0]).abs() < 1e-12, "{interval:?} {high:?}");
        }
    }

    #[test]
    fn a_single_draw_has_no_width_and_no_nan() {
        let bootstrap = Bootstrap { draws: 1, ..Bootstrap::default() };
        let interval = bootstrap.bca(&[0.0, 0.2, 1.0]).unwrap();
        assert_eq!(interval.low, interval.high);
        assert!(interval.low.is_finite());
    }
}
