use candle_core::{D, Result, Tensor};
use candle_nn::ops::{silu, swiglu};

use crate::fault::Fault;
use crate::linear::Linear;
use crate::loader::Loader;
use infer_code_cad_checkpoint::architecture::Bias;
use infer_code_cad_checkpoint::architecture::BlockNames;
use infer_code_cad_checkpoint::{Activation, FeedForwardKind, TransformerConfig};

/// The feed-forward half of a block; see [`FeedForwardKind`].
#[derive(Debug)]
pub(crate) struct FeedForward {
    input: Linear, // gate and up joined, or up alone
    output: Linear,
    kind: FeedForwardKind,
    activation: Activation,
}

impl FeedForward {
    pub(crate) fn load(
        config: &TransformerConfig,
        names: &BlockNames,
        loader: &mut Loader<'_>,
    ) -> std::result::Result<Self, Fault> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let bias = Bias::when(config.mlp_bias);
        Ok(Self {
            input: loader.linear(&names.feed_forward_input, hidden, bias)?,
            output: loader.linear(&[(&names.feed_forward_output, hidden)], inner, bias)?,
            kind: config.feed_forward,
            activation: config.activation,
        })
    }

    /// `(n_rows, hidden_size)` to the same
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.input.forward(x)?;
        let inner = match (self.kind, self.activation) {
            (FeedForwardKind::Gated, Activation::Silu) => swiglu(&x)?,
            (FeedForwardKind::Gated, activation) => {
                let halves = x.chunk(2, D::Minus1)?;
                (activate(activation, &halves[0].contiguous()?)? * &halves[1])?
            }
            (FeedForwardKind::Plain, activation) => activate(activation, &x)?,
        };
        self.output.forward(&inner)
    }
}

fn activate(activation: Activation, x: &Tensor) -> Result<Tensor> {
    match activation {
        Activation::Silu => silu(x),
        Activation::Gelu => x.gelu_erf(),
        Activation::GeluTanh => x.gelu(),
    }
}
