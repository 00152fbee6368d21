use infer_code_cad_decode::Decoder;

use crate::{CausalLm, EngineError, GenerateConfig, Prompt};

/// What [`generate`](crate::generate) may need of memory, reckoned before it begins.
///
/// Every stream is counted in full, though forks share what they have in common, so the plan is an
/// upper bound. Besides the live rows there is a prompt whose samples are being started, and what
/// is kept of the one before for prompts that begin like it.
///
/// # Examples
/// ```
/// use infer_code_cad_engine::MemoryPlan;
///
/// let plan = MemoryPlan { arity: 2, stream_bytes: 100 << 20 };
/// assert_eq!(plan.rows_in(64, 2 << 30)?, 14); // 18 fit with room to spare, 4 of them of prompts
/// assert_eq!(plan.rows_in(64, 64 << 30)?, 64);
/// assert!(plan.rows_in(64, 1 << 20).is_err());
/// # Ok::<(), infer_code_cad_engine::EngineError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Streams of a sequence, [`Decoder::arity`].
    pub arity: usize,
    /// Bytes of the longest stream at its longest: keys, values and logits.
    pub stream_bytes: u64,
}

impl MemoryPlan {
    /// The plan for these prompts; `None` for a model that does not tell what its caches take.
    pub fn new(
        model: &dyn CausalLm,
        prompts: &[Prompt],
        decoder: &dyn Decoder,
        config: &GenerateConfig,
    ) -> Option<Self> {
        let longest = prompts.iter().flat_map(|prompt| &prompt.streams).map(Vec::len).max();
        let positions = longest.unwrap_or(0).saturating_add(config.max_new_tokens);
        let positions = positions.min(model.max_positions());
        // The model's row of logits and the decoder's copy.
        let logits = 2 * size_of::<f32>() * model.vocab_size();
        let stream_bytes = model.cache_bytes(positions)?.saturating_add(logits as u64);
        Some(Self { arity: decoder.arity(), stream_bytes })
    }

    /// How many rows, at most `wanted`, fit into `available_bytes`, of which a tenth is left to what
    /// is not planned. Whole sequences, unless `wanted` fits as it is.
    ///
    /// # Errors
    /// [`EngineError::SequenceMemory`] when not one sequence fits.
    pub fn rows_in(&self, wanted: usize, available_bytes: u64) -> Result<usize, EngineError> {
        let streams = available_bytes / 10 * 9 / self.stream_bytes.max(1);
        let rows = usize::try_from(streams).unwrap_or(usize::MAX).saturating_sub(2 * self.arity);
        if wanted <= rows {
            return Ok(wanted);
        }
        match rows / self.arity.max(1) * self.arity {
            0 => Err(EngineError::SequenceMemory {
                needed_bytes: (3 * self.arity as u64 * self.stream_bytes).div_ceil(9) * 10,
                available_bytes,
            }),
            rows => Ok(rows),
        }
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
            stream_bytes in 1u64..1 << 40,
            wanted in 1usize..200,
            available in 0u64..1 << 46,
        ) {
            let plan = MemoryPlan { arity, stream_bytes };
            match plan.rows_in(wanted, available) {
                Ok(rows) => {
                    prop_assert!(rows <= wanted && (rows == wanted || rows % arity == 0));
                    prop_assert!((rows + 2 * arity) as u64 * stream_bytes <= available);
                }
                Err(EngineError::SequenceMemory { needed_bytes, .. }) => {
                    prop_assert!(needed_bytes + 20 * stream_bytes > available);
                }
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}
