//! The index that compares a query with every vector.

mod ids;
mod nearest;
mod scan;
mod scanned;
mod vectors;

pub use scanned::VectorFormat;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use infer_code_cad_decode::Settings;
use infer_code_cad_kernels::Pool;
use ndarray::ArrayView2;

use super::file::{Layout, MappedFile, Values, VectorFileError, replace, write_faiss};
use super::rows::{check_queries, check_rows};
use super::{IndexError, Neighbor, VectorIndex};
use ids::Ids;
pub(super) use nearest::order;
use scanned::Scanned;
use vectors::Vectors;

/// How a [`FlatIndex`] searches.
#[derive(Debug, Clone)]
pub struct FlatConfig {
    /// What a search reads; [`VectorFormat::I8`] by default. It changes the time and the memory that a search takes,
    /// not what it finds.
    pub format: VectorFormat,
    /// The threads that search; by default as many as the machine runs at once.
    pub pool: Arc<Pool>,
}

impl Default for FlatConfig {
    fn default() -> Self {
        Self { format: VectorFormat::default(), pool: Arc::new(Pool::all_threads()) }
    }
}

/// Compares a query with every vector, so that nothing is missed.
///
/// A score is an inner product in f32, summed in a fixed order: it depends on the two vectors alone. A search
/// reads all vectors once, whatever the number of queries: a smaller copy of them, by default, which the first search
/// makes ([`VectorFormat`]).
///
/// Its file is that of FAISS's `IndexFlatIP`, under an `IndexIDMap` where the numbers are not 0, 1, 2 and so on:
/// Python reads it with `faiss.read_index`.
///
/// # Examples
/// ```
/// use infer_code_cad_retrieval::ndarray::array;
/// use infer_code_cad_retrieval::{FlatConfig, FlatIndex, VectorIndex};
///
/// let mut index = FlatIndex::new(2, FlatConfig::default());
/// index.add(&[7, 8], array![[1.0, 0.0], [0.6, 0.8]].view())?;
/// let found = index.search(array![[0.0, 1.0]].view(), 1)?;
/// assert_eq!((found[0][0].id, found[0][0].score), (8, 0.8));
/// # Ok::<(), infer_code_cad_retrieval::IndexError>(())
/// ```
#[derive(Debug)]
pub struct FlatIndex {
    dimension: usize,
    ids: Ids,
    vectors: Vectors,
    /// What is scanned in place of the vectors, once there was a search.
    scanned: OnceLock<Option<Scanned>>,
    config: FlatConfig,
}

impl FlatIndex {
    /// An index without vectors.
    ///
    /// # Panics
    /// When the dimension is zero.
    pub fn new(dimension: usize, config: FlatConfig) -> Self {
        Self::of(dimension, Ids::default(), Vectors::default(), config)
    }

    fn of(dimension: usize, ids: Ids, vectors: Vectors, config: FlatConfig) -> Self {
        assert!(dimension > 0, "vectors of no value");
        Self { dimension, ids, vectors, scanned: OnceLock::new(), config }
    }

    /// Opens a file as memory: at once, whatever its size, and shared by all processes that do.
    ///
    /// Nobody may shorten the file or write into it meanwhile; [`FlatIndex::save`] and whoever else replaces it by
    /// renaming does no harm. Its values are not looked at: a vector with a NaN is never found. [`add`] and
    /// [`remove`] first read the file into memory of the index's own, as this function does at once with what is
    /// not f32 for the inner product: [`FlatIndex::load`] tells which.
    ///
    /// [`add`]: VectorIndex::add
    /// [`remove`]: VectorIndex::remove
    ///
    /// # Errors
    /// Those of [`FlatIndex::load`], but for [`VectorFileError::NotFinite`].
    pub fn open(path: &Path, config: FlatConfig) -> Result<Self, VectorFileError> {
        let file = MappedFile::open(path)?;
        let layout = Layout::read(file.name(), file.bytes()?)?;
        if layout.values != Values::F32 {
            return Self::convert(&file, layout, config);
        }
        let n_vectors = layout.range.len() / (4 * layout.dimension);
        let ids = Ids::of_file(file.name(), layout.ids, n_vectors)?;
        let vectors = Vectors::Mapped { file, range: layout.range };
        Ok(Self::of(layout.dimension, ids, vectors, config))
    }

    /// Reads a file: FAISS's `IndexFlatIP` or `IndexFlatL2`, under an `IndexIDMap` or `IndexIDMap2` or not, or a
    /// matrix in a `.npy`, whose vectors are numbered from 0.
    ///
    /// The vectors of an `IndexFlatL2` get the length 1: the inner product then ranks as the distance did, if the
    /// queries have the length 1 too and the vectors had it before.
    ///
    /// # Errors
    /// [`VectorFileError::Io`] when it cannot be read; [`VectorFileError::Kind`], [`VectorFileError::Field`] and
    /// [`VectorFileError::Length`] when it is another file or damaged; [`VectorFileError::DuplicateId`] and
    /// [`VectorFileError::NotFinite`] when it holds what [`VectorIndex::add`] refuses.
    pub fn load(path: &Path, config: FlatConfig) -> Result<Self, VectorFileError> {
        let file = MappedFile::open(path)?;
        let layout = Layout::read(file.name(), file.bytes()?)?;
        Self::convert(&file, layout, config)
    }

    fn convert(
        file: &MappedFile,
        layout: Layout,
        config: FlatConfig,
    ) -> Result<Self, VectorFileError> {
        let dimension = layout.dimension;
        let values = layout.values.to_f32(dimension, &file.bytes()?[layout.range]);
        let bad = values.chunks(dimension).position(|vector| !has_finite_length(vector));
        if let Some(row) = bad {
            return Err(VectorFileError::NotFinite { file: file.name().to_owned(), row });
        }
        let ids = Ids::of_file(file.name(), layout.ids, values.len() / dimension)?;
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        Ok(Self::of(dimension, ids, Vectors::Owned(bytes), config))
    }

    /// Writes the file that `faiss.write_index` would: the path leads to the old file or to the whole new one.
    ///
    /// # Errors
    /// [`VectorFileError::Io`] when it cannot be written; [`VectorFileError::Changed`] when the file that this
    /// index was opened from is not as it was.
    pub fn save(&self, path: &Path) -> Result<(), VectorFileError> {
        let vectors = self.vectors.bytes()?;
        let ids = (!self.ids.count_from_zero()).then_some(self.ids.as_slice());
        replace(path, |out| write_faiss(out, self.dimension, vectors, ids))
    }

    /// The numbers of the vectors, in the order of the file.
    pub fn ids(&self) -> &[i64] {
        self.ids.as_slice()
    }
}

/// Refuses vectors whose inner products may overflow.
fn check_lengths(rows: &ArrayView2<'_, f32>) -> Result<(), IndexError> {
    match rows.outer_iter().position(|row| !has_finite_length(row)) {
        Some(row) => Err(IndexError::TooLong { row }),
        None => Ok(()),
    }
}

/// Whether no inner product with a vector as long overflows.
fn has_finite_length<'a>(vector: impl IntoIterator<Item = &'a f32>) -> bool {
    vector.into_iter().map(|x| x * x).sum::<f32>().is_finite()
}

impl VectorIndex for FlatIndex {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn len(&self) -> usize {
        self.ids.as_slice().len()
    }

    fn add(&mut self, ids: &[i64], vectors: ArrayView2<'_, f32>) -> Result<(), IndexError> {
        if ids.len() != vectors.nrows() {
            return Err(IndexError::Ids { ids: ids.len(), vectors: vectors.nrows() });
        }
        check_rows(self.dimension, &vectors)?;
        check_lengths(&vectors)?;
        let stored = self.vectors.own()?;
        self.ids.extend(ids).map_err(|id| IndexError::DuplicateId { id })?;
        let row_bytes = 4 * self.dimension;
        let before = stored.len() / row_bytes;
        stored.extend(vectors.iter().flat_map(|x| x.to_le_bytes()));
        if let Some(Some(scanned)) = self.scanned.get_mut() {
            let rows = stored.chunks(row_bytes).enumerate().skip(before);
            rows.for_each(|(place, row)| scanned.push(place, row));
        }
        Ok(())
    }

    fn remove(&mut self, ids: &[i64]) -> Result<usize, IndexError> {
        let mut places: Vec<usize> = ids.iter().filter_map(|&id| self.ids.place(id)).collect();
        places.sort_unstable();
        places.dedup();
        if !places.is_empty() {
            let stored = self.vectors.own()?;
            vectors::remove_rows(stored, 4 * self.dimension, &places);
            self.scanned = OnceLock::new();
            self.ids.remove(&places);
        }
        Ok(places.len())
    }

    fn search(
        &self,
        queries: ArrayView2<'_, f32>,
        top_k: usize,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        check_queries(self.dimension, &queries, top_k)?;
        check_lengths(&queries)?;
        let vectors = self.vectors.bytes()?;
        let copy = || Scanned::new(self.config.format, self.dimension, vectors);
        let rows = scan::Scan {
            dimension: self.dimension,
            vectors,
            scanned: self.scanned.get_or_init(copy).as_ref(),
            ids: &self.ids,
            pool: &self.config.pool,
        };
        Ok(rows.search(&queries, top_k))
    }

    fn vector(&self, id: i64) -> Result<Option<Vec<f32>>, IndexError> {
        let Some(place) = self.ids.place(id) else { return Ok(None) };
        let row_bytes = 4 * self.dimension;
        let bytes = &self.vectors.bytes()?[place * row_bytes..][..row_bytes];
        Ok(Some(bytes.as_chunks().0.iter().map(|&x| f32::from_le_bytes(x)).collect()))
    }

    fn settings(&self) -> Settings {
        Settings::new("flat")
    }
}
