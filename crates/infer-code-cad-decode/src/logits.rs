use crate::{DecodeError, vector};

/// A checked view of the logits of one sequence: one row per stream.
///
/// # Shapes
/// `(arity, vocab_size)`, row-major; row 0 belongs to the full prompt.
#[derive(Debug, Clone, Copy)]
pub struct Logits<'a> {
    values: &'a [f32], // from the first row's beginning to the last one's end
    arity: usize,
    stride: usize,
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
        Ok(Self { values, arity, stride: vocab_size, vocab_size })
    }

    /// Views every `stride` values a row: positions that are read together are not neighbours.
    ///
    /// # Errors
    /// [`DecodeError::Shape`] when a dimension is zero, rows overlap or `values` is too short.
    pub fn strided(
        values: &'a [f32],
        arity: usize,
        stride: usize,
        vocab_size: usize,
    ) -> Result<Self, DecodeError> {
        let end = arity.saturating_sub(1).saturating_mul(stride).saturating_add(vocab_size);
        if arity == 0 || vocab_size == 0 || stride < vocab_size || values.len() < end {
            return Err(DecodeError::Shape { values: values.len(), arity, vocab_size });
        }
        Ok(Self { values: &values[..end], arity, stride, vocab_size })
    }

    /// No row at all: what a branch that has ended has.
    pub(crate) const NONE: Self = Self { values: &[], arity: 0, stride: 0, vocab_size: 0 };

    /// One row.
    pub(crate) fn single(row: &'a [f32]) -> Self {
        Self { values: row, arity: 1, stride: row.len(), vocab_size: row.len() }
    }

    /// The number of rows.
    pub fn arity(&self) -> usize {
        self.arity
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
        assert!(stream < self.arity, "there is no row {stream} of {}", self.arity);
        &self.values[stream * self.stride..][..self.vocab_size]
    }

    pub(crate) fn expect_arity(&self, expected: usize) -> Result<(), DecodeError> {
        match self.arity() {
            actual if actual == expected => Ok(()),
            actual => Err(DecodeError::Arity { expected, actual }),
        }
    }

    /// The largest logit of a stream, which is finite.
    ///
    /// # Errors
    /// [`DecodeError::NotANumber`], [`DecodeError::PositiveInfinity`], or
    /// [`DecodeError::NoCandidate`] when every logit is `-inf`.
    pub(crate) fn peak(&self, stream: usize) -> Result<f32, DecodeError> {
        let (peak, has_nan) = vector::peak(self.row(stream));
        if has_nan || !peak.is_finite() {
            return Err(self.fault(stream));
        }
        Ok(peak)
    }

    /// Names the first offending value of a row that has no finite peak.
    fn fault(&self, stream: usize) -> DecodeError {
        let row = self.row(stream);
        if let Some(token) = row.iter().position(|l| l.is_nan()) {
            return DecodeError::NotANumber { stream, token };
        }
        match row.iter().position(|&l| l == f32::INFINITY) {
            Some(token) => DecodeError::PositiveInfinity { stream, token },
            None => DecodeError::NoCandidate { stream },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn refuses_ragged_or_empty_shapes() {
        for (values, arity, vocab_size) in [(5, 2, 3), (0, 0, 3), (0, 1, 0)] {
            let error = Logits::new(&vec![0.0; values], arity, vocab_size).unwrap_err();
            let expected = DecodeError::Shape { values, arity, vocab_size };
            assert_eq!(error.to_string(), expected.to_string());
        }
        for (values, arity, stride, vocab_size) in [(8, 2, 2, 3), (8, 2, 6, 3), (8, 0, 3, 3)] {
            assert!(Logits::strided(&vec![0.0; values], arity, stride, vocab_size).is_err());
        }
    }

    #[test]
    fn rows_may_stand_apart() {
        let values: Vec<f32> = (0..9u8).map(f32::from).collect();
        let logits = Logits::strided(&values, 2, 6, 3).unwrap();
        assert_eq!((logits.row(0), logits.row(1)), (&[0.0, 1.0, 2.0][..], &[6.0, 7.0, 8.0][..]));
    }

    #[test]
    fn finds_a_nan_behind_a_larger_value() {
        let mut values = vec![0.0; 40];
        values[3] = 9.0;
        values[35] = f32::NAN;
        let error = Logits::new(&values, 1, 40).unwrap().peak(0).unwrap_err();
        assert!(matches!(error, DecodeError::NotANumber { stream: 0, token: 35 }), "{error}");
    }
}
