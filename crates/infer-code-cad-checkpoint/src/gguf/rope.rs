//! What stretches the rotary frequencies of a GGUF file.

use super::config::Keys;
use crate::CheckpointError;
use crate::config::{MOST_FACTORS, RopeScaling, invalid};

/// Divisors of the rotary frequencies, by which Llama 3 is stretched.
const FREQS: &str = "rope_freqs.weight";
/// Divisors up to the context of the pre-training.
const SHORT: &str = "rope_factors_short.weight";
/// Divisors beyond it.
const LONG: &str = "rope_factors_long.weight";

/// The tensors that are read with the configuration.
pub(super) const TENSORS: [&str; 3] = [FREQS, SHORT, LONG];

impl Keys<'_> {
    pub(super) fn rope_scaling(&self) -> Result<RopeScaling, CheckpointError> {
        let key = self.key("rope.scaling.type");
        // Without a type llama.cpp takes the factor for a linear one.
        let factor = match self.gguf.string(&key)?.unwrap_or("linear") {
            "yarn" => return self.yarn(),
            "longrope" => return self.long_rope(),
            // Phi-3's converter does not always write the type.
            _ if self.has(LONG) => return self.long_rope(),
            "none" => 1.0,
            "linear" => self.linear_factor()?,
            other => return Err(self.unsupported(key, other, "none, linear, yarn, longrope")),
        };
        Ok(match self.factors(FREQS)? {
            // Both divide the frequencies.
            Some(factors) => RopeScaling::Factors(factors.iter().map(|f| f * factor).collect()),
            None if factor == 1.0 => RopeScaling::None,
            None => RopeScaling::Linear { factor },
        })
    }

    fn linear_factor(&self) -> Result<f32, CheckpointError> {
        for name in ["rope.scaling.factor", "rope.scale_linear"] {
            let factor = self.number_or(name, 0.0)? as f32;
            if !(factor.is_finite() && factor >= 0.0) {
                return Err(self.gguf.unexpected(&self.key(name), "a positive number"));
            }
            if factor != 0.0 {
                return Ok(factor);
            }
        }
        Ok(1.0)
    }

    /// What turns is multiplied by the logarithm of the factor, and by a number of the file's.
    fn yarn(&self) -> Result<RopeScaling, CheckpointError> {
        for (name, default) in
            [("rope.scaling.yarn_ext_factor", 1.0), ("rope.scaling.yarn_log_multiplier", 0.0)]
        {
            let value = self.number_or(name, default)?;
            if value != default {
                let supported = if default == 1.0 { "1" } else { "0" };
                return Err(self.unsupported(self.key(name), &value.to_string(), supported));
            }
        }
        let factor = self.linear_factor()?;
        let original = self.original()?;
        let by_factor = if factor <= 1.0 { 1.0 } else { 0.1 * f64::from(factor).ln() + 1.0 };
        // llama.cpp 0.3.36 computes it anew; where it is another, transformers takes what is written.
        let by_factor = self.number_or("rope.scaling.yarn_attn_factor", by_factor)?;
        Ok(RopeScaling::Yarn {
            factor,
            original_max_position_embeddings: original as f32,
            attention_factor: (by_factor * self.number_or("rope.scaling.attn_factor", 1.0)?) as f32,
            beta_fast: self.number_or("rope.scaling.yarn_beta_fast", 32.0)? as f32,
            beta_slow: self.number_or("rope.scaling.yarn_beta_slow", 1.0)? as f32,
        })
    }

    fn long_rope(&self) -> Result<RopeScaling, CheckpointError> {
        let missing = |tensor: &str| CheckpointError::MissingTensor {
            tensor: tensor.into(),
            files: self.gguf.files().collect::<Vec<_>>().join(", "),
        };
        Ok(RopeScaling::LongRope {
            short_factor: self.factors(SHORT)?.ok_or_else(|| missing(SHORT))?,
            long_factor: self.factors(LONG)?.ok_or_else(|| missing(LONG))?,
            original_max_position_embeddings: self.original()?,
            attention_factor: self.number_or("rope.scaling.attn_factor", 1.0)? as f32,
        })
    }

    /// A number for each frequency, where the file has them.
    fn factors(&self, tensor: &'static str) -> Result<Option<Vec<f32>>, CheckpointError> {
        match self.gguf.shape(tensor) {
            Some([len]) if *len <= MOST_FACTORS => self.gguf.values(tensor),
            Some(shape) => {
                let expected = format!("a list of at most {MOST_FACTORS}");
                Err(invalid(tensor, format!("of shape {shape:?}"), expected))
            }
            None => Ok(None),
        }
    }

    /// Context length of the pre-training.
    fn original(&self) -> Result<usize, CheckpointError> {
        match self.size("rope.scaling.original_context_length")? {
            Some(original) => Ok(original),
            None => self.need("context_length"),
        }
    }
}
