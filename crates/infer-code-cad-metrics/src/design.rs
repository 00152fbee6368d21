use crate::distribution::normal;
use crate::interval::check_share;
use crate::{MetricError, Spread};

/// A comparison that is planned: two techniques on the same problems.
///
/// # Examples
/// ```
/// use infer_code_cad_metrics::{PairedDesign, Spread};
///
/// // Two greedy answers per problem that differ on 15 % of problems, as one of four contrasts.
/// let spread = Spread { between: 0.15, within: 0.0 };
/// let design = PairedDesign { contrasts: 4, ..PairedDesign::new(500, 1) };
/// let smallest = design.smallest_detectable(&spread)?;
/// assert!((smallest - 0.0578).abs() < 1e-4);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedDesign {
    /// Problems, at least 1.
    pub problems: u64,
    /// Samples of each technique on each problem, at least 1.
    pub samples: u64,
    /// Contrasts that [`holm`](crate::holm) will correct together, at least 1. The plan is for the hardest
    /// place, the smallest p, which must be below `alpha / contrasts`.
    pub contrasts: u64,
    /// The chance of even one false alarm, two-sided, between 0 and 1 exclusive.
    pub alpha: f64,
    /// The chance to find a difference that is there, between 0 and 1 exclusive.
    pub power: f64,
}

impl PairedDesign {
    /// One contrast at `alpha` 0.05 and `power` 0.8.
    pub fn new(problems: u64, samples: u64) -> Self {
        Self { problems, samples, contrasts: 1, alpha: 0.05, power: 0.8 }
    }

    /// The smallest true difference that the design finds with its `power`, given the `spread` of the
    /// differences; 0 for a `power` that false alarms alone reach.
    ///
    /// Print it before the run. By the normal approximation: Student's t makes it .6 % larger at 164
    /// problems, 1.1 % at 90 and 3.5 % at 30. For pass@k with `k > 1` take as `spread` the variance of a pilot's differences of pass@k,
    /// with `within` 0.
    ///
    /// # Errors
    /// [`MetricError::Parameter`] for a count of 0, an `alpha` or a `power` outside (0, 1), or a variance that is
    /// negative or not finite.
    pub fn smallest_detectable(&self, spread: &Spread) -> Result<f64, MetricError> {
        self.check(spread)?;
        let error = spread.standard_error(self.problems, self.samples);
        // Without any difference alarms are at `alpha / contrasts`; a power below that needs none.
        let (mut low, mut high) = (0.0, 64.0);
        for _ in 0..100 {
            let middle = (low + high) / 2.0;
            if self.power_in_errors(middle) < self.power { low = middle } else { high = middle }
        }
        Ok((low + high) / 2.0 * error)
    }

    /// The chance that the design finds a true difference of `difference`, either way.
    ///
    /// # Errors
    /// As [`smallest_detectable`](Self::smallest_detectable), and for a `difference` that is not finite.
    pub fn power_at(&self, spread: &Spread, difference: f64) -> Result<f64, MetricError> {
        self.check(spread)?;
        if !difference.is_finite() {
            let expected = "a finite difference";
            return Err(MetricError::Parameter { name: "difference", value: difference, expected });
        }
        let error = spread.standard_error(self.problems, self.samples);
        if error == 0.0 {
            let level = self.alpha / self.contrasts as f64;
            return Ok(if difference == 0.0 { level } else { 1.0 });
        }
        Ok(self.power_in_errors((difference / error).abs()))
    }

    /// The power at a difference of so many standard errors, both rejection regions included.
    fn power_in_errors(&self, difference: f64) -> f64 {
        let critical = normal::two_sided_z(1.0 - self.alpha / self.contrasts as f64);
        normal::cdf(difference - critical) + normal::cdf(-difference - critical)
    }

    fn check(&self, spread: &Spread) -> Result<(), MetricError> {
        let counts =
            [("problems", self.problems), ("samples", self.samples), ("contrasts", self.contrasts)];
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(MetricError::Parameter { name, value: 0.0, expected: "at least 1" });
        }
        check_share("alpha", self.alpha, "0 < alpha < 1")?;
        check_share("power", self.power, "0 < power < 1")?;
        let variances = [("between", spread.between), ("within", spread.within)];
        match variances.into_iter().find(|(_, v)| !(v.is_finite() && *v >= 0.0)) {
            Some((name, value)) => {
                let expected = "a finite variance, at least 0";
                Err(MetricError::Parameter { name, value, expected })
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    const SPREAD: Spread = Spread { between: 0.02, within: 0.3 };

    #[test]
    fn power_at_the_smallest_detectable_difference_is_the_power() {
        for design in [
            PairedDesign::new(90, 10),
            PairedDesign { contrasts: 4, power: 0.95, ..PairedDesign::new(500, 1) },
        ] {
            let smallest = design.smallest_detectable(&SPREAD).unwrap();
            assert!((design.power_at(&SPREAD, smallest).unwrap() - design.power).abs() < 1e-12);
            assert!((design.power_at(&SPREAD, -smallest).unwrap() - design.power).abs() < 1e-12);
            let none = design.power_at(&SPREAD, 0.0).unwrap();
            assert!((none - design.alpha / design.contrasts as f64).abs() < 1e-12);
        }
    }

    #[test]
    fn more_of_anything_but_contrasts_finds_less() {
        let smallest = |design: PairedDesign| design.smallest_detectable(&SPREAD).unwrap();
        let design = PairedDesign::new(90, 10);
        assert!(smallest(PairedDesign { problems: 91, ..design }) < smallest(design));
        assert!(smallest(PairedDesign { samples: 11, ..design }) < smallest(design));
        assert!(smallest(PairedDesign { contrasts: 2, ..design }) > smallest(design));
        assert!(smallest(PairedDesign { power: 0.9, ..design }) > smallest(design));
    }

    #[test]
    fn nothing_that_varies_leaves_nothing_undetected() {
        let still = Spread { between: 0.0, within: 0.0 };
        let design = PairedDesign::new(10, 1);
        assert_eq!(design.smallest_detectable(&still), Ok(0.0));
        assert_eq!(design.power_at(&still, 1e-9), Ok(1.0));
    }

    #[test]
    fn bad_input_is_an_error_that_names_it() {
        let design = PairedDesign::new(10, 1);
        let name = |design: PairedDesign, spread: Spread| match design.smallest_detectable(&spread)
        {
            Err(MetricError::Parameter { name, .. }) => name,
            other => panic!("{other:?}"),
        };
        assert_eq!(name(PairedDesign { problems: 0, ..design }, SPREAD), "problems");
        assert_eq!(name(PairedDesign { contrasts: 0, ..design }, SPREAD), "contrasts");
        assert_eq!(name(PairedDesign { alpha: 1.0, ..design }, SPREAD), "alpha");
        assert_eq!(name(PairedDesign { power: f64::NAN, ..design }, SPREAD), "power");
        assert_eq!(name(design, Spread { within: -1.0, ..SPREAD }), "within");
        assert!(design.power_at(&SPREAD, f64::INFINITY).is_err());
    }
}
