use std::fmt::Debug;

use rand_core::RngCore;

use crate::{DecodeError, Logits};

/// The index of a token in a model's vocabulary.
pub type TokenId = u32;

/// Picks the next token of one sequence from the logits of its streams.
///
/// A decoder holds parameters, never the state of a sequence, so one value serves every sequence
/// of a batch. All randomness comes from `rng`: the same logits and the same generator state give
/// the same token.
pub trait Decoder: Debug + Send + Sync {
    /// How many streams (rows of logits) the decoder reads per sequence.
    fn arity(&self) -> usize {
        1
    }

    /// Picks a token.
    ///
    /// # Shapes
    /// `logits`: `(arity, vocab_size)`, row 0 belongs to the full prompt.
    ///
    /// # Errors
    /// [`DecodeError::Arity`] when the number of rows is not [`Decoder::arity`];
    /// [`DecodeError::NotANumber`], [`DecodeError::PositiveInfinity`] and [`DecodeError::NoCandidate`]
    /// when a row cannot be turned into a distribution; parameter errors of the implementation.
    fn decode(&self, logits: Logits<'_>, rng: &mut dyn RngCore) -> Result<TokenId, DecodeError>;
}

impl<D: Decoder + ?Sized> Decoder for Box<D> {
    fn arity(&self) -> usize {
        (**self).arity()
    }

    fn decode(&self, logits: Logits<'_>, rng: &mut dyn RngCore) -> Result<TokenId, DecodeError> {
        (**self).decode(logits, rng)
    }
}
