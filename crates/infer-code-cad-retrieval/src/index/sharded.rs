use infer_code_cad_decode::Settings;
use ndarray::ArrayView2;

use super::flat::order;
use super::{IndexError, Neighbor, VectorIndex};

/// Several indexes as one, such as files of several machines or one index for each year.
///
/// A number is held by one of them. The best of all are among the best of each, so that a search finds what one
/// index over all vectors would, if the parts are exact. Parts are searched one after the other, each with the
/// threads it has.
///
/// # Examples
/// ```
/// use infer_code_cad_retrieval::ndarray::array;
/// use infer_code_cad_retrieval::{FlatConfig, FlatIndex, ShardedIndex, VectorIndex};
///
/// let mut shards: Vec<Box<dyn VectorIndex>> = Vec::new();
/// for id in [7, 8] {
///     let mut shard = FlatIndex::new(2, FlatConfig::default());
///     shard.add(&[id], array![[id as f32, 0.0]].view())?;
///     shards.push(Box::new(shard));
/// }
/// let index = ShardedIndex::new(shards)?;
/// let found = index.search(array![[1.0, 0.0]].view(), 5)?;
/// assert_eq!(found[0].iter().map(|neighbor| neighbor.id).collect::<Vec<_>>(), [8, 7]);
/// # Ok::<(), infer_code_cad_retrieval::IndexError>(())
/// ```
#[derive(Debug)]
pub struct ShardedIndex {
    dimension: usize,
    shards: Vec<Box<dyn VectorIndex>>,
}

impl ShardedIndex {
    /// Joins indexes. That no number is held by two of them is the caller's to see to.
    ///
    /// # Errors
    /// [`IndexError::Dimension`] when they hold vectors of different lengths, [`IndexError::NoShards`] when there
    /// is none.
    pub fn new(shards: Vec<Box<dyn VectorIndex>>) -> Result<Self, IndexError> {
        let dimension = shards.first().ok_or(IndexError::NoShards)?.dimension();
        match shards.iter().map(|shard| shard.dimension()).find(|&other| other != dimension) {
            Some(given) => Err(IndexError::Dimension { index: dimension, given }),
            None => Ok(Self { dimension, shards }),
        }
    }

    /// The indexes, in the order given.
    pub fn shards(&self) -> &[Box<dyn VectorIndex>] {
        &self.shards
    }
}

impl VectorIndex for ShardedIndex {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.len()).sum()
    }

    /// Adds to the shard that holds the fewest, the first of several.
    fn add(&mut self, ids: &[i64], vectors: ArrayView2<'_, f32>) -> Result<(), IndexError> {
        for &id in ids {
            if self.vector(id)?.is_some() {
                return Err(IndexError::DuplicateId { id });
            }
        }
        let emptiest = self.shards.iter_mut().min_by_key(|shard| shard.len());
        emptiest.expect("`new` takes at least one").add(ids, vectors)
    }

    fn remove(&mut self, ids: &[i64]) -> Result<usize, IndexError> {
        self.shards.iter_mut().map(|shard| shard.remove(ids)).sum()
    }

    fn search(
        &self,
        queries: ArrayView2<'_, f32>,
        top_k: usize,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        let mut all = vec![Vec::new(); queries.nrows()];
        for shard in &self.shards {
            for (all, found) in all.iter_mut().zip(shard.search(queries, top_k)?) {
                all.extend(found);
            }
        }
        for found in &mut all {
            found.sort_unstable_by(order);
            found.truncate(top_k);
        }
        Ok(all)
    }

    fn vector(&self, id: i64) -> Result<Option<Vec<f32>>, IndexError> {
        for shard in &self.shards {
            if let Some(vector) = shard.vector(id)? {
                return Ok(Some(vector));
            }
        }
        Ok(None)
    }

    fn settings(&self) -> Settings {
        let settings = Settings::new("sharded").with("shards", self.shards.len());
        let parts = self.shards.iter().enumerate();
        parts.fold(settings, |settings, (i, shard)| settings.with(i.to_string(), shard.settings()))
    }
}
