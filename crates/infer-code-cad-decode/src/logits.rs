use crate::DecodeError;

/// A checked view of the logits of one sequence: one row per stream.
///
/// # Shapes
/// `(arity, vocab_size)`, row-major; row 0 belongs to the full prompt.
#[derive(Debug, Clone, Copy)]
pub struct Logits<'a> {
    values: &'a [f32],
    vocab_size: usize,
}

impl<'a> Logits<'a> {
    /// Views `values` as `arity` rows of `vocab_size` logits.
    ///
    /// Only the shape is checked here; decoders check the values as they read them, so that the
    /// vocabulary is passed over once.
    ///
    /// # Errors
    /// [`DecodeError::Shape`] when a dimension is zero or `values` has another length.
    pub fn new(values: &'a [f32], arity: usize, vocab_size: usize) -> Result<Self, DecodeError> {
        if arity == 0 || vocab_size == 0 || values.len() != arity * vocab_size {
            return Err(DecodeError::Shape { values: values.len(), arity, vocab_size });
        }
        Ok(Self { values, vocab_size })
    }

    /// The number of rows.
    pub fn arity(&self) -> usize {
        self.values.len() / self.vocab_size
    }

    /// The number of columns.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// The logits of one stream.
    ///
    /// # Panics
    /// When `stream >= arity()`.
    pub fn row(&self, stream: usize) -> &'a [f32] {
        &self.values[stream * self.vocab_size..][..self.vocab_size]
    }

    pub(crate) fn expect_arity(&self, expected: usize) -> Result<(), DecodeError> {
        match self.arity() {
            actual if actual == expected => Ok(()),
            actual => Err(DecodeError::Arity { expected, actual }),
        }
    }
}
