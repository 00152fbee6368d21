use infer_code_cad_checkpoint::architecture::EncoderBlockNames;
use infer_code_cad_checkpoint::{Activation, EncoderConfig, FeedForwardKind};
use infer_code_cad_kernels::{DenseFormat, DenseRows, KernelError, Pool};

use super::attention::{EncoderAttention, Ragged};
use super::linear::EncoderLinear;
use crate::NativeError;
use crate::block::keep_rows;
use crate::feed_forward::Nonlinearity;
use crate::loader::NativeLoader;
use crate::norm::NativeNorm;

/// One layer: `x = norm(x + attention(x))`, then `x = norm(x + feed_forward(x))`.
#[derive(Debug)]
pub(super) struct EncoderBlock {
    qkv: EncoderLinear,
    attention_output: EncoderLinear,
    attention_norm: NativeNorm,
    feed_forward_input: EncoderLinear,
    nonlinearity: Nonlinearity,
    feed_forward_output: EncoderLinear,
    feed_forward_norm: NativeNorm,
}

/// Room for what is between the two ends of a block.
#[derive(Debug, Default)]
pub(super) struct BlockRoom {
    wide: Vec<f32>,  // (n_tokens, 3 hidden_size or intermediate_size)
    mixed: Vec<f32>, // (n_tokens, hidden_size or intermediate_size)
    added: Vec<f32>, // (n_tokens, hidden_size)
    rows: DenseRows,
}

impl EncoderBlock {
    pub(super) fn load(
        config: &EncoderConfig,
        layer: usize,
        format: DenseFormat,
        loader: &NativeLoader<'_>,
    ) -> Result<Self, NativeError> {
        let names = EncoderBlockNames::new(config, layer);
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let linear = |parts: &[(String, usize)], in_features| {
            EncoderLinear::load(format, parts, in_features, loader)
        };
        let qkv = names.qkv.map(|name| (name, hidden));
        Ok(Self {
            qkv: linear(&qkv, hidden)?,
            attention_output: linear(&[(names.attention_output, hidden)], hidden)?,
            attention_norm: loader.norm(&names.attention_norm, hidden)?,
            feed_forward_input: linear(&[(names.feed_forward_input, inner)], hidden)?,
            nonlinearity: Nonlinearity {
                kind: FeedForwardKind::Plain,
                activation: config.hidden_act,
                width: inner,
            },
            feed_forward_output: linear(&[(names.feed_forward_output, hidden)], inner)?,
            feed_forward_norm: loader.norm(&names.feed_forward_norm, hidden)?,
        })
    }

    /// Memory that the weights take.
    pub(super) fn bytes(&self) -> usize {
        let linears = [
            &self.qkv,
            &self.attention_output,
            &self.feed_forward_input,
            &self.feed_forward_output,
        ];
        linears.map(EncoderLinear::bytes).iter().sum::<usize>()
            + self.attention_norm.bytes()
            + self.feed_forward_norm.bytes()
    }

    /// What attention makes of the tokens, for [`EncoderBlock::finish`] to add to them.
    ///
    /// `x`: `(n_tokens, hidden_size)`
    pub(super) fn attend(
        &self,
        x: &[f32],
        attention: &EncoderAttention,
        ragged: &Ragged,
        room: &mut BlockRoom,
        pool: &Pool,
    ) -> Result<(), KernelError> {
        let BlockRoom { wide, mixed, rows, .. } = room;
        wide.resize(3 * x.len(), 0.0);
        span!("query, key, value", self.qkv.forward(x, wide, rows, pool))?;
        mixed.resize(x.len(), 0.0);
        span!("attention", attention.forward(wide, ragged, mixed, pool))
    }

    /// Forgets all tokens but some, in order.
    pub(super) fn keep(&self, tokens: &[u32], x: &mut Vec<f32>, room: &mut BlockRoom) {
        keep_rows(x, tokens, self.qkv.in_features());
        keep_rows(&mut room.mixed, tokens, self.qkv.in_features());
    }

    /// Adds attention and feed-forward part, each normalised behind.
    ///
    /// `x`: `(n_tokens, hidden_size)`
    pub(super) fn finish(
        &self,
        x: &mut [f32],
        room: &mut BlockRoom,
        pool: &Pool,
    ) -> Result<(), KernelError> {
        let BlockRoom { wide, mixed, added, rows, .. } = room;
        let n_tokens = x.len() / self.qkv.in_features();
        added.resize(x.len(), 0.0);
        span!("attention output", self.attention_output.forward(mixed, added, rows, pool))?;
        span!("norm", add_and_norm(x, added, &self.attention_norm, pool));
        wide.resize(n_tokens * self.nonlinearity.width, 0.0);
        span!("up", self.feed_forward_input.forward(x, wide, rows, pool))?;
        span!("nonlinearity", self.activate(wide, mixed, pool));
        span!("down", self.feed_forward_output.forward(mixed, added, rows, pool))?;
        span!("norm", add_and_norm(x, added, &self.feed_forward_norm, pool));
        Ok(())
    }

    /// Leaves in `mixed` what the nonlinearity makes of `wide`.
    fn activate(&self, wide: &mut Vec<f32>, mixed: &mut Vec<f32>, pool: &Pool) {
        if self.nonlinearity.activation == Activation::Gelu {
            // The kernel's saves a quarter of the time of MiniLM against one value after the other.
            pool.gelu(wide);
            std::mem::swap(wide, mixed);
        } else {
            mixed.resize(wide.len(), 0.0);
            self.nonlinearity.forward(wide, mixed, pool);
        }
    }
}

/// `x = norm(x + added)`, with the sum left in `added`.
fn add_and_norm(x: &mut [f32], added: &mut [f32], norm: &NativeNorm, pool: &Pool) {
    let width = norm.weight.len();
    pool.for_chunks_of_work(
        x.len(),
        added,
        width,
        #[inline(always)]
        |i, sum| sum.iter_mut().zip(&x[i * width..]).for_each(|(sum, x)| *sum += x),
    );
    norm.forward(added, x, pool);
}
