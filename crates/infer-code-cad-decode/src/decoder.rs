use std::fmt::Debug;
use std::sync::Arc;

use rand_core::Rng;

use crate::{Branch, DecodeError, Moves, Settings, Vocabulary};

/// The index of a token in a model's vocabulary.
pub type TokenId = u32;

/// Makes the next tokens of a sequence from the logits of its streams: a factory of per-sequence state.
///
/// A decoder holds parameters; what a sequence needs to remember is in the [`Decoding`] that
/// [`Decoder::begin`] makes. [`from_fn`](crate::from_fn) makes a decoder of a closure, a
/// [`ContextAware`](crate::ContextAware) puts a contrast before any decoder.
///
/// # Examples
/// A decoder of one's own: the most probable token that is not the one before it.
/// ```
/// use infer_code_cad_decode::rand_core::Rng;
/// use infer_code_cad_decode::{
///     Branch, DecodeError, Decoder, Decoding, Logits, Moves, Opening, Settings, TokenId, pick,
/// };
///
/// #[derive(Debug)]
/// struct NoRepeats;
///
/// impl Decoder for NoRepeats {
///     fn begin(&self, _: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
///         Ok(Box::new(Remembering { last: None }))
///     }
///
///     fn settings(&self) -> Settings {
///         Settings::new("no_repeats")
///     }
/// }
///
/// struct Remembering {
///     last: Option<TokenId>,
/// }
///
/// impl Decoding for Remembering {
///     fn advance(
///         &mut self,
///         branches: &[Branch<'_>],
///         moves: &mut Moves<'_>,
///         _: &mut dyn Rng,
///     ) -> Result<(), DecodeError> {
///         let Branch { id, logits, past, .. } = branches[0];
///         let row = logits.row(0);
///         let others = (0..row.len() as TokenId).filter(|token| Some(*token) != self.last);
///         let best = others.max_by(|a, b| row[*a as usize].total_cmp(&row[*b as usize]));
///         let token = best.ok_or_else(|| DecodeError::other("there is one token only"))?;
///         self.last = Some(token);
///         moves.extend(id, token, row);
///         moves.settle(id, past.len() + 1); // it is never taken back, so it may be shown
///         Ok(())
///     }
/// }
///
/// # let mut rng = <rand_chacha::ChaCha8Rng as rand_chacha::rand_core::SeedableRng>::seed_from_u64(0);
/// assert_eq!(pick(&NoRepeats, Logits::new(&[0.1, 2.0, -1.0], 1, 3)?, &mut rng)?, 1);
/// # Ok::<(), DecodeError>(())
/// ```
pub trait Decoder: Debug + Send + Sync {
    /// How many streams (rows of logits) are read per position.
    fn arity(&self) -> usize {
        1
    }

    /// The most branches of a sequence, ended ones included. `arity * branches` rows and their memory are
    /// set aside when a sequence is admitted, so whether a fork fits never depends on a neighbour.
    fn branches(&self) -> usize {
        1
    }

    /// The state of a new sequence.
    ///
    /// # Errors
    /// A parameter out of its range, or what the decoder misses in the opening.
    fn begin(&self, opening: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError>;

    /// What it is: two decoders that may choose differently have different settings.
    fn settings(&self) -> Settings;

    /// What a reader of a completion's result must know: that the decoder could not do what it is for. `written` is
    /// [`Opening::written`].
    fn remark(&self, written: &str, completion: &str) -> Option<String> {
        let (_, _) = (written, completion);
        None
    }
}

/// One sequence in the making.
pub trait Decoding: Send {
    /// Reads the logits of all branches and says how they go on.
    ///
    /// All randomness comes from `rng`, which belongs to the sequence: the same logits and the same
    /// generator state give the same moves. Branches that have ended are shown without logits, and only
    /// to decoders with several branches: once all have ended they are shown a last time, and without
    /// [`Moves::finish`] the most probable one is the completion.
    ///
    /// # Errors
    /// When a row cannot be turned into a distribution, or what the implementation says with
    /// [`DecodeError::Other`]; the sequence then fails, and its neighbours go on.
    fn advance(
        &mut self,
        branches: &[Branch<'_>],
        moves: &mut Moves<'_>,
        rng: &mut dyn Rng,
    ) -> Result<(), DecodeError>;
}

/// What a decoding is told when its sequence begins.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Opening<'a> {
    /// The token streams of the prompt.
    pub prompt: &'a [&'a [TokenId]],
    /// The bytes of tokens.
    pub vocabulary: &'a Arc<dyn Vocabulary>,
    /// Text of the answer that the prompt has already opened, such as a signature.
    pub written: &'a str,
    /// Tokens that end a text.
    pub eos: &'a [TokenId],
    /// The most tokens of a completion.
    pub max_new_tokens: usize,
    /// Which sample of the prompt this is.
    pub sample: usize,
}

impl<'a> Opening<'a> {
    /// The opening of sample 0, with nothing written, no end of text and no limit.
    pub fn new(prompt: &'a [&'a [TokenId]], vocabulary: &'a Arc<dyn Vocabulary>) -> Self {
        let (written, eos) = ("", &[][..]);
        Self { prompt, vocabulary, written, eos, max_new_tokens: usize::MAX, sample: 0 }
    }
}

macro_rules! through_pointers {
    ($($pointer:ident),*) => { $(
        impl<D: Decoder + ?Sized> Decoder for $pointer<D> {
            fn arity(&self) -> usize {
                (**self).arity()
            }

            fn branches(&self) -> usize {
                (**self).branches()
            }

            fn begin(&self, opening: &Opening<'_>) -> Result<Box<dyn Decoding>, DecodeError> {
                (**self).begin(opening)
            }

            fn settings(&self) -> Settings {
                (**self).settings()
            }

            fn remark(&self, written: &str, completion: &str) -> Option<String> {
                (**self).remark(written, completion)
            }
        }
    )* };
}
through_pointers!(Box, Arc);
