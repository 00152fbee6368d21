use crate::config::TransformerConfig;

/// The sizes and constants attention needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    pub(crate) n_heads: usize,
    pub(crate) n_kv_heads: usize,
    pub(crate) head_dim: usize,
    /// Multiplies the scores.
    pub(crate) scale: f32,
    /// Bounds the scores.
    pub(crate) softcap: Option<f32>,
}

impl Heads {
    pub(crate) fn new(config: &TransformerConfig) -> Self {
        Self {
            n_heads: config.num_attention_heads,
            n_kv_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
            scale: config.query_pre_attn_scalar.unwrap_or(config.head_dim as f32).sqrt().recip(),
            softcap: config.attn_logit_softcapping,
        }
    }

    pub(crate) fn q_size(&self) -> usize {
        self.n_heads * self.head_dim
    }

    pub(crate) fn kv_size(&self) -> usize {
        self.n_kv_heads * self.head_dim
    }

    /// Query heads per key head.
    pub(crate) fn group(&self) -> usize {
        self.n_heads / self.n_kv_heads
    }
}
