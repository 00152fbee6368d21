use infer_code_cad_kernels::{KernelError, Pool};

use crate::NativeError;
use crate::attention::{LayerAttention, NativeAttention, NewTokens};
use crate::feed_forward::Nonlinearity;
use crate::linear::{LinearScratch, NativeLinear};
use crate::loader::NativeLoader;
use crate::norm::NativeNorm;
use infer_code_cad_checkpoint::architecture::Bias;
use infer_code_cad_checkpoint::architecture::BlockNames;
use infer_code_cad_checkpoint::{AttentionBias, TransformerConfig};

/// One layer: `x + attention(norm(x))`, then `x + feed_forward(norm(x))`; in some families what is
/// added is normalised once more.
#[derive(Debug)]
pub(crate) struct NativeBlock {
    attention_norm: NativeNorm,
    qkv: NativeLinear,
    attention_output: NativeLinear,
    post_attention_norm: Option<NativeNorm>,
    feed_forward_norm: NativeNorm,
    feed_forward_input: NativeLinear,
    nonlinearity: Nonlinearity,
    feed_forward_output: NativeLinear,
    post_feed_forward_norm: Option<NativeNorm>,
    layer_attention: LayerAttention,
    residual_multiplier: f32,
}

/// Room for what is between the residual stream's two ends of a block.
#[derive(Debug, Default)]
pub(crate) struct BlockScratch {
    normed: Vec<f32>,      // (n_tokens, hidden_size)
    wide: Vec<f32>,        // (n_tokens, qkv or feed-forward input)
    mixed: Vec<f32>,       // (n_tokens, q_size or intermediate_size)
    heads_first: Vec<f32>, // room of the attention kernel
    added: Vec<f32>,       // (n_tokens, hidden_size)
}

impl NativeBlock {
    pub(crate) fn load(
        config: &TransformerConfig,
        layer: usize,
        loader: &NativeLoader<'_>,
    ) -> Result<Self, NativeError> {
        let names = BlockNames::new(config, layer);
        let (hidden, q, inner) = (config.hidden_size, config.q_size(), config.intermediate_size);
        let inputs = Bias::when(config.attention_bias != AttentionBias::Absent);
        let output = Bias::when(config.attention_bias == AttentionBias::All);
        let mlp = Bias::when(config.mlp_bias);
        let optional = |loader: &NativeLoader<'_>, name: &Option<String>| {
            name.as_deref().map(|name| loader.norm(name, hidden)).transpose()
        };
        Ok(Self {
            attention_norm: loader.norm(&names.attention_norm, hidden)?,
            qkv: loader.linear(&names.qkv, hidden, inputs)?,
            attention_output: loader.linear(&[(&names.attention_output, hidden)], q, output)?,
            post_attention_norm: optional(loader, &names.post_attention_norm)?,
            feed_forward_norm: loader.norm(&names.feed_forward_norm, hidden)?,
            feed_forward_input: loader.linear(&names.feed_forward_input, hidden, mlp)?,
            nonlinearity: Nonlinearity {
                kind: config.feed_forward,
                activation: config.activation,
                width: inner,
            },
            feed_forward_output: loader.linear(
                &[(&names.feed_forward_output, hidden)],
                inner,
                mlp,
            )?,
            post_feed_forward_norm: optional(loader, &names.post_feed_forward_norm)?,
            layer_attention: LayerAttention {
                window: config.window(layer),
                head_norms: head_norms(config, &names, loader)?,
            },
            residual_multiplier: config.residual_multiplier,
        })
    }

    /// Memory that the weights take.
    pub(crate) fn bytes(&self) -> usize {
        let linears = [
            &self.qkv,
            &self.attention_output,
            &self.feed_forward_input,
            &self.feed_forward_output,
        ];
        let norms = [Some(&self.attention_norm), Some(&self.feed_forward_norm)];
        let after = [self.post_attention_norm.as_ref(), self.post_feed_forward_norm.as_ref()];
        let of_heads = self.layer_attention.head_norms.iter().flatten();
        let norms = norms.into_iter().chain(after).flatten().chain(of_heads);
        linears.map(NativeLinear::bytes).iter().sum::<usize>()
            + norms.map(NativeNorm::bytes).sum::<usize>()
    }

    /// What attention makes of the residual stream, for [`NativeBlock::finish`] to add to it.
    ///
    /// `x`: `(n_tokens, hidden_size)`
    pub(crate) fn attend(
        &self,
        x: &[f32],
        attention: &NativeAttention,
        tokens: NewTokens<'_, '_>,
        room: &mut BlockScratch,
        linear: &mut LinearScratch,
        pool: &Pool,
    ) -> Result<(), KernelError> {
        let BlockScratch { normed, wide, mixed, heads_first, .. } = room;
        let n_tokens = x.len() / self.qkv.in_features;
        let normed = sized(normed, x.len());
        span!("norm", self.attention_norm.forward(x, normed, pool));
        let wide = sized(wide, n_tokens * self.qkv.out_features);
        span!("query, key, value", self.qkv.forward(normed, wide, linear, pool))?;
        let mixed = sized(mixed, n_tokens * self.attention_output.in_features);
        let layer = &self.layer_attention;
        span!("attention", attention.attend(wide, tokens, layer, heads_first, mixed, pool));
        Ok(())
    }

    /// Forgets all tokens but some, in order: those whose logits nobody asked for end here.
    pub(crate) fn keep(&self, tokens: &[u32], x: &mut Vec<f32>, room: &mut BlockScratch) {
        keep_rows(x, tokens, self.qkv.in_features);
        keep_rows(&mut room.mixed, tokens, self.attention_output.in_features);
    }

    /// Adds attention and feed-forward block to the residual stream.
    ///
    /// `x`: `(n_tokens, hidden_size)`
    pub(crate) fn finish(
        &self,
        x: &mut [f32],
        room: &mut BlockScratch,
        linear: &mut LinearScratch,
        pool: &Pool,
    ) -> Result<(), KernelError> {
        let BlockScratch { normed, wide, mixed, added, .. } = room;
        let n_tokens = x.len() / self.qkv.in_features;
        let (normed, added) = (sized(normed, x.len()), sized(added, x.len()));
        let attended = sized(mixed, n_tokens * self.attention_output.in_features);
        span!("attention output", self.attention_output.forward(attended, added, linear, pool))?;
        span!("residual", self.add(x, added, &self.post_attention_norm, normed, pool));

        span!("norm", self.feed_forward_norm.forward(x, normed, pool));
        let wide = sized(wide, n_tokens * self.feed_forward_input.out_features);
        span!("gate and up", self.feed_forward_input.forward(normed, wide, linear, pool))?;
        let mixed = sized(mixed, n_tokens * self.nonlinearity.width);
        span!("nonlinearity", self.nonlinearity.forward(wide, mixed, pool));
        span!("down", self.feed_forward_output.forward(mixed, added, linear, pool))?;
        span!("residual", self.add(x, added, &self.post_feed_forward_norm, normed, pool));
        Ok(())
    }

    /// Adds `added`, normalised where there is a norm, to the residual stream.
    fn add(
        &self,
        x: &mut [f32],
        added: &[f32],
        norm: &Option<NativeNorm>,
        room: &mut [f32],
        pool: &Pool,
    ) {
        let added = match norm {
            None => added,
            Some(norm) => {
                norm.forward(added, room, pool);
                room
            }
        };
        let (of_thread, by) = (x.len().div_ceil(pool.threads()).max(1), self.residual_multiplier);
        pool.for_chunks_of_work(
            2 * x.len(),
            x,
            of_thread,
            #[inline(always)]
            |i, x| x.iter_mut().zip(&added[i * of_thread..]).for_each(|(x, y)| *x += y * by),
        );
    }
}

/// Moves some rows, in ascending order, to the front and drops the others.
pub(crate) fn keep_rows(x: &mut Vec<f32>, rows: &[u32], width: usize) {
    // Rows only move forward: none is overwritten before it was moved.
    for (to, &from) in rows.iter().enumerate() {
        let from = from as usize * width;
        x.copy_within(from..from + width, to * width);
    }
    x.truncate(rows.len() * width);
}

/// Room for so many values, which are those of before.
fn sized(room: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if room.len() < len {
        room.resize(len, 0.0);
    }
    &mut room[..len]
}

/// The norms of queries and keys, where there are any.
fn head_norms(
    config: &TransformerConfig,
    names: &BlockNames,
    loader: &NativeLoader<'_>,
) -> Result<Option<[NativeNorm; 2]>, NativeError> {
    let Some([queries, keys]) = &names.head_norms else { return Ok(None) };
    let width = config.head_dim;
    Ok(Some([loader.norm(queries, width)?, loader.norm(keys, width)?]))
}
