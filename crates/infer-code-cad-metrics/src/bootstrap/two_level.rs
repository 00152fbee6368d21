use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::{Bootstrap, between_quantiles, equal_rate, index_below};
use crate::pass_at_k::mean;
use crate::wilson::score_interval;
use crate::{Interval, MetricError, Tally, pass_at_k, pass_at_k_of_each};

/// Samples of one problem above which its distribution is not tabulated.
const MOST_SAMPLES: u64 = 10_000;

impl Bootstrap {
    /// The interval of the mean pass@k when problems are drawn anew, and then the samples of each.
    ///
    /// [`percentile`](Self::percentile) resamples what each problem came to; here a problem with 0 of 10 passes
    /// may also come to 1 of 10. That matters with few problems and few samples.
    ///
    /// Two things are corrected that a plain resampling at both levels gets wrong. The pass rates already
    /// spread by the noise of their samples, which drawing samples again would count twice: so the rates are
    /// first drawn together towards their mean, to the spread that the method of moments finds for the true
    /// ones. And pass@k of samples drawn with replacement is too low for `k > 1`, on average by a known amount
    /// (`1 - (1 - p)^k` is its mean at rate `p`), which is added. Equal values of pass@k are answered as by
    /// `percentile`.
    /// Davison and Hinkley, *Bootstrap Methods and their Application*, section 3.8.
    ///
    /// # Errors
    /// [`MetricError::Empty`] without problems; [`MetricError::Problem`] with the first for which pass@k is not
    /// defined, or with more than 10,000 samples; [`MetricError::Parameter`] for `draws = 0` or a `level` out of
    /// range.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad_metrics::{Bootstrap, Tally};
    ///
    /// let tallies = [0, 1, 0, 4, 9, 10, 2, 0].map(|c| Tally { n: 10, c });
    /// let interval = Bootstrap::default().two_level(&tallies, 1)?;
    /// assert!(interval.low < 0.325 && 0.325 < interval.high);
    /// # Ok::<(), infer_code_cad_metrics::MetricError>(())
    /// ```
    pub fn two_level(&self, tallies: &[Tally], k: u64) -> Result<Interval, MetricError> {
        self.check_settings()?;
        let values = pass_at_k_of_each(tallies, k)?;
        if let Some(rate) = equal_rate(&values) {
            return Ok(score_interval(rate, values.len() as f64, self.level));
        }
        let problems = Problems::new(tallies, k)?;
        let bias = mean(&values) - problems.expected;
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut means: Vec<f64> =
            (0..self.draws).map(|_| (problems.draw(&mut rng) + bias).clamp(0.0, 1.0)).collect();
        means.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        Ok(between_quantiles(&means, tail, 1.0 - tail))
    }
}

/// The problems to draw from, with what their samples may come to.
struct Problems {
    outcomes: Vec<Outcomes>,
    /// Which outcomes each problem has.
    of: Vec<usize>,
    /// The mean pass@k of what is drawn.
    expected: f64,
}

impl Problems {
    fn new(tallies: &[Tally], k: u64) -> Result<Self, MetricError> {
        let (centre, spread) = true_rates(tallies);
        let (mut outcomes, mut known) = (Vec::new(), HashMap::new());
        let (mut of, mut expected) = (Vec::new(), 0.0);
        for (problem, &tally) in tallies.iter().enumerate() {
            if tally.n > MOST_SAMPLES {
                let reason = MetricError::Parameter {
                    name: "n",
                    value: tally.n as f64,
                    expected: "at most 10000 samples for the two-level bootstrap",
                };
                return Err(MetricError::Problem { problem, reason: Box::new(reason) });
            }
            let rate =
                (centre + spread * (tally.c as f64 / tally.n as f64 - centre)).clamp(0.0, 1.0);
            expected += -(k as f64 * (-rate).ln_1p()).exp_m1();
            let index = *known.entry(tally).or_insert(outcomes.len());
            if index == outcomes.len() {
                outcomes.push(Outcomes::new(tally.n, rate, k)?);
            }
            of.push(index);
        }
        expected /= tallies.len() as f64;
        Ok(Self { outcomes, of, expected })
    }

    /// The mean pass@k of as many problems, each drawn and then sampled.
    fn draw(&self, rng: &mut ChaCha8Rng) -> f64 {
        let sum: f64 = (0..self.of.len())
            .map(|_| self.outcomes[self.of[index_below(self.of.len(), rng)]].draw(rng))
            .sum();
        sum / self.of.len() as f64
    }
}

/// What the samples of a problem may come to.
struct Outcomes {
    /// The probability of at most so many passes, not yet divided by the last one.
    cumulative: Vec<f64>,
    /// pass@k at so many passes.
    values: Vec<f64>,
}

impl Outcomes {
    fn new(n: u64, rate: f64, k: u64) -> Result<Self, MetricError> {
        let values = (0..=n).map(|c| pass_at_k(n, c, k)).collect::<Result<_, _>>()?;
        let mut sum = 0.0;
        let accumulate = |weight: f64| {
            sum += weight;
            sum
        };
        Ok(Self { cumulative: weights(n, rate).into_iter().map(accumulate).collect(), values })
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> f64 {
        let uniform = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let at = uniform * self.cumulative[self.cumulative.len() - 1];
        self.values[self.cumulative.partition_point(|&up_to| up_to <= at)]
    }
}

/// Binomial probabilities of 0 to `n` passes, times a constant: from the most probable outwards, where nothing
/// overflows.
fn weights(n: u64, rate: f64) -> Vec<f64> {
    let mut weights = vec![0.0; n as usize + 1];
    let mode = ((n + 1) as f64 * rate).min(n as f64) as usize;
    weights[mode] = 1.0;
    let odds = rate / (1.0 - rate);
    for c in mode..n as usize {
        weights[c + 1] = weights[c] * odds * (n as usize - c) as f64 / (c + 1) as f64;
    }
    for c in (0..mode).rev() {
        weights[c] = weights[c + 1] / odds * (c + 1) as f64 / (n as usize - c) as f64;
    }
    weights
}

/// The mean of the pass rates, and the factor that draws them together to the spread of the true ones.
///
/// Rates at the factor `s` have the variance `s^2 v` where `v` is that of the ones observed, and the noise of
/// samples adds `(m (1 - m) - s^2 v) / n`, `m` being the mean and `1 / n` the mean of its kind; together they
/// must be `v`.
fn true_rates(tallies: &[Tally]) -> (f64, f64) {
    let rates: Vec<f64> = tallies.iter().map(|tally| tally.c as f64 / tally.n as f64).collect();
    let centre = mean(&rates);
    let variance =
        rates.iter().map(|rate| (rate - centre).powi(2)).sum::<f64>() / rates.len() as f64;
    let noise = tallies.iter().map(|tally| 1.0 / tally.n as f64).sum::<f64>() / rates.len() as f64;
    if noise >= 1.0 || variance == 0.0 {
        return (centre, 1.0);
    }
    let kept = (variance - centre * (1.0 - centre) * noise) / (variance * (1.0 - noise));
    (centre, kept.clamp(0.0, 1.0).sqrt())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn weights_are_binomial() {
        for (n, rate) in [(1, 0.3), (10, 0.0), (10, 1.0), (10, 0.25), (5_000, 0.999), (10_000, 0.5)]
        {
            let weights = weights(n, rate);
            let sum: f64 = weights.iter().sum();
            for (c, weight) in weights.iter().enumerate() {
                let expected = match rate {
                    0.0 => f64::from(c == 0),
                    1.0 => f64::from(c == n as usize),
                    _ => crate::distribution::beta::binomial(c as f64, n as f64, rate),
                };
                assert!((weight / sum - expected).abs() < 1e-13, "{n} {rate} {c}");
            }
        }
    }

    #[test]
    fn rates_are_drawn_together_by_the_noise_alone() {
        let tallies = |n: u64, cs: &[u64]| cs.iter().map(|&c| Tally { n, c }).collect::<Vec<_>>();
        assert_eq!(true_rates(&tallies(1, &[0, 1, 1])).1, 1.0, "one sample tells nothing of noise");
        assert_eq!(
            true_rates(&tallies(10, &[0, 10, 10, 0])).1,
            1.0,
            "there is no noise at 0 and 1"
        );
        assert_eq!(true_rates(&tallies(10, &[4, 5, 6])).1, 0.0, "less spread than noise alone");
        let (centre, spread) = true_rates(&tallies(10, &[0, 2, 5, 9]));
        assert!(centre == 0.4 && spread > 0.9 && spread < 1.0, "{spread}");
    }

    #[test]
    fn too_many_samples_are_refused() {
        let tallies = [Tally { n: 10, c: 1 }, Tally { n: 10_001, c: 1 }];
        let error = Bootstrap::default().two_level(&tallies, 1).unwrap_err();
        assert!(matches!(error, MetricError::Problem { problem: 1, .. }), "{error}");
    }
}
