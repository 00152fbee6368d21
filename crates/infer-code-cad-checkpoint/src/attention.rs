use crate::config::TransformerConfig;

/// The sizes and constants attention needs.
#[derive(Debug, Clone, Copy)]
pub struct Heads {
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Multiplies the scores.
    pub scale: f32,
    /// Bounds the scores.
    pub softcap: Option<f32>,
}

impl Heads {
    /// Those of a configuration.
    pub fn new(config: &TransformerConfig) -> Self {
        Self {
            n_heads: config.num_attention_heads,
            n_kv_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
            scale: config.attention_multiplier.unwrap_or_else(|| {
                config.query_pre_attn_scalar.unwrap_or(config.head_dim as f32).sqrt().recip()
            }),
            softcap: config.attn_logit_softcapping,
        }
    }

    /// Width of all queries of a token.
    pub fn q_size(&self) -> usize {
        self.n_heads * self.head_dim
    }

    /// Width of all keys, or values, of a token.
    pub fn kv_size(&self) -> usize {
        self.n_kv_heads * self.head_dim
    }

    /// Query heads per key head.
    pub fn group(&self) -> usize {
        self.n_heads / self.n_kv_heads
    }
}
