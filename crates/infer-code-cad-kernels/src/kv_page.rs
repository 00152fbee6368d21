use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, Range};
use std::slice;
use std::str::FromStr;
use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::activations::Groups;
use crate::isa::{Simd, with_simd};
use crate::kv_bytes::{self, ByteMixing, ByteScoring};
use crate::kv_meter::Metered;
use crate::kv_products::{Mixing, QUERIES, Scoring, fetch};
use crate::{Isa, KernelError, KvMeter, KvQueries};

/// How keys and values are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KvFormat {
    /// IEEE single precision.
    F32,
    /// IEEE half precision; what is beyond its range becomes its largest number.
    F16,
    /// Bytes, with a scale for each position and head: `scale * q` with `scale = max |x| / 127`, of keys
    /// turned by a Hadamard matrix. Queries and weights are rounded in the same way, the weights by pages.
    Int8,
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
    pub const ALL: [Self; 3] = [Self::F32, Self::F16, Self::Int8];

    /// Its name, which is read back.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Int8 => "int8",
        }
    }

    /// Bytes of the keys, or the values, that a head has in a page: whole lines.
    fn head_bytes(self, head_dim: usize) -> usize {
        let values = head_dim.next_multiple_of(LANES) * KvPage::POSITIONS;
        match self {
            Self::F32 => 4 * values,
            Self::F16 => 2 * values,
            Self::Int8 => values + 4 * KvPage::POSITIONS,
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
    keys: Box<[Line]>,   // (n_heads, head_dim in whole lanes, POSITIONS)
    values: Box<[Line]>, // (n_heads, head_dim in whole lanes / LANES, POSITIONS, LANES)
    _metered: Option<Metered>,
}

/// What a processor reads at once.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; Self::BYTES]);

impl Line {
    const BYTES: usize = 64;

    fn zeros(bytes: usize) -> Box<[Self]> {
        vec![Self([0; Self::BYTES]); bytes / Self::BYTES].into_boxed_slice()
    }

    fn bytes(lines: &[Self]) -> &[u8] {
        // SAFETY: lines are nothing but their bytes.
        unsafe { slice::from_raw_parts(lines.as_ptr().cast(), size_of_val(lines)) }
    }

    fn bytes_mut(lines: &mut [Self]) -> &mut [u8] {
        // SAFETY: as above, and all bytes are allowed.
        unsafe { slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), size_of_val(lines)) }
    }
}

/// Features that are added up together.
pub(crate) const LANES: usize = 16;
/// Pages that all queries are multiplied with before the next: what a head has of them stays in the
/// first-level cache.
pub(crate) const PAGES_AT_ONCE: usize = 8;
/// Pages whose addresses are known beyond those, to be fetched ahead.
const AHEAD: usize = 4;

thread_local! {
    /// Room for a key, reused from call to call.
    static TURNED: Cell<Vec<f32>> = Cell::default();
}

impl KvPage {
    /// Positions of a page.
    pub const POSITIONS: usize = 16;

    /// A page of zeros.
    pub fn new(format: KvFormat, n_heads: usize, head_dim: usize) -> Self {
        let zeros = || Line::zeros(n_heads * format.head_bytes(head_dim));
        Self { format, head_dim, keys: zeros(), values: zeros(), _metered: None }
    }

    /// A page of zeros whose memory, and that of its copies, is counted.
    pub fn metered(format: KvFormat, n_heads: usize, head_dim: usize, meter: Arc<KvMeter>) -> Self {
        let metered = Metered::new(meter, Self::bytes(format, n_heads, head_dim));
        Self { _metered: Some(metered), ..Self::new(format, n_heads, head_dim) }
    }

    /// Memory that a page takes, in bytes.
    pub fn bytes(format: KvFormat, n_heads: usize, head_dim: usize) -> usize {
        2 * n_heads * format.head_bytes(head_dim)
    }

    /// Writes one position. `key`, `value`: `(n_heads, head_dim)`.
    ///
    /// # Panics
    /// When the slot is not below [`KvPage::POSITIONS`] or a slice has another length.
    pub fn put(&mut self, isa: Isa, slot: usize, key: &[f32], value: &[f32]) {
        assert!(slot < Self::POSITIONS, "a page has no slot {slot}");
        let (format, of_head) = (self.format, self.format.head_bytes(self.head_dim));
        let keys = Line::bytes_mut(&mut self.keys).chunks_mut(of_head);
        let values = Line::bytes_mut(&mut self.values).chunks_mut(of_head);
        assert_eq!((key.len(), value.len()), (keys.len() * self.head_dim, key.len()));
        let new = key.chunks(self.head_dim).zip(value.chunks(self.head_dim));
        let heads = keys.zip(values).zip(new);
        let mut turned = TURNED.take();
        with_simd!(isa, simd => simd.vectorize(
            #[inline(always)]
            || for ((keys, values), (key, value)) in heads {
                let head = [keys, values];
                match format {
                    KvFormat::F32 => put_floats(slot, head, key, value, |from| from.map(f32::to_le_bytes)),
                    KvFormat::F16 => put_floats(slot, head, key, value, halves),
                    KvFormat::Int8 => kv_bytes::put(simd, slot, head, key, value, &mut turned),
                }
            }
        ));
        TURNED.set(turned);
    }

    /// Starts to fetch the keys and values of all heads into the cache.
    pub fn prefetch(&self, isa: Isa) {
        let (keys, values) = (Line::bytes(&self.keys), Line::bytes(&self.values));
        with_simd!(isa, simd => [keys, values].map(|lines| fetch(simd, lines)));
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
        let len = self.format.head_bytes(self.head_dim);
        &Line::bytes(&self.keys)[head * len..][..len]
    }

    fn head_values(&self, head: usize) -> &[u8] {
        let len = self.format.head_bytes(self.head_dim);
        &Line::bytes(&self.values)[head * len..][..len]
    }

    /// `scores[q][p * POSITIONS + t] = queries[q] * keys[t of page p]`, times the queries' number, for all
    /// positions that a head has in consecutive pages.
    ///
    /// # Shapes
    /// `rows`: which of the queries; `scores`: `(rows, stride)`, of which the first
    /// `pages.len() * POSITIONS` of each row are written.
    ///
    /// # Panics
    /// When there is no such head or row, no row at all, `scores` is too short, or pages and queries differ
    /// in format or width.
    pub fn score(
        pages: &[impl Deref<Target = Self>],
        isa: Isa,
        head: usize,
        queries: &KvQueries,
        rows: Range<usize>,
        scores: &mut [f32],
        stride: usize,
    ) {
        let Some((format, head_dim)) = alike(pages) else { return };
        assert_eq!(
            (queries.format, queries.head_dim),
            (format, head_dim),
            "queries for these pages"
        );
        assert!(!rows.is_empty(), "no query");
        let len = pages.len() * Self::POSITIONS;
        assert!(scores.len() >= (rows.len() - 1) * stride + len, "scores too short");
        let of_page = |page: usize| Some(pages.get(page)?.head_keys(head));
        for first in (0..pages.len()).step_by(PAGES_AT_ONCE) {
            let mut near = Near::new(&of_page, first, pages.len());
            for group in Groups::new(rows.len(), QUERIES).iter() {
                let scores = &mut scores[group.first * stride + first * Self::POSITIONS..];
                let rows = rows.start + group.first..rows.start + group.first + group.rows;
                if format == KvFormat::Int8 {
                    let queries = queries.bytes.part(rows);
                    ByteScoring { near: &near, queries, stride }.compute(isa, scores);
                } else {
                    let scale = queries.scale;
                    let queries = &queries.floats[rows.start * head_dim..rows.end * head_dim];
                    let scoring = Scoring { near: &near, queries, head_dim, scale, stride };
                    scoring.compute(isa, format == KvFormat::F16, scores);
                }
                near.is_fetched = true;
            }
        }
    }

    /// `out[q][d] += sum of weights[q][t] * values[t][d]` over the first `n_positions` that a head has in
    /// consecutive pages.
    ///
    /// # Shapes
    /// `weights`: `(group, stride)`, of which the first `n_positions` of each row are read, none of them
    /// negative; `out`: `(group, head_dim)`.
    ///
    /// # Panics
    /// When there is no such head, `out` is not whole rows or none, a slice is too short, or pages differ in
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
        assert!(!out.is_empty() && out.len().is_multiple_of(head_dim), "whole rows, at least one");
        let n_queries = out.len() / head_dim;
        assert!(weights.len() >= (n_queries - 1) * stride + n_positions, "weights too short");
        let of_page = |page: usize| Some(pages.get(page)?.head_values(head));
        for first in (0..pages.len()).step_by(PAGES_AT_ONCE) {
            let mut near = Near::new(&of_page, first, pages.len());
            for group in Groups::new(n_queries, QUERIES).iter() {
                let weights = Weights {
                    values: &weights[group.first * stride..],
                    stride,
                    first: first * Self::POSITIONS,
                    n_positions,
                };
                let out = &mut out[group.first * head_dim..][..group.rows * head_dim];
                if format == KvFormat::Int8 {
                    ByteMixing { near: &near, weights, head_dim }.compute(isa, out);
                } else {
                    let mixing = Mixing { near: &near, weights, head_dim };
                    mixing.compute(isa, format == KvFormat::F16, out);
                }
                near.is_fetched = true;
            }
        }
    }
}

/// Writes one position of a head, its values turned to bytes by `convert`.
fn put_floats<const N: usize>(
    slot: usize,
    [keys, values]: [&mut [u8]; 2],
    key: &[f32],
    value: &[f32],
    convert: impl Fn(&[f32; LANES]) -> [[u8; N]; LANES],
) {
    let convert = |part: &[f32]| {
        let mut lanes = [0.0; LANES];
        lanes[..part.len()].copy_from_slice(part);
        convert(&lanes)
    };
    let keys = keys.as_chunks_mut::<N>().0;
    for (features, part) in keys.chunks_mut(LANES * KvPage::POSITIONS).zip(key.chunks(LANES)) {
        for (to, from) in features[slot..].iter_mut().step_by(KvPage::POSITIONS).zip(convert(part))
        {
            *to = from;
        }
    }
    let values = values.as_chunks_mut::<N>().0.as_chunks_mut::<LANES>().0;
    for (block, part) in values.chunks_mut(KvPage::POSITIONS).zip(value.chunks(LANES)) {
        block[slot] = convert(part);
    }
}

fn halves(from: &[f32; LANES]) -> [[u8; 2]; LANES] {
    let limit = f16::MAX.to_f32();
    let mut to = [f16::ZERO; LANES];
    to.convert_from_f32_slice(&from.map(|x| x.clamp(-limit, limit)));
    to.map(f16::to_le_bytes)
}

/// Weights of some queries, for the values of some pages.
#[derive(Clone, Copy)]
pub(crate) struct Weights<'a> {
    values: &'a [f32],
    stride: usize,
    /// The first page's first position.
    first: usize,
    n_positions: usize,
}

impl<'a> Weights<'a> {
    /// Those of a query for the positions of some pages that are written.
    #[inline(always)]
    pub(crate) fn of(&self, query: usize, pages: Range<usize>) -> &'a [f32] {
        let at = |page: usize| (self.first + page * KvPage::POSITIONS).min(self.n_positions);
        &self.values[query * self.stride..][at(pages.start)..at(pages.end)]
    }
}

/// What a head has of the pages that are multiplied at once, and of those after them.
pub(crate) struct Near<'a> {
    pages: [&'a [u8]; PAGES_AT_ONCE + AHEAD],
    n_pages: usize,
    /// Whether others before had these pages, and fetched those after them.
    is_fetched: bool,
}

impl<'a> Near<'a> {
    fn new(of_page: &impl Fn(usize) -> Option<&'a [u8]>, first: usize, end: usize) -> Self {
        let pages = std::array::from_fn(|i| of_page(first + i).unwrap_or_default());
        Self { pages, n_pages: PAGES_AT_ONCE.min(end - first), is_fetched: false }
    }

    /// Those that are multiplied at once.
    #[inline(always)]
    pub(crate) fn pages(&self) -> &[&'a [u8]] {
        &self.pages[..self.n_pages]
    }

    /// Those after the first `n`, as far as they are known and to be fetched.
    #[inline(always)]
    pub(crate) fn after(&self, n: usize) -> &[&'a [u8]] {
        if self.is_fetched { &[] } else { &self.pages[n..] }
    }
}

/// Format and width of all pages, if there is one.
fn alike(pages: &[impl Deref<Target = KvPage>]) -> Option<(KvFormat, usize)> {
    let of = |page: &KvPage| (page.format, page.head_dim);
    let first = of(pages.first()?);
    assert!(pages.iter().all(|page| of(page) == first), "pages of one format and width");
    Some(first)
}
