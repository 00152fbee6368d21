use candle_core::{Result, Tensor};

use crate::fault::Fault;
use crate::feed_forward::FeedForward;
use crate::linear::Linear;
use crate::loader::Loader;
use crate::masks::Masks;
use crate::norm::Norm;
use crate::tensor_attention::{LayerAttention, Stream, TensorAttention, TensorRotations};
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
    layer_attention: LayerAttention,
    residual_multiplier: f64,
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
            name.as_deref().map(|name| loader.norm(name, hidden)).transpose()
        };
        Ok(Self {
            attention_norm: loader.norm(&names.attention_norm, hidden)?,
            qkv: loader.linear(&names.qkv, hidden, inputs)?,
            attention_output: loader.linear(&[(&names.attention_output, hidden)], q, output)?,
            post_attention_norm: optional(loader, &names.post_attention_norm)?,
            feed_forward_norm: loader.norm(&names.feed_forward_norm, hidden)?,
            feed_forward: FeedForward::load(config, &names, loader)?,
            post_feed_forward_norm: optional(loader, &names.post_feed_forward_norm)?,
            layer_attention: LayerAttention {
                window: config.window(layer),
                head_norms: match &names.head_norms {
                    None => None,
                    Some([queries, keys]) => Some([
                        loader.norm(queries, config.head_dim)?,
                        loader.norm(keys, config.head_dim)?,
                    ]),
                },
            },
            residual_multiplier: f64::from(config.residual_multiplier),
        })
    }

    /// `x`: `(n_tokens, hidden_size)`
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        attention: &TensorAttention,
        rotations: &TensorRotations,
        masks: &mut Masks,
        streams: Vec<Stream<'_>>,
    ) -> Result<Tensor> {
        let qkv = self.qkv.forward(&self.attention_norm.forward(x)?)?;
        let mixed = attention.attend(&qkv, rotations, &self.layer_attention, masks, streams)?; // (n_tokens, q_size)
        let mixed = self.attention_output.forward(&mixed)?;
        let x = (x + self.scaled(normed(&self.post_attention_norm, mixed)?)?)?;
        let inner = self.feed_forward.forward(&self.feed_forward_norm.forward(&x)?)?;
        &x + self.scaled(normed(&self.post_feed_forward_norm, inner)?)?
    }

    fn scaled(&self, added: Tensor) -> Result<Tensor> {
        match self.residual_multiplier {
            1.0 => Ok(added),
            by => added * by,
        }
    }
}

fn normed(norm: &Option<Norm>, x: Tensor) -> Result<Tensor> {
    match norm {
        None => Ok(x),
        Some(norm) => norm.forward(&x),
    }
}
