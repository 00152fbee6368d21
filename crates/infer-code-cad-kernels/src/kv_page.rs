use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::activations::Groups;
use crate::isa::with_simd;
use crate::kv_products::{Mixing, QUERIES, Scoring, fetch};
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
pub(crate) const LANES: usize = 16;
/// Pages that all queries are multiplied with before the next: what a head has of them stays in the
/// first-level cache.
const PAGES_AT_ONCE: usize = 8;
/// Pages whose addresses are known beyond those, to be fetched ahead.
const AHEAD: usize = 4;

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

    /// Starts to fetch the keys of a head into the cache.
    pub fn prefetch_keys(&self, isa: Isa, head: usize) {
        let keys = self.head_keys(head);
        with_simd!(isa, simd => fetch(simd, keys));
    }

    /// Starts to fetch the values of a head into the cache.
    pub fn prefetch_values(&self, isa: Isa, head: usize) {
        let values = self.head_values(head);
        with_simd!(isa, simd => fetch(simd, values));
    }

    fn head_keys(&self, head: usize) -> &[u8] {
        let len = self.head_dim * Self::POSITIONS * self.format.value_bytes();
        &self.keys[head * len..][..len]
    }

    fn head_values(&self, head: usize) -> &[u8] {
        let width = self.head_dim.next_multiple_of(LANES);
        let len = width * Self::POSITIONS * self.format.value_bytes();
        &self.values[head * len..][..len]
    }

    /// `scores[q][p * POSITIONS + t] = scale * sum of queries[q][d] * keys[t of page p][d]` for all positions
    /// that a head has in consecutive pages.
    ///
    /// # Shapes
    /// `queries`: `(group, head_dim)`; `scores`: `(group, stride)`, of which the first
    /// `pages.len() * POSITIONS` of each row are written.
    ///
    /// # Panics
    /// When there is no such head, queries are not whole or none, a slice is too short, or pages differ in
    /// format or width.
    pub fn score(
        pages: &[impl Deref<Target = Self>],
        isa: Isa,
        head: usize,
        queries: &[f32],
        scale: f32,
        scores: &mut [f32],
        stride: usize,
    ) {
        let Some((format, head_dim)) = alike(pages) else { return };
        let n_queries = n_queries(queries, head_dim);
        let len = pages.len() * Self::POSITIONS;
        assert!(scores.len() >= (n_queries - 1) * stride + len, "scores too short");
        let of_page = |page: usize| Some(pages.get(page)?.head_keys(head));
        for first in (0..pages.len()).step_by(PAGES_AT_ONCE) {
            let near = Near::new(&of_page, first, pages.len());
            for group in Groups::new(n_queries, QUERIES).iter() {
                let scoring = Scoring {
                    pages: near.pages(),
                    ahead: near.ahead(),
                    queries: &queries[group.first * head_dim..][..group.rows * head_dim],
                    head_dim,
                    scale,
                    stride,
                };
                let scores = &mut scores[group.first * stride + first * Self::POSITIONS..];
                scoring.compute(isa, format, scores);
            }
        }
    }

    /// `out[q][d] += sum of weights[q][t] * values[t][d]` over the first `n_positions` that a head has in
    /// consecutive pages.
    ///
    /// # Shapes
    /// `weights`: `(group, stride)`, of which the first `n_positions` of each row are read; `out`:
    /// `(group, head_dim)`.
    ///
    /// # Panics
    /// When there is no such head, queries are not whole or none, a slice is too short, or pages differ in
    /// format or width.
    pub fn mix(
        pages: &[impl Deref<Target = Self>],
        isa: Isa,
        head: usize,
        weights: &[f32],
        stride: usize,
        n_positions: usize,
        out: &mut [f32],
    ) {
        let (most, n_pages) = (pages.len() * Self::POSITIONS, pages.len());
        assert!(n_positions <= most, "{n_pages} pages have no {n_positions} positions");
        let Some((format, head_dim)) = alike(pages) else { return };
        let n_queries = n_queries(out, head_dim);
        assert!(weights.len() >= (n_queries - 1) * stride + n_positions, "weights too short");
        let of_page = |page: usize| Some(pages.get(page)?.head_values(head));
        for first in (0..pages.len()).step_by(PAGES_AT_ONCE) {
            let near = Near::new(&of_page, first, pages.len());
            for group in Groups::new(n_queries, QUERIES).iter() {
                let mixing = Mixing {
                    pages: near.pages(),
                    ahead: near.ahead(),
                    weights: &weights[group.first * stride..],
                    head_dim,
                    first: first * Self::POSITIONS,
                    n_positions,
                    stride,
                };
                let out = &mut out[group.first * head_dim..][..group.rows * head_dim];
                mixing.compute(isa, format, out);
            }
        }
    }
}

/// What a head has of the pages that are multiplied at once, and of those after them.
struct Near<'a> {
    pages: [&'a [u8]; PAGES_AT_ONCE + AHEAD],
    n_pages: usize,
}

impl<'a> Near<'a> {
    fn new(of_page: &impl Fn(usize) -> Option<&'a [u8]>, first: usize, end: usize) -> Self {
        let pages = std::array::from_fn(|i| of_page(first + i).unwrap_or_default());
        Self { pages, n_pages: PAGES_AT_ONCE.min(end - first) }
    }

    fn pages(&self) -> &[&'a [u8]] {
        &self.pages[..self.n_pages]
    }

    /// From the second page on.
    fn ahead(&self) -> &[&'a [u8]] {
        &self.pages[1..]
    }
}

/// Format and width of all pages, if there is one.
fn alike(pages: &[impl Deref<Target = KvPage>]) -> Option<(KvFormat, usize)> {
    let of = |page: &KvPage| (page.format, page.head_dim);
    let first = of(pages.first()?);
    assert!(pages.iter().all(|page| of(page) == first), "pages of one format and width");
    Some(first)
}

/// # Panics
/// When `rows` are not one row of `head_dim` values or more.
fn n_queries(rows: &[f32], head_dim: usize) -> usize {
    assert!(!rows.is_empty() && rows.len().is_multiple_of(head_dim), "whole queries, at least one");
    rows.len() / head_dim
}
