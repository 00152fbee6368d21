/// Why a token could not be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The flat buffer does not hold `arity * vocab_size` values.
    #[error(
        "logits hold {values} values, expected arity {arity} x vocab_size {vocab_size}; \
         pass whole rows"
    )]
    Shape {
        /// Values in the buffer.
        values: usize,
        /// Rows promised.
        arity: usize,
        /// Columns promised.
        vocab_size: usize,
    },
    /// The decoder reads another number of streams than the rows given.
    #[error("the decoder reads {expected} streams per sequence, the logits have {actual} rows")]
    Arity {
        /// What [`crate::Decoder::arity`] says.
        expected: usize,
        /// Rows of the logits.
        actual: usize,
    },
    /// A logit is NaN.
    #[error(
        "logit {token} of stream {stream} is NaN; the model's weights or its precision are at fault"
    )]
    NotANumber {
        /// Row.
        stream: usize,
        /// Column.
        token: usize,
    },
    /// A logit is `+inf`.
    #[error("logit {token} of stream {stream} is +inf; mask with -inf, never with +inf")]
    PositiveInfinity {
        /// Row.
        stream: usize,
        /// Column.
        token: usize,
    },
    /// Every token is excluded.
    #[error("every logit of stream {stream} is -inf, so no token can be chosen; relax the mask")]
    NoCandidate {
        /// Row.
        stream: usize,
    },
    /// A parameter is out of its range.
    #[error("{name} is {value}, expected {expected}")]
    Parameter {
        /// The field.
        name: &'static str,
        /// What it was set to.
        value: f32,
        /// The range allowed.
        expected: &'static str,
    },
    /// A decoder that should begin with a token did not.
    #[error("the decoder did not begin with a token; drive one that forks or waits with an engine")]
    NotExtended,
    /// What a decoder of one's own cannot say with the variants above.
    #[error("the decoder failed: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl DecodeError {
    /// Any error, or a text, as a [`DecodeError::Other`].
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}
