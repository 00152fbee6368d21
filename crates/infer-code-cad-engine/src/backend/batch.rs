use std::any::Any;
use std::fmt::Debug;
use std::ops::Range;

use infer_code_cad_decode::TokenId;

use super::Context;
use super::cache::{ModelId, StreamCache};
use crate::{EngineError, KvCache, LogitRows, Step};

/// What a model takes: its own caches, known tokens, streams that are not too long.
#[derive(Debug)]
pub struct ModelLimits {
    model: ModelId,
    /// Logits per row.
    pub vocab_size: usize,
    /// The longest stream in tokens.
    pub max_positions: usize,
    /// Layers of a cache.
    pub n_layers: usize,
}

impl ModelLimits {
    /// Of a new model, whose caches are no other's.
    pub fn new(vocab_size: usize, max_positions: usize, n_layers: usize) -> Self {
        Self { model: ModelId::default(), vocab_size, max_positions, n_layers }
    }

    /// An empty cache with layers of the backend's kind.
    pub fn new_cache<L: Debug + Default + Send + Sync + 'static>(&self) -> Box<dyn KvCache> {
        let layers = (0..self.n_layers).map(|_| Default::default()).collect();
        Box::new(StreamCache::<L> {
            model: self.model.clone(),
            len: 0,
            layers,
            tokens: vec![],
            context: Context::Short,
        })
    }

    /// Refuses what cannot be computed, before any cache is touched.
    ///
    /// # Errors
    /// [`EngineError::ForeignCache`], [`EngineError::EmptyStep`], [`EngineError::StreamTooLong`] and
    /// [`EngineError::TokenOutOfRange`].
    pub fn check<L: Debug + Send + Sync + 'static>(
        &self,
        batch: &[Step<'_>],
    ) -> Result<(), EngineError> {
        for (step, Step { cache, tokens, .. }) in batch.iter().enumerate() {
            let len = cache.len() + tokens.len();
            let own = (&**cache as &dyn Any).downcast_ref::<StreamCache<L>>();
            if own.is_none_or(|own| own.model != self.model) {
                return Err(EngineError::ForeignCache { step });
            }
            if tokens.is_empty() {
                return Err(EngineError::EmptyStep { step });
            }
            if len > self.max_positions {
                let max_positions = self.max_positions;
                return Err(EngineError::StreamTooLong { step, len, max_positions });
            }
            let vocab_size = self.vocab_size;
            let outside = |&token: &TokenId| token as usize >= vocab_size;
            if let Some(position) = tokens.iter().position(outside) {
                let token = tokens[position];
                return Err(EngineError::TokenOutOfRange { step, position, token, vocab_size });
            }
        }
        Ok(())
    }
}

/// The backend's own cache of a step that was checked.
///
/// # Panics
/// When it is another backend's.
pub fn own_cache<'a, L: 'static>(step: &'a Step<'_>) -> &'a StreamCache<L> {
    (&*step.cache as &dyn Any).downcast_ref().expect("the batch was checked")
}

/// [`own_cache`], to change it.
pub fn own_cache_mut<'a, L: 'static>(step: &'a mut Step<'_>) -> &'a mut StreamCache<L> {
    (&mut *step.cache as &mut dyn Any).downcast_mut().expect("the batch was checked")
}

/// The new tokens of a batch, end to end. Reuse one value: it keeps its room.
#[derive(Debug, Default)]
pub struct Ragged {
    /// What is to be read.
    pub tokens: Vec<TokenId>,
    /// Of each token within its stream.
    pub positions: Vec<usize>,
    /// The step of each token.
    pub steps: Vec<usize>,
    /// The tokens of streams of one length after those of shorter ones: forks that advance together are
    /// neighbours.
    pub by_length: Vec<usize>,
    /// Of each step within `tokens`.
    pub spans: Vec<Range<usize>>,
    /// The tokens whose logits are asked for.
    pub wanted: Vec<u32>,
}

impl Ragged {
    /// Takes in another batch.
    pub fn set(&mut self, batch: &[Step<'_>]) {
        let Self { tokens, positions, steps, by_length, spans, wanted } = self;
        tokens.clear();
        positions.clear();
        steps.clear();
        spans.clear();
        wanted.clear();
        for (i, step) in batch.iter().enumerate() {
            let (start, past) = (tokens.len(), step.cache.len());
            let end = start + step.tokens.len();
            tokens.extend_from_slice(step.tokens);
            positions.extend(past..past + step.tokens.len());
            steps.resize(end, i);
            spans.push(start..end);
            let rows = match step.logits {
                LogitRows::None => end..end,
                LogitRows::Last => end - 1..end,
                LogitRows::All => start..end,
            };
            wanted.extend(rows.map(|row| row as u32));
        }
        by_length.clear();
        by_length.extend(0..tokens.len());
        by_length.sort_unstable_by_key(|&token| (positions[spans[steps[token]].start], token));
    }
}
