use std::fmt::{self, Debug};
use std::sync::Arc;

use rand_core::Rng;

use crate::moves::{Move, MoveBook};
use crate::{
    Branch, DecodeError, Decoder, Decoding, Logits, Moves, Opening, Rooms, Settings, TokenId,
    Vocabulary,
};

/// Chooses the next token of a branch, never to take it back.
pub(crate) trait Sample: Send {
    fn sample(
        &mut self,
        branch: &Branch<'_>,
        moves: &mut Moves<'_>,
        rng: &mut dyn Rng,
    ) -> Result<TokenId, DecodeError>;
}

/// The decoding of a sampler: one token per branch and call, shown at once.
pub(crate) struct Sampling<S>(pub(crate) S);

impl<S: Sample> Decoding for Sampling<S> {
    fn advance(
        &mut self,
        branches: &[Branch<'_>],
        moves: &mut Moves<'_>,
        rng: &mut dyn Rng,
    ) -> Result<(), DecodeError> {
        for branch in branches.iter().filter(|branch| !branch.ended) {
            branch.logits.expect_arity(1)?;
            let token = self.0.sample(branch, moves, rng)?;
            moves.extend(branch.id, token, branch.logits.row(0));
            moves.settle(branch.id, branch.past.len() + 1);
        }
        Ok(())
    }
}

/// Makes a decoder of a closure that chooses a token from a row, given those generated before.
///
/// A function rather than an implementation for all closures, which have no settings.
///
/// # Examples
/// ```
/// use infer_code_cad_decode::{Logits, Settings, TokenId, from_fn, pick};
///
/// let last = from_fn(Settings::new("last"), |row, _past, _rng| Ok(row.len() as TokenId - 1));
/// # let mut rng = <rand_chacha::ChaCha8Rng as rand_chacha::rand_core::SeedableRng>::seed_from_u64(0);
/// assert_eq!(pick(&last, Logits::new(&[0.0, 3.0, 1.0], 1, 3)?, &mut rng)?, 2);
/// # Ok::<(), infer_code_cad_decode::DecodeError>(())
/// ```
pub fn from_fn<F>(settings: Settings, sample: F) -> FromFn<F>
where
    F: Fn(&[f32], &[TokenId], &mut dyn Rng) -> Result<TokenId, DecodeError>,
    F: Clone + Send + Sync + 'static,
{
    FromFn { settings, sample }
}

/// A closure as a decoder, see [`from_fn`].
#[derive(Clone)]
pub struct FromFn<F> {
    settings: Settings,
    sample: F,
}

impl<F> Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromFn").field(&self.settings).finish()
    }
}

impl<F> Decoder for FromFn<F>
where
    F: Fn(&[f32], &[TokenId], &mut dyn Rng) -> Result<TokenId, DecodeError>,
    F: Clone + Send + Sync + 'static,
{
    fn begin(&self, _: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
        Ok(Box::new(Sampling(Closure(self.sample.clone()))))
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }
}

struct Closure<F>(F);

impl<F> Sample for Closure<F>
where
    F: Fn(&[f32], &[TokenId], &mut dyn Rng) -> Result<TokenId, DecodeError> + Send,
{
    fn sample(
        &mut self,
        branch: &Branch<'_>,
        _: &mut Moves<'_>,
        rng: &mut dyn Rng,
    ) -> Result<TokenId, DecodeError> {
        (self.0)(branch.logits.row(0), branch.past, rng)
    }
}

/// The token that a decoder begins a sequence with, given its logits: for trying decoders out, and tests.
///
/// # Errors
/// Those of the decoder; [`DecodeError::NotExtended`] where it does not begin with one token.
pub fn pick(
    decoder: &dyn Decoder,
    logits: Logits<'_>,
    rng: &mut dyn Rng,
) -> Result<TokenId, DecodeError> {
    let vocabulary: Arc<dyn Vocabulary> = Arc::new(Vec::<Vec<u8>>::new());
    let mut decoding = decoder.begin(&Opening::new(&[], &vocabulary))?;
    let (mut book, mut rooms) = (MoveBook::default(), Rooms::default());
    let branch = Branch::new(book.name(), logits, &[], 0.0);
    decoding.advance(&[branch], &mut book.moves(&mut rooms), rng)?;
    let token = book.drain().find_map(|made| match made {
        Move::Extend { chosen, .. } => Some(chosen.token),
        _ => None,
    });
    token.ok_or(DecodeError::NotExtended)
}
