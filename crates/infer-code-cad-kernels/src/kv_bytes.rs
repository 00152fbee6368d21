//! Queries times keys, weights times values, of pages that hold them as bytes, once for all instruction sets.
//!
//! A product is a sum of integers, which no order changes; results of pages are added in their order.

#![expect(clippy::needless_range_loop, reason = "an index counts vectors, lines and queries alike")]

use std::ops::Range;

use crate::hadamard::turn;
use crate::isa::{RoundedRows, Simd, factor_and_scale, with_simd};
use crate::kv_page::{LANES, Near, PAGES_AT_ONCE, Weights};
use crate::kv_products::{QUERIES, Sums, fetch, fit, load_sums, store_sums, with_queries};
use crate::{Isa, KvPage};

/// What makes signed bytes, four of them, unsigned: `w + 128`.
const FLIP: u32 = 0x8080_8080;
/// Four features of all positions of a page; or four positions of 16 features, after those before them.
type Line = [u8; 64];
const POSITIONS: usize = KvPage::POSITIONS;
/// Lines of 16 features of a page's values.
const QUADS: usize = POSITIONS / 4;

/// What makes integers within ±127 the values that they were rounded from, and the sum of the integers. The
/// scale is NaN if a value is not finite.
#[derive(Debug, Default, Clone, Copy)]
struct Rounded {
    scale: f32,
    sum: i32,
}

/// Rounds to integers of one scale, ties to even; `part` takes 16 at a time, four of them as bytes.
#[inline(always)]
fn round<S: Simd>(simd: S, values: &[f32], mut part: impl FnMut(usize, [u32; 4])) -> Rounded {
    // As integers, magnitudes are in the order of the floats, with infinity and NaN at the top.
    let (fours, rest) = values.as_chunks::<{ 4 * LANES }>();
    let mut peak = 0;
    for values in fours {
        peak = peak.max(simd.peak(values).to_bits());
    }
    for values in rest.chunks(LANES) {
        peak = peak.max(simd.peak(&lanes(values)).to_bits());
    }
    let peak = f32::from_bits(peak);
    let is_finite = peak.is_finite();
    let (factor, scale) = factor_and_scale(peak);
    let scale = if is_finite { scale } else { f32::NAN };
    let mut sum = 0;
    for (i, values) in values.chunks(LANES).enumerate() {
        let values = if is_finite { lanes(values) } else { [0.0; LANES] };
        let (fours, of_part) = simd.round(&values, factor);
        sum += of_part;
        part(i, fours.map(i32::cast_unsigned));
    }
    Rounded { scale, sum }
}

/// At most 16 values, and zeros.
#[inline(always)]
fn lanes(values: &[f32]) -> [f32; LANES] {
    match values.first_chunk() {
        Some(whole) => *whole, // a copy of known length is two instructions
        None => std::array::from_fn(|i| values.get(i).copied().unwrap_or(0.0)),
    }
}

/// Writes one position of a head, which ends with the scales of its positions. `turned` is room.
#[inline(always)]
pub(crate) fn put<S: Simd>(
    simd: S,
    slot: usize,
    [keys, values]: [&mut [u8]; 2],
    key: &[f32],
    value: &[f32],
    turned: &mut Vec<f32>,
) {
    turned.clear();
    turned.extend_from_slice(key);
    turn(turned);
    let lines = keys.as_chunks_mut::<{ 4 * POSITIONS }>().0;
    let of_key = round(
        simd,
        turned,
        #[inline(always)]
        |part, fours| {
            for (line, four) in lines[4 * part..].iter_mut().zip(fours) {
                line.as_chunks_mut().0[slot] = (four ^ FLIP).to_le_bytes();
            }
        },
    );
    let lines = values.as_chunks_mut::<64>().0;
    let shift = slot % 4 * 8;
    let of_value = round(
        simd,
        value,
        #[inline(always)]
        |part, fours| {
            // One byte of each number: what compilers make vectors of.
            let words = lines[part * QUADS + slot / 4].as_chunks_mut().0;
            let bytes = fours.map(u32::to_le_bytes);
            for (word, &byte) in words.iter_mut().zip(bytes.as_flattened()) {
                let others = u32::from_le_bytes(*word) & !(0xff << shift);
                *word = (others | u32::from(byte) << shift).to_le_bytes();
            }
        },
    );
    scales_mut(keys)[slot] = of_key.scale.to_le_bytes();
    scales_mut(values)[slot] = of_value.scale.to_le_bytes();
}

fn scales_mut(head: &mut [u8]) -> &mut [[u8; 4]; POSITIONS] {
    let scales = head.as_chunks_mut().0.last_chunk_mut();
    scales.expect("a head has its scales")
}

/// The scales of a head's positions.
#[inline(always)]
fn scales(head: &[u8]) -> &Line {
    head.last_chunk().expect("a head has its scales")
}

/// Queries as bytes.
#[derive(Debug, Default)]
pub(crate) struct QueryBytes {
    n_steps: usize,
    fours: Vec<u32>,       // (queries, n_steps)
    rounded: Vec<Rounded>, // (queries)
    turned: Vec<f32>,      // (head_dim)
}

/// Some of them.
#[derive(Clone, Copy)]
pub(crate) struct QueryPart<'a> {
    n_steps: usize,
    fours: &'a [u32],
    rounded: &'a [Rounded],
}

impl QueryBytes {
    /// Takes in queries, `(queries, head_dim)`, times a number.
    pub(crate) fn set(&mut self, isa: Isa, queries: &[f32], head_dim: usize, scale: f32) {
        let n_queries = queries.len() / head_dim;
        self.n_steps = head_dim.next_multiple_of(LANES) / 4;
        self.fours.resize(n_queries * self.n_steps, 0);
        self.rounded.resize(n_queries, Rounded::default());
        self.turned.resize(head_dim, 0.0);
        let fours = self.fours.chunks_exact_mut(self.n_steps).zip(&mut self.rounded);
        with_simd!(isa, simd => simd.vectorize(
            #[inline(always)]
            || for ((fours, rounded), query) in fours.zip(queries.chunks_exact(head_dim)) {
                self.turned.copy_from_slice(query);
                let n_turned = turn(&mut self.turned);
                *rounded = round(simd, &self.turned, #[inline(always)] |i, part| fours[4 * i..4 * i + 4].copy_from_slice(&part));
                rounded.scale *= scale / n_turned as f32;
            }
        ));
    }

    pub(crate) fn part(&self, queries: Range<usize>) -> QueryPart<'_> {
        QueryPart {
            n_steps: self.n_steps,
            fours: &self.fours[queries.start * self.n_steps..queries.end * self.n_steps],
            rounded: &self.rounded[queries],
        }
    }
}

/// Queries of a group times the keys that a head has in some pages.
pub(crate) struct ByteScoring<'a> {
    pub(crate) near: &'a Near<'a>,
    pub(crate) queries: QueryPart<'a>,
    pub(crate) stride: usize,
}

impl ByteScoring<'_> {
    pub(crate) fn compute(&self, isa: Isa, scores: &mut [f32]) {
        with_simd!(isa, simd => simd.vectorize(
            #[inline(always)]
            || with_queries!(self.queries.rounded.len(), N => self.rows::<_, N>(simd, scores)),
        ));
    }

    #[inline(always)]
    fn rows<S: Simd, const N: usize>(&self, simd: S, scores: &mut [f32]) {
        let (mut page, n_pages) = (0, self.near.pages().len());
        while const { fit::<S>(N, 4) } && page + 4 <= n_pages {
            self.tile::<S, N, 4>(simd, page, scores);
            page += 4;
        }
        if const { fit::<S>(N, 3) } && page + 3 == n_pages {
            self.tile::<S, N, 3>(simd, page, scores);
            page += 3;
        }
        while const { fit::<S>(N, 2) } && page + 2 <= n_pages {
            self.tile::<S, N, 2>(simd, page, scores);
            page += 2;
        }
        while page < n_pages {
            self.tile::<S, N, 1>(simd, page, scores);
            page += 1;
        }
    }

    /// `P` pages.
    #[inline(always)]
    fn tile<S: Simd, const N: usize, const P: usize>(
        &self,
        simd: S,
        page: usize,
        scores: &mut [f32],
    ) {
        self.near.after(page + P).iter().take(P).for_each(
            #[inline(always)]
            |next| fetch(simd, next),
        );
        let QueryPart { n_steps, fours, rounded } = self.queries;
        let heads: [&[u8]; P] = std::array::from_fn(|p| self.near.pages()[page + p]);
        let lines: [&[Line]; P] = std::array::from_fn(|p| &heads[p].as_chunks().0[..n_steps]);
        let fours: [&[u32]; N] = std::array::from_fn(|q| &fours[q * n_steps..][..n_steps]);
        let starts: [S::Ints; N] = std::array::from_fn(
            #[inline(always)]
            |q| simd.start_8bit(-128 * rounded[q].sum),
        );
        let mut sums: [S::Each<[S::Ints; N]>; P] = [S::each(starts); P];
        for step in 0..n_steps {
            for p in 0..P {
                for v in 0..S::VECTORS {
                    let keys = simd.bytes(&lines[p][step], v);
                    for q in 0..N {
                        let four = fours[q][step].cast_signed();
                        sums[p][v][q] = simd.dot_8bit(sums[p][v][q], keys, four);
                    }
                }
            }
        }
        for q in 0..N {
            let scale = simd.splat(rounded[q].scale);
            let scores = scores[q * self.stride..].as_chunks_mut().0;
            for p in 0..P {
                for v in 0..S::VECTORS {
                    let score = simd.mul(simd.to_floats(sums[p][v][q]), scale);
                    let score = simd.mul(score, simd.f32s(scales(heads[p]), v));
                    simd.store(score, &mut scores[page + p], v);
                }
            }
        }
    }
}

/// The weights that queries have for the positions of pages, with the scales of the values: a row for each page.
type PageWeights = [[RoundedRows; PAGES_AT_ONCE / 4]; QUERIES];

/// Sets those of the first queries.
#[inline(always)]
fn round_weights<S: Simd>(
    simd: S,
    n_queries: usize,
    weights: &Weights<'_>,
    pages: &[&[u8]],
    rounded: &mut PageWeights,
) {
    let mut rows = [[0.0; LANES]; PAGES_AT_ONCE];
    for (q, rounded) in rounded.iter_mut().enumerate().take(n_queries) {
        let (whole, mut rest) = weights.of(q, 0..pages.len()).as_chunks();
        let (of_whole, others) = pages.split_at(whole.len());
        for ((row, weights), page) in rows.iter_mut().zip(whole).zip(of_whole) {
            multiply(simd, weights, scales(page), row);
        }
        for (row, page) in rows[whole.len()..].iter_mut().zip(others) {
            multiply(simd, &lanes(std::mem::take(&mut rest)), scales(page), row);
        }
        *rounded = simd.round_rows(&rows);
    }
}

/// Weights times the scales of their positions.
#[inline(always)]
fn multiply<S: Simd>(simd: S, weights: &[f32; LANES], scales: &Line, to: &mut [f32; LANES]) {
    for v in 0..S::VECTORS {
        simd.store(simd.mul(simd.load(weights, v), simd.f32s(scales, v)), to, v);
    }
}

/// Whether integers and sums of all queries, with two lines, fit into the registers: else the integers are those
/// of one query at a time.
const fn together<S: Simd>(n: usize) -> bool {
    fit::<S>(2 * n, 2)
}

/// Whether `n` queries are multiplied with so many lines.
const fn fit_all<S: Simd>(n: usize, lines: usize) -> bool {
    fit::<S>(if together::<S>(n) { 2 * n } else { n }, lines)
}

/// Weights of a group times the values that a head has in some pages.
pub(crate) struct ByteMixing<'a> {
    pub(crate) near: &'a Near<'a>,
    pub(crate) weights: Weights<'a>,
    pub(crate) head_dim: usize,
}

impl ByteMixing<'_> {
    pub(crate) fn compute(&self, isa: Isa, out: &mut [f32]) {
        let n_queries = out.len() / self.head_dim;
        let mut weights = [[RoundedRows::ZERO; PAGES_AT_ONCE / 4]; QUERIES];
        with_simd!(isa, simd => {
            simd.vectorize(
                #[inline(always)]
                || round_weights(simd, n_queries, &self.weights, self.near.pages(), &mut weights),
            );
            simd.vectorize(
                #[inline(always)]
                || with_queries!(n_queries, N => self.rows::<_, N>(simd, &weights, out)),
            );
        });
    }

    #[inline(always)]
    fn rows<S: Simd, const N: usize>(&self, simd: S, weights: &PageWeights, out: &mut [f32]) {
        let (mut block, n_blocks) = (0, self.head_dim.div_ceil(LANES));
        while const { fit_all::<S>(N, 4) } && block + 4 <= n_blocks {
            self.tile::<S, N, 4>(simd, block, weights, out);
            block += 4;
        }
        while const { fit_all::<S>(N, 2) } && block + 2 <= n_blocks {
            self.tile::<S, N, 2>(simd, block, weights, out);
            block += 2;
        }
        while block < n_blocks {
            self.tile::<S, N, 1>(simd, block, weights, out);
            block += 1;
        }
    }

    /// `F` times 16 features.
    #[inline(always)]
    fn tile<S: Simd, const N: usize, const F: usize>(
        &self,
        simd: S,
        block: usize,
        weights: &PageWeights,
        out: &mut [f32],
    ) {
        let mut sums: Sums<S, N, F> = [S::each([simd.splat(0.0); N]); F];
        load_sums(simd, self.head_dim, block, out, &mut sums);
        let blocks = block * QUADS..(block + F) * QUADS;
        for (i, page) in self.near.pages().iter().enumerate() {
            if let Some(next) = self.near.after(i + 1).first().filter(|next| !next.is_empty()) {
                fetch(simd, next.as_chunks::<64>().0[blocks.clone()].as_flattened());
            }
            let lines: &[Line] = &page.as_chunks().0[blocks.clone()];
            let lines: [&[Line; QUADS]; F] = std::array::from_fn(|f| &lines.as_chunks().0[f]);
            if const { together::<S>(N) } {
                add_page::<S, N, N, F>(simd, lines, weights, i, 0, &mut sums);
            } else {
                for q in 0..N {
                    add_page::<S, N, 1, F>(simd, lines, weights, i, q, &mut sums);
                }
            }
        }
        store_sums(simd, self.head_dim, block, &sums, out);
    }
}

/// Adds the products of a page's values with the weights of `Q` of the queries, from the first one on.
#[inline(always)]
fn add_page<S: Simd, const N: usize, const Q: usize, const F: usize>(
    simd: S,
    lines: [&[Line; QUADS]; F],
    weights: &PageWeights,
    page: usize,
    first: usize,
    sums: &mut Sums<S, N, F>,
) {
    let mut ints: [S::Each<[S::Ints; Q]>; F] = [S::each([simd.ints(0); Q]); F];
    for step in 0..QUADS {
        for f in 0..F {
            for v in 0..S::VECTORS {
                let values = simd.bytes(&lines[f][step], v);
                for q in 0..Q {
                    let four = weights[first + q][page / 4].fours[step][page % 4];
                    ints[f][v][q] = simd.dot_7bit(ints[f][v][q], values, four);
                }
            }
        }
    }
    for q in 0..Q {
        let scale = simd.splat(weights[first + q][page / 4].scales[page % 4]);
        for f in 0..F {
            for v in 0..S::VECTORS {
                let sum = &mut sums[f][v][first + q];
                *sum = simd.fma(simd.to_floats(ints[f][v][q]), scale, *sum);
            }
        }
    }
}
