use crate::{CausalLm, EngineConfig, EngineError, Request};

/// What an [`Engine`](crate::Engine) may need of memory for some requests, reckoned before it begins.
///
/// Every stream is counted in full, though forks share what they have in common, so the plan is an upper
/// bound. Besides the live rows there are a prompt whose samples are being started and one that is scored;
/// beginnings that are kept for later prompts come on top
/// ([`EngineConfig::prefix_bytes`](crate::EngineConfig::prefix_bytes)).
///
/// # Examples
/// ```
/// use infer_code_cad_engine::MemoryPlan;
///
/// let plan = MemoryPlan { arity: 2, branches: 1, stream_bytes: 100 << 20 };
/// assert_eq!(plan.rows_in(64, 2 << 30)?, 14); // 18 fit with room to spare, 4 of them of prompts
/// assert_eq!(plan.rows_in(64, 64 << 30)?, 64);
/// assert!(plan.rows_in(64, 1 << 20).is_err());
/// # Ok::<(), infer_code_cad_engine::EngineError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Streams of a position, [`Decoder::arity`](infer_code_cad_decode::Decoder::arity); the most of all.
    pub arity: usize,
    /// Branches of a sequence, [`Decoder::branches`](infer_code_cad_decode::Decoder::branches); likewise.
    pub branches: usize,
    /// Bytes of the longest stream at its longest: keys, values and logits.
    pub stream_bytes: u64,
}

impl MemoryPlan {
    /// The plan for these requests; `None` without one, or for a model that does not tell what its caches
    /// take.
    pub fn new<'r>(
        model: &dyn CausalLm,
        requests: impl IntoIterator<Item = &'r Request>,
    ) -> Option<Self> {
        // The model's row of logits and the decoder's copy.
        let logits = 2 * size_of::<f32>() * model.vocab_size();
        let plans = requests.into_iter().map(|request| {
            let longest = request.streams.iter().map(Vec::len).max().unwrap_or(0);
            let positions = longest.saturating_add(request.max_new_tokens);
            let bytes = model.cache_bytes(positions.min(model.max_positions()))?;
            let stream_bytes = bytes.saturating_add(logits as u64);
            let (arity, branches) = (request.decoder.arity(), request.decoder.branches().max(1));
            Some(Self { arity, branches, stream_bytes })
        });
        let largest = |a: Self, b: Self| Self {
            arity: a.arity.max(b.arity),
            branches: a.branches.max(b.branches),
            stream_bytes: a.stream_bytes.max(b.stream_bytes),
        };
        plans.reduce(|a, b| Some(largest(a?, b?)))?
    }

    /// How many rows, at most `wanted`, fit into `available_bytes`, of which a tenth is left to what
    /// is not planned. Whole sequences, unless `wanted` fits as it is.
    ///
    /// # Errors
    /// [`EngineError::SequenceMemory`] when not one sequence fits.
    pub fn rows_in(&self, wanted: usize, available_bytes: u64) -> Result<usize, EngineError> {
        let sequence = (self.arity * self.branches).max(1);
        let streams = available_bytes / 10 * 9 / self.stream_bytes.max(1);
        let rows = usize::try_from(streams).unwrap_or(usize::MAX).saturating_sub(2 * self.arity);
        if wanted <= rows {
            return Ok(wanted);
        }
        match rows / sequence * sequence {
            0 => Err(EngineError::SequenceMemory {
                needed_bytes: ((sequence + 2 * self.arity) as u64)
                    .saturating_mul(self.stream_bytes)
                    .div_ceil(9)
                    .saturating_mul(10),
                available_bytes,
            }),
            rows => Ok(rows),
        }
    }

    /// The configuration with as many of its rows as fit, and beginnings of prompts in an eighth of the
    /// memory at most.
    ///
    /// # Errors
    /// As [`MemoryPlan::rows_in`].
    pub fn fit(
        &self,
        config: EngineConfig,
        available_bytes: u64,
    ) -> Result<EngineConfig, EngineError> {
        let prefix_bytes = config.prefix_bytes.min(available_bytes / 8);
        let max_rows = self.rows_in(config.max_rows, available_bytes - prefix_bytes)?;
        Ok(EngineConfig { max_rows, prefix_bytes, ..config })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_granted_fits(
            arity in 1usize..4,
            branches in 1usize..4,
            stream_bytes in 1u64..1 << 40,
            wanted in 1usize..200,
            available in 0u64..1 << 46,
        ) {
            let plan = MemoryPlan { arity, branches, stream_bytes };
            match plan.rows_in(wanted, available) {
                Ok(rows) => {
                    prop_assert!(rows <= wanted && (rows == wanted || rows % (arity * branches) == 0));
                    prop_assert!((rows + 2 * arity) as u64 * stream_bytes <= available);
                }
                Err(EngineError::SequenceMemory { needed_bytes, .. }) => {
                    prop_assert!(needed_bytes + 40 * stream_bytes > available);
                }
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}
