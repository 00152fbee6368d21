use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use candle_core::{Result, Tensor};

use crate::config::TransformerConfig;

/// Causal attention of a ragged batch, each stream over its own keys and values.
///
/// Two implementations: [`crate::host_attention`] on slices for f32 on the CPU, where the overhead
/// of one tensor operation per stream would dominate, and [`crate::tensor_attention`] for the rest.
pub(crate) trait Attention: Debug + Send + Sync + 'static {
    /// Keys and values of one stream in one layer.
    type Layer: Debug + Default + Send + Sync + 'static;
    /// The rotary angles of one batch.
    type Rotations;

    /// The angles of these positions.
    fn rotations(&self, positions: &[usize]) -> Result<Self::Rotations>;

    /// Rotates queries and keys, appends keys and values to their streams, attends.
    ///
    /// `qkv`: `(n_tokens, q_size + 2 kv_size)` to `(n_tokens, q_size)`; the spans of `streams`
    /// cover the tokens in order. A token sees the last `window` positions, its own included.
    fn attend(
        &self,
        qkv: &Tensor,
        rotations: &Self::Rotations,
        window: Option<usize>,
        streams: Vec<Stream<'_, Self::Layer>>,
    ) -> Result<Tensor>;
}

/// One stream in one layer of a forward pass.
#[derive(Debug)]
pub(crate) struct Stream<'a, L> {
    /// Its tokens within the batch.
    pub(crate) span: Range<usize>,
    /// How many tokens it had before.
    pub(crate) past: usize,
    /// Its keys and values; shared with a fork until written.
    pub(crate) layer: &'a mut Arc<L>,
}

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
