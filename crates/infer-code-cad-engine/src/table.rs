use std::any::Any;
use std::collections::HashMap;

use infer_code_cad_decode::TokenId;

use crate::{CausalLm, EngineError, KvCache, LogitRows, Step};

/// A language model for tests: its rows are a table, so the probability of every path is a rational.
///
/// A row holds a weight per token, and its logits are their logarithms; what follows a stream that is not in
/// the table is anything, each token as likely as the other.
///
/// # Examples
/// ```
/// use infer_code_cad_engine::{TableModel, next_logits};
///
/// let model = TableModel::new(2).row(&[0], &[1, 3]);
/// let logits = next_logits(&model, &[0])?;
/// assert_eq!(logits, [0.0, 3f32.ln()]);
/// assert_eq!(model.probability(&[0], &[1]), 0.75);
/// # Ok::<(), infer_code_cad_engine::EngineError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TableModel {
    rows: HashMap<Vec<TokenId>, Vec<u32>>,
    vocab_size: usize,
    max_positions: usize,
}

impl TableModel {
    /// A model of so many tokens that knows nothing yet, for streams of up to 1,000.
    pub fn new(vocab_size: usize) -> Self {
        Self { rows: HashMap::new(), vocab_size, max_positions: 1_000 }
    }

    /// Says how likely each token is after a stream, by weights; 0 excludes it.
    ///
    /// # Panics
    /// When the weights are not one per token.
    #[must_use]
    pub fn row(mut self, stream: &[TokenId], weights: &[u32]) -> Self {
        assert_eq!(weights.len(), self.vocab_size, "a row has a weight per token");
        self.rows.insert(stream.to_vec(), weights.to_vec());
        self
    }

    /// Takes streams of up to so many tokens.
    #[must_use]
    pub fn with_max_positions(mut self, max_positions: usize) -> Self {
        self.max_positions = max_positions;
        self
    }

    /// The weight of each token after a stream.
    pub fn weights(&self, stream: &[TokenId]) -> Vec<u32> {
        self.rows.get(stream).cloned().unwrap_or_else(|| vec![1; self.vocab_size])
    }

    /// The probability that a stream goes on with `path`.
    pub fn probability(&self, stream: &[TokenId], path: &[TokenId]) -> f64 {
        let mut stream = stream.to_vec();
        let mut product = 1.0;
        for &token in path {
            let weights = self.weights(&stream);
            let mass: f64 = weights.iter().copied().map(f64::from).sum();
            product *= f64::from(weights[token as usize]) / mass;
            stream.push(token);
        }
        product
    }
}

#[derive(Debug, Clone)]
struct TableCache(Vec<TokenId>);

impl KvCache for TableCache {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn fork(&self) -> Box<dyn KvCache> {
        Box::new(self.clone())
    }

    fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

impl CausalLm for TableModel {
    fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    fn max_positions(&self) -> usize {
        self.max_positions
    }

    fn new_cache(&self) -> Box<dyn KvCache> {
        Box::new(TableCache(Vec::new()))
    }

    fn cache_bytes(&self, positions: usize) -> Option<u64> {
        Some((positions as u64).saturating_mul(size_of::<TokenId>() as u64))
    }

    fn is_batch_invariant(&self) -> bool {
        true
    }

    fn forward(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<(), EngineError> {
        logits.clear();
        for (index, step) in batch.iter_mut().enumerate() {
            let cache = (&mut *step.cache as &mut dyn Any).downcast_mut::<TableCache>();
            let TableCache(stream) = cache.ok_or(EngineError::ForeignCache { step: index })?;
            if step.tokens.is_empty() {
                return Err(EngineError::EmptyStep { step: index });
            }
            let (len, max_positions) = (stream.len() + step.tokens.len(), self.max_positions);
            if len > max_positions {
                return Err(EngineError::StreamTooLong { step: index, len, max_positions });
            }
            for &token in step.tokens {
                stream.push(token);
                if step.logits == LogitRows::All
                    || (step.logits == LogitRows::Last && stream.len() == len)
                {
                    logits.extend(
                        self.weights(stream).into_iter().map(|weight| (weight as f32).ln()),
                    );
                }
            }
        }
        Ok(())
    }
}
