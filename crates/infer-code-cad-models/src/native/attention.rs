use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use infer_code_cad_kernels::{Isa, KvFormat, KvPage, Pool};

use super::softmax::{LANES, soft_cap, softmax};
use crate::attention::{Heads, Stream};
use crate::rope::{Rope, Rotations};

const PAGE: usize = KvPage::POSITIONS;

const _: () = assert!(PAGE.is_multiple_of(LANES), "softmax takes whole lanes");

/// Rows that walk the pages of a key head together: a page that forks share is then read from
/// memory once for all of them.
const ROWS: usize = 16;

/// Multiplications below which a second thread costs more than it saves.
const PARALLEL_FROM: usize = 1 << 16;

/// Causal attention in f32, on keys and values held in either format.
///
/// A row is computed in one fixed order that depends on its own stream only, so it is the same to
/// the last bit in any batch, in any chunking and on any number of threads.
#[derive(Debug)]
pub(crate) struct NativeAttention {
    pub(crate) heads: Heads,
    pub(crate) rope: Rope,
    pub(crate) kv_format: KvFormat,
}

/// Keys and values of one stream in one layer, in pages that forks share until they write. Positions
/// not written yet are zero or stale, and never read.
#[derive(Debug, Default, Clone)]
pub(crate) struct NativeLayer {
    pages: Vec<Arc<KvPage>>,
}

/// One token: its place in the batch, its stream, and the positions it has seen.
struct Row<'a> {
    token: usize,
    layer: &'a NativeLayer,
    seen: Range<usize>,
}

impl Row<'_> {
    /// The pages it looks into.
    fn pages(&self) -> Range<usize> {
        self.seen.start / PAGE..self.seen.end.div_ceil(PAGE)
    }

    /// Where the scores of a page are, within [`Row::width`] of them.
    fn offset(&self, page: usize) -> usize {
        (page - self.seen.start / PAGE) * PAGE
    }

    fn width(&self) -> usize {
        self.pages().len() * PAGE
    }
}

thread_local! {
    /// Reused from call to call.
    static SCORES: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl NativeAttention {
    /// Rotates queries and keys in place, appends keys and values to their streams, attends. A token
    /// sees the last `window` positions, its own included.
    ///
    /// `qkv`: `(n_tokens, q_size + 2 kv_size)`, `out`: `(n_tokens, q_size)`; the spans of `streams`
    /// cover the tokens in order. `heads_first` is room for the kernel.
    #[allow(clippy::too_many_arguments, reason = "the room of a pass is lent to its parts")]
    pub(crate) fn attend(
        &self,
        qkv: &mut [f32],
        rotations: &Rotations,
        window: Option<usize>,
        streams: Vec<Stream<'_, NativeLayer>>,
        heads_first: &mut Vec<f32>,
        out: &mut [f32],
        pool: &Pool,
    ) {
        let width = self.heads.q_size() + 2 * self.heads.kv_size();
        pool.for_chunks(qkv, width, |token, row| {
            rotations.apply(token, &mut row[..width - self.heads.kv_size()]);
        });
        let rows = self.append(qkv, window, streams);
        let n_rows = rows.len().next_multiple_of(ROWS.min(rows.len()));
        let group = self.heads.group() * self.heads.head_dim;
        heads_first.clear();
        heads_first.resize(self.heads.n_kv_heads * n_rows * group, 0.0); // (n_kv_heads, n_rows, group)
        let chunk = ROWS.min(rows.len());
        let part = |part: usize, out: &mut [f32]| {
            let (kv_head, first) = (part * chunk / n_rows, part * chunk % n_rows);
            let rows = &rows[first..(first + chunk).min(rows.len())];
            self.attend_rows(kv_head, rows, qkv, out, pool.isa());
        };
        let work: usize = rows.iter().map(|row| row.seen.len() * self.heads.q_size()).sum();
        if work < PARALLEL_FROM {
            for (i, out) in heads_first.chunks_mut(chunk * group).enumerate() {
                pool.isa().vectorize(
                    #[inline(always)]
                    || part(i, out),
                );
            }
        } else {
            pool.for_chunks(heads_first, chunk * group, part);
        }
        for (kv_head, rows) in heads_first.chunks(n_rows * group).enumerate() {
            for (out, row) in out.chunks_mut(self.heads.q_size()).zip(rows.chunks(group)) {
                out[kv_head * group..][..group].copy_from_slice(row);
            }
        }
    }

    /// Writes the new keys and values, and tells what each token sees.
    fn append<'a>(
        &self,
        qkv: &[f32],
        window: Option<usize>,
        streams: Vec<Stream<'a, NativeLayer>>,
    ) -> Vec<Row<'a>> {
        let (q_size, kv_size) = (self.heads.q_size(), self.heads.kv_size());
        let width = q_size + 2 * kv_size;
        let mut rows = Vec::with_capacity(qkv.len() / width);
        for stream in streams {
            let layer = Arc::make_mut(stream.layer);
            for (i, token) in stream.span.clone().enumerate() {
                let (key, value) =
                    qkv[token * width + q_size..(token + 1) * width].split_at(kv_size);
                self.push(layer, stream.past + i, key, value);
            }
            let layer = &*layer;
            rows.extend(stream.span.enumerate().map(|(i, token)| {
                let end = stream.past + i + 1;
                let start = window.map_or(0, |window| end.saturating_sub(window));
                Row { token, layer, seen: start..end }
            }));
        }
        rows
    }

    /// Writes position `position`, forgetting the pages after it.
    fn push(&self, layer: &mut NativeLayer, position: usize, key: &[f32], value: &[f32]) {
        let (index, slot) = (position / PAGE, position % PAGE);
        layer.pages.truncate(index + 1);
        if layer.pages.len() == index {
            let Heads { n_kv_heads, head_dim, .. } = self.heads;
            layer.pages.push(Arc::new(KvPage::new(self.kv_format, n_kv_heads, head_dim)));
        }
        Arc::make_mut(&mut layer.pages[index]).put(slot, key, value);
    }

    /// The query heads of one key head, for some rows over the positions they have seen.
    ///
    /// `out`: `(rows, group * head_dim)`, zero at first
    #[inline(always)]
    fn attend_rows(
        &self,
        kv_head: usize,
        rows: &[Row<'_>],
        qkv: &[f32],
        out: &mut [f32],
        isa: Isa,
    ) {
        let Heads { head_dim, scale, softcap, .. } = self.heads;
        let group = self.heads.group();
        let width = self.heads.q_size() + 2 * self.heads.kv_size();
        let queries = |row: &Row<'_>| {
            &qkv[row.token * width + kv_head * group * head_dim..][..group * head_dim]
        };
        let stride = rows.iter().map(Row::width).max().unwrap_or(0);
        let first = rows.iter().map(|row| row.pages().start).min().unwrap_or(0);
        let last = rows.iter().map(|row| row.pages().end).max().unwrap_or(0);
        SCORES.with_borrow_mut(|scores| {
            scores.resize(rows.len() * group * stride, 0.0); // (rows, group, stride)
            for page in first..last {
                prefetch(page + 1, kv_head, rows, isa);
                for (row, scores) in rows.iter().zip(scores.chunks_mut(group * stride)) {
                    if row.pages().contains(&page) {
                        let scores = &mut scores[row.offset(page)..];
                        row.layer.pages[page].score(
                            isa,
                            kv_head,
                            queries(row),
                            scale,
                            scores,
                            stride,
                        );
                    }
                }
            }
            for (row, scores) in rows.iter().zip(scores.chunks_mut(group * stride)) {
                for scores in scores.chunks_mut(stride) {
                    weigh(&mut scores[..row.width()], row, softcap);
                }
            }
            for page in first..last {
                let outs = out.chunks_mut(group * head_dim);
                for ((row, scores), out) in rows.iter().zip(scores.chunks(group * stride)).zip(outs)
                {
                    if row.pages().contains(&page) {
                        let weights = &scores[row.offset(page)..];
                        let n_positions = PAGE.min(row.seen.end - page * PAGE);
                        row.layer.pages[page].mix(isa, kv_head, weights, stride, n_positions, out);
                    }
                }
            }
        });
    }
}

/// Starts to fetch the pages of that number, each once.
fn prefetch(page: usize, kv_head: usize, rows: &[Row<'_>], isa: Isa) {
    let mut before = None;
    for next in rows.iter().filter_map(|row| row.layer.pages.get(page)) {
        if !before.is_some_and(|before| Arc::ptr_eq(before, next)) {
            next.prefetch(isa, kv_head);
        }
        before = Some(next);
    }
}

/// Turns the scores of the pages of a row to weights; those of positions it has not seen to zero.
#[inline(always)]
fn weigh(scores: &mut [f32], row: &Row<'_>, softcap: Option<f32>) {
    if let Some(cap) = softcap {
        soft_cap(scores, cap);
    }
    let hidden = row.seen.start % PAGE;
    scores[..hidden].fill(f32::NEG_INFINITY);
    softmax(scores, hidden + row.seen.len());
}
