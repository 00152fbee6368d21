/// Why a metric is not defined for its input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// `k` is zero.
    #[error("k = 0 is not defined; k is the number of tries and starts at 1")]
    ZeroK,
    /// Fewer samples than tries.
    #[error("k = {k} needs at least {k} samples, got {n}; draw more samples or lower k")]
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
    /// The two sides of a comparison have unequal numbers of problems.
    #[error(
        "{first} problems cannot be paired with {second}; give both sides the same problems, in one order"
    )]
    Lengths {
        /// Problems of the first side.
        first: usize,
        /// Problems of the second side.
        second: usize,
    },
    /// One problem does not tell how much problems differ.
    #[error("one problem does not tell how much problems differ; score at least two")]
    OneProblem,
    /// All values are equal, so their spread cannot be told.
    #[error(
        "all values are {value}, so their spread is unknown; Bootstrap::difference bounds it by their number"
    )]
    NoSpread {
        /// The value.
        value: f64,
    },
    /// A problem with one sample does not tell the noise of samples from the spread of problems.
    #[error(
        "problem {problem} has fewer than 2 samples, so their noise is unknown; draw more, or plan for one sample \
         by a Spread with within = 0"
    )]
    OneSample {
        /// Its index, from 0.
        problem: usize,
    },
    /// A p-value is out of its range.
    #[error("the p-value of {name} is {p}, expected 0 <= p <= 1")]
    Contrast {
        /// The contrast.
        name: String,
        /// Its p-value.
        p: f64,
    },
    /// Two contrasts have one name.
    #[error("two contrasts are called {name}; give each a name of its own, and each contrast once")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// One of several arms cannot be compared.
    #[error("arm {name} cannot be compared: {reason}")]
    Arm {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: Box<Self>,
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
