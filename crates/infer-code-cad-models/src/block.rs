use candle_core::{DType, Device, Result, Tensor};
use candle_nn::ops::{rms_norm, swiglu};

use crate::ModelError;
use crate::attention::{Attention, Stream};
use crate::config::TransformerConfig;
use crate::linear::Linear;

/// One layer: `x + attention(norm(x))`, then `x + feed_forward(norm(x))`.
#[derive(Debug)]
pub(crate) struct Block {
    input_norm: RmsNorm,
    qkv: Linear,
    output: Linear,
    post_attention_norm: RmsNorm,
    gate_up: Linear,
    down: Linear,
}

impl Block {
    pub(crate) fn load(
        config: &TransformerConfig,
        layer: usize,
        loader: &mut Loader<'_>,
    ) -> std::result::Result<Self, ModelError> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let (q, kv) = (config.q_size(), config.kv_size());
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let (qn, kn, vn) =
            (name("self_attn.q_proj"), name("self_attn.k_proj"), name("self_attn.v_proj"));
        let (attention_bias, mlp_bias) = (bias_of(config.attention_bias), bias_of(config.mlp_bias));
        Ok(Self {
            input_norm: loader.norm(&name("input_layernorm"), config)?,
            qkv: loader.linear(&[(&qn, q), (&kn, kv), (&vn, kv)], hidden, attention_bias)?,
            output: loader.linear(&[(&name("self_attn.o_proj"), hidden)], q, attention_bias)?,
            post_attention_norm: loader.norm(&name("post_attention_layernorm"), config)?,
            gate_up: loader.linear(
                &[(&name("mlp.gate_proj"), inner), (&name("mlp.up_proj"), inner)],
                hidden,
                mlp_bias,
            )?,
            down: loader.linear(&[(&name("mlp.down_proj"), hidden)], inner, mlp_bias)?,
        })
    }

    /// `x`: `(n_tokens, hidden_size)`
    pub(crate) fn forward<A: Attention>(
        &self,
        x: &Tensor,
        attention: &A,
        rotations: &A::Rotations,
        streams: Vec<Stream<'_, A::Layer>>,
    ) -> Result<Tensor> {
        let qkv = self.qkv.forward(&self.input_norm.forward(x)?)?;
        let mixed = attention.attend(&qkv, rotations, streams)?; // (n_tokens, q_size)
        let x = (x + self.output.forward(&mixed)?)?;
        let gate_up = self.gate_up.forward(&self.post_attention_norm.forward(&x)?)?;
        &x + self.down.forward(&swiglu(&gate_up)?)?
    }
}

/// `x / sqrt(mean(x^2) + eps) * weight`, the mean in f32.
///
/// Zhang and Sennrich, [RMSNorm](https://arxiv.org/abs/1910.07467).
#[derive(Debug)]
pub(crate) struct RmsNorm {
    weight: Tensor, // (hidden_size)
    eps: f32,
}

impl RmsNorm {
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        rms_norm(x, &self.weight, self.eps)
    }
}

/// Whether projections have a bias.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bias {
    Absent,
    Present,
}

fn bias_of(present: bool) -> Bias {
    if present { Bias::Present } else { Bias::Absent }
}

/// Fetches a tensor by name and shape, on the CPU in any float type.
pub(crate) type Fetch<'a> =
    dyn FnMut(&str, &[usize]) -> std::result::Result<Tensor, ModelError> + 'a;

/// Fetches tensors and brings them to the model's element type and device.
pub(crate) struct Loader<'a> {
    pub(crate) dtype: DType,
    pub(crate) device: Device,
    pub(crate) fetch: &'a mut Fetch<'a>,
}

impl Loader<'_> {
    pub(crate) fn tensor(
        &mut self,
        name: &str,
        shape: &[usize],
    ) -> std::result::Result<Tensor, ModelError> {
        Ok((self.fetch)(name, shape)?.to_device(&self.device)?.to_dtype(self.dtype)?)
    }

    pub(crate) fn norm(
        &mut self,
        name: &str,
        config: &TransformerConfig,
    ) -> std::result::Result<RmsNorm, ModelError> {
        let weight = self.tensor(&format!("{name}.weight"), &[config.hidden_size])?;
        Ok(RmsNorm { weight, eps: config.rms_norm_eps as f32 })
    }

    /// Projections of the same input (name, number of outputs), joined to one matrix.
    pub(crate) fn linear(
        &mut self,
        parts: &[(&str, usize)],
        in_features: usize,
        bias: Bias,
    ) -> std::result::Result<Linear, ModelError> {
        let mut weights = Vec::new();
        let mut biases = Vec::new();
        for (name, out_features) in parts {
            weights.push(self.tensor(&format!("{name}.weight"), &[*out_features, in_features])?);
            if bias == Bias::Present {
                biases.push(self.tensor(&format!("{name}.bias"), &[*out_features])?);
            }
        }
        let bias = match bias {
            Bias::Absent => None,
            Bias::Present => Some(Tensor::cat(&biases, 0)?),
        };
        Ok(Linear::new(&Tensor::cat(&weights, 0)?, bias)?)
    }
}
