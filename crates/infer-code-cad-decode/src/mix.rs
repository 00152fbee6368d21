use std::fmt::Debug;

use rand_core::Rng;

use crate::{
    Branch, Contrast, DecodeError, Decoder, Decoding, Logits, Moves, Opening, Settings, TokenId,
};

/// Turns the rows of several streams into one.
///
/// Contrasts of prompts are each a negative stream, a rule for its weight, a mask and a gate: all of it is
/// in here, and [`ContextAware`] puts it before any decoder. A clone per sequence holds what a rule
/// remembers.
///
/// # Examples
/// ```
/// use infer_code_cad_decode::{
///     ContextAware, DecodeError, Greedy, Logits, Mix, Settings, TokenId, pick,
/// };
///
/// /// The mean of two streams.
/// #[derive(Debug, Clone)]
/// struct Mean;
///
/// impl Mix for Mean {
///     fn arity(&self) -> usize {
///         2
///     }
///
///     fn mix(
///         &mut self,
///         rows: Logits<'_>,
///         _past: &[TokenId],
///         out: &mut Vec<f32>,
///     ) -> Result<(), DecodeError> {
///         out.clear();
///         out.extend(rows.row(0).iter().zip(rows.row(1)).map(|(a, b)| (a + b) / 2.0));
///         Ok(())
///     }
///
///     fn settings(&self) -> Settings {
///         Settings::new("mean")
///     }
/// }
///
/// let decoder = ContextAware { mix: Mean, inner: Greedy };
/// # let mut rng = <rand_chacha::ChaCha8Rng as rand_chacha::rand_core::SeedableRng>::seed_from_u64(0);
/// assert_eq!(pick(&decoder, Logits::new(&[3.0, 2.0, 0.0, 2.0], 2, 2)?, &mut rng)?, 1);
/// # Ok::<(), DecodeError>(())
/// ```
pub trait Mix: Debug + Send + Sync + Clone + 'static {
    /// Streams read per position.
    fn arity(&self) -> usize;

    /// Refuses parameters that are out of their range, once per sequence.
    ///
    /// # Errors
    /// [`DecodeError::Parameter`].
    fn check(&self) -> Result<(), DecodeError> {
        Ok(())
    }

    /// Writes the mixed row.
    ///
    /// # Shapes
    /// `rows`: `(arity, vocab_size)`; `out`: `(vocab_size,)`, and whatever is in it is to be overwritten.
    ///
    /// # Errors
    /// A row without a distribution, or another number of rows.
    fn mix(
        &mut self,
        rows: Logits<'_>,
        past: &[TokenId],
        out: &mut Vec<f32>,
    ) -> Result<(), DecodeError>;

    /// What it is, as [`Decoder::settings`].
    fn settings(&self) -> Settings;
}

/// A mix of streams before an inner decoder, which sees the mixed row alone.
///
/// With a [`Contrast`] this is context-aware decoding: row 0 saw context and question, row 1 the
/// question only.
///
/// # Examples
/// ```
/// use infer_code_cad_decode::{ContextAware, Greedy, Logits, pick};
///
/// // The context speaks for token 1, and the question alone would have said token 0.
/// let streams = [2.0, 1.9, 0.0, /* question: */ 3.0, 0.0, 0.0];
/// # let mut rng = <rand_chacha::ChaCha8Rng as rand_chacha::rand_core::SeedableRng>::seed_from_u64(0);
/// let decoder = ContextAware::new(0.5, Greedy);
/// assert_eq!(pick(&decoder, Logits::new(&streams, 2, 3)?, &mut rng)?, 1);
/// # Ok::<(), infer_code_cad_decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ContextAware<M, D> {
    /// Several rows to one.
    pub mix: M,
    /// Chooses from the mixed row.
    pub inner: D,
}

impl<D> ContextAware<Contrast, D> {
    /// Equation 2 with a fixed `alpha` and no plausibility mask.
    pub fn new(alpha: f32, inner: D) -> Self {
        Self { mix: Contrast::new(alpha), inner }
    }
}

impl<M: Mix, D: Decoder> Decoder for ContextAware<M, D> {
    fn arity(&self) -> usize {
        self.mix.arity()
    }

    fn branches(&self) -> usize {
        self.inner.branches()
    }

    fn begin(&self, opening: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        self.mix.check()?;
        Ok(Box::new(Mixed { mix: self.mix.clone(), inner: self.inner.begin(opening)? }))
    }

    fn settings(&self) -> Settings {
        self.mix.settings().with("inner", self.inner.settings())
    }
}

struct Mixed<M> {
    mix: M,
    inner: Box<dyn Decoding>,
}

impl<M: Mix> Mixed<M> {
    fn row(&mut self, branch: &Branch<'_>, row: &mut Vec<f32>) -> Result<(), DecodeError> {
        if branch.ended {
            return Ok(());
        }
        branch.logits.expect_arity(self.mix.arity())?;
        self.mix.mix(branch.logits, branch.past, row)
    }
}

impl<M: Mix> Decoding for Mixed<M> {
    fn advance(
        &mut self,
        branches: &[Branch<'_>],
        moves: &mut Moves<'_>,
        rng: &mut dyn Rng,
    ) -> Result<(), DecodeError> {
        // The most common case allocates nothing.
        if let [branch] = branches {
            let mut row = moves.take::<Vec<f32>>();
            let outcome = self.row(branch, &mut row).and_then(|()| {
                let branch = if branch.ended { *branch } else { branch.with_row(&row) };
                self.inner.advance(&[branch], moves, rng)
            });
            moves.give(row);
            return outcome;
        }
        let mut rows: Vec<_> = branches.iter().map(|_| moves.take::<Vec<f32>>()).collect();
        let mixing =
            branches.iter().zip(&mut rows).try_for_each(|(branch, row)| self.row(branch, row));
        let outcome = mixing.and_then(|()| {
            let mixed = branches.iter().zip(&rows);
            let mixed: Vec<_> = mixed
                .map(|(branch, row)| if branch.ended { *branch } else { branch.with_row(row) })
                .collect();
            self.inner.advance(&mixed, moves, rng)
        });
        rows.into_iter().for_each(|row| moves.give(row));
        outcome
    }
}
