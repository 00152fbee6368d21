use candle_core::{Result, Tensor};

use crate::fault::Fault;
use crate::feed_forward::FeedForward;
use crate::linear::Linear;
use crate::loader::Loader;
use crate::norm::Norm;
use crate::tensor_attention::{Stream, TensorAttention, TensorRotations};
use infer_code_cad_checkpoint::architecture::Bias;
use infer_code_cad_checkpoint::architecture::BlockNames;
use infer_code_cad_checkpoint::{AttentionBias, TransformerConfig};

/// One layer: `x + attention(norm(x))`, then `x + feed_forward(norm(x))`; in some families what is
/// added is normalised once more.
#[derive(Debug)]
pub(crate) struct Block {
    attention_norm: Norm,
    qkv: Linear,
    attention_output: Linear,
    post_attention_norm: Option<Norm>,
    feed_forward_norm: Norm,
    feed_forward: FeedForward,
    post_feed_forward_norm: Option<Norm>,
    window: Option<usize>,
}

impl Block {
    pub(crate) fn load(
        config: &TransformerConfig,
        layer: usize,
        loader: &mut Loader<'_>,
    ) -> std::result::Result<Self, Fault> {
        let names = BlockNames::new(config, layer);
        let (hidden, q) = (config.hidden_size, config.q_size());
        let inputs = Bias::when(config.attention_bias != AttentionBias::Absent);
        let output = Bias::when(config.attention_bias == AttentionBias::All);
        let optional = |loader: &mut Loader<'_>, name: &Option<String>| {
            name.as_deref().map(|name| loader.norm(name)).transpose()
        };
        Ok(Self {
            attention_norm: loader.norm(&names.attention_norm)?,
            qkv: loader.linear(&names.qkv, hidden, inputs)?,
            attention_output: loader.linear(&[(&names.attention_output, hidden)], q, output)?,
            post_attention_norm: optional(loader, &names.post_attention_norm)?,
            feed_forward_norm: loader.norm(&names.feed_forward_norm)?,
            feed_forward: FeedForward::load(config, &names, loader)?,
            post_feed_forward_norm: optional(loader, &names.post_feed_forward_norm)?,
            window: config.window(layer),
        })
    }

    /// `x`: `(n_tokens, hidden_size)`
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        attention: &TensorAttention,
        rotations: &TensorRotations,
        streams: Vec<Stream<'_>>,
    ) -> Result<Tensor> {
        let qkv = self.qkv.forward(&self.attention_norm.forward(x)?)?;
        let mixed = attention.attend(&qkv, rotations, self.window, streams)?; // (n_tokens, q_size)
        let mixed = self.attention_output.forward(&mixed)?;
        let x = (x + normed(&self.post_attention_norm, mixed)?)?;
        let inner = self.feed_forward.forward(&self.feed_forward_norm.forward(&x)?)?;
        &x + normed(&self.post_feed_forward_norm, inner)?
    }
}

fn normed(norm: &Option<Norm>, x: Tensor) -> Result<Tensor> {
    match norm {
        None => Ok(x),
        Some(norm) => norm.forward(&x),
    }
}
