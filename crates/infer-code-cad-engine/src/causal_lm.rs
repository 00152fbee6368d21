use std::any::Any;
use std::fmt::Debug;

use infer_code_cad_decode::TokenId;

use crate::EngineError;

/// A decoder-only language model that advances any number of streams in one pass.
///
/// The batch is *ragged*: each [`Step`] brings its own cache, at its own position, and its own
/// number of new tokens. A batch neighbour never changes a result beyond the rounding of the
/// backend's kernels, which each backend states.
///
/// The trait is dyn-compatible and knows no technique: a technique is more streams, not more
/// methods.
///
/// # Examples
/// A model of one's own: what follows depends on how long the stream is.
/// ```
/// use std::any::Any;
///
/// use infer_code_cad_engine::{CausalLm, EngineError, KvCache, Step, next_logits};
///
/// #[derive(Debug)]
/// struct Counting;
///
/// #[derive(Debug, Clone)]
/// struct Length(usize);
///
/// impl KvCache for Length {
///     fn len(&self) -> usize {
///         self.0
///     }
///
///     fn fork(&self) -> Box<dyn KvCache> {
///         Box::new(self.clone())
///     }
///
///     fn truncate(&mut self, len: usize) {
///         self.0 = self.0.min(len);
///     }
/// }
///
/// impl CausalLm for Counting {
///     fn vocab_size(&self) -> usize {
///         3
///     }
///
///     fn max_positions(&self) -> usize {
///         100
///     }
///
///     fn new_cache(&self) -> Box<dyn KvCache> {
///         Box::new(Length(0))
///     }
///
///     fn forward(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<(), EngineError> {
///         logits.clear();
///         for (index, step) in batch.iter_mut().enumerate() {
///             let rows = step.rows();
///             let cache = (&mut *step.cache as &mut dyn Any).downcast_mut::<Length>();
///             let Length(len) = cache.ok_or(EngineError::ForeignCache { step: index })?;
///             *len += step.tokens.len();
///             for at in *len - rows..*len {
///                 logits.extend((0..3).map(|token| if token == (at + 1) % 3 { 1.0 } else { 0.0 }));
///             }
///         }
///         Ok(())
///     }
/// }
///
/// assert_eq!(next_logits(&Counting, &[0, 0])?, [0.0, 0.0, 1.0]);
/// # Ok::<(), EngineError>(())
/// ```
pub trait CausalLm: Debug + Send + Sync {
    /// The number of logits per row.
    fn vocab_size(&self) -> usize;

    /// The longest stream the model was made for, in tokens.
    fn max_positions(&self) -> usize;

    /// An empty cache for a new stream of this model.
    fn new_cache(&self) -> Box<dyn KvCache>;

    /// The most bytes that the cache of a stream of so many tokens takes; `None` where the model
    /// cannot tell.
    fn cache_bytes(&self, _positions: usize) -> Option<u64> {
        None
    }

    /// The most bytes that the caches of all streams of this model held at once since this was last asked, what they
    /// share counted once; `None` where the model cannot tell. Of runs at the same time each takes what it asks for from the
    /// others.
    fn take_peak_cache_bytes(&self) -> Option<u64> {
        None
    }

    /// Memory that the weights take, in bytes; `None` where the model cannot tell.
    fn weight_bytes(&self) -> Option<u64> {
        None
    }

    /// Whether a position's logits are the same bits whatever else its pass reads: other streams, or more positions of
    /// its own. Only then do guessed tokens change no result, so only then are they made unasked.
    fn is_batch_invariant(&self) -> bool {
        false
    }

    /// Appends each step's tokens to its stream and writes the logits asked for.
    ///
    /// # Shapes
    /// `logits` is cleared, then holds the rows in the order of `batch`, `(n_rows, vocab_size)`
    /// row-major: none, one or `tokens.len()` rows per step, as [`LogitRows`] says.
    ///
    /// # Errors
    /// A token outside the vocabulary, a stream longer than [`CausalLm::max_positions`], an empty
    /// step, a cache of another model, or a fault of the tensor library. The checks come first, so
    /// after one of them every cache is as before; after a fault of the tensor library the caches
    /// of the batch must be dropped.
    fn forward(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<(), EngineError>;

    /// Calls `part` once with every index below `n_parts`: on the threads that the model computes
    /// on, which are awake, where it has some.
    fn run_parts(&self, n_parts: usize, part: &(dyn Fn(usize) + Sync)) {
        (0..n_parts).for_each(part);
    }
}

/// The keys and values of one stream.
///
/// A backend recovers its own type with `(&mut *step.cache as &mut dyn Any).downcast_mut()`. Caches are
/// [`Sync`] because all threads of a forward pass read them.
pub trait KvCache: Any + Debug + Send + Sync {
    /// Tokens in the stream.
    fn len(&self) -> usize;

    /// Whether the stream has no token yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A second stream with the same past; the two then diverge without touching each other.
    fn fork(&self) -> Box<dyn KvCache>;

    /// Forgets every token from position `len` on. Does nothing when the stream is shorter.
    fn truncate(&mut self, len: usize);
}

/// One stream's share of a forward pass.
#[derive(Debug)]
pub struct Step<'a> {
    /// The stream.
    pub cache: &'a mut dyn KvCache,
    /// The tokens to append, at least one.
    pub tokens: &'a [TokenId],
    /// Which of these positions need logits.
    pub logits: LogitRows,
}

impl Step<'_> {
    /// How many rows of logits it asks for.
    pub fn rows(&self) -> usize {
        self.logits.of(self.tokens.len())
    }
}

/// Which positions of a [`Step`] need logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogitRows {
    /// None: a chunk of a prompt that goes on.
    None,
    /// The last one: the next token is to be decoded.
    Last,
    /// All: the tokens are being scored.
    All,
}

impl LogitRows {
    /// The number of rows that a step of so many tokens gives.
    pub fn of(self, tokens: usize) -> usize {
        match self {
            Self::None => 0,
            Self::Last => 1,
            Self::All => tokens,
        }
    }
}
