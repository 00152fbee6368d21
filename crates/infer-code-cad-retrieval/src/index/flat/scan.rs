use std::ops::Range;
use std::sync::atomic::{AtomicI32, Ordering};

use infer_code_cad_kernels::{ByteQueries, Pool, Rows, ScanQueries};
use ndarray::ArrayView2;

use super::ids::Ids;
use super::nearest::{LANES, Nearest};
use super::scanned::{Bound, Copied, Scanned};
use crate::index::Neighbor;

/// Bytes of f32 rows that stay in the second-level cache for all queries.
const CACHED_BYTES: usize = 192 << 10;
/// Rows of a block are a multiple of it, so that the kernels' tiles and those of [`LANES`] are whole.
const TILE: usize = 48;
/// Parts of the rows for each thread, so that one that is held up leaves the others something.
const PARTS_PER_THREAD: usize = 4;
/// Queries that share a pass over the rows: their scores of a block stay in the cache, too.
const QUERIES: usize = 256;

/// A search of all rows.
pub(super) struct Scan<'a> {
    pub(super) dimension: usize,
    /// The vectors, little-endian f32.
    pub(super) vectors: &'a [u8],
    /// What is scanned in their place.
    pub(super) scanned: Option<&'a Scanned>,
    pub(super) ids: &'a Ids,
    pub(super) pool: &'a Pool,
}

impl Scan<'_> {
    pub(super) fn search(&self, queries: &ArrayView2<'_, f32>, top_k: usize) -> Vec<Vec<Neighbor>> {
        let values: Vec<f32> = queries.iter().copied().collect();
        let batches = values.chunks(QUERIES * self.dimension);
        batches.flat_map(|values| Batch::new(self, values).search(top_k)).collect()
    }

    /// The bytes of some rows.
    fn part<'b>(&self, bytes: &'b [u8], value_bytes: usize, rows: Range<usize>) -> &'b [u8] {
        let row_bytes = value_bytes * self.dimension;
        &bytes[rows.start * row_bytes..rows.end * row_bytes]
    }
}

/// Queries that are searched for together.
struct Batch<'a> {
    scan: &'a Scan<'a>,
    queries: ScanQueries,
    /// For a copy in bytes.
    rounded: ByteQueries,
    /// How far what is multiplied with a copy is from each query.
    bounds: Vec<Bound>,
    /// Of each query the largest threshold of any part: what one has found spares the others work.
    thresholds: Vec<Threshold>,
}

/// A number that only grows.
#[derive(Debug)]
struct Threshold(AtomicI32);

impl Threshold {
    /// Whole numbers in the order of the f32 that they stand for; its own inverse.
    fn key(bits: i32) -> i32 {
        bits ^ (((bits >> 31) as u32) >> 1) as i32
    }

    fn new() -> Self {
        Self(AtomicI32::new(Self::key(f32::NEG_INFINITY.to_bits() as i32)))
    }

    fn get(&self) -> f32 {
        f32::from_bits(Self::key(self.0.load(Ordering::Relaxed)) as u32)
    }

    fn raise(&self, to: f32) {
        self.0.fetch_max(Self::key(to.to_bits() as i32), Ordering::Relaxed);
    }
}

impl<'a> Batch<'a> {
    /// Arranges `(queries, dimension)`.
    fn new(scan: &'a Scan<'a>, values: &[f32]) -> Self {
        let dimension = scan.dimension;
        let in_bytes = matches!(scan.scanned, Some(Scanned { copy: Copied::I8(_), .. }));
        let rounded = ByteQueries::new(dimension, if in_bytes { values } else { &[] });
        let distance = |query| if in_bytes { rounded.distance(query) } else { 0.0 };
        let vectors = values.chunks(dimension).enumerate();
        let bounds = vectors.map(|(query, vector)| Bound::new(vector, distance(query))).collect();
        let queries = ScanQueries::new(dimension, values);
        let thresholds = (0..queries.len()).map(|_| Threshold::new()).collect();
        Self { scan, queries, rounded, bounds, thresholds }
    }

    fn search(&self, top_k: usize) -> Vec<Vec<Neighbor>> {
        let Scan { dimension, ids, pool, .. } = self.scan;
        let n_rows = ids.as_slice().len();
        let block = (CACHED_BYTES / (4 * dimension)).max(1).next_multiple_of(TILE);
        let n_blocks = n_rows.div_ceil(block);
        let n_parts = n_blocks.min(pool.threads() * PARTS_PER_THREAD);
        let mut parts: Vec<Vec<Nearest>> = Vec::new();
        parts.resize_with(n_parts, || self.nearest(top_k));
        pool.for_chunks(&mut parts, 1, |part, found| {
            let mut scores = Vec::new();
            for index in n_blocks * part / n_parts..n_blocks * (part + 1) / n_parts {
                let rows = index * block..n_rows.min((index + 1) * block);
                scores.resize(self.queries.len() * rows.len(), 0.0);
                self.score(rows.clone(), &mut scores);
                for (query, scores) in scores.chunks(rows.len()).enumerate() {
                    let (nearest, shared) = (&mut found[0][query], &self.thresholds[query]);
                    nearest.raise_threshold(shared.get());
                    self.offer(query, rows.clone(), scores, nearest);
                    shared.raise(nearest.threshold());
                }
            }
        });
        let mut all = self.nearest(top_k);
        for part in parts {
            all.iter_mut().zip(part).for_each(|(all, part)| all.merge(part));
        }
        all.into_iter().map(Nearest::finish).collect()
    }

    fn nearest(&self, top_k: usize) -> Vec<Nearest> {
        (0..self.queries.len()).map(|_| Nearest::new(top_k)).collect()
    }

    /// The scores of all queries with what is scanned of some rows: `(queries, rows)`.
    fn score(&self, rows: Range<usize>, scores: &mut [f32]) {
        match self.scan.scanned.map(|scanned| &scanned.copy) {
            None => self.exact(0..self.queries.len(), rows, scores),
            Some(Copied::F16(halves)) => {
                let rows = Rows::F16(self.scan.part(halves, 2, rows));
                self.queries.scan(self.scan.pool.isa(), 0..self.queries.len(), rows, scores);
            }
            Some(Copied::I8(bytes)) => {
                bytes.scan(self.scan.pool.isa(), &self.rounded, rows, scores);
            }
        }
    }

    /// The scores of queries with rows in f32.
    fn exact(&self, queries: Range<usize>, rows: Range<usize>, scores: &mut [f32]) {
        let rows = Rows::F32(self.scan.part(self.scan.vectors, 4, rows));
        self.queries.scan(self.scan.pool.isa(), queries, rows, scores);
    }

    /// Offers the scores of a query with some rows.
    fn offer(&self, query: usize, rows: Range<usize>, scores: &[f32], nearest: &mut Nearest) {
        let ids = &self.scan.ids.as_slice()[rows.clone()];
        let Some(Scanned { bounds, .. }) = self.scan.scanned else {
            return nearest.offer(ids, scores);
        };
        let (bound, bounds) = (self.bounds[query], &bounds[rows.start / LANES..]);
        let slack = |tile: usize| bound.slack(bounds[tile], self.scan.dimension);
        nearest.offer_near(ids, scores, slack, |row, _| {
            let (row, mut score) = (rows.start + row, [0.0]);
            self.exact(query..query + 1, row..row + 1, &mut score);
            score[0]
        });
    }
}
