use crate::mcnemar::check_pairs;
use crate::pass_at_k::{mean, pass_at_k_of_each};
use crate::{MetricError, Tally};

/// How far problems differ, and how far the samples of one problem do: the two parts of a standard error.
///
/// More samples shrink only the second part. As a plan it may be assumed rather than estimated: two techniques
/// with one greedy answer each, that differ on the share `s` of problems, have about
/// `Spread { between: s, within: 0.0 }`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Variance over problems of the true value: a pass rate, or a difference of two.
    pub between: f64,
    /// Variance of one sample of a problem around that, on average; of a difference, of one sample of each
    /// technique.
    pub within: f64,
}

impl Spread {
    /// The spread of the pass rates of one technique.
    ///
    /// # Errors
    /// [`MetricError::Empty`] or [`MetricError::OneProblem`] with fewer than two problems,
    /// [`MetricError::OneSample`] or [`MetricError::Problem`] with the first that has fewer than two samples or
    /// more passes than samples.
    pub fn of_rates(tallies: &[Tally]) -> Result<Self, MetricError> {
        Self::of(&rates(tallies)?, &[tallies])
    }

    /// The spread of the paired differences between two techniques, from a pilot: tallies of the same problems
    /// in the same order.
    ///
    /// # Errors
    /// As [`of_rates`](Self::of_rates), and [`MetricError::Lengths`] when the problems are not the same.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad_metrics::{Spread, Tally};
    ///
    /// let tallies = |cs: [u64; 6]| cs.map(|c| Tally { n: 10, c });
    /// let spread = Spread::of_differences(&tallies([0, 3, 9, 5, 0, 10]), &tallies([0, 1, 9, 7, 2, 10]))?;
    /// assert!(spread.within > spread.between);
    /// assert!(spread.standard_error(500, 20) < spread.standard_error(500, 10));
    /// # Ok::<(), infer_code_cad_metrics::MetricError>(())
    /// ```
    pub fn of_differences(first: &[Tally], second: &[Tally]) -> Result<Self, MetricError> {
        let differences = differences(&rates(first)?, &rates(second)?)?;
        Self::of(&differences, &[first, second])
    }

    /// Takes the noise of samples away from the variance of `values`; what is left is the problems' own, or 0.
    fn of(values: &[f64], sides: &[&[Tally]]) -> Result<Self, MetricError> {
        let total = sample_variance(values)?;
        let (mut within, mut noise) = (0.0, 0.0);
        for tallies in sides {
            for (problem, tally) in tallies.iter().enumerate() {
                if tally.n < 2 {
                    return Err(MetricError::OneSample { problem });
                }
                let (n, c) = (tally.n as f64, tally.c as f64);
                let variance = c / n * (n - c) / (n - 1.0); // c / n (1 - c / n), without bias
                within += variance;
                noise += variance / n;
            }
        }
        let problems = values.len() as f64;
        Ok(Self { between: (total - noise / problems).max(0.0), within: within / problems })
    }

    /// The standard error of the mean over `problems` problems with `samples` samples each.
    pub fn standard_error(&self, problems: u64, samples: u64) -> f64 {
        ((self.between + self.within / samples as f64) / problems as f64).sqrt()
    }
}

/// What the first technique has more than the second on each problem: values per problem, such as
/// [`pass_at_k_of_each`]'s, in the same order.
///
/// # Errors
/// [`MetricError::Lengths`] for unequal numbers of problems, [`MetricError::Empty`] without any.
///
/// # Examples
/// ```
/// assert_eq!(infer_code_cad_metrics::differences(&[0.5, 1.0], &[0.25, 1.0])?, [0.25, 0.0]);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
pub fn differences(first: &[f64], second: &[f64]) -> Result<Vec<f64>, MetricError> {
    check_pairs(first, second)?;
    Ok(first.iter().zip(second).map(|(first, second)| first - second).collect())
}

/// The unbiased variance of `values`.
pub(crate) fn sample_variance(values: &[f64]) -> Result<f64, MetricError> {
    match values.len() {
        0 => Err(MetricError::Empty),
        1 => Err(MetricError::OneProblem),
        n => {
            let mean = mean(values);
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            Ok(squares / (n - 1) as f64)
        }
    }
}

fn rates(tallies: &[Tally]) -> Result<Vec<f64>, MetricError> {
    pass_at_k_of_each(tallies, 1)
}
