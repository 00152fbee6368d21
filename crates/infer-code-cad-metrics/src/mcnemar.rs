use crate::MetricError;
use crate::distribution::beta;

/// McNemar's test: two techniques, one 0/1 result each on the same problems.
///
/// Only the problems that one solved and the other did not say anything; without a difference each of them is a
/// fair coin. With several samples per problem use [`SignFlip`](crate::SignFlip), of which this is the case of
/// one sample.
/// McNemar, [Note on the Sampling Error of the Difference Between Correlated
/// Proportions](https://doi.org/10.1007/BF02295996).
///
/// # Examples
/// ```
/// use infer_code_cad_metrics::McNemar;
///
/// let with = [true, true, true, true, true, false, true, false];
/// let without = [false, false, false, true, false, false, false, true];
/// let test = McNemar::of(&with, &without)?;
/// assert_eq!((test.first_only, test.second_only), (5, 1));
/// assert!((test.exact() - 14.0 / 64.0).abs() < 1e-15);
/// assert!((test.mid_p() - 8.0 / 64.0).abs() < 1e-15);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct McNemar {
    /// Problems that only the first technique solved.
    pub first_only: u64,
    /// Problems that only the second solved.
    pub second_only: u64,
}

impl McNemar {
    /// Counts the problems that one technique solved and the other did not.
    ///
    /// # Errors
    /// [`MetricError::Lengths`] when the results are not of the same problems, [`MetricError::Empty`] without
    /// problems.
    pub fn of(first: &[bool], second: &[bool]) -> Result<Self, MetricError> {
        check_pairs(first, second)?;
        let only = |winner: &[bool], loser: &[bool]| {
            winner.iter().zip(loser).filter(|(winner, loser)| **winner && !**loser).count() as u64
        };
        Ok(Self { first_only: only(first, second), second_only: only(second, first) })
    }

    /// The two-sided exact p: twice the chance of at most `min(first_only, second_only)` heads; 1 when nothing
    /// differs.
    ///
    /// It never rejects too often, and with few problems too seldom.
    pub fn exact(&self) -> f64 {
        (2.0 * self.tail()).min(1.0)
    }

    /// The two-sided mid-p: the exact one without half of the chance of just this outcome, on either side.
    ///
    /// It keeps to the level on average and finds more than [`exact`](Self::exact); 1 when nothing differs.
    /// Fagerland, Lydersen and Laake, [The McNemar test for binary matched-pairs
    /// data](https://doi.org/10.1186/1471-2288-13-91); for equal counts it is their `1 - (chance of this outcome) / 2`.
    pub fn mid_p(&self) -> f64 {
        let n = self.first_only + self.second_only;
        if n == 0 {
            return 1.0;
        }
        let here = beta::binomial(self.first_only as f64, n as f64, 0.5);
        if self.first_only == self.second_only {
            1.0 - here / 2.0
        } else {
            2.0 * self.tail() - here
        }
    }

    /// The chance of at most as many heads as the smaller count.
    fn tail(&self) -> f64 {
        let fewer = self.first_only.min(self.second_only) as f64;
        let more = self.first_only.max(self.second_only) as f64;
        if more == 0.0 { 1.0 } else { beta::cdf(0.5, more, fewer + 1.0) }
    }
}

/// Refuses pairs of unequal length, and none at all.
pub(crate) fn check_pairs<T>(first: &[T], second: &[T]) -> Result<(), MetricError> {
    if first.len() != second.len() {
        return Err(MetricError::Lengths { first: first.len(), second: second.len() });
    }
    if first.is_empty() { Err(MetricError::Empty) } else { Ok(()) }
}
