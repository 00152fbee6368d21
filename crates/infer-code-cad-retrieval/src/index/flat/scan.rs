use infer_code_cad_kernels::{Pool, Rows, ScanQueries};
use ndarray::ArrayView2;

use super::nearest::Nearest;
use crate::index::Neighbor;

/// Bytes of rows that stay in the second-level cache for all queries.
const CACHED_BYTES: usize = 192 << 10;
/// Rows of a block are a multiple of it, so that the kernel's tiles are whole.
const TILE: usize = 12;
/// Parts of the rows for each thread, so that one that is held up leaves the others something.
const PARTS_PER_THREAD: usize = 4;
/// Queries that share a pass over the rows: their scores of a block stay in the cache, too.
const QUERIES: usize = 256;

/// A pass over all rows.
pub(super) struct Scan<'a> {
    pub(super) dimension: usize,
    pub(super) bytes: &'a [u8],
    pub(super) ids: &'a [i64],
    pub(super) pool: &'a Pool,
}

impl Scan<'_> {
    pub(super) fn search(&self, queries: &ArrayView2<'_, f32>, top_k: usize) -> Vec<Vec<Neighbor>> {
        let values: Vec<f32> = queries.iter().copied().collect();
        let chunks = values.chunks(QUERIES * self.dimension);
        chunks
            .flat_map(|chunk| self.chunk(&ScanQueries::new(self.dimension, chunk), top_k))
            .collect()
    }

    fn chunk(&self, queries: &ScanQueries, top_k: usize) -> Vec<Vec<Neighbor>> {
        let block = (CACHED_BYTES / (4 * self.dimension)).next_multiple_of(TILE);
        let n_blocks = self.ids.len().div_ceil(block);
        let n_parts = n_blocks.min(self.pool.threads() * PARTS_PER_THREAD);
        let mut parts: Vec<Vec<Nearest>> = Vec::new();
        parts.resize_with(n_parts, || nearest(queries.len(), top_k));
        self.pool.for_chunks(&mut parts, 1, |part, found| {
            let mut scores = Vec::new();
            for index in n_blocks * part / n_parts..n_blocks * (part + 1) / n_parts {
                let rows = index * block..self.ids.len().min((index + 1) * block);
                scores.resize(queries.len() * rows.len(), 0.0);
                let bytes =
                    &self.bytes[rows.start * 4 * self.dimension..rows.end * 4 * self.dimension];
                queries.scan(self.pool.isa(), 0..queries.len(), Rows::F32(bytes), &mut scores);
                let ids = &self.ids[rows];
                for (nearest, scores) in found[0].iter_mut().zip(scores.chunks(ids.len())) {
                    nearest.offer(ids, scores);
                }
            }
        });
        let mut all = nearest(queries.len(), top_k);
        for part in parts {
            all.iter_mut().zip(part).for_each(|(all, part)| all.merge(part));
        }
        all.into_iter().map(Nearest::finish).collect()
    }
}

fn nearest(n_queries: usize, top_k: usize) -> Vec<Nearest> {
    (0..n_queries).map(|_| Nearest::new(top_k)).collect()
}
