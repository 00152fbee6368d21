use crate::distribution::student;
use crate::interval::{check_level, check_share, check_values};
use crate::pass_at_k::mean;
use crate::spread::sample_variance;
use crate::{Interval, MetricError};

/// Student's interval of the mean of `values`, one value per problem.
///
/// For values that are not far from normal, or many; otherwise [`Bootstrap::bca`](crate::Bootstrap::bca).
/// Student, [The Probable Error of a Mean](https://doi.org/10.1093/biomet/6.1.1).
///
/// # Errors
/// [`MetricError::Empty`] or [`MetricError::OneProblem`] with fewer than two values, [`MetricError::NotFinite`]
/// for the first NaN or infinity, [`MetricError::NoSpread`] when all are equal, [`MetricError::Parameter`] for a
/// `level` outside (0, 1).
///
/// # Examples
/// ```
/// let interval = infer_code_cad_metrics::student_interval(&[1.0, 2.0, 3.0, 6.0], 0.95)?;
/// assert!((interval.low + 0.4374).abs() < 1e-4 && (interval.high - 6.4374).abs() < 1e-4);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
pub fn student_interval(values: &[f64], level: f64) -> Result<Interval, MetricError> {
    check_level(level)?;
    let Estimate { mean, error, freedom } = Estimate::of(values)?;
    let half = student::two_sided_t(level, freedom) * error;
    Ok(Interval { low: mean - half, high: mean + half })
}

/// What the data exclude at `alpha`: a true difference of a larger size, in either direction.
///
/// It is the farther end of the interval of level `1 - 2 alpha` of the mean of `differences`, one per problem,
/// and the smallest margin at which [`Equivalence`] finds the techniques equal. Report it where no difference
/// was found.
///
/// # Errors
/// As [`student_interval`]; [`MetricError::Parameter`] for an `alpha` outside (0, 1/2).
///
/// # Examples
/// ```
/// use infer_code_cad_metrics::{Equivalence, exclusion_bound};
///
/// let differences = [0.1, -0.1, 0.0, 0.05, 0.0, -0.05, 0.1, 0.0];
/// let bound = exclusion_bound(&differences, 0.05)?;
/// let at_the_bound = Equivalence { margin: bound }.test(&differences)?;
/// assert!((at_the_bound - 0.05).abs() < 1e-12);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
pub fn exclusion_bound(differences: &[f64], alpha: f64) -> Result<f64, MetricError> {
    check_share("2 alpha", 2.0 * alpha, "0 < alpha < 1/2")?;
    Ok(student_interval(differences, 1.0 - 2.0 * alpha)?.farther_end())
}

/// The test of equivalence (two one-sided t tests): whether two techniques differ by less than `margin`.
///
/// A test of a difference that finds none says nothing; this one says that there is none of that size. Choose
/// the margin before the run.
/// Schuirmann, [A Comparison of the Two One-Sided Tests Procedure and the Power
/// Approach](https://doi.org/10.1007/BF01068419).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Equivalence {
    /// The difference that would matter, above 0.
    pub margin: f64,
}

impl Equivalence {
    /// The p of the hypothesis that the mean of `differences`, one per problem, is `margin` or more from 0.
    ///
    /// # Errors
    /// As [`student_interval`]; [`MetricError::Parameter`] for a `margin` that is not above 0.
    pub fn test(&self, differences: &[f64]) -> Result<f64, MetricError> {
        let margin = self.margin;
        if !(margin.is_finite() && margin > 0.0) {
            let expected = "a finite difference above 0";
            return Err(MetricError::Parameter { name: "margin", value: margin, expected });
        }
        let Estimate { mean, error, freedom } = Estimate::of(differences)?;
        // The mean that is nearer to its end of the margin decides.
        Ok(student::upper_tail((margin - mean.abs()) / error, freedom))
    }
}

/// A mean, its standard error and the degrees of freedom of that.
struct Estimate {
    mean: f64,
    error: f64,
    freedom: f64,
}

impl Estimate {
    fn of(values: &[f64]) -> Result<Self, MetricError> {
        check_values(values)?;
        let variance = sample_variance(values)?;
        if values.iter().all(|value| value == &values[0]) {
            return Err(MetricError::NoSpread { value: values[0] });
        }
        let n = values.len() as f64;
        Ok(Self { mean: mean(values), error: (variance / n).sqrt(), freedom: n - 1.0 })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn bad_input_is_an_error() {
        assert_eq!(student_interval(&[], 0.95), Err(MetricError::Empty));
        assert_eq!(student_interval(&[0.1], 0.95), Err(MetricError::OneProblem));
        assert_eq!(student_interval(&[0.1; 3], 0.95), Err(MetricError::NoSpread { value: 0.1 }));
        let error = student_interval(&[0.1, f64::NAN], 0.95).unwrap_err();
        assert!(matches!(error, MetricError::NotFinite { index: 1, .. }), "{error}");
        for alpha in [0.0, 0.5, f64::NAN] {
            assert!(exclusion_bound(&[0.0, 0.1], alpha).is_err());
        }
        for margin in [0.0, -0.1, f64::NAN, f64::INFINITY] {
            assert!(Equivalence { margin }.test(&[0.0, 0.1]).is_err());
        }
    }

    #[test]
    fn neither_side_is_preferred() {
        let differences = [0.1, -0.2, 0.3, 0.0, 0.1];
        let turned = differences.map(|d| -d);
        let test = Equivalence { margin: 0.2 };
        assert_eq!(test.test(&differences), test.test(&turned));
        assert_eq!(exclusion_bound(&differences, 0.05), exclusion_bound(&turned, 0.05));
    }
}
