use std::ops::Range;

use crate::Isa;
use crate::isa::{Simd, with_simd};

/// Rows side by side: a tile.
const LANES: usize = 16;
/// Values of a row that a product takes at once: two lines of four.
const STEP: usize = 8;
/// Stored values are in `-LIMIT..=LIMIT`, and so are those of queries: sums of four products stay in i16.
const LIMIT: f32 = 63.0;
/// What is added to a stored value, to make it unsigned.
const OFFSET: i32 = 64;

/// Vectors of a byte a value, to find the best of many quickly.
///
/// Each is rounded to whole numbers of magnitudes up to 63, times a scale of its own, and so is a query. Sums are of
/// whole numbers, so that they are the same on every instruction set. By how much a product is off is bounded by the
/// distances that the vectors were moved, which [`ByteRows::push`] and [`ByteQueries::distance`] tell.
///
/// # Examples
/// ```
/// use infer_code_cad_kernels::{ByteQueries, ByteRows, Isa};
///
/// let mut rows = ByteRows::new(2);
/// rows.push(&[63.0, 21.0]);
/// rows.push(&[0.0, -6.3]);
/// let mut products = [0.0; 2];
/// rows.scan(Isa::best(), &ByteQueries::new(2, &[63.0, -63.0]), 0..2, &mut products);
/// assert!((products[0] - 2646.0).abs() < 1e-3 && (products[1] - 396.9).abs() < 1e-3);
/// ```
#[derive(Debug, Clone)]
pub struct ByteRows {
    dimension: usize,
    len: usize,
    bytes: Vec<u8>, // (tiles, steps, 2, LANES, 4)
    scales: Vec<[f32; LANES]>,
}

/// Queries for [`ByteRows::scan`].
#[derive(Debug, Clone)]
pub struct ByteQueries {
    steps: usize,
    /// Four signed bytes in each: of each group of queries `(steps, 2, queries)`, so that a step of a group
    /// is read in one run. (As pairs, the compiler would load two at once and take them apart.)
    values: Vec<i32>,
    starts: Vec<i32>, // -OFFSET times the sum of the values
    scales: Vec<f32>,
    distances: Vec<f32>,
}

/// A vector in whole numbers.
struct Rounded {
    values: Vec<i8>,
    scale: f32,
    /// How far it is from the vector, at most.
    distance: f32,
}

impl Rounded {
    fn new(vector: &[f32]) -> Self {
        let peak = vector.iter().fold(0f32, |peak, x| peak.max(x.abs()));
        // A peak so small that the factor is infinite gives the largest numbers, or none for zeros.
        let factor = if peak > 0.0 { LIMIT / peak } else { 0.0 };
        let scale = if peak.is_finite() { peak / LIMIT } else { 0.0 };
        let whole = |x: &f32| (x * factor).clamp(-LIMIT, LIMIT).round_ties_even() as i8;
        let values: Vec<i8> = vector.iter().map(whole).collect();
        let off = |(x, &whole): (&f32, &i8)| f64::from(*x) - f64::from(whole) * f64::from(scale);
        let squares: f64 = vector.iter().zip(&values).map(off).map(|off| off * off).sum();
        // Rounded up by more than the sum may be short of; what is no number is at no distance that is known.
        let distance = (squares.sqrt() * (1.0 + 1e-6)) as f32 + f32::MIN_POSITIVE;
        Self { values, scale, distance: if distance.is_nan() { f32::INFINITY } else { distance } }
    }
}

impl ByteRows {
    /// Values that a row has at most, so that sums are of 32 bits.
    pub const MAX_DIMENSION: usize = 1 << 18;

    /// No rows yet.
    ///
    /// # Panics
    /// When the dimension is zero or above [`ByteRows::MAX_DIMENSION`].
    pub fn new(dimension: usize) -> Self {
        assert!((1..=Self::MAX_DIMENSION).contains(&dimension), "rows of a value, not of too many");
        Self { dimension, len: 0, bytes: Vec::new(), scales: Vec::new() }
    }

    /// Rows held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn tile_bytes(&self) -> usize {
        self.dimension.div_ceil(STEP) * STEP * LANES
    }

    /// Adds a row, and tells how far (Euclid's distance) what is kept is from it at most: infinitely where a value is
    /// no finite number.
    ///
    /// # Panics
    /// When it has another length.
    pub fn push(&mut self, row: &[f32]) -> f32 {
        assert_eq!(row.len(), self.dimension, "a whole row");
        let (lane, tile_bytes) = (self.len % LANES, self.tile_bytes());
        if lane == 0 {
            self.bytes.resize(self.bytes.len() + tile_bytes, OFFSET as u8);
            self.scales.push([0.0; LANES]);
        }
        let start = self.bytes.len() - tile_bytes;
        let rounded = Rounded::new(row);
        for (lines, fours) in self.bytes[start..]
            .as_chunks_mut::<{ 4 * LANES }>()
            .0
            .iter_mut()
            .zip(rounded.values.chunks(4))
        {
            for (to, value) in lines[4 * lane..].iter_mut().zip(fours) {
                *to = (i32::from(*value) + OFFSET) as u8;
            }
        }
        self.scales.last_mut().expect("just added")[lane] = rounded.scale;
        self.len += 1;
        rounded.distance
    }

    /// `products[q][r]` is about the sum of `queries[q][i] * rows[r][i]`, on this thread.
    ///
    /// # Shapes
    /// `products`: `(queries, rows of the range)`, overwritten.
    ///
    /// # Panics
    /// When the range does not begin with a multiple of 16, there are no such rows, or a shape is another.
    pub fn scan(&self, isa: Isa, queries: &ByteQueries, rows: Range<usize>, products: &mut [f32]) {
        assert!(rows.start.is_multiple_of(LANES) && rows.end <= self.len, "whole tiles");
        assert_eq!(queries.steps, self.dimension.div_ceil(STEP), "queries as long as the rows");
        assert_eq!(products.len(), queries.len() * rows.len(), "a product of each query and row");
        let block = Block { all: self, queries, rows };
        with_simd!(isa, simd => simd.vectorize(#[inline(always)] || block.run(simd, products)));
    }
}

impl ByteQueries {
    /// Arranges `values`: `(queries, dimension)`.
    ///
    /// # Panics
    /// When the dimension is zero or the queries are not whole.
    pub fn new(dimension: usize, values: &[f32]) -> Self {
        assert!(dimension > 0 && values.len().is_multiple_of(dimension), "whole queries");
        let steps = dimension.div_ceil(STEP);
        let n_queries = values.len() / dimension;
        let mut queries = Self {
            steps,
            values: Vec::new(),
            starts: Vec::new(),
            scales: Vec::new(),
            distances: Vec::new(),
        };
        queries.values.resize(n_queries * steps * 2, 0);
        let mut first = 0;
        while first < n_queries {
            let group = group_len(n_queries - first);
            for q in 0..group {
                let query = &values[(first + q) * dimension..][..dimension];
                let rounded = Rounded::new(query);
                let sum: i32 = rounded.values.iter().map(|&value| i32::from(value)).sum();
                queries.starts.push(-OFFSET * sum);
                queries.scales.push(rounded.scale);
                queries.distances.push(rounded.distance);
                let mut bytes: Vec<u8> = rounded.values.iter().map(|&value| value as u8).collect();
                bytes.resize(steps * STEP, 0);
                let to = queries.values[first * steps * 2..][q..].iter_mut().step_by(group);
                for (to, &four) in to.zip(bytes.as_chunks().0) {
                    *to = i32::from_le_bytes(four);
                }
            }
            first += group;
        }
        queries
    }

    /// Queries held.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// How far (Euclid's distance) what is multiplied is from a query, at most.
    ///
    /// # Panics
    /// When there is no such query.
    pub fn distance(&self, query: usize) -> f32 {
        self.distances[query]
    }
}

/// Of so many queries left, how many are multiplied together.
fn group_len(left: usize) -> usize {
    match left {
        8.. => 8,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

/// What one call multiplies.
struct Block<'a> {
    all: &'a ByteRows,
    queries: &'a ByteQueries,
    rows: Range<usize>,
}

impl Block<'_> {
    #[inline(always)]
    fn run<S: Simd>(&self, simd: S, products: &mut [f32]) {
        let mut query = 0;
        while query < self.queries.len() {
            let group = group_len(self.queries.len() - query);
            match group {
                8 => self.group::<S, 8>(simd, query, products),
                4 => self.group::<S, 4>(simd, query, products),
                2 => self.group::<S, 2>(simd, query, products),
                _ => self.group::<S, 1>(simd, query, products),
            }
            query += group;
        }
    }

    /// `N` queries times all rows, tile after tile.
    #[inline(always)]
    fn group<S: Simd, const N: usize>(&self, simd: S, query: usize, products: &mut [f32]) {
        let tile_bytes = self.all.tile_bytes();
        for start in (self.rows.start..self.rows.end).step_by(LANES) {
            let tile = start / LANES;
            let bytes = &self.all.bytes[tile * tile_bytes..][..tile_bytes];
            let mut results = [[0.0; LANES]; N];
            self.tile(simd, query, bytes, &self.all.scales[tile], &mut results);
            let len = LANES.min(self.rows.end - start);
            for (q, results) in results.iter().enumerate() {
                let at = (query + q) * self.rows.len() + start - self.rows.start;
                products[at..at + len].copy_from_slice(&results[..len]);
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const N: usize>(
        &self,
        simd: S,
        query: usize,
        bytes: &[u8],
        scales: &[f32; LANES],
        results: &mut [[f32; LANES]; N],
    ) {
        let lines = bytes.as_chunks::<64>().0.as_chunks::<2>().0;
        let steps = lines.len();
        let queries = &self.queries.values[query * steps * 2..][..N * steps * 2];
        let queries = queries.as_chunks::<N>().0.as_chunks::<2>().0;
        for v in 0..S::VECTORS {
            let mut sums = [simd.ints(0); N];
            for (sum, &start) in sums.iter_mut().zip(&self.queries.starts[query..]) {
                *sum = simd.ints(start);
            }
            for ([first, second], fours) in lines.iter().zip(simd.afresh(queries)) {
                let values = [simd.bytes(first, v), simd.bytes(second, v)];
                for q in 0..N {
                    sums[q] = simd.dot_6bit(sums[q], values, [fours[0][q], fours[1][q]]);
                }
            }
            for q in 0..N {
                let scale = simd.splat(self.queries.scales[query + q]);
                let scale = simd.mul(simd.load(scales, v), scale);
                simd.store(simd.mul(simd.to_floats(sums[q]), scale), &mut results[q], v);
            }
        }
    }
}
