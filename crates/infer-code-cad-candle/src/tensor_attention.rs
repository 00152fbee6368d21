use std::ops::Range;
use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::rotary_emb::rope;

use infer_code_cad_checkpoint::architecture::Heads;
use infer_code_cad_checkpoint::architecture::{Rope, Rotations};

/// Capacity grows by this many positions at a time.
const BLOCK: usize = 256;

/// Causal attention by tensor operations, for every device and element type.
///
/// Scores are products in the element type, the softmax is in f32, as in transformers.
#[derive(Debug)]
pub(crate) struct TensorAttention {
    pub(crate) heads: Heads,
    pub(crate) rope: Rope,
    pub(crate) dtype: DType,
    pub(crate) device: Device,
}

/// Cosines and sines of the positions of one batch, `(n_tokens, head_dim / 2)` each.
pub(crate) type TensorRotations = (Tensor, Tensor);

/// Keys and values of one stream in one layer, each `(n_kv_heads, capacity, head_dim)`.
#[derive(Debug, Default)]
pub(crate) struct TensorLayer {
    buffers: Option<(Tensor, Tensor)>,
}

/// One stream in one layer of a forward pass.
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    /// Its tokens within the batch.
    pub(crate) span: Range<usize>,
    /// How many tokens it had before.
    pub(crate) past: usize,
    /// Its keys and values; shared with a fork until written.
    pub(crate) layer: &'a mut Arc<TensorLayer>,
}

impl TensorAttention {
    /// The angles of these positions.
    pub(crate) fn rotations(&self, positions: &[usize]) -> Result<TensorRotations> {
        let mut table = Rotations::default();
        table.set(&self.rope, positions);
        let half = if self.rope.is_identity() { 0 } else { self.heads.head_dim / 2 };
        let shape = (positions.len(), half);
        let tensor = |data| Tensor::from_vec(data, shape, &self.device)?.to_dtype(self.dtype);
        Ok((tensor(table.cos)?, tensor(table.sin)?))
    }

    /// Rotates queries and keys, appends keys and values to their streams, attends.
    ///
    /// `qkv`: `(n_tokens, q_size + 2 kv_size)` to `(n_tokens, q_size)`; the spans of `streams`
    /// cover the tokens in order. A token sees the last `window` positions, its own included.
    pub(crate) fn attend(
        &self,
        qkv: &Tensor,
        rotations: &TensorRotations,
        window: Option<usize>,
        streams: Vec<Stream<'_>>,
    ) -> Result<Tensor> {
        let Heads { n_heads, n_kv_heads, .. } = self.heads;
        let (q_size, kv_size) = (self.heads.q_size(), self.heads.kv_size());
        let queries = self.heads_first(&qkv.narrow(1, 0, q_size)?, n_heads)?;
        let queries = self.rotated(queries, rotations)?;
        let keys = self.heads_first(&qkv.narrow(1, q_size, kv_size)?, n_kv_heads)?;
        let keys = self.rotated(keys, rotations)?;
        let values = self.heads_first(&qkv.narrow(1, q_size + kv_size, kv_size)?, n_kv_heads)?;
        let mut outputs = Vec::with_capacity(streams.len());
        for stream in streams {
            let (start, n) = (stream.span.start, stream.span.len());
            let part = |x: &Tensor| x.squeeze(0)?.narrow(1, start, n)?.contiguous();
            let new = (part(&keys)?, part(&values)?);
            let (keys, values) = TensorLayer::append(stream.layer, stream.past, &new)?;
            outputs.push(self.attend_stream(&part(&queries)?, &keys, &values, window)?);
        }
        Tensor::cat(&outputs, 0)
    }

    /// `(n_tokens, n_heads * head_dim)` to `(1, n_heads, n_tokens, head_dim)`
    fn heads_first(&self, x: &Tensor, n_heads: usize) -> Result<Tensor> {
        x.reshape((1, x.dim(0)?, n_heads, self.heads.head_dim))?.transpose(1, 2)?.contiguous()
    }

    /// `x`: `(1, n_heads, n_tokens, head_dim)`
    fn rotated(&self, x: Tensor, (cos, sin): &(Tensor, Tensor)) -> Result<Tensor> {
        if self.rope.is_identity() { Ok(x) } else { rope(&x, cos, sin) }
    }

    /// `queries`: `(n_heads, n, head_dim)`, `keys`, `values`: `(n_kv_heads, len, head_dim)`, to
    /// `(n, n_heads * head_dim)`
    fn attend_stream(
        &self,
        queries: &Tensor,
        keys: &Tensor,
        values: &Tensor,
        window: Option<usize>,
    ) -> Result<Tensor> {
        let Heads { n_heads, n_kv_heads, head_dim, scale, softcap } = self.heads;
        let (n, len) = (queries.dim(1)?, keys.dim(1)?);
        let queries = queries.reshape((n_kv_heads, self.heads.group() * n, head_dim))?;
        let scores = queries.matmul(&keys.transpose(1, 2)?)?.to_dtype(DType::F32)?;
        let mut scores = (scores * f64::from(scale))?;
        if let Some(cap) = softcap.map(f64::from) {
            scores = ((scores / cap)?.tanh()? * cap)?;
        }
        let scores = scores.reshape((n_heads, n, len))?;
        let scores = scores.broadcast_add(&causal_mask(n, len, window, &self.device)?)?;
        let weights = softmax_last_dim(&scores)?.to_dtype(self.dtype)?;
        let weights = weights.reshape((n_kv_heads, self.heads.group() * n, len))?;
        let mixed = weights.matmul(&values.contiguous()?)?; // (n_kv_heads, group * n, head_dim)
        mixed.reshape((n_heads, n, head_dim))?.transpose(0, 1)?.reshape((n, n_heads * head_dim))
    }
}

/// `0` where the `i`-th of the last `n` positions may look, `-inf` at later ones and at those before
/// its window: `(n, len)`.
fn causal_mask(n: usize, len: usize, window: Option<usize>, device: &Device) -> Result<Tensor> {
    let past = len - n;
    let sees =
        |i: usize, j: usize| j <= past + i && window.is_none_or(|window| past + i < j + window);
    let mask = (0..n)
        .flat_map(|i| (0..len).map(move |j| if sees(i, j) { 0.0 } else { f32::NEG_INFINITY }));
    Tensor::from_vec(mask.collect(), (n, len), device)
}

impl TensorLayer {
    /// Writes the positions from `past` on and returns views of everything up to their end.
    ///
    /// Buffers are written in place and candle's tensors share storage, so buffers that a fork
    /// still sees, or that are too small, are first replaced by a copy.
    fn append(
        layer: &mut Arc<Self>,
        past: usize,
        (new_keys, new_values): &(Tensor, Tensor),
    ) -> Result<(Tensor, Tensor)> {
        let len = past + new_keys.dim(1)?;
        let alone = Arc::get_mut(layer).is_some();
        let (keys, values) = match &layer.buffers {
            Some((keys, values)) if alone && keys.dim(1)? >= len => (keys.clone(), values.clone()),
            Some((keys, values)) => (grow(keys, past, len)?, grow(values, past, len)?),
            None => (empty(new_keys, len)?, empty(new_values, len)?),
        };
        keys.slice_set(new_keys, 1, past)?;
        values.slice_set(new_values, 1, past)?;
        let views = (keys.narrow(1, 0, len)?, values.narrow(1, 0, len)?);
        *layer = Arc::new(Self { buffers: Some((keys, values)) });
        Ok(views)
    }
}

/// A buffer for at least `len` positions.
fn empty(like: &Tensor, len: usize) -> Result<Tensor> {
    let (n_kv_heads, _, head_dim) = like.dims3()?;
    let shape = (n_kv_heads, len.next_multiple_of(BLOCK), head_dim);
    Tensor::zeros(shape, like.dtype(), like.device())
}

/// A buffer for at least `len` positions with the first `past` of `old`.
fn grow(old: &Tensor, past: usize, len: usize) -> Result<Tensor> {
    let buffer = empty(old, len)?;
    if past > 0 {
        buffer.slice_set(&old.narrow(1, 0, past)?.contiguous()?, 1, 0)?;
    }
    Ok(buffer)
}
