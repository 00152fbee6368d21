//! FAISS's own indexes.

mod error;
mod file;

pub use error::FaissError;

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use faiss::index::IndexImpl;
use faiss::index::autotune::ParameterSpace;
use faiss::selector::IdSelector;
use faiss::{Idx, Index, MetricType, index_factory};
use infer_code_cad_decode::Settings;
use ndarray::ArrayView2;

use super::rows::{check_added, check_queries, check_rows};
use crate::{IndexError, Neighbor, VectorIndex};

/// Queries of one call to FAISS. From 20 on it multiplies matrices, and a score then depends on the other queries.
const QUERIES: usize = 16;

/// Vectors of one call that a graph takes in by one thread: above 100 FAISS puts all of them to work.
const GRAPH_STEP: usize = 100;

/// An index of FAISS: exact (`Flat`) or approximate (`HNSW32`, `IVF256,Flat`, `PQ32`), named by its [factory
/// string](https://github.com/facebookresearch/faiss/wiki/The-index-factory).
///
/// [`FlatIndex`](crate::FlatIndex) answers exactly and needs no FAISS; an approximate index is worth its build time
/// from some millions of vectors on. Douze et al., [The Faiss library](https://arxiv.org/abs/2401.08281).
///
/// Searches of several threads wait for each other; FAISS itself shares the queries of one call among
/// `OMP_NUM_THREADS` threads. An answer does not depend on the other queries of the call, but for the last bits of its
/// scores behind a transformation (`PCA8,..`), which FAISS computes for all queries at once.
///
/// # Examples
/// ```
/// use infer_code_cad_retrieval::ndarray::array;
/// use infer_code_cad_retrieval::{FaissIndex, FaissOptions, VectorIndex};
///
/// let mut index = FaissIndex::new(2, "HNSW32", FaissOptions::default())?;
/// index.add(&[7, 9], array![[1.0, 0.0], [0.6, 0.8]].view())?;
/// let found = index.search(array![[0.0, 1.0]].view(), 1)?;
/// assert_eq!((found[0][0].id, found[0][0].score), (9, 0.8));
/// # Ok::<(), infer_code_cad_retrieval::IndexError>(())
/// ```
pub struct FaissIndex {
    kind: String,
    dimension: usize,
    options: FaissOptions,
    /// The numbers held: FAISS itself would take one twice.
    held: HashSet<i64>,
    takes: Parameters,
    /// Inverted lists under a map of numbers: FAISS would mix up the numbers of what stays.
    mapped_lists: bool,
    index: Mutex<IndexImpl>,
}

/// How an index of FAISS searches and grows. What its kind does not know is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaissOptions {
    /// `nprobe`: inverted lists that a query looks through. More find more and take longer.
    pub n_probe: u32,
    /// `efSearch`: vectors of a graph that a query keeps in sight. More find more and take longer.
    pub ef_search: u32,
    /// Whether all threads build a graph. Quicker by about their number, but the graph, and with it now and then an
    /// answer, differs from build to build.
    pub parallel_build: bool,
}

impl Default for FaissOptions {
    fn default() -> Self {
        Self { n_probe: 8, ef_search: 64, parallel_build: false }
    }
}

/// Which of the options a kind of index knows.
#[derive(Debug, Clone, Copy)]
struct Parameters {
    n_probe: bool,
    ef_search: bool,
}

impl FaissIndex {
    /// An empty index that ranks by inner product. Kinds that number their vectors themselves are wrapped in
    /// `IDMap2`, as FAISS's users would.
    ///
    /// # Errors
    /// [`FaissError::Kind`] for a factory string that FAISS does not understand or cannot make for the dimension.
    pub fn new(dimension: usize, factory: &str, options: FaissOptions) -> Result<Self, IndexError> {
        let kind = with_ids(factory);
        let refused =
            |reason: String| FaissError::Kind { factory: factory.into(), dimension, reason };
        let d = i32::try_from(dimension).ok().filter(|d| *d > 0);
        let d = d.ok_or_else(|| refused("the dimension is 0 or above 2^31 - 1".into()))?;
        if has_zero_part(&kind) {
            // FAISS would divide by it.
            return Err(refused("a number in it is 0".into()).into());
        }
        let index = index_factory(d.unsigned_abs(), &kind, MetricType::InnerProduct);
        let index = index.map_err(|error| refused(error.to_string()))?;
        let mapped = kind.starts_with("IDMap");
        Ok(Self::around(index, kind, mapped, options))
    }

    /// Reads a file that [`FaissIndex::write`], or FAISS itself in any language, wrote. The options replace those
    /// in the file. An index without numbers of its own counts its vectors from 0.
    ///
    /// Files of [`FaissIndex::write`] are checked against their own checksum. FAISS trusts the lengths within all
    /// others: open only those of people you trust.
    ///
    /// # Errors
    /// [`FaissError::Io`], [`FaissError::Path`], [`FaissError::Damaged`], [`FaissError::Metric`], and
    /// [`IndexError::DuplicateId`] where a number stands twice.
    pub fn read(path: &Path, options: FaissOptions) -> Result<Self, IndexError> {
        let found = file::inspect(path)?;
        let index = file::read(path)?;
        let damaged = |reason: &str| file::damaged(path, reason);
        if index.d() as usize != found.dimension || index.ntotal() as usize != found.vectors {
            return Err(damaged("its parts differ in size").into());
        }
        let mapped = found.ids.is_some();
        let mut read = Self::around(index, found.kind, mapped, options);
        let ids = match found.ids {
            Some(ids) => ids,
            None if read.takes.n_probe => read.listed()?,
            None => (0..).take(found.vectors).collect(),
        };
        if ids.len() != found.vectors {
            return Err(damaged("some of its vectors are in no list").into());
        }
        if let Some(&id) = ids.iter().find(|id| !read.held.insert(**id)) {
            return Err(IndexError::DuplicateId { id });
        }
        Ok(read)
    }

    /// Writes a file that FAISS opens in any language (`faiss.read_index`), in one step: a reader sees the old file
    /// or the new one. Any kind but `Flat` gets a checksum after FAISS's bytes, which FAISS passes over.
    ///
    /// # Errors
    /// [`FaissError::Path`], [`FaissError::Io`], [`FaissError::Native`] as on a full disk; a file that was there
    /// stays.
    pub fn write(&self, path: &Path) -> Result<(), IndexError> {
        Ok(file::write(path, &self.lock())?)
    }

    /// Learns from a sample, `(vectors, dimension)`, what a kind with lists or codes must know before it takes
    /// vectors in: 30 to 256 vectors per list are FAISS's advice. For other kinds it does nothing.
    ///
    /// # Errors
    /// [`IndexError::Dimension`], [`IndexError::NotFinite`], [`FaissError::Native`] for too few vectors.
    #[allow(clippy::needless_pass_by_value, reason = "a view is a reference")]
    pub fn train(&mut self, vectors: ArrayView2<'_, f32>) -> Result<(), IndexError> {
        check_rows(self.dimension, &vectors)?;
        let vectors = vectors.as_standard_layout();
        let values = vectors.as_slice().expect("the standard layout is one slice");
        Ok(self.lock().train(values).map_err(FaissError::native("learn from the vectors"))?)
    }

    /// Whether vectors can be added: of kinds that learn, whether they have.
    pub fn is_trained(&self) -> bool {
        self.lock().is_trained()
    }

    fn around(index: IndexImpl, kind: String, mapped: bool, options: FaissOptions) -> Self {
        let n_probe = set(&index, "nprobe", options.n_probe);
        let ef_search = set(&index, "efSearch", options.ef_search);
        Self {
            kind,
            dimension: index.d() as usize,
            options,
            held: HashSet::new(),
            takes: Parameters { n_probe, ef_search },
            mapped_lists: mapped && n_probe,
            index: Mutex::new(index),
        }
    }

    fn lock(&self) -> MutexGuard<'_, IndexImpl> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The numbers in inverted lists, which FAISS gives only as answers: those to a query that looks through all.
    fn listed(&self) -> Result<Vec<i64>, IndexError> {
        let mut index = self.lock();
        let vectors = index.ntotal() as usize;
        if vectors == 0 {
            return Ok(Vec::new());
        }
        set(&index, "nprobe", u32::MAX >> 1);
        let found = ask(&mut index, &vec![0.0; self.dimension], vectors);
        set(&index, "nprobe", self.options.n_probe);
        Ok(found?.concat().into_iter().map(|neighbor| neighbor.id).collect())
    }

    fn unsupported(what: &'static str, remedy: &'static str) -> IndexError {
        IndexError::Unsupported { kind: "faiss", what, remedy }
    }
}

impl fmt::Debug for FaissIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaissIndex")
            .field("kind", &self.kind)
            .field("dimension", &self.dimension)
            .field("vectors", &self.held.len())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl VectorIndex for FaissIndex {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn len(&self) -> usize {
        self.held.len()
    }

    /// Beside the trait's errors [`FaissError::Untrained`], [`FaissError::ReservedId`] for the number -1, and
    /// [`IndexError::Unsupported`] for a file whose index has no numbers of its own.
    fn add(&mut self, ids: &[i64], vectors: ArrayView2<'_, f32>) -> Result<(), IndexError> {
        check_added(self.dimension, ids, &vectors, |id| self.held.contains(&id))?;
        if ids.contains(&-1) {
            return Err(FaissError::ReservedId.into());
        }
        if !self.is_trained() {
            return Err(FaissError::Untrained { kind: self.kind.clone() }.into());
        }
        let slow = self.takes.ef_search && !self.options.parallel_build;
        let step = if slow { GRAPH_STEP } else { ids.len().max(1) };
        let vectors = vectors.as_standard_layout();
        let values = vectors.as_slice().expect("the standard layout is one slice");
        for (ids, values) in ids.chunks(step).zip(values.chunks(step * self.dimension)) {
            let numbers: Vec<Idx> = ids.iter().map(|&id| Idx::from(id)).collect();
            let added = self.lock().add_with_ids(values, &numbers);
            added.map_err(|error| {
                let otherwise =
                    ("take numbers of ours", "build it anew with IDMap2 before its kind");
                not_implemented(&error, otherwise, "take vectors in")
            })?;
            self.held.extend(ids);
        }
        Ok(())
    }

    /// `Flat`, `PQ`, scalar quantizers and inverted lists can; graphs cannot.
    fn remove(&mut self, ids: &[i64]) -> Result<usize, IndexError> {
        let otherwise =
            ("remove vectors", "build it again without them, or take the kind Flat or IVF");
        if self.mapped_lists {
            return Err(Self::unsupported(otherwise.0, otherwise.1));
        }
        let given: HashSet<i64> = ids.iter().copied().filter(|id| self.held.contains(id)).collect();
        let numbers: Vec<Idx> = given.iter().map(|&id| Idx::from(id)).collect();
        let removed = IdSelector::batch(&numbers).and_then(|batch| self.lock().remove_ids(&batch));
        removed.map_err(|error| not_implemented(&error, otherwise, "remove vectors"))?;
        self.held.retain(|id| !given.contains(id));
        Ok(given.len())
    }

    fn search(
        &self,
        queries: ArrayView2<'_, f32>,
        top_k: usize,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        check_queries(self.dimension, &queries, top_k)?;
        let top_k = top_k.min(self.len());
        if top_k == 0 {
            return Ok(vec![Vec::new(); queries.nrows()]);
        }
        let queries = queries.as_standard_layout();
        let values = queries.as_slice().expect("the standard layout is one slice");
        let mut index = self.lock();
        let mut answers = Vec::with_capacity(queries.nrows());
        for some in values.chunks(QUERIES * self.dimension) {
            let found = ask(&mut index, some, top_k + 1)?;
            for (query, found) in some.chunks(self.dimension).zip(found) {
                answers.push(best(&mut index, query, found, top_k)?);
            }
        }
        Ok(answers)
    }

    /// Not of inverted lists, unless the file was written with a direct map.
    fn vector(&self, id: i64) -> Result<Option<Vec<f32>>, IndexError> {
        if !self.held.contains(&id) {
            return Ok(None);
        }
        let mut values = vec![0.0; self.dimension];
        let read = self.lock().reconstruct(Idx::from(id), &mut values);
        let otherwise =
            ("give a vector back", "keep the vectors beside it, or take the kind Flat or HNSW");
        read.map_err(|error| not_implemented(&error, otherwise, "give a vector back"))?;
        Ok(Some(values))
    }

    /// `faiss` with the kind, and `nprobe` and `efSearch` where it has them, as in
    /// `faiss(kind="IDMap2,HNSW32",efSearch=64)`. An index read from a file is called by the codes in it.
    fn settings(&self) -> Settings {
        let mut settings = Settings::new("faiss").with("kind", &self.kind);
        if self.takes.n_probe {
            settings = settings.with("nprobe", self.options.n_probe);
        }
        if self.takes.ef_search {
            settings = settings.with("efSearch", self.options.ef_search);
        }
        settings
    }
}

/// The factory string with what gives the index numbers of ours: inverted lists alone have them.
fn with_ids(factory: &str) -> String {
    let lists =
        factory.contains("IVF") && !factory.contains("RFlat") && !factory.contains("Refine");
    if lists || factory.starts_with("IDMap") { factory.into() } else { format!("IDMap2,{factory}") }
}

/// Whether a factory string has a number 0, such as `PQ0`.
fn has_zero_part(factory: &str) -> bool {
    let numbers = factory.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty());
    numbers.into_iter().any(|number| number.bytes().all(|digit| digit == b'0'))
}

/// Sets a parameter. Whether the kind of index has it.
fn set(index: &IndexImpl, name: &str, value: u32) -> bool {
    ParameterSpace::new().and_then(|space| space.set_index_parameter(index, name, value)).is_ok()
}

/// The best `top_k` of each query as FAISS gives them, equal scores in any order.
fn ask(
    index: &mut IndexImpl,
    queries: &[f32],
    top_k: usize,
) -> Result<Vec<Vec<Neighbor>>, FaissError> {
    let found = index.search(queries, top_k).map_err(FaissError::native("search"))?;
    let neighbor = |(id, &score): (&Idx, &f32)| Neighbor { id: id.to_native(), score };
    let rows = found.labels.chunks(top_k).zip(found.distances.chunks(top_k));
    // The number -1 fills up where there are fewer.
    let row = |(ids, scores): (&[Idx], &[f32])| {
        ids.iter().zip(scores).filter(|(id, _)| id.is_some()).map(neighbor).collect()
    };
    Ok(rows.map(row).collect())
}

/// The first `top_k` with equal scores by number. `found` holds one more; where that one's score equals the last
/// wanted, more are asked for, since FAISS keeps any of the equals.
fn best(
    index: &mut IndexImpl,
    query: &[f32],
    mut found: Vec<Neighbor>,
    top_k: usize,
) -> Result<Vec<Neighbor>, FaissError> {
    let vectors = index.ntotal() as usize;
    let mut asked = top_k + 1;
    while asked < vectors
        && found.len() == asked
        && found[top_k - 1].score == found[asked - 1].score
    {
        asked = (asked * 2).min(vectors);
        found = ask(index, query, asked)?.concat();
    }
    found.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
    found.truncate(top_k);
    Ok(found)
}

/// What a kind cannot do, as FAISS says it, with what to do instead; or FAISS's own words.
fn not_implemented(
    error: &faiss::error::Error,
    (what, remedy): (&'static str, &'static str),
    asked: &'static str,
) -> IndexError {
    let reason = error.to_string();
    if ["not implemented", "not supported", "direct map"].iter().any(|said| reason.contains(said)) {
        return FaissIndex::unsupported(what, remedy);
    }
    FaissError::Native { what: asked, reason }.into()
}
