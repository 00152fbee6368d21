use crate::{DecodeError, vector};

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
mod tests {
    use super::*;

    #[test]
    fn refuses_ragged_or_empty_shapes() {
        for (values, arity, vocab_size) in [(5, 2, 3), (0, 0, 3), (0, 1, 0)] {
            let expected = DecodeError::Shape { values, arity, vocab_size };
            let actual = Logits::new(&vec![0.0; values], arity, vocab_size).map(|_| ());
            assert_eq!(actual, Err(expected));
        }
    }

    #[test]
    fn finds_a_nan_behind_a_larger_value() {
        let mut values = vec![0.0; 40];
        values[3] = 9.0;
        values[35] = f32::NAN;
        let logits = Logits::new(&values, 1, 40).expect("one row");
        assert_eq!(logits.peak(0), Err(DecodeError::NotANumber { stream: 0, token: 35 }));
    }
}
