use std::ops::Range;
use std::sync::Arc;

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

use crate::attention::{Attention, Heads, Stream};
use crate::host::with_slice;
use crate::rope::{Rope, Rotations};
use crate::softmax::{LANES, soft_cap, softmax};

/// Positions per page: one pass over a page's keys gives this many scores, with no sum across vector
/// lanes.
const PAGE: usize = 16;

const _: () = assert!(PAGE.is_multiple_of(LANES), "softmax takes whole lanes");

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

/// Keys and values of one stream in one layer, in pages that forks share until they write.
#[derive(Debug, Default, Clone)]
pub(crate) struct HostLayer {
    pages: Vec<Arc<Page>>,
}

/// [`PAGE`] positions; those not written yet are zero or stale, and never read.
#[derive(Debug, Clone)]
struct Page {
    keys: Box<[f32]>,   // (n_kv_heads, head_dim, PAGE)
    values: Box<[f32]>, // (n_kv_heads, ceil(head_dim / LANES), PAGE, LANES)
}

impl HostLayer {
    /// Writes position `position`, forgetting the pages after it.
    fn push(&mut self, position: usize, head_dim: usize, key: &[f32], value: &[f32]) {
        let (index, slot) = (position / PAGE, position % PAGE);
        self.pages.truncate(index + 1);
        if self.pages.len() == index {
            let zeros = |n: usize| vec![0.0; n * PAGE].into_boxed_slice();
            let n_values = key.len() / head_dim * head_dim.next_multiple_of(LANES);
            self.pages.push(Arc::new(Page { keys: zeros(key.len()), values: zeros(n_values) }));
        }
        let page = Arc::make_mut(&mut self.pages[index]);
        for (lane, &k) in page.keys[slot..].iter_mut().step_by(PAGE).zip(key) {
            *lane = k;
        }
        let parts = value.chunks_exact(head_dim).flat_map(|head| head.chunks(LANES));
        for (block, part) in page.values.chunks_exact_mut(PAGE * LANES).zip(parts) {
            block[slot * LANES..][..part.len()].copy_from_slice(part);
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
        window: Option<usize>,
        streams: Vec<Stream<'_, HostLayer>>,
    ) -> Result<Tensor> {
        let n_tokens = qkv.dim(0)?;
        let out = with_slice(qkv, |qkv| self.attend_rows(qkv, rotations, window, streams))?;
        Tensor::from_vec(out, (n_tokens, self.heads.q_size()), &Device::Cpu)
    }
}

impl HostAttention {
    fn attend_rows(
        &self,
        qkv: &[f32],
        rotations: &Rotations,
        window: Option<usize>,
        streams: Vec<Stream<'_, HostLayer>>,
    ) -> Vec<f32> {
        let (q_size, kv_size) = (self.heads.q_size(), self.heads.kv_size());
        let width = q_size + 2 * kv_size;
        let mut rows: Vec<(&HostLayer, Range<usize>)> = Vec::with_capacity(qkv.len() / width);
        let mut key = vec![0.0; kv_size];
        for stream in streams {
            let layer = Arc::make_mut(stream.layer);
            for (i, token) in stream.span.clone().enumerate() {
                let (_, kv) = qkv[token * width..(token + 1) * width].split_at(q_size);
                key.copy_from_slice(&kv[..kv_size]);
                rotations.apply(token, &mut key);
                layer.push(stream.past + i, self.heads.head_dim, &key, &kv[kv_size..]);
            }
            let layer = &*layer;
            rows.extend((1..=stream.span.len()).map(|i| {
                let end = stream.past + i;
                (layer, window.map_or(0, |window| end.saturating_sub(window))..end)
            }));
        }
        let work: usize = rows.iter().map(|(_, seen)| seen.len() * q_size).sum();
        let min_rows = (rows.len() * PARALLEL_FROM).div_ceil(work.max(1));
        let mut out = vec![0.0; rows.len() * q_size];
        out.par_chunks_mut(q_size).enumerate().with_min_len(min_rows).for_each_init(
            || (vec![0.0; q_size], Vec::new()),
            |(query, scores), (token, out)| {
                query.copy_from_slice(&qkv[token * width..token * width + q_size]);
                rotations.apply(token, query);
                let (layer, seen) = &rows[token];
                self.attend_row(query, layer, seen.clone(), scores, out);
            },
        );
        out
    }

    /// One token: every query head over the positions it has `seen` of its key head.
    ///
    /// The heads of a group walk the pages together, so keys and values are read once.
    fn attend_row(
        &self,
        query: &[f32],
        layer: &HostLayer,
        seen: Range<usize>,
        scores: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let Heads { head_dim, scale, softcap, .. } = self.heads;
        let group = self.heads.group() * head_dim;
        let (n_keys, n_values) = (head_dim * PAGE, head_dim.next_multiple_of(LANES) * PAGE);
        let pages = &layer.pages[seen.start / PAGE..seen.end.div_ceil(PAGE)];
        let width = pages.len() * PAGE;
        let hidden = seen.start % PAGE; // positions of the first page before those seen
        let len = hidden + seen.len();
        scores.resize(self.heads.group() * width, 0.0); // (group, width)
        let groups = query.chunks_exact(group).zip(out.chunks_exact_mut(group));
        for (kv_head, (query, out)) in groups.enumerate() {
            for (i, page) in pages.iter().enumerate() {
                let keys = &page.keys[kv_head * n_keys..][..n_keys];
                for (query, scores) in query.chunks_exact(head_dim).zip(scores.chunks_mut(width)) {
                    score_page(query, keys, scale, &mut scores[i * PAGE..][..PAGE]);
                }
            }
            for scores in scores.chunks_mut(width) {
                if let Some(cap) = softcap {
                    soft_cap(scores, cap);
                }
                scores[..hidden].fill(f32::NEG_INFINITY);
                softmax(scores, len);
            }
            for (i, page) in pages.iter().enumerate() {
                let values = &page.values[kv_head * n_values..][..n_values];
                for (scores, out) in scores.chunks(width).zip(out.chunks_exact_mut(head_dim)) {
                    let end = len.min((i + 1) * PAGE);
                    mix_page(&scores[i * PAGE..end], values, out);
                }
            }
        }
    }
}

/// `scores[t] = scale * sum_d query[d] keys[d][t]`
fn score_page(query: &[f32], keys: &[f32], scale: f32, scores: &mut [f32]) {
    let mut sums = [0.0f32; PAGE];
    for (&q, keys) in query.iter().zip(keys.chunks_exact(PAGE)) {
        for (sum, k) in sums.iter_mut().zip(keys) {
            *sum += q * k;
        }
    }
    for (score, sum) in scores.iter_mut().zip(sums) {
        *score = sum * scale;
    }
}

/// `out[d] += sum_t weights[t] values[t][d]`
fn mix_page(weights: &[f32], values: &[f32], out: &mut [f32]) {
    for (block, out) in values.chunks_exact(PAGE * LANES).zip(out.chunks_mut(LANES)) {
        let mut sums = [0.0f32; LANES];
        sums[..out.len()].copy_from_slice(out);
        for (&weight, row) in weights.iter().zip(block.chunks_exact(LANES)) {
            for (sum, v) in sums.iter_mut().zip(row) {
                *sum += weight * v;
            }
        }
        out.copy_from_slice(&sums[..out.len()]);
    }
}
