use std::ops::Range;

use crate::Isa;
use crate::isa::{Simd, with_simd};

/// Values that are multiplied together: one line.
const LANES: usize = 16;
/// Queries and rows multiplied together: 8 chains of sums hide the latency, and with what they add up they
/// fit into 16 registers.
const TILE_QUERIES: usize = 4;
const TILE_ROWS: usize = 2;
/// Rows that a single query is multiplied with at once.
const SINGLE_ROWS: usize = 4;
/// Queries that stay in the first-level cache while the rows pass by.
const CACHED_QUERIES: usize = 2 * TILE_QUERIES;

/// Stored vectors that lie one after the other, each as long as the queries.
///
/// They are bytes, at any address, so that a file can be searched as it lies in memory.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Rows<'a> {
    /// Little-endian f32.
    F32(&'a [u8]),
    /// Little-endian f16.
    F16(&'a [u8]),
}

/// Queries arranged for inner products with [`Rows`].
///
/// A product is summed in 16 lanes, each in the order of the values, and the lanes are joined in a
/// fixed order: it does not depend on the other queries and rows, nor on the instruction set.
///
/// # Examples
/// ```
/// use infer_code_cad_kernels::{Isa, Rows, ScanQueries};
///
/// let rows: Vec<u8> = [1f32, 2.0, 3.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
/// let queries = ScanQueries::new(2, &[1.0, 10.0]);
/// let mut products = [0.0; 2];
/// queries.scan(Isa::best(), 0..1, Rows::F32(&rows), &mut products);
/// assert_eq!(products, [21.0, 43.0]);
/// ```
#[derive(Debug, Clone)]
pub struct ScanQueries {
    dimension: usize,
    lines: Vec<[f32; LANES]>, // (queries, ceil(dimension / LANES)), padded with zeros
}

impl ScanQueries {
    /// Arranges `values`: `(queries, dimension)`.
    ///
    /// # Panics
    /// When the dimension is zero or the queries are not whole.
    pub fn new(dimension: usize, values: &[f32]) -> Self {
        assert!(dimension > 0 && values.len().is_multiple_of(dimension), "whole queries");
        let line = |values: &[f32]| {
            let mut line = [0.0; LANES];
            line[..values.len()].copy_from_slice(values);
            line
        };
        let lines = values.chunks(dimension).flat_map(|query| query.chunks(LANES).map(line));
        Self { dimension, lines: lines.collect() }
    }

    /// Queries held.
    pub fn len(&self) -> usize {
        self.lines.len() / self.lines_each()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn lines_each(&self) -> usize {
        self.dimension.div_ceil(LANES)
    }

    /// `products[q][r] = sum over i of queries[q][i] * rows[r][i]`, on this thread.
    ///
    /// A few hundred kilobytes of rows at a time stay in the cache for all queries.
    ///
    /// # Shapes
    /// `products`: `(queries of the range, rows)`, overwritten.
    ///
    /// # Panics
    /// When there are no such queries, rows are not whole, or `products` has another length.
    pub fn scan(&self, isa: Isa, queries: Range<usize>, rows: Rows<'_>, products: &mut [f32]) {
        let each = self.lines_each();
        let lines = &self.lines[queries.start * each..queries.end * each];
        let value_bytes = match rows {
            Rows::F32(_) => 4,
            Rows::F16(_) => 2,
        };
        let (Rows::F32(bytes) | Rows::F16(bytes)) = rows;
        let row_bytes = self.dimension * value_bytes;
        assert!(bytes.len().is_multiple_of(row_bytes), "whole rows");
        let n_rows = bytes.len() / row_bytes;
        assert_eq!(products.len(), queries.len() * n_rows, "a product of each query and row");
        let block = Block { lines, each, bytes, row_bytes, n_rows };
        with_simd!(isa, simd => simd.vectorize(
            #[inline(always)]
            || match rows {
                Rows::F32(_) => block.run(simd, products, #[inline(always)] |from: &[u8; 64], v| simd.f32s(from, v)),
                Rows::F16(_) => block.run(simd, products, #[inline(always)] |from: &[u8; 32], v| simd.f16s(from, v)),
            }
        ));
    }
}

/// What one call multiplies.
struct Block<'a> {
    lines: &'a [[f32; LANES]],
    each: usize,
    bytes: &'a [u8],
    row_bytes: usize,
    n_rows: usize,
}

impl Block<'_> {
    #[inline(always)]
    fn run<S: Simd, const LINE: usize>(
        &self,
        simd: S,
        products: &mut [f32],
        widen: impl Fn(&[u8; LINE], usize) -> S::Floats + Copy,
    ) {
        let n_queries = self.lines.len() / self.each;
        for start in (0..n_queries).step_by(CACHED_QUERIES) {
            let end = n_queries.min(start + CACHED_QUERIES);
            let whole = start + (end - start) / TILE_QUERIES * TILE_QUERIES;
            self.rows::<S, TILE_QUERIES, TILE_ROWS, LINE>(simd, start..whole, products, widen);
            self.rows::<S, 1, SINGLE_ROWS, LINE>(simd, whole..end, products, widen);
        }
    }

    /// All rows, times tiles of some queries.
    #[inline(always)]
    fn rows<S: Simd, const Q: usize, const R: usize, const LINE: usize>(
        &self,
        simd: S,
        queries: Range<usize>,
        products: &mut [f32],
        widen: impl Fn(&[u8; LINE], usize) -> S::Floats + Copy,
    ) {
        let whole = self.n_rows / R * R;
        for row in (0..whole).step_by(R) {
            for query in (queries.start..queries.end).step_by(Q) {
                self.tile::<S, Q, R, LINE>(simd, query, row, products, widen);
            }
        }
        for row in whole..self.n_rows {
            for query in (queries.start..queries.end).step_by(Q) {
                self.tile::<S, Q, 1, LINE>(simd, query, row, products, widen);
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const Q: usize, const R: usize, const LINE: usize>(
        &self,
        simd: S,
        query: usize,
        row: usize,
        products: &mut [f32],
        widen: impl Fn(&[u8; LINE], usize) -> S::Floats + Copy,
    ) {
        let queries: [&[[f32; LANES]]; Q] =
            std::array::from_fn(|q| &self.lines[(query + q) * self.each..][..self.each]);
        let rows: [&[u8]; R] =
            std::array::from_fn(|r| &self.bytes[(row + r) * self.row_bytes..][..self.row_bytes]);
        let mut lanes = [[[0.0; LANES]; R]; Q];
        sum_lanes(simd, queries, rows, &mut lanes, widen);
        for q in 0..Q {
            for r in 0..R {
                products[(query + q) * self.n_rows + row + r] = join(&lanes[q][r]);
            }
        }
    }
}

/// The products of each query and row, in lanes.
#[inline(always)]
fn sum_lanes<S: Simd, const Q: usize, const R: usize, const LINE: usize>(
    simd: S,
    queries: [&[[f32; LANES]]; Q],
    rows: [&[u8]; R],
    lanes: &mut [[[f32; LANES]; R]; Q],
    widen: impl Fn(&[u8; LINE], usize) -> S::Floats + Copy,
) {
    let n_whole = rows[0].len() / LINE;
    let mut tails = [[0; LINE]; R];
    for r in 0..R {
        let tail = &rows[r][n_whole * LINE..];
        tails[r][..tail.len()].copy_from_slice(tail);
    }
    let whole: [&[[u8; LINE]]; R] =
        std::array::from_fn(|r| &rows[r].as_chunks::<LINE>().0[..n_whole]);
    let heads: [&[[f32; LANES]]; Q] = std::array::from_fn(|q| &queries[q][..n_whole]);
    let last: [Option<&[f32; LANES]>; Q] = std::array::from_fn(|q| queries[q].get(n_whole));
    // Where registers are few, half of the lanes after the other half: the second reads the cache.
    let at_once = if Q * R * S::VECTORS <= TILE_QUERIES * TILE_ROWS { S::VECTORS } else { 1 };
    for first in (0..S::VECTORS).step_by(at_once) {
        let vectors = first..first + at_once;
        let mut sums = [S::each([simd.splat(0.0); R]); Q];
        for line in 0..n_whole {
            for v in vectors.clone() {
                let mut values = [simd.splat(0.0); R];
                for r in 0..R {
                    values[r] = widen(&whole[r][line], v);
                }
                for q in 0..Q {
                    let query = simd.load(&heads[q][line], v);
                    for r in 0..R {
                        sums[q][v - first][r] = simd.fma(values[r], query, sums[q][v - first][r]);
                    }
                }
            }
        }
        for v in vectors.clone() {
            for q in 0..Q {
                for r in 0..R {
                    if let Some(last) = last[q] {
                        let (values, query) = (widen(&tails[r], v), simd.load(last, v));
                        sums[q][v - first][r] = simd.fma(values, query, sums[q][v - first][r]);
                    }
                    simd.store(sums[q][v - first][r], &mut lanes[q][r], v);
                }
            }
        }
    }
}

/// The sum of the lanes: halves onto halves.
#[inline(always)]
fn join(lanes: &[f32; LANES]) -> f32 {
    let eight: [f32; 8] = std::array::from_fn(|i| lanes[i] + lanes[i + 8]);
    let four: [f32; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}
