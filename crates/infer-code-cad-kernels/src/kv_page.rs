use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::isa::{Simd, with_simd};
use crate::{Isa, KernelError};

/// How keys and values are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KvFormat {
    /// IEEE single precision.
    F32,
    /// IEEE half precision; what is beyond its range becomes its largest number.
    F16,
}

impl fmt::Display for KvFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for KvFormat {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        let known = Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| KernelError::UnknownKvFormat { name: name.to_owned() })
    }
}

impl KvFormat {
    /// Every format there is.
    pub const ALL: [Self; 2] = [Self::F32, Self::F16];

    /// Its name, which is read back.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }

    /// Bytes of one value.
    pub fn value_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }
}

/// The keys and values that some heads have of [`KvPage::POSITIONS`] consecutive positions.
///
/// Keys lie side by side by position and values by feature, so that neither product has a sum across
/// the lanes of a vector. Queries that share a key head are multiplied together, each in an order of
/// its own: results do not depend on how many there are, nor on the instruction set.
#[derive(Debug, Clone)]
pub struct KvPage {
    format: KvFormat,
    head_dim: usize,
    keys: Box<[u8]>,   // (n_heads, head_dim, POSITIONS)
    values: Box<[u8]>, // (n_heads, ceil(head_dim / LANES), POSITIONS, LANES)
}

/// Features that are added up together.
const LANES: usize = 16;
/// Queries multiplied together, at most: as many as the registers hold.
const QUERIES: usize = 8;

impl KvPage {
    /// Positions of a page.
    pub const POSITIONS: usize = 16;

    /// A page of zeros.
    pub fn new(format: KvFormat, n_heads: usize, head_dim: usize) -> Self {
        let zeros = |width: usize| {
            let len = n_heads * width * Self::POSITIONS * format.value_bytes();
            vec![0; len].into_boxed_slice()
        };
        let (keys, values) = (zeros(head_dim), zeros(head_dim.next_multiple_of(LANES)));
        Self { format, head_dim, keys, values }
    }

    /// Memory that a page takes, in bytes.
    pub fn bytes(format: KvFormat, n_heads: usize, head_dim: usize) -> usize {
        let width = head_dim + head_dim.next_multiple_of(LANES);
        n_heads * width * Self::POSITIONS * format.value_bytes()
    }

    /// Writes one position. `key`, `value`: `(n_heads, head_dim)`.
    ///
    /// # Panics
    /// When the slot is not below [`KvPage::POSITIONS`] or a slice has another length.
    pub fn put(&mut self, slot: usize, key: &[f32], value: &[f32]) {
        assert!(slot < Self::POSITIONS, "a page has no slot {slot}");
        match self.format {
            KvFormat::F32 => {
                self.put_as(slot, key, value, |from: &[f32; LANES]| from.map(f32::to_le_bytes))
            }
            KvFormat::F16 => self.put_as(slot, key, value, |from: &[f32; LANES]| {
                let limit = f16::MAX.to_f32();
                let mut to = [f16::ZERO; LANES];
                to.convert_from_f32_slice(&from.map(|x| x.clamp(-limit, limit)));
                to.map(f16::to_le_bytes)
            }),
        }
    }

    fn put_as<const N: usize>(
        &mut self,
        slot: usize,
        key: &[f32],
        value: &[f32],
        convert: impl Fn(&[f32; LANES]) -> [[u8; N]; LANES],
    ) {
        let n_heads = self.keys.len() / (self.head_dim * Self::POSITIONS * N);
        assert_eq!((key.len(), value.len()), (n_heads * self.head_dim, key.len()));
        let convert = |part: &[f32]| {
            let mut lanes = [0.0; LANES];
            lanes[..part.len()].copy_from_slice(part);
            convert(&lanes)
        };
        let keys = self.keys.as_chunks_mut::<N>().0;
        for (features, part) in keys.chunks_mut(LANES * Self::POSITIONS).zip(key.chunks(LANES)) {
            for (to, from) in
                features[slot..].iter_mut().step_by(Self::POSITIONS).zip(convert(part))
            {
                *to = from;
            }
        }
        let values = self.values.as_chunks_mut::<N>().0.as_chunks_mut::<LANES>().0;
        let parts = value.chunks(self.head_dim).flat_map(|head| head.chunks(LANES));
        for (block, part) in values.chunks_mut(Self::POSITIONS).zip(parts) {
            block[slot] = convert(part);
        }
    }

    /// Starts to fetch what a head has here into the cache.
    pub fn prefetch(&self, isa: Isa, head: usize) {
        let keys = part(&self.keys, head, self.head_dim * Self::POSITIONS, self.format);
        let values = part(&self.values, head, self.values_len(), self.format);
        with_simd!(isa, simd => for line in keys.chunks(64).chain(values.chunks(64)) {
            simd.prefetch(line.as_ptr());
        });
    }

    fn values_len(&self) -> usize {
        self.head_dim.next_multiple_of(LANES) * Self::POSITIONS
    }

    /// `scores[q][t] = scale * sum of queries[q][d] * keys[t][d]` for all positions of a head.
    ///
    /// # Shapes
    /// `queries`: `(group, head_dim)`; `scores`: `(group, stride)`, of which the first
    /// [`KvPage::POSITIONS`] of each row are written.
    ///
    /// # Panics
    /// When there is no such head, queries are not whole or none, or a slice is too short.
    pub fn score(
        &self,
        isa: Isa,
        head: usize,
        queries: &[f32],
        scale: f32,
        scores: &mut [f32],
        stride: usize,
    ) {
        let n_queries = n_queries(queries, self.head_dim);
        assert!(scores.len() >= (n_queries - 1) * stride + Self::POSITIONS, "scores too short");
        let keys = part(&self.keys, head, self.head_dim * Self::POSITIONS, self.format);
        let groups = queries.chunks(QUERIES * self.head_dim);
        let groups = groups.zip(scores.chunks_mut(QUERIES * stride));
        for (queries, scores) in groups {
            let group = Scoring { keys, queries, head_dim: self.head_dim, scale, stride };
            with_simd!(isa, simd => simd.vectorize(
                #[inline(always)]
                || match self.format {
                    KvFormat::F32 => group.run(simd, scores, #[inline(always)] |from: &[u8; 64], v| simd.f32s(from, v)),
                    KvFormat::F16 => group.run(simd, scores, #[inline(always)] |from: &[u8; 32], v| simd.f16s(from, v)),
                }
            ));
        }
    }

    /// `out[q][d] += sum of weights[q][t] * values[t][d]` over the first `n_positions` of a head.
    ///
    /// # Shapes
    /// `weights`: `(group, stride)`, of which the first `n_positions` of each row are read; `out`:
    /// `(group, head_dim)`.
    ///
    /// # Panics
    /// When there is no such head, queries are not whole or none, or a slice is too short.
    pub fn mix(
        &self,
        isa: Isa,
        head: usize,
        weights: &[f32],
        stride: usize,
        n_positions: usize,
        out: &mut [f32],
    ) {
        assert!(n_positions <= Self::POSITIONS, "a page has no {n_positions} positions");
        let n_queries = n_queries(out, self.head_dim);
        assert!(weights.len() >= (n_queries - 1) * stride + n_positions, "weights too short");
        let values = part(&self.values, head, self.values_len(), self.format);
        let groups = weights.chunks(QUERIES * stride);
        let groups = groups.zip(out.chunks_mut(QUERIES * self.head_dim));
        for (weights, out) in groups {
            let group = Mixing { values, weights, head_dim: self.head_dim, n_positions, stride };
            with_simd!(isa, simd => simd.vectorize(
                #[inline(always)]
                || match self.format {
                    KvFormat::F32 => group.run(simd, out, #[inline(always)] |from: &[u8; 64], v| simd.f32s(from, v)),
                    KvFormat::F16 => group.run(simd, out, #[inline(always)] |from: &[u8; 32], v| simd.f16s(from, v)),
                }
            ));
        }
    }
}

/// # Panics
/// When `rows` are not one row of `head_dim` values or more.
fn n_queries(rows: &[f32], head_dim: usize) -> usize {
    assert!(!rows.is_empty() && rows.len().is_multiple_of(head_dim), "whole queries, at least one");
    rows.len() / head_dim
}

/// Goes through the vectors of a line: all at once where the sums of `n` queries fit into the
/// registers, for more chains of sums; else one by one.
#[inline(always)]
fn for_vectors<S: Simd>(n: usize, mut each: impl FnMut(Range<usize>)) {
    if n * S::VECTORS <= QUERIES {
        each(0..S::VECTORS);
    } else {
        for v in 0..S::VECTORS {
            each(v..v + 1);
        }
    }
}

/// The bytes of one head.
fn part(bytes: &[u8], head: usize, len: usize, format: KvFormat) -> &[u8] {
    let len = len * format.value_bytes();
    &bytes[head * len..][..len]
}

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
            6 => {
                const $N: usize = 6;
                $body
            }
            7 => {
                const $N: usize = 7;
                $body
            }
            8 => {
                const $N: usize = 8;
                $body
            }
            n => unreachable!("groups have 1 to 8 queries, not {n}"),
        }
    };
}

struct Scoring<'a> {
    keys: &'a [u8],
    queries: &'a [f32],
    head_dim: usize,
    scale: f32,
    stride: usize,
}

impl Scoring<'_> {
    /// `LINE` bytes are a feature of all positions, which `widen` turns to floats.
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
        let lines = self.keys.as_chunks::<LINE>().0;
        let lines = &lines[..self.head_dim];
        let queries: [&[f32]; N] =
            std::array::from_fn(|q| &self.queries[q * self.head_dim..][..lines.len()]);
        let scale = simd.splat(self.scale);
        for_vectors::<S>(
            N,
            #[inline(always)]
            |vectors| {
                let mut sums = S::each([simd.splat(0.0); N]);
                for d in 0..lines.len() {
                    for v in vectors.clone() {
                        let (keys, sums) = (widen(&lines[d], v), &mut sums[v - vectors.start]);
                        for q in 0..N {
                            sums[q] = simd.fma(keys, simd.splat(queries[q][d]), sums[q]);
                        }
                    }
                }
                for v in vectors.clone() {
                    for q in 0..N {
                        let scores = scores[q * self.stride..].first_chunk_mut();
                        let score = simd.mul(sums[v - vectors.start][q], scale);
                        simd.store(score, scores.expect("room for the scores of a page"), v);
                    }
                }
            },
        );
    }
}

struct Mixing<'a> {
    values: &'a [u8],
    weights: &'a [f32],
    head_dim: usize,
    n_positions: usize,
    stride: usize,
}

impl Mixing<'_> {
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
        let weights: [&[f32]; N] =
            std::array::from_fn(|q| &self.weights[q * self.stride..][..self.n_positions]);
        let blocks = self.values.as_chunks::<LINE>().0.chunks_exact(KvPage::POSITIONS);
        for (block, lines) in blocks.enumerate() {
            let start = block * LANES;
            let len = LANES.min(self.head_dim - start);
            let mut sums = [[0.0; LANES]; N];
            for q in 0..N {
                let out = &out[q * self.head_dim + start..][..len];
                match out.first_chunk() {
                    Some(whole) => sums[q] = *whole, // a copy of known length is two instructions
                    None => sums[q][..len].copy_from_slice(out),
                }
            }
            for_vectors::<S>(
                N,
                #[inline(always)]
                |vectors| {
                    let mut acc = S::each([simd.splat(0.0); N]);
                    for v in vectors.clone() {
                        for q in 0..N {
                            acc[v - vectors.start][q] = simd.load(&sums[q], v);
                        }
                    }
                    for (t, line) in lines[..self.n_positions].iter().enumerate() {
                        for v in vectors.clone() {
                            let (values, acc) = (widen(line, v), &mut acc[v - vectors.start]);
                            for q in 0..N {
                                acc[q] = simd.fma(values, simd.splat(weights[q][t]), acc[q]);
                            }
                        }
                    }
                    for v in vectors.clone() {
                        for q in 0..N {
                            simd.store(acc[v - vectors.start][q], &mut sums[q], v);
                        }
                    }
                },
            );
            for q in 0..N {
                let out = &mut out[q * self.head_dim + start..][..len];
                match out.first_chunk_mut() {
                    Some(whole) => *whole = sums[q],
                    None => out.copy_from_slice(&sums[q][..len]),
                }
            }
        }
    }
}
