//! Queries times the keys of pages, weights times their values, once for all instruction sets.
//!
//! Every sum goes over features, or over positions, in their order: it does not depend on how many queries
//! or pages are multiplied together.
#![expect(clippy::needless_range_loop, reason = "an index counts vectors, lines and queries alike")]

use std::ops::Range;

use crate::isa::{Simd, with_simd};
use crate::kv_page::{LANES, Near, Weights};
use crate::{Isa, KvPage};

/// Queries multiplied together, at most.
pub(crate) const QUERIES: usize = 5;
/// Bytes of a cache line.
const CACHE_LINE: usize = 64;

/// Calls a method with the number of queries as a constant.
macro_rules! with_queries {
    ($n:expr, $N:ident => $body:expr) => {
        match $n {
            1 => {
                const $N: usize = 1;
                $body
            }
            2 => {
                const $N: usize = 2;
                $body
            }
            3 => {
                const $N: usize = 3;
                $body
            }
            4 => {
                const $N: usize = 4;
                $body
            }
            5 => {
                const $N: usize = 5;
                $body
            }
            n => unreachable!("groups have 1 to 5 queries, not {n}"),
        }
    };
}
pub(crate) use with_queries;

/// Whether the sums of `n` queries with so many lines fit into the registers.
pub(crate) const fn fit<S: Simd>(n: usize, lines: usize) -> bool {
    n * lines * S::VECTORS <= S::SUMS
}

/// The sums of `N` queries with `L` lines: a vector of each.
pub(crate) type Sums<S, const N: usize, const L: usize> =
    [<S as Simd>::Each<[<S as Simd>::Floats; N]>; L];

/// Adds the products of `L` lines with a value of each query.
#[inline(always)]
fn add_products<S: Simd, const N: usize, const L: usize>(
    simd: S,
    line: impl Fn(usize, usize) -> S::Floats,
    value: impl Fn(usize) -> f32,
    sums: &mut Sums<S, N, L>,
) {
    // What there is less of is kept in registers.
    if const { N <= L * S::VECTORS } {
        let values: [S::Floats; N] = std::array::from_fn(
            #[inline(always)]
            |q| simd.splat(value(q)),
        );
        for l in 0..L {
            for v in 0..S::VECTORS {
                let line = line(l, v);
                for q in 0..N {
                    sums[l][v][q] = simd.fma(line, values[q], sums[l][v][q]);
                }
            }
        }
    } else {
        let lines: [S::Each<S::Floats>; L] = std::array::from_fn(
            #[inline(always)]
            |l| {
                let mut vectors = S::each(simd.splat(0.0));
                for v in 0..S::VECTORS {
                    vectors[v] = line(l, v);
                }
                vectors
            },
        );
        for q in 0..N {
            let value = simd.splat(value(q));
            for l in 0..L {
                for v in 0..S::VECTORS {
                    sums[l][v][q] = simd.fma(lines[l][v], value, sums[l][v][q]);
                }
            }
        }
    }
}

/// Starts to fetch bytes into the cache.
#[inline(always)]
pub(crate) fn fetch<S: Simd>(simd: S, bytes: &[u8]) {
    let start = bytes.as_ptr();
    for at in (0..bytes.len()).step_by(CACHE_LINE) {
        simd.prefetch(start.wrapping_add(at));
    }
}

/// Queries of a group times the keys that a head has in some pages.
pub(crate) struct Scoring<'a> {
    pub(crate) near: &'a Near<'a>,
    pub(crate) queries: &'a [f32],
    pub(crate) head_dim: usize,
    pub(crate) scale: f32,
    pub(crate) stride: usize,
}

impl Scoring<'_> {
    /// In half precision or in single precision.
    pub(crate) fn compute(&self, isa: Isa, half: bool, scores: &mut [f32]) {
        with_simd!(isa, simd => simd.vectorize(
            #[inline(always)]
            || match half {
                false => self.run(simd, scores, #[inline(always)] |from: &[u8; 64], v| simd.f32s(from, v)),
                true => self.run(simd, scores, #[inline(always)] |from: &[u8; 32], v| simd.f16s(from, v)),
            }
        ));
    }

    /// `LINE` bytes are a feature of all positions of a page, which `widen` turns to floats.
    #[inline(always)]
    fn run<S: Simd, const LINE: usize>(
        &self,
        simd: S,
        scores: &mut [f32],
        widen: impl Fn(&[u8; LINE], usize) -> S::Floats,
    ) {
        with_queries!(self.queries.len() / self.head_dim, N => self.rows::<S, N, LINE>(simd, scores, widen));
    }

    #[inline(always)]
    fn rows<S: Simd, const N: usize, const LINE: usize>(
        &self,
        simd: S,
        scores: &mut [f32],
        widen: impl Fn(&[u8; LINE], usize) -> S::Floats,
    ) {
        let mut page = 0;
        let n_pages = self.near.pages().len();
        while const { fit::<S>(N, 4) } && page + 4 <= n_pages {
            self.tile::<S, N, 4, LINE>(simd, page, scores, &widen);
            page += 4;
        }
        while const { fit::<S>(N, 2) } && page + 2 <= n_pages {
            self.tile::<S, N, 2, LINE>(simd, page, scores, &widen);
            page += 2;
        }
        while page < n_pages {
            self.tile::<S, N, 1, LINE>(simd, page, scores, &widen);
            page += 1;
        }
    }

    /// `P` pages.
    #[inline(always)]
    fn tile<S: Simd, const N: usize, const P: usize, const LINE: usize>(
        &self,
        simd: S,
        page: usize,
        scores: &mut [f32],
        widen: &impl Fn(&[u8; LINE], usize) -> S::Floats,
    ) {
        self.near.after(page + P).iter().take(P).for_each(
            #[inline(always)]
            |next| fetch(simd, next),
        );
        let lines: [&[[u8; LINE]]; P] =
            std::array::from_fn(|p| &self.near.pages()[page + p].as_chunks().0[..self.head_dim]);
        let queries: [&[f32]; N] =
            std::array::from_fn(|q| &self.queries[q * self.head_dim..][..self.head_dim]);
        let mut sums: Sums<S, N, P> = [S::each([simd.splat(0.0); N]); P];
        for d in 0..self.head_dim {
            add_products::<S, N, P>(
                simd,
                #[inline(always)]
                |p, v| widen(&lines[p][d], v),
                #[inline(always)]
                |q| queries[q][d],
                &mut sums,
            );
        }
        let scale = simd.splat(self.scale);
        for q in 0..N {
            let scores = scores[q * self.stride..].as_chunks_mut().0;
            for p in 0..P {
                for v in 0..S::VECTORS {
                    simd.store(simd.mul(sums[p][v][q], scale), &mut scores[page + p], v);
                }
            }
        }
    }
}

/// Weights of a group times the values that a head has in some pages.
pub(crate) struct Mixing<'a> {
    pub(crate) near: &'a Near<'a>,
    pub(crate) weights: Weights<'a>,
    pub(crate) head_dim: usize,
}

impl Mixing<'_> {
    /// In half precision or in single precision.
    pub(crate) fn compute(&self, isa: Isa, half: bool, out: &mut [f32]) {
        with_simd!(isa, simd => simd.vectorize(
            #[inline(always)]
            || match half {
                false => self.run(simd, out, #[inline(always)] |from: &[u8; 64], v| simd.f32s(from, v)),
                true => self.run(simd, out, #[inline(always)] |from: &[u8; 32], v| simd.f16s(from, v)),
            }
        ));
    }

    /// `LINE` bytes are 16 features of one position, which `widen` turns to floats.
    #[inline(always)]
    fn run<S: Simd, const LINE: usize>(
        &self,
        simd: S,
        out: &mut [f32],
        widen: impl Fn(&[u8; LINE], usize) -> S::Floats,
    ) {
        with_queries!(out.len() / self.head_dim, N => self.rows::<S, N, LINE>(simd, out, widen));
    }

    #[inline(always)]
    fn rows<S: Simd, const N: usize, const LINE: usize>(
        &self,
        simd: S,
        out: &mut [f32],
        widen: impl Fn(&[u8; LINE], usize) -> S::Floats,
    ) {
        let n_blocks = self.head_dim.div_ceil(LANES);
        let mut block = 0;
        while const { fit::<S>(N, 4) } && block + 4 <= n_blocks {
            self.tile::<S, N, 4, LINE>(simd, block, out, &widen);
            block += 4;
        }
        while const { fit::<S>(N, 2) } && block + 2 <= n_blocks {
            self.tile::<S, N, 2, LINE>(simd, block, out, &widen);
            block += 2;
        }
        while block < n_blocks {
            self.tile::<S, N, 1, LINE>(simd, block, out, &widen);
            block += 1;
        }
    }

    /// `F` times 16 features.
    #[inline(always)]
    fn tile<S: Simd, const N: usize, const F: usize, const LINE: usize>(
        &self,
        simd: S,
        block: usize,
        out: &mut [f32],
        widen: &impl Fn(&[u8; LINE], usize) -> S::Floats,
    ) {
        let mut sums: Sums<S, N, F> = [S::each([simd.splat(0.0); N]); F];
        load_sums(simd, self.head_dim, block, out, &mut sums);
        for (i, page) in self.near.pages().iter().enumerate() {
            if let Some(next) = self.near.after(i + 1).first().filter(|next| !next.is_empty()) {
                fetch(simd, blocks::<LINE>(next, block, F).as_flattened());
            }
            let weights: [&[f32]; N] = std::array::from_fn(
                #[inline(always)]
                |q| self.weights.of(q, i..i + 1),
            );
            let written = weights[0].len();
            let page = blocks::<LINE>(page, block, F);
            let lines: [&[[u8; LINE]]; F] =
                std::array::from_fn(|f| &page[f * KvPage::POSITIONS..][..written]);
            for t in 0..written {
                add_products::<S, N, F>(
                    simd,
                    #[inline(always)]
                    |f, v| widen(&lines[f][t], v),
                    #[inline(always)]
                    |q| weights[q][t],
                    &mut sums,
                );
            }
        }
        store_sums(simd, self.head_dim, block, &sums, out);
    }
}

/// The lines of some blocks of 16 features in a page.
#[inline(always)]
fn blocks<const LINE: usize>(page: &[u8], first: usize, n_blocks: usize) -> &[[u8; LINE]] {
    let of_block = KvPage::POSITIONS;
    &page.as_chunks::<LINE>().0[first * of_block..(first + n_blocks) * of_block]
}

/// The features of a block in the result of a query.
#[inline(always)]
fn features(q: usize, head_dim: usize, block: usize) -> Range<usize> {
    let start = block * LANES;
    q * head_dim + start..q * head_dim + head_dim.min(start + LANES)
}

/// Reads the results so far of `F` blocks from the first one on.
#[inline(always)]
pub(crate) fn load_sums<S: Simd, const N: usize, const F: usize>(
    simd: S,
    head_dim: usize,
    first: usize,
    out: &[f32],
    sums: &mut Sums<S, N, F>,
) {
    for f in 0..F {
        for q in 0..N {
            let out = &out[features(q, head_dim, first + f)];
            let mut lanes = [0.0; LANES];
            match out.first_chunk() {
                Some(whole) => lanes = *whole, // a copy of known length is two instructions
                None => lanes[..out.len()].copy_from_slice(out),
            }
            for v in 0..S::VECTORS {
                sums[f][v][q] = simd.load(&lanes, v);
            }
        }
    }
}

/// Writes the results of `F` blocks from the first one on.
#[inline(always)]
pub(crate) fn store_sums<S: Simd, const N: usize, const F: usize>(
    simd: S,
    head_dim: usize,
    first: usize,
    sums: &Sums<S, N, F>,
    out: &mut [f32],
) {
    for f in 0..F {
        for q in 0..N {
            let mut lanes = [0.0; LANES];
            for v in 0..S::VECTORS {
                simd.store(sums[f][v][q], &mut lanes, v);
            }
            let out = &mut out[features(q, head_dim, first + f)];
            match out.first_chunk_mut() {
                Some(whole) => *whole = lanes,
                None => out.copy_from_slice(&lanes[..out.len()]),
            }
        }
    }
}
