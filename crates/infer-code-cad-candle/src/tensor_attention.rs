use std::ops::Range;
use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::rotary_emb::rope;

use infer_code_cad_checkpoint::architecture::{Heads, Rope, Ropes, Rotations};
use infer_code_cad_engine::backend::TwoContexts;

use crate::masks::Masks;
use crate::norm::Norm;

/// Capacity grows by this many positions at a time.
const BLOCK: usize = 256;

/// Causal attention by tensor operations, for every device and element type.
///
/// Scores are products in the element type, the softmax is in f32, as in transformers.
#[derive(Debug)]
pub(crate) struct TensorAttention {
    pub(crate) heads: Heads,
    pub(crate) ropes: Ropes,
    /// Those of streams beyond so many tokens, where they are others.
    pub(crate) long_ropes: Option<(TwoContexts, Ropes)>,
    pub(crate) dtype: DType,
    pub(crate) device: Device,
}

/// What a layer of its own has of attention.
#[derive(Debug)]
pub(crate) struct LayerAttention {
    /// How many positions a token sees, its own included.
    pub(crate) window: Option<usize>,
    /// Of each head's queries and of its keys, before they turn.
    pub(crate) head_norms: Option<[Norm; 2]>,
}

/// Cosines and sines of the positions of one batch, `(n_tokens, rotary_dim / 2)` each.
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
    /// The angles of these positions for each kind of layer.
    pub(crate) fn rotations(
        &self,
        ropes: &Ropes,
        positions: &[usize],
    ) -> Result<Vec<TensorRotations>> {
        let mut tables = vec![];
        ropes.turn(positions, &mut tables);
        let to_tensors = |(rope, Rotations { cos, sin, .. }): (&Rope, Rotations)| {
            let shape = (positions.len(), rope.pairs());
            let tensor = |data| Tensor::from_vec(data, shape, &self.device)?.to_dtype(self.dtype);
            Ok((tensor(cos)?, tensor(sin)?))
        };
        ropes.distinct().iter().zip(tables).map(to_tensors).collect()
    }

    /// Normalises and rotates queries and keys, appends keys and values to their streams, attends.
    ///
    /// `qkv`: `(n_tokens, q_size + 2 kv_size)` to `(n_tokens, q_size)`; the spans of `streams`
    /// cover the tokens in order.
    pub(crate) fn attend(
        &self,
        qkv: &Tensor,
        rotations: &TensorRotations,
        layer: &LayerAttention,
        masks: &mut Masks,
        streams: Vec<Stream<'_>>,
    ) -> Result<Tensor> {
        let norms = layer.head_norms.as_ref();
        let Heads { n_heads, n_kv_heads, .. } = self.heads;
        let (q_size, kv_size) = (self.heads.q_size(), self.heads.kv_size());
        let queries = self.heads_first(&qkv.narrow(1, 0, q_size)?, n_heads)?;
        let queries = self.placed(queries, norms.map(|[queries, _]| queries), rotations)?;
        let keys = self.heads_first(&qkv.narrow(1, q_size, kv_size)?, n_kv_heads)?;
        let keys = self.placed(keys, norms.map(|[_, keys]| keys), rotations)?;
        let values = self.heads_first(&qkv.narrow(1, q_size + kv_size, kv_size)?, n_kv_heads)?;
        let mut outputs = Vec::with_capacity(streams.len());
        for stream in streams {
            let (start, n) = (stream.span.start, stream.span.len());
            let part = |x: &Tensor| x.squeeze(0)?.narrow(1, start, n)?.contiguous();
            let new = (part(&keys)?, part(&values)?);
            let (keys, values) = TensorLayer::append(stream.layer, stream.past, &new)?;
            let mask = masks.of(n, stream.past + n, layer.window, &self.device)?;
            outputs.push(self.attend_stream(&part(&queries)?, &keys, &values, mask.as_ref())?);
        }
        Tensor::cat(&outputs, 0)
    }

    /// `(n_tokens, n_heads * head_dim)` to `(1, n_heads, n_tokens, head_dim)`
    fn heads_first(&self, x: &Tensor, n_heads: usize) -> Result<Tensor> {
        x.reshape((1, x.dim(0)?, n_heads, self.heads.head_dim))?.transpose(1, 2)?.contiguous()
    }

    /// Normalised, where there is a norm, and turned, as far as heads turn.
    ///
    /// `x`: `(1, n_heads, n_tokens, head_dim)`
    fn placed(
        &self,
        x: Tensor,
        norm: Option<&Norm>,
        (cos, sin): &TensorRotations,
    ) -> Result<Tensor> {
        let x = match norm {
            None => x,
            Some(norm) => norm.forward(&x)?,
        };
        let turning = 2 * cos.dim(1)?;
        let rest = self.heads.head_dim - turning;
        match (turning, rest) {
            (0, _) => Ok(x),
            (_, 0) => rope(&x, cos, sin),
            _ => {
                let turned = rope(&x.narrow(3, 0, turning)?.contiguous()?, cos, sin)?;
                Tensor::cat(&[&turned, &x.narrow(3, turning, rest)?], 3)
            }
        }
    }

    /// `queries`: `(n_heads, n, head_dim)`, `keys`, `values`: `(n_kv_heads, len, head_dim)`, to
    /// `(n, n_heads * head_dim)`
    fn attend_stream(
        &self,
        queries: &Tensor,
        keys: &Tensor,
        values: &Tensor,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        let Heads { n_heads, n_kv_heads, head_dim, scale, softcap } = self.heads;
        let (n, len) = (queries.dim(1)?, keys.dim(1)?);
        let queries = queries.reshape((n_kv_heads, self.heads.group() * n, head_dim))?;
        let scores = queries.matmul(&keys.transpose(1, 2)?)?.to_dtype(DType::F32)?;
        let mut scores = (scores * f64::from(scale))?;
        if let Some(cap) = softcap.map(f64::from) {
            scores = ((scores / cap)?.tanh()? * cap)?;
        }
        let mut scores = scores.reshape((n_heads, n, len))?;
        if let Some(mask) = mask {
            scores = scores.broadcast_add(mask)?;
        }
        let weights = softmax_last_dim(&scores)?.to_dtype(self.dtype)?;
        let weights = weights.reshape((n_kv_heads, self.heads.group() * n, len))?;
        let mixed = weights.matmul(values)?; // (n_kv_heads, group * n, head_dim)
        mixed.reshape((n_heads, n, head_dim))?.transpose(0, 1)?.reshape((n, n_heads * head_dim))
    }
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
