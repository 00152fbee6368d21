use crate::MetricError;

/// A closed interval, in the unit of the values it was made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end, at least `low`.
    pub high: f64,
}

impl Interval {
    /// Whether `value` lies in it, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// The distance from 0 of the end that lies farther from it.
    ///
    /// Of a 90 % interval of a difference it is what the data exclude: a difference that is larger, in
    /// either direction, is rejected at 5 %. It is the honest form of "no difference found".
    /// [`exclusion_bound`](crate::exclusion_bound) takes it from Student's interval.
    ///
    /// # Examples
    /// ```
    /// let interval = infer_code_cad_metrics::Interval { low: -0.031, high: 0.012 };
    /// assert_eq!(interval.farther_end(), 0.031); // "any difference is below .031"
    /// ```
    pub fn farther_end(&self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
}

/// Refuses a coverage level outside the open interval (0, 1), NaN included.
pub(crate) fn check_level(level: f64) -> Result<(), MetricError> {
    check_share("level", level, "0 < level < 1")
}

/// Refuses a share outside the open interval (0, 1), NaN included.
pub(crate) fn check_share(
    name: &'static str,
    value: f64,
    expected: &'static str,
) -> Result<(), MetricError> {
    if value > 0.0 && value < 1.0 {
        return Ok(());
    }
    Err(MetricError::Parameter { name, value, expected })
}

/// Refuses an empty slice, and the first NaN or infinity.
pub(crate) fn check_values(values: &[f64]) -> Result<(), MetricError> {
    if values.is_empty() {
        return Err(MetricError::Empty);
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(MetricError::NotFinite { index, value: values[index] }),
        None => Ok(()),
    }
}
