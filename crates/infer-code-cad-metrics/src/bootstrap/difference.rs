use super::{Bootstrap, equal_value};
use crate::{Interval, MetricError, wilson};

impl Bootstrap {
    /// The paired interval of a difference: of the mean of `differences`, one per problem (the pass@k of one
    /// technique less that of another).
    ///
    /// Problems are resampled with both techniques' results, so what makes a problem hard for both cancels; the
    /// interval is [`bca`](Self::bca)'s. Differences that are all equal, and lie in [-1, 1], still leave room
    /// for problems on which they are not: up to `q`, the upper end of Wilson's interval of a share that was
    /// seen in none of these problems. So the mean lies within `q (1 + d)` below and `q (1 - d)` above `d`.
    ///
    /// # Errors
    /// As [`percentile`](Self::percentile).
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad_metrics::{Bootstrap, differences};
    ///
    /// let cad = [0.4, 0.9, 0.0, 0.3, 0.8, 0.1, 0.6, 0.2];
    /// let control = [0.3, 0.9, 0.0, 0.2, 0.9, 0.0, 0.4, 0.2];
    /// let differences = differences(&cad, &control)?;
    /// let interval = Bootstrap::default().difference(&differences)?;
    /// assert!(interval.contains(0.05) && interval.contains(0.0));
    ///
    /// // 20 problems without a difference do not show that there is none.
    /// let interval = Bootstrap::default().difference(&[0.0; 20])?;
    /// assert!(interval.low < -0.16 && interval.high > 0.16);
    /// # Ok::<(), infer_code_cad_metrics::MetricError>(())
    /// ```
    pub fn difference(&self, differences: &[f64]) -> Result<Interval, MetricError> {
        self.check(differences)?;
        match equal_value(differences) {
            Some(all) if (-1.0..=1.0).contains(&all) => {
                let unseen = wilson(0, differences.len() as u64, self.level)?.high;
                Ok(Interval { low: all - unseen * (1.0 + all), high: all + unseen * (1.0 - all) })
            }
            Some(all) => Ok(Interval { low: all, high: all }),
            None => self.bca(differences),
        }
    }
}
