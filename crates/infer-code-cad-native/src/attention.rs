use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use infer_code_cad_kernels::{Isa, KvFormat, KvMeter, KvPage, KvQueries, Pool};
use smallvec::{SmallVec, smallvec};

use crate::norm::NativeNorm;
use crate::softmax::{LANES, exps, soft_cap};
use infer_code_cad_checkpoint::architecture::{Heads, Rotations};
use infer_code_cad_engine::Step;
use infer_code_cad_engine::backend::{Ragged, own_cache, own_cache_mut};

const PAGE: usize = KvPage::POSITIONS;

const _: () = assert!(PAGE.is_multiple_of(LANES), "softmax takes whole lanes");

/// Rows that walk the pages of a key head together: a page that forks share is then read from
/// memory once for all of them.
const ROWS: usize = 16;

/// Causal attention in f32, on keys and values held in either format.
///
/// A row is computed in one fixed order that depends on its own stream only, so it is the same to
/// the last bit in any batch, in any chunking and on any number of threads.
#[derive(Debug)]
pub(crate) struct NativeAttention {
    pub(crate) heads: Heads,
    pub(crate) kv_format: KvFormat,
    pub(crate) kv_meter: Arc<KvMeter>,
}

/// What a layer of its own has of attention.
#[derive(Debug)]
pub(crate) struct LayerAttention {
    /// How many positions a token sees, its own included.
    pub(crate) window: Option<usize>,
    /// Of each head's queries and of its keys, before they turn.
    pub(crate) head_norms: Option<[NativeNorm; 2]>,
}

impl LayerAttention {
    /// What becomes of a token's queries and keys, `q_size` and the rest, before they meet others.
    #[inline(always)]
    fn place(&self, q_size: usize, token: usize, row: &mut [f32], rotations: &Rotations) {
        if let Some([queries, keys]) = &self.head_norms {
            let (of_queries, of_keys) = row.split_at_mut(q_size);
            let head_dim = queries.weight.len();
            of_queries.chunks_exact_mut(head_dim).for_each(|head| queries.in_place(head));
            of_keys.chunks_exact_mut(head_dim).for_each(|head| keys.in_place(head));
        }
        rotations.apply(token, row);
    }
}

/// Keys and values of one stream in one layer, in pages that forks share until they write. Positions
/// not written yet are zero or stale, and never count.
#[derive(Debug, Default, Clone)]
pub(crate) struct NativeLayer {
    pages: Vec<Arc<KvPage>>,
}

/// The tokens of a forward pass in one layer, and the streams they are appended to.
pub(crate) struct NewTokens<'a, 's> {
    pub(crate) layer: usize,
    pub(crate) batch: &'a mut [Step<'s>],
    pub(crate) ragged: &'a Ragged,
    pub(crate) rotations: &'a Rotations,
}

impl NewTokens<'_, '_> {
    fn row(&self, token: usize, window: Option<usize>) -> Row<'_> {
        let cache = own_cache::<NativeLayer>(&self.batch[self.ragged.steps[token]]);
        let end = self.ragged.positions[token] + 1;
        let start = window.map_or(0, |window| end.saturating_sub(window));
        Row { token, layer: &cache.layers[self.layer], seen: start..end }
    }
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
}

/// What a thread needs for its part; reused from call to call.
#[derive(Debug, Default)]
struct Room {
    queries: KvQueries, // (rows, group)
    scores: Vec<f32>,   // (rows, group, positions of the pages of the row that has most)
    scales: Vec<f32>,   // (rows, group)
}

thread_local! {
    static ROOM: Cell<Room> = Cell::default();
}

/// What one part of the work takes together: some rows, and the query heads of a key head or a share of them.
#[derive(Clone, Copy)]
struct Part {
    rows: usize,
    shares: usize,
    n_heads: usize,
}

impl Part {
    /// The largest that keep the threads busy for nine tenths of the time: with fewer rows, which look into pages of
    /// their own, rather than with fewer heads, which all look into the same.
    fn new(heads: &Heads, n_rows: usize, threads: usize) -> Self {
        let is_even = |rows: usize, shares: usize| {
            let parts = n_rows.div_ceil(rows) * heads.n_kv_heads * shares;
            10 * parts >= 9 * parts.next_multiple_of(threads)
        };
        let chunks = n_rows.div_ceil(ROWS)..=n_rows;
        let mut rows = chunks.map(|n_chunks| n_rows.div_ceil(n_chunks));
        let most = ROWS.min(n_rows);
        let mut shares = (1..=heads.group()).filter(|shares| heads.group().is_multiple_of(*shares));
        let (rows, shares) = match rows.find(|&rows| is_even(rows, 1)) {
            Some(rows) => (rows, 1),
            None => (most, shares.find(|&shares| is_even(most, shares)).unwrap_or(heads.group())),
        };
        Self { rows, shares, n_heads: heads.group() / shares }
    }
}

impl NativeAttention {
    /// Normalises and rotates queries and keys in place, appends keys and values to their streams, attends.
    ///
    /// `qkv`: `(n_tokens, q_size + 2 kv_size)`, `out`: `(n_tokens, q_size)`. `heads_first` is room
    /// for the kernel.
    pub(crate) fn attend(
        &self,
        qkv: &mut [f32],
        mut tokens: NewTokens<'_, '_>,
        layer: &LayerAttention,
        heads_first: &mut Vec<f32>,
        out: &mut [f32],
        pool: &Pool,
    ) {
        let window = layer.window;
        span!("keys and values", self.append(qkv, &mut tokens, layer, pool));
        let order = &*tokens.ragged.by_length;
        let part = Part::new(&self.heads, order.len(), pool.threads());
        let n_groups = self.heads.n_kv_heads * part.shares;
        let group_size = part.n_heads * self.heads.head_dim;
        let of_part = part.rows * group_size;
        let n_parts = order.len().div_ceil(part.rows) * n_groups;
        heads_first.resize(n_parts * of_part, 0.0); // (chunks of rows, groups, rows, group_size)
        let seen = |&token| tokens.row(token, window).seen.len();
        pool.for_chunks_of_work(
            order.iter().map(seen).sum::<usize>() * self.heads.q_size(),
            heads_first,
            of_part,
            #[inline(always)]
            |i, out| {
                // The groups of some rows follow each other: a thread mostly takes streams that it has extended.
                let (chunk, index) = (i / n_groups, i % n_groups);
                let order = order.chunks(part.rows).nth(chunk).unwrap_or_default();
                let row = |&token| tokens.row(token, window);
                let rows: SmallVec<[_; ROWS]> = order.iter().map(row).collect();
                self.attend_rows(part, index, &rows, qkv, out, pool.isa());
            },
        );
        let chunks = order.chunks(part.rows).zip(heads_first.chunks(n_groups * of_part));
        for (order, groups) in chunks {
            for (index, rows) in groups.chunks(of_part).enumerate() {
                for (token, row) in order.iter().zip(rows.chunks(group_size)) {
                    let at = token * self.heads.q_size() + index * group_size;
                    out[at..at + group_size].copy_from_slice(row);
                }
            }
        }
    }

    /// Places queries and keys, and writes the new keys and values: long prompts token by token and page by page
    /// on all threads, then all else, a stream to a thread.
    fn append(
        &self,
        qkv: &mut [f32],
        tokens: &mut NewTokens<'_, '_>,
        own: &LayerAttention,
        pool: &Pool,
    ) {
        let NewTokens { layer, batch, ragged, rotations } = tokens;
        let (work, width) = (4 * qkv.len(), self.heads.q_size() + 2 * self.heads.kv_size());
        let extend = |step: &mut Step<'_>, (first, qkv): (usize, &mut [f32])| {
            let cache = own_cache_mut::<NativeLayer>(step);
            // It is written to when the rows are rotated, and read when they attend.
            if let Some(page) = cache.layers[*layer].pages.get(cache.len / PAGE) {
                page.prefetch(pool.isa());
            }
            let (q_size, rotated) = (self.heads.q_size(), width - self.heads.kv_size());
            pool.for_chunks_of_work(
                2 * qkv.len(),
                qkv,
                width,
                #[inline(always)]
                |token, row| own.place(q_size, first + token, &mut row[..rotated], rotations),
            );
            let layer = Arc::make_mut(&mut cache.layers[*layer]);
            self.extend(layer, cache.len, qkv, pool);
        };
        let mut rest = qkv;
        let mut short: SmallVec<[_; 4 * ROWS]> = smallvec![];
        for (step, span) in batch.iter_mut().zip(&ragged.spans) {
            let of_step = rest.split_off_mut(..span.len() * width).expect("a span for each step");
            let of_step = (span.start, of_step);
            match span.len() > PAGE {
                true => extend(step, of_step),
                false => short.push((step, of_step)),
            }
        }
        pool.for_chunks_of_work(work, &mut short, 1, |_, step| {
            let [(step, (first, qkv))] = step else { return };
            extend(step, (*first, qkv));
        });
    }

    /// Writes the keys and values of `qkv` from position `past` on, forgetting what was there.
    fn extend(&self, layer: &mut NativeLayer, past: usize, qkv: &[f32], pool: &Pool) {
        let Heads { n_kv_heads, head_dim, .. } = self.heads;
        let (q_size, kv_size) = (self.heads.q_size(), self.heads.kv_size());
        let width = q_size + 2 * kv_size;
        let end = past + qkv.len() / width;
        layer.pages.truncate(past.div_ceil(PAGE));
        layer.pages.resize_with(end.div_ceil(PAGE), || {
            let meter = Arc::clone(&self.kv_meter);
            Arc::new(KvPage::metered(self.kv_format, n_kv_heads, head_dim, meter))
        });
        let first = past / PAGE;
        pool.for_chunks_of_work(2 * qkv.len(), &mut layer.pages[first..], 1, |i, page| {
            let page_start = (first + i) * PAGE;
            let page = Arc::make_mut(&mut page[0]);
            for position in past.max(page_start)..end.min(page_start + PAGE) {
                let token = &qkv[(position - past) * width..][q_size..width];
                let (key, value) = token.split_at(kv_size);
                page.put(pool.isa(), position - page_start, key, value);
            }
        });
    }

    /// The query heads of a group, for some rows over the positions they have seen.
    ///
    /// `out`: `(rows, group_size)`, overwritten
    #[inline(always)]
    fn attend_rows(
        &self,
        part: Part,
        index: usize,
        rows: &[Row<'_>],
        qkv: &[f32],
        out: &mut [f32],
        isa: Isa,
    ) {
        let Heads { head_dim, scale, softcap, .. } = self.heads;
        let (kv_head, group_size) = (index / part.shares, part.n_heads * head_dim);
        let width = self.heads.q_size() + 2 * self.heads.kv_size();
        let stride = rows.iter().map(|row| row.pages().len()).max().unwrap_or(0) * PAGE;
        let mut room = ROOM.take();
        let Room { queries, scores, scales } = &mut room;
        let of_row = |row: &Row<'_>| &qkv[row.token * width + index * group_size..][..group_size];
        queries.set(self.kv_format, isa, head_dim, scale, rows.iter().map(of_row));
        scores.resize(rows.len() * part.n_heads * stride, 0.0);
        let place = |Run { rows: of, pages }: &Run| {
            of.start * part.n_heads * stride + (pages.start - rows[of.start].pages().start) * PAGE
        };
        let runs = runs(rows);
        for (i, run) in runs.iter().enumerate() {
            for next in runs.get(i + 1).into_iter().flat_map(|next| next.first_pages(rows)) {
                next.prefetch_keys(isa, kv_head);
            }
            let of = run.rows.start * part.n_heads..run.rows.end * part.n_heads;
            let scores = &mut scores[place(run)..];
            KvPage::score(run.pages(rows), isa, kv_head, queries, of, scores, stride);
        }
        out.fill(0.0);
        scales.clear();
        for (row, scores) in rows.iter().zip(scores.chunks_mut(part.n_heads * stride)) {
            for scores in scores.chunks_mut(stride) {
                scales.push(weigh(&mut scores[..row.pages().len() * PAGE], row, softcap));
            }
        }
        for (i, run) in runs.iter().enumerate() {
            for next in runs.get(i + 1).into_iter().flat_map(|next| next.first_pages(rows)) {
                next.prefetch_values(isa, kv_head);
            }
            let out = &mut out[run.rows.start * group_size..run.rows.end * group_size];
            let n_positions = run.n_positions(rows);
            let weights = &scores[place(run)..];
            KvPage::mix(run.pages(rows), isa, kv_head, weights, stride, n_positions, out);
        }
        for (out, scale) in out.chunks_exact_mut(head_dim).zip(scales) {
            out.iter_mut().for_each(|out| *out *= *scale);
        }
        ROOM.set(room);
    }
}

/// Rows that look into the same pages, from the same one on and as far: their queries are one product.
struct Run {
    rows: Range<usize>,
    pages: Range<usize>,
}

impl Run {
    fn pages<'a>(&self, rows: &[Row<'a>]) -> &'a [Arc<KvPage>] {
        &rows[self.rows.start].layer.pages[self.pages.clone()]
    }

    /// What is to be in the cache when the products begin.
    fn first_pages<'a>(&self, rows: &[Row<'a>]) -> &'a [Arc<KvPage>] {
        let pages = self.pages(rows);
        &pages[..pages.len().min(4)]
    }

    /// Positions of these pages that were written when the rows came.
    fn n_positions(&self, rows: &[Row<'_>]) -> usize {
        rows[self.rows.start].seen.end.min(self.pages.end * PAGE) - self.pages.start * PAGE
    }
}

/// Runs that cover all pages of all rows, those of a row in their order.
fn runs(rows: &[Row<'_>]) -> SmallVec<[Run; 2 * ROWS]> {
    let shared: SmallVec<[usize; ROWS]> = rows.windows(2).map(|w| shared(&w[0], &w[1])).collect();
    let start = |row: usize| rows[row].pages().start;
    let mut runs = SmallVec::new();
    // Rows, and the page from which on their runs are still to be found.
    let mut open: SmallVec<[_; 2 * ROWS]> = smallvec![(0..rows.len(), start(0))];
    while let Some((at, page)) = open.pop() {
        let pairs = at.start..at.end - 1;
        let all_share = shared[pairs.clone()].iter().copied().min();
        let end = all_share.unwrap_or(rows[at.start].pages().end);
        if end > page {
            runs.push(Run { rows: at.clone(), pages: page..end });
        }
        let mut last = at.end;
        for pair in pairs.rev().filter(|&pair| shared[pair] == end) {
            open.push((pair + 1..last, end.max(start(pair + 1))));
            last = pair + 1;
        }
        if last < at.end {
            open.push((at.start..last, end.max(start(at.start))));
        }
    }
    runs
}

/// Where the pages end that two rows share from their first one on, as streams share what they begin with;
/// zero where they begin apart.
fn shared(a: &Row<'_>, b: &Row<'_>) -> usize {
    let (of_a, of_b) = (a.pages(), b.pages());
    if of_a.start != of_b.start {
        return 0;
    }
    // A page that one of them has seen more of is not shared.
    let end = match a.seen.end == b.seen.end {
        true => of_a.end,
        false => a.seen.end.min(b.seen.end) / PAGE,
    };
    let pages = of_a.start..end.max(of_a.start);
    let pairs = a.layer.pages[pages.clone()].iter().zip(&b.layer.pages[pages]);
    of_a.start + pairs.take_while(|(a, b)| Arc::ptr_eq(a, b)).count()
}

/// Turns the scores of the pages of a row to weights, but for the factor that comes back; those of positions it
/// has not seen to zero.
#[inline(always)]
fn weigh(scores: &mut [f32], row: &Row<'_>, softcap: Option<f32>) -> f32 {
    if let Some(cap) = softcap {
        soft_cap(scores, cap);
    }
    let hidden = row.seen.start % PAGE;
    scores[..hidden].fill(f32::NEG_INFINITY);
    exps(scores, hidden + row.seen.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_threads_busy_and_take_rows_apart_before_heads() {
        let heads = Heads { n_heads: 9, n_kv_heads: 3, head_dim: 64, scale: 1.0, softcap: None };
        let parts = |n_rows, threads| {
            let part = Part::new(&heads, n_rows, threads);
            (part.rows, part.shares, part.n_heads)
        };
        assert_eq!(parts(64, 1), (16, 1, 3));
        assert_eq!(parts(64, 2), (16, 1, 3));
        assert_eq!(parts(10, 2), (5, 1, 3));
        assert_eq!(parts(2, 2), (1, 1, 3));
        assert_eq!(parts(1, 2), (1, 3, 1));
    }
}
