use crate::MetricError;

/// A closed interval, in the unit of the values it was made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end, at least `low`.
    pub high: f64,
}

/// Refuses a coverage level outside the open interval (0, 1), NaN included.
pub(crate) fn check_level(level: f64) -> Result<(), MetricError> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(MetricError::Parameter { name: "level", value: level, expected: "0 < level < 1" })
}
