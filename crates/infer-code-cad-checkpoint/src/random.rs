use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::{CheckpointError, NamedTensors};

/// Seeded weights by name and shape: norms are one, matrices uniform with variance `1 / inputs`.
///
/// A tensor depends on its name and the seed alone, so backends may read them in any order.
#[derive(Debug)]
pub struct RandomWeights {
    /// Names all draws.
    pub seed: u64,
}

impl NamedTensors for RandomWeights {
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let len = shape.iter().try_fold(1usize, |len, &dim| len.checked_mul(dim));
        let mut values = Vec::new();
        if len.is_none_or(|len| values.try_reserve_exact(len).is_err()) {
            return Err(CheckpointError::TensorMemory { tensor: name.into(), shape: shape.into() });
        }
        let len = len.unwrap_or_default();
        let is_norm =
            ["norm.weight", "LayerNorm.weight", "ln_1.weight", "ln_2.weight", "ln_f.weight"];
        if is_norm.iter().any(|end| name.ends_with(end)) {
            values.resize(len, 1.0);
            return Ok(values);
        }
        // FNV-1a.
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ hash);
        let inputs = shape.last().copied().unwrap_or(1) as f32;
        let bound = (3.0 / inputs).sqrt();
        let draw = || (rng.next_u32() as f32 / u32::MAX as f32 * 2.0 - 1.0) * bound;
        values.resize_with(len, draw);
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_that_no_memory_holds_is_refused() {
        let weights = RandomWeights { seed: 0 };
        for shape in [&[1 << 28, 1 << 28][..], &[usize::MAX, 2], &[1 << 40, 1 << 40, 0]] {
            for name in ["lm_head.weight", "model.norm.weight"] {
                let error = weights.values(name, shape).err().map(|error| error.to_string());
                assert!(
                    error.is_some_and(|e| e.contains(name) && e.contains("memory")),
                    "{shape:?}"
                );
            }
        }
    }
}
