use std::sync::Arc;

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

use crate::attention::{Attention, Heads, Stream};
use crate::host::with_slice;
use crate::rope::{Rope, Rotations};

/// Positions per tile of keys: one pass over a tile gives this many scores, with no sum across
/// vector lanes.
const TILE: usize = 16;

/// Capacity grows by this many positions at a time.
const BLOCK: usize = 256;

/// Multiplications below which a second thread costs more than it saves.
const PARALLEL_FROM: usize = 1 << 16;

/// [`Attention`] on f32 slices.
///
/// A row is computed by one thread in one fixed order that depends on its own stream only, so it is
/// the same to the last bit in any batch, in any chunking and on any number of threads.
#[derive(Debug)]
pub(crate) struct HostAttention {
    pub(crate) heads: Heads,
    pub(crate) rope: Rope,
}

/// Keys and values of one stream in one layer.
#[derive(Debug, Default, Clone)]
pub(crate) struct HostLayer {
    keys: Vec<f32>,   // (n_tiles, n_kv_heads, head_dim, TILE)
    values: Vec<f32>, // (n_positions, n_kv_heads, head_dim)
}

impl HostLayer {
    /// Writes position `position`, forgetting what came after it.
    fn push(&mut self, position: usize, key: &[f32], value: &[f32]) {
        let kv_size = key.len();
        self.values.truncate(position * kv_size);
        if self.values.len() == self.values.capacity() {
            self.values.reserve_exact(BLOCK * kv_size);
        }
        self.values.extend_from_slice(value);
        let tile = position / TILE * TILE * kv_size;
        if tile == self.keys.len() {
            if self.keys.len() == self.keys.capacity() {
                self.keys.reserve_exact(BLOCK * kv_size);
            }
            self.keys.resize(tile + TILE * kv_size, 0.0);
        }
        let lane = &mut self.keys[tile + position % TILE..];
        for (slot, &k) in lane.iter_mut().step_by(TILE).zip(key) {
            *slot = k;
        }
    }
}

impl Attention for HostAttention {
    type Layer = HostLayer;
    type Rotations = Rotations;

    fn rotations(&self, positions: &[usize]) -> Result<Rotations> {
        Ok(self.rope.rotations(positions))
    }

    fn attend(
        &self,
        qkv: &Tensor,
        rotations: &Rotations,
        streams: Vec<Stream<'_, HostLayer>>,
    ) -> Result<Tensor> {
        let n_tokens = qkv.dim(0)?;
        let out = with_slice(qkv, |qkv| self.attend_rows(qkv, rotations, streams))?;
        Tensor::from_vec(out, (n_tokens, self.heads.q_size()), &Device::Cpu)
    }
}

impl HostAttention {
    fn attend_rows(
        &self,
        qkv: &[f32],
        rotations: &Rotations,
        streams: Vec<Stream<'_, HostLayer>>,
    ) -> Vec<f32> {
        let (q_size, kv_size) = (self.heads.q_size(), self.heads.kv_size());
        let width = q_size + 2 * kv_size;
        let mut rows: Vec<(&HostLayer, usize)> = Vec::with_capacity(qkv.len() / width);
        let mut key = vec![0.0; kv_size];
        for stream in streams {
            let layer = Arc::make_mut(stream.layer);
            for (i, token) in stream.span.clone().enumerate() {
                let (_, kv) = qkv[token * width..(token + 1) * width].split_at(q_size);
                key.copy_from_slice(&kv[..kv_size]);
                rotations.apply(token, &mut key);
                layer.push(stream.past + i, &key, &kv[kv_size..]);
            }
            let layer = &*layer;
            rows.extend((1..=stream.span.len()).map(|i| (layer, stream.past + i)));
        }
        let work: usize = rows.iter().map(|(_, len)| len * q_size).sum();
        let min_rows = (rows.len() * PARALLEL_FROM).div_ceil(work.max(1));
        let mut out = vec![0.0; rows.len() * q_size];
        out.par_chunks_mut(q_size).enumerate().with_min_len(min_rows).for_each_init(
            || (vec![0.0; q_size], Vec::new()),
            |(query, scores), (token, out)| {
                query.copy_from_slice(&qkv[token * width..token * width + q_size]);
                rotations.apply(token, query);
                let (layer, len) = rows[token];
                self.attend_row(query, layer, len, scores, out);
            },
        );
        out
    }

    /// One token: every query head over the first `len` positions of its key head.
    fn attend_row(
        &self,
        query: &[f32],
        layer: &HostLayer,
        len: usize,
        scores: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let Heads { head_dim, .. } = self.heads;
        let (kv_size, scale) = (self.heads.kv_size(), self.heads.scale());
        scores.resize(len.next_multiple_of(TILE), 0.0);
        let pairs = query.chunks_exact(head_dim).zip(out.chunks_exact_mut(head_dim));
        for (head, (query, out)) in pairs.enumerate() {
            let offset = head / self.heads.group() * head_dim;
            let tiles = layer.keys.chunks_exact(TILE * kv_size);
            for (tile, scores) in tiles.zip(scores.chunks_exact_mut(TILE)) {
                score_tile(query, &tile[offset * TILE..], scale, scores);
            }
            let total = exponentials(&mut scores[..len]);
            for (value, &p) in layer.values.chunks_exact(kv_size).zip(&scores[..len]) {
                for (o, v) in out.iter_mut().zip(&value[offset..offset + head_dim]) {
                    *o += p * v;
                }
            }
            out.iter_mut().for_each(|o| *o /= total);
        }
    }
}

/// `scores[t] = scale * sum_d query[d] tile[d][t]`
fn score_tile(query: &[f32], tile: &[f32], scale: f32, scores: &mut [f32]) {
    let mut sums = [0.0f32; TILE];
    for (&q, keys) in query.iter().zip(tile.chunks_exact(TILE)) {
        for (sum, k) in sums.iter_mut().zip(keys) {
            *sum += q * k;
        }
    }
    for (score, sum) in scores.iter_mut().zip(sums) {
        *score = sum * scale;
    }
}

/// Replaces scores by `exp(score - max)` and returns their sum.
fn exponentials(scores: &mut [f32]) -> f32 {
    let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores
        .iter_mut()
        .map(|s| {
            *s = (*s - max).exp();
            *s
        })
        .sum()
}
