use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::embedding::{Embedding, OnProgress};
use super::error::unwritable;
use super::lock::Lock;
use super::log::VectorLog;
use super::place::{PASSAGES, Place, VECTORS};
use super::row::Row;
use super::sums::{FileSums, SummedFile};
use super::vectors::{Space, Vectors, bytes, text_hash};
use super::{
    EmbedderSummary, IndexProgress, IndexReport, Manifest, SourceSummary, Store, StoreError,
};
use crate::index::write_flat_header;
use crate::{Embedder, Passage};

/// Writes the index in a directory: the only one to do so while it lives.
///
/// Readers see the index as it was until the new one is whole. Embedding goes on where an earlier run was stopped or
/// killed, which costs at most the batch it was in, and takes over the vectors of all texts that the index held
/// before. The files depend on the passages and the embedder alone: not on threads, batches or interruptions.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
///
/// use infer_code_cad_retrieval::{Contents, Passage, Store, StoreWriter};
///
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// let zip = Passage::new("zip", "zip(*iterables)", "Iterates over several iterables in parallel.");
/// let contents = Contents { passages: vec![zip], ..Contents::default() };
/// let mut writer = StoreWriter::open(directory)?;
/// let report = writer.build(contents, None, &mut |_| ControlFlow::Continue(()))?;
/// assert_eq!(report.passages, 1);
/// assert_eq!(Store::open(directory)?.passages()[0].id, "zip");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct StoreWriter {
    place: Place,
    _lock: Lock,
}

/// What goes into an index.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// The passages, in order; their ids are unique.
    pub passages: Vec<Passage>,
    /// Where they are from, for the manifest.
    pub sources: Vec<SourceSummary>,
    /// How documents were cut into them, for the manifest.
    pub chunking: String,
}

/// An index as it shall be, without its vectors.
struct Draft {
    passages: Vec<Arc<Passage>>,
    sources: Vec<SourceSummary>,
    chunking: String,
}

impl StoreWriter {
    /// Takes the directory, which is made where there is none, and ends what a killed writer had begun to commit.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another writer has it, [`StoreError::InTheWay`] where its files are not an
    /// index's, [`StoreError::Write`] and [`StoreError::Full`].
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let place = Place::new(directory);
        place.create()?;
        let lock = Lock::take(directory)?;
        place.recover()?;
        place.check_is_ours()?;
        Ok(Self { place, _lock: lock })
    }

    /// Builds the index anew. `on_progress` is called between batches and breaks to stop.
    ///
    /// An index that was there is replaced; the vectors of the same embedder are taken over for all texts that are
    /// still there. One that is damaged is replaced as well, without its vectors.
    ///
    /// # Errors
    /// [`StoreError`]; the index that was there is unchanged then.
    pub fn build(
        &mut self,
        contents: Contents,
        embedder: Option<&dyn Embedder>,
        on_progress: OnProgress<'_>,
    ) -> Result<IndexReport, StoreError> {
        let old = match Store::open(self.place.directory()) {
            Ok(old) => Some(old),
            Err(StoreError::NoStore { .. }) => None,
            Err(error @ (StoreError::Damaged { .. } | StoreError::Missing { .. })) => {
                tracing::warn!(%error, "the index there is replaced without its vectors");
                None
            }
            Err(error) => return Err(error),
        };
        let Contents { passages, sources, chunking } = contents;
        let passages = passages.into_iter().map(Arc::new).collect();
        self.write(&Draft { passages, sources, chunking }, old.as_ref(), embedder, on_progress)
    }

    /// Adds passages to the index that is there.
    ///
    /// A passage takes the place of one of the same id and origin. Where another origin has the id, the new passage
    /// gets the next that is free: `README.md~2`. What a source does not have any more stays; [`remove`](Self::remove)
    /// its origin first.
    ///
    /// # Errors
    /// Those of [`build`](Self::build); [`StoreError::NoStore`] without an index, [`StoreError::NoEmbedder`] and
    /// [`StoreError::OtherEmbedder`] where its vectors were made by another embedder than the one given.
    pub fn append(
        &mut self,
        contents: Contents,
        embedder: Option<&dyn Embedder>,
        on_progress: OnProgress<'_>,
    ) -> Result<IndexReport, StoreError> {
        let old = Store::open(self.place.directory())?;
        check_embedder(old.manifest(), embedder)?;
        let mut passages = contents.passages;
        rename(&mut passages, old.passages());
        let new: HashSet<&str> = passages.iter().map(|passage| &*passage.id).collect();
        let mut draft = Draft::of(&old, |passage| !new.contains(&*passage.id));
        draft.passages.extend(passages.into_iter().map(Arc::new));
        draft.sources.extend(contents.sources);
        if !contents.chunking.is_empty() {
            draft.chunking = contents.chunking;
        }
        self.write(&draft, Some(&old), embedder, on_progress)
    }

    /// Removes the passages of which `is_gone` says so, such as those of an origin or below a location.
    ///
    /// # Errors
    /// Those of [`build`](Self::build); [`StoreError::NoPassages`] where none would be left.
    pub fn remove(
        &mut self,
        mut is_gone: impl FnMut(&Passage) -> bool,
    ) -> Result<IndexReport, StoreError> {
        let start = Instant::now();
        let old = Store::open(self.place.directory())?;
        let draft = Draft::of(&old, |passage| !is_gone(passage));
        let mut report = IndexReport::default();
        let space = old.manifest().embedder.as_ref().map(Space::of_summary);
        let vectors = space.map(|space| self.vectors(Some(&old), space)).transpose()?;
        self.commit(&draft, Some(&old), vectors, &mut report)?;
        report.reused = old.manifest().embedder.as_ref().map_or(0, |_| report.passages);
        report.total_time = start.elapsed();
        Ok(report)
    }

    fn write(
        &self,
        draft: &Draft,
        old: Option<&Store>,
        embedder: Option<&dyn Embedder>,
        on_progress: OnProgress<'_>,
    ) -> Result<IndexReport, StoreError> {
        let start = Instant::now();
        draft.check()?;
        let mut report = IndexReport::default();
        let mut vectors = None;
        if let Some(embedder) = embedder {
            let vectors = vectors.insert(self.vectors(old, Space::of(embedder))?);
            let progress = IndexProgress::default();
            let mut embedding = Embedding { embedder, on_progress, progress };
            embedding.run(&draft.passages, vectors, &mut report)?;
        }
        self.commit(draft, old, vectors, &mut report)?;
        report.total_time = start.elapsed();
        Ok(report)
    }

    /// The vectors of an embedder that are there already.
    fn vectors(&self, old: Option<&Store>, space: Space) -> Result<Vectors, StoreError> {
        self.place.create()?;
        Ok(Vectors {
            old: old.and_then(|old| old.old_vectors(&space)),
            log: VectorLog::open(&self.place.new_file("vectors.log"), &space)?,
            space,
        })
    }

    /// Writes the files and puts them in their places.
    fn commit(
        &self,
        draft: &Draft,
        old: Option<&Store>,
        vectors: Option<Vectors>,
        report: &mut IndexReport,
    ) -> Result<(), StoreError> {
        draft.check()?;
        self.place.create()?;
        let manifest =
            draft.write(&self.place, vectors).inspect_err(|_| self.place.drop_new_files())?;
        self.place.commit(&manifest)?;
        let kept: HashSet<&str> = draft.passages.iter().map(|passage| &*passage.id).collect();
        let before = old.map_or(&[][..], Store::passages);
        report.removed = before.iter().filter(|passage| !kept.contains(&*passage.id)).count();
        report.passages = manifest.passages;
        if let Some(made) = &manifest.embedder {
            (report.cut_passages, report.cut_tokens) = (made.cut_passages, made.cut_tokens);
        }
        Ok(())
    }
}

impl Draft {
    /// A part of an index.
    fn of(old: &Store, is_kept: impl FnMut(&&Arc<Passage>) -> bool) -> Self {
        Self {
            passages: old.passages().iter().filter(is_kept).cloned().collect(),
            sources: old.manifest().sources.clone(),
            chunking: old.manifest().chunking.clone(),
        }
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.passages.is_empty() {
            return Err(StoreError::NoPassages);
        }
        let mut ids = HashSet::new();
        match self.passages.iter().find(|passage| !ids.insert(&*passage.id)) {
            Some(passage) => Err(StoreError::DuplicateId { id: passage.id.clone() }),
            None => Ok(()),
        }
    }

    /// Writes passages and vectors, row by row, beside the files of the index that is there.
    fn write(&self, place: &Place, vectors: Option<Vectors>) -> Result<Manifest, StoreError> {
        let mut lines = SummedFile::create(&place.new_file(PASSAGES))?;
        let mut made = None;
        match vectors {
            None => {
                for passage in &self.passages {
                    lines.write(Row { passage: &**passage, cut_tokens: 0 }.line().as_bytes())?;
                }
            }
            Some(vectors) => {
                made = Some(self.write_with_vectors(place, vectors, &mut lines)?);
            }
        }
        let (rows, chunking, sources) =
            (self.passages.len(), self.chunking.clone(), self.sources.clone());
        Ok(Manifest::new(rows, chunking, sources, lines.finish()?, made))
    }

    fn write_with_vectors(
        &self,
        place: &Place,
        mut vectors: Vectors,
        lines: &mut SummedFile,
    ) -> Result<(EmbedderSummary, FileSums), StoreError> {
        let path = place.new_file(VECTORS);
        let mut file = SummedFile::create(&path)?;
        let mut summary = EmbedderSummary {
            settings: vectors.space.settings.clone(),
            dimension: vectors.space.dimension,
            cut_passages: 0,
            cut_tokens: 0,
        };
        let mut header = Vec::new();
        write_flat_header(&mut header, summary.dimension, self.passages.len())
            .map_err(unwritable(&path))?;
        file.write(&header)?;
        for passage in &self.passages {
            let (vector, cut) = vectors.read(text_hash(passage))?;
            lines.write(Row { passage: &**passage, cut_tokens: cut }.line().as_bytes())?;
            file.write(&bytes(&vector))?;
            summary.cut_passages += usize::from(cut > 0);
            summary.cut_tokens += cut as u64;
        }
        Ok((summary, file.finish()?))
    }
}

/// Gives passages whose ids another origin has the next free ones.
fn rename(passages: &mut [Passage], old: &[Arc<Passage>]) {
    let origins: HashMap<&str, &str> = old.iter().map(|it| (&*it.id, &*it.origin)).collect();
    let mut given: HashSet<String> = HashSet::new();
    for passage in passages {
        let is_free = |id: &str| {
            !given.contains(id) && origins.get(id).is_none_or(|origin| *origin == passage.origin)
        };
        // Two of one id among the new ones are an error that is told later.
        if !is_free(&passage.id) && !given.contains(&passage.id) {
            let numbered = (2..).map(|number| format!("{}~{number}", passage.id));
            let free = numbered.into_iter().find(|id| is_free(id));
            passage.id = free.expect("there are more numbers than passages");
        }
        given.insert(passage.id.clone());
    }
}

/// Vectors that cannot be made are an error before any is.
fn check_embedder(manifest: &Manifest, given: Option<&dyn Embedder>) -> Result<(), StoreError> {
    match (&manifest.embedder, given) {
        (Some(made), Some(embedder)) => made.check(embedder),
        (Some(made), None) => Err(StoreError::NoEmbedder { index: made.settings.clone() }),
        (None, _) => Ok(()),
    }
}
