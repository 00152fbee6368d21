//! Queries times keys, weights times values, of pages that hold them as bytes, once for all instruction sets.
//!
//! A product is a sum of integers, which no order changes; results of pages are added in their order.

#![expect(clippy::needless_range_loop, reason = "an index counts vectors, lines and queries alike")]

use std::ops::Range;

use crate::hadamard::turn;
use crate::isa::{Simd, with_simd};
use crate::kv_page::{LANES, Near, PAGES_AT_ONCE, Weights};
use crate::kv_products::{Sums, fetch, fit, load_sums, store_sums, with_queries};
use crate::{Isa, KvPage};

/// Values whose largest magnitude is below this count as zero: its reciprocal would overflow.
const TINY: f32 = 1e-30;
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

/// Rounds to integers of one scale, ties to even; `step` takes four at a time, as bytes.
#[inline(always)]
fn round<S: Simd>(simd: S, values: &[f32], mut step: impl FnMut(usize, u32)) -> Rounded {
    // As integers, magnitudes are in the order of the floats, with infinity and NaN at the top.
    let mut peak = 0;
    for part in values.chunks(LANES) {
        peak = peak.max(simd.peak(&lanes(part)).to_bits());
    }
    let is_finite = f32::from_bits(peak).is_finite();
    let (factor, scale) = factor_and_scale(f32::from_bits(peak));
    let scale = if is_finite { scale } else { f32::NAN };
    let mut sum = 0;
    for (i, part) in values.chunks(LANES).enumerate() {
        let part = if is_finite { lanes(part) } else { [0.0; LANES] };
        let (fours, of_part) = simd.round(&part, factor);
        sum += of_part;
        for (j, four) in fours.into_iter().enumerate() {
            step(4 * i + j, four.cast_unsigned());
        }
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

/// What makes values with this peak integers, and those integers the values: NaN or infinite if the peak is.
#[inline(always)]
fn factor_and_scale(peak: f32) -> (f32, f32) {
    (if peak < TINY { 0.0 } else { 127.0 / peak }, peak * (1.0 / 127.0))
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
    let fours = keys.as_chunks_mut().0;
    let of_key = round(
        simd,
        turned,
        #[inline(always)]
        |step, four| fours[step * POSITIONS + slot] = (four ^ FLIP).to_le_bytes(),
    );
    let lines = values.as_chunks_mut::<64>().0;
    let of_value = round(
        simd,
        value,
        #[inline(always)]
        |step, four| {
            let line = &mut lines[step / 4 * QUADS + slot / 4].as_chunks_mut::<16>().0[step % 4];
            for (i, byte) in four.to_le_bytes().into_iter().enumerate() {
                line[i * 4 + slot % 4] = byte;
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
                *rounded = round(simd, &self.turned, #[inline(always)] |i, four| fours[i] = four);
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

/// The weights that a query has for the positions of a page, with the scales of the values: `scale * q` with
/// `q` from 0 to 127, four to a step.
#[derive(Clone, Copy)]
struct PageWeights {
    fours: [u32; QUADS],
    scale: f32,
}

impl PageWeights {
    #[inline(always)]
    fn new<S: Simd>(simd: S, weights: &[f32], scales: &Line) -> Self {
        let mut weights = lanes(weights);
        for v in 0..S::VECTORS {
            simd.store(simd.mul(simd.load(&weights, v), simd.f32s(scales, v)), &mut weights, v);
        }
        let (factor, scale) = factor_and_scale(simd.peak(&weights));
        Self { fours: simd.round(&weights, factor).0.map(i32::cast_unsigned), scale }
    }
}

/// Weights of a group times the values that a head has in some pages.
pub(crate) struct ByteMixing<'a> {
    pub(crate) near: &'a Near<'a>,
    pub(crate) weights: Weights<'a>,
    pub(crate) head_dim: usize,
}

impl ByteMixing<'_> {
    pub(crate) fn compute(&self, isa: Isa, out: &mut [f32]) {
        with_simd!(isa, simd => simd.vectorize(
            #[inline(always)]
            || with_queries!(out.len() / self.head_dim, N => self.rows::<_, N>(simd, out)),
        ));
    }

    #[inline(always)]
    fn rows<S: Simd, const N: usize>(&self, simd: S, out: &mut [f32]) {
        let mut weights = [[PageWeights { fours: [0; QUADS], scale: 0.0 }; N]; PAGES_AT_ONCE];
        for (i, (of_page, page)) in weights.iter_mut().zip(self.near.pages()).enumerate() {
            for (q, of_query) in of_page.iter_mut().enumerate() {
                *of_query = PageWeights::new(simd, self.weights.of(q, i), scales(page));
            }
        }
        let (mut block, n_blocks) = (0, self.head_dim.div_ceil(LANES));
        while const { fit::<S>(N, 4) } && block + 4 <= n_blocks {
            self.tile::<S, N, 4>(simd, block, &weights, out);
            block += 4;
        }
        while const { fit::<S>(N, 2) } && block + 2 <= n_blocks {
            self.tile::<S, N, 2>(simd, block, &weights, out);
            block += 2;
        }
        while block < n_blocks {
            self.tile::<S, N, 1>(simd, block, &weights, out);
            block += 1;
        }
    }

    /// `F` times 16 features.
    #[inline(always)]
    fn tile<S: Simd, const N: usize, const F: usize>(
        &self,
        simd: S,
        block: usize,
        weights: &[[PageWeights; N]; PAGES_AT_ONCE],
        out: &mut [f32],
    ) {
        let mut sums: Sums<S, N, F> = [S::each([simd.splat(0.0); N]); F];
        load_sums(simd, self.head_dim, block, out, &mut sums);
        let blocks = block * QUADS..(block + F) * QUADS;
        for (i, (page, weights)) in self.near.pages().iter().zip(weights).enumerate() {
            if let Some(next) = self.near.after(i + 1).first().filter(|next| !next.is_empty()) {
                fetch(simd, next.as_chunks::<64>().0[blocks.clone()].as_flattened());
            }
            let lines: &[Line] = &page.as_chunks().0[blocks.clone()];
            let lines: [&[Line; QUADS]; F] = std::array::from_fn(|f| &lines.as_chunks().0[f]);
            for q in 0..N {
                let mut ints: [S::Each<S::Ints>; F] = [S::each(simd.ints(0)); F];
                for t in 0..QUADS {
                    let four = weights[q].fours[t];
                    for f in 0..F {
                        for v in 0..S::VECTORS {
                            let values = simd.bytes(&lines[f][t], v);
                            ints[f][v] = simd.dot_pairs(ints[f][v], values, four);
                        }
                    }
                }
                let scale = simd.splat(weights[q].scale);
                for f in 0..F {
                    for v in 0..S::VECTORS {
                        sums[f][v][q] = simd.fma(simd.to_floats(ints[f][v]), scale, sums[f][v][q]);
                    }
                }
            }
        }
        store_sums(simd, self.head_dim, block, &sums, out);
    }
}
