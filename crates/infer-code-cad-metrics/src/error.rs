/// Why a metric is not defined for its input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// `k` is zero.
    #[error("pass@0 is not defined; k is the number of tries and starts at 1")]
    ZeroK,
    /// Fewer samples than tries.
    #[error("pass@{k} needs at least {k} samples, got {n}; draw more samples or lower k")]
    TooFewSamples {
        /// Samples drawn.
        n: u64,
        /// Tries asked about.
        k: u64,
    },
    /// More passes than samples.
    #[error("{c} of {n} samples cannot have passed; count each sample once")]
    TooManyPasses {
        /// Samples drawn.
        n: u64,
        /// Samples counted as passed.
        c: u64,
    },
    /// One of several problems cannot be scored.
    #[error("problem {problem} cannot be scored: {reason}")]
    Problem {
        /// Its index, from 0.
        problem: usize,
        /// What is wrong with it.
        reason: Box<Self>,
    },
    /// There is nothing to average.
    #[error("there are no problems to average over; score at least one")]
    Empty,
    /// A value is NaN or infinite.
    #[error("value {index} is {value}; every problem needs a finite value")]
    NotFinite {
        /// Its index, from 0.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A parameter is out of its range.
    #[error("{name} is {value}, expected {expected}")]
    Parameter {
        /// The field or argument.
        name: &'static str,
        /// What it was set to.
        value: f64,
        /// The range allowed.
        expected: &'static str,
    },
}
