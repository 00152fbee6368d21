use std::fmt::Debug;
use std::ops::Range;

use infer_code_cad_decode::TokenId;

use crate::cache::{ModelId, StreamCache};
use crate::config::TransformerConfig;
use crate::{KvCache, LogitRows, ModelError, Step};

/// What a model takes: its own caches, known tokens, streams that are not too long.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) model: ModelId,
    pub(crate) vocab_size: usize,
    pub(crate) max_positions: usize,
    n_layers: usize,
}

impl Limits {
    pub(crate) fn new(config: &TransformerConfig) -> Self {
        Self {
            model: ModelId::default(),
            vocab_size: config.vocab_size,
            max_positions: config.max_position_embeddings,
            n_layers: config.num_hidden_layers,
        }
    }

    /// An empty cache with layers of the backend's kind.
    pub(crate) fn new_cache<L: Debug + Default + Send + Sync + 'static>(&self) -> Box<dyn KvCache> {
        let layers = (0..self.n_layers).map(|_| Default::default()).collect();
        Box::new(StreamCache::<L> { model: self.model.clone(), len: 0, layers })
    }

    /// Refuses what cannot be computed, before any cache is touched.
    pub(crate) fn check<L: Debug + Send + Sync + 'static>(
        &self,
        batch: &mut [Step<'_>],
    ) -> Result<(), ModelError> {
        for (step, Step { cache, tokens, .. }) in batch.iter_mut().enumerate() {
            let len = cache.len() + tokens.len();
            let cache = cache.as_any_mut().downcast_ref::<StreamCache<L>>();
            if cache.is_none_or(|cache| cache.model != self.model) {
                return Err(ModelError::ForeignCache { step });
            }
            if tokens.is_empty() {
                return Err(ModelError::EmptyStep { step });
            }
            if len > self.max_positions {
                let max_positions = self.max_positions;
                return Err(ModelError::StreamTooLong { step, len, max_positions });
            }
            let vocab_size = self.vocab_size;
            let outside = |&token: &TokenId| token as usize >= vocab_size;
            if let Some(position) = tokens.iter().position(outside) {
                let token = tokens[position];
                return Err(ModelError::TokenOutOfRange { step, position, token, vocab_size });
            }
        }
        Ok(())
    }
}

/// The backend's own caches of a batch that was checked.
pub(crate) fn own_caches<'a, L: Debug + Send + Sync + 'static>(
    batch: &'a mut [Step<'_>],
) -> Vec<&'a mut StreamCache<L>> {
    batch.iter_mut().filter_map(|step| step.cache.as_any_mut().downcast_mut()).collect()
}

/// The new tokens of a batch, end to end.
#[derive(Debug, Default)]
pub(crate) struct Ragged {
    pub(crate) tokens: Vec<TokenId>,
    /// Of each token within its stream.
    pub(crate) positions: Vec<usize>,
    /// Of each step within `tokens`.
    pub(crate) spans: Vec<Range<usize>>,
    /// The tokens whose logits are asked for.
    pub(crate) wanted: Vec<u32>,
}

impl Ragged {
    pub(crate) fn new(batch: &[Step<'_>]) -> Self {
        let mut ragged = Self::default();
        for step in batch {
            let (start, past) = (ragged.tokens.len(), step.cache.len());
            let end = start + step.tokens.len();
            ragged.tokens.extend_from_slice(step.tokens);
            ragged.positions.extend(past..past + step.tokens.len());
            ragged.spans.push(start..end);
            let wanted = match step.logits {
                LogitRows::None => end..end,
                LogitRows::Last => end - 1..end,
                LogitRows::All => start..end,
            };
            ragged.wanted.extend(wanted.map(|row| row as u32));
        }
        ragged
    }
}
