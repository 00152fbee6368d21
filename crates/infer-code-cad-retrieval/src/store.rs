//! An index on disk.

mod embedding;
mod error;
mod lock;
mod log;
mod manifest;
mod place;
mod progress;
mod reading;
mod row;
mod sums;
mod vectors;
mod writer;

pub use error::StoreError;
pub use manifest::{EmbedderSummary, Manifest, SourceSummary};
pub use progress::{IndexProgress, IndexReport};
pub use reading::{Reading, ReadingError};
pub use sums::FileSums;
pub use writer::{Contents, StoreWriter};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::{
    Bm25Config, Bm25Index, Dense, Embedder, FlatConfig, FlatIndex, Hybrid, HybridConfig, Passage,
    Retriever, VectorIndex,
};
use error::damaged;
use place::{MANIFEST, PASSAGES, Place, VECTORS};
use row::Row;
use vectors::{OldVectors, Space};

/// An index on disk, opened to be searched: passages, and vectors where it was built with an embedder.
///
/// It is three files, checked when they are opened: `passages.jsonl`, a [`Passage`] per line; `vectors.faiss`, their
/// vectors in the same order, which FAISS's `read_index` opens; and `manifest.json`, the [`Manifest`]. What was
/// opened stays as it is while a [`StoreWriter`] replaces it.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    manifest: Manifest,
    passages: Vec<Arc<Passage>>,
    /// Of each passage the tokens that its vector knows nothing of.
    cut_tokens: Vec<usize>,
    index: Option<Arc<FlatIndex>>,
}

/// How often files that are being moved are looked at again, and how long in between: longer than any commit.
const LOOKS: u32 = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

impl Store {
    /// Opens the index in a directory; takes no lock and writes nothing.
    ///
    /// # Errors
    /// [`StoreError::NoStore`] without an index; [`StoreError::Missing`], [`StoreError::Damaged`] and
    /// [`StoreError::Version`] for files that are not what was written; [`StoreError::Read`].
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let place = Place::new(directory);
        let mut looks = 0;
        loop {
            let seen = place.manifests();
            let error = match Self::read(&place) {
                Err(error) => error,
                store => return store,
            };
            // A writer may have moved files meanwhile, or be about to.
            let [_, decided] = &seen;
            looks += 1;
            if looks == LOOKS || (decided.is_none() && place.manifests() == seen) {
                return Err(error);
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// The files in their places, or else those that a writer has decided on.
    fn read(place: &Place) -> Result<Self, StoreError> {
        let in_place = Manifest::read(&place.file(MANIFEST))
            .and_then(|manifest| Self::read_files(place, manifest, Place::file));
        let decided = place.new_file(MANIFEST);
        match in_place {
            Err(_) if decided.exists() => {
                Self::read_files(place, Manifest::read(&decided)?, Place::either)
            }
            Err(StoreError::Missing { file })
                if !place.file(PASSAGES).exists() && file.ends_with(MANIFEST) =>
            {
                Err(StoreError::NoStore { directory: place.directory().display().to_string() })
            }
            read => read,
        }
    }

    fn read_files(
        place: &Place,
        manifest: Manifest,
        find: fn(&Place, &str) -> PathBuf,
    ) -> Result<Self, StoreError> {
        let rows = Row::read_all(&find(place, PASSAGES), &manifest)?;
        let index = open_index(&find(place, VECTORS), &manifest)?.map(Arc::new);
        let (passages, cut_tokens) =
            rows.into_iter().map(|row| (Arc::new(row.passage), row.cut_tokens)).unzip();
        let directory = place.directory().to_owned();
        Ok(Self { directory, manifest, passages, cut_tokens, index })
    }

    /// Where it is, as given.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The passages, in the order of their vectors.
    pub fn passages(&self) -> &[Arc<Passage>] {
        &self.passages
    }

    /// What the index says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The vectors, the number of a passage being its place; where it was built with an embedder.
    pub fn index(&self) -> Option<&Arc<FlatIndex>> {
        self.index.as_ref()
    }

    /// Searches the passages: without an embedder by their words, with one by words and meaning, joined by the ranks of
    /// both ([`Hybrid`]).
    ///
    /// # Errors
    /// [`StoreError::NoVectors`] for an embedder where there are no vectors, [`StoreError::OtherEmbedder`] where they
    /// are another's.
    pub fn retriever(
        &self,
        embedder: Option<Arc<dyn Embedder>>,
    ) -> Result<Arc<dyn Retriever>, StoreError> {
        Ok(match embedder {
            Some(embedder) => Arc::new(self.hybrid(embedder)?),
            None => Arc::new(self.words()?),
        })
    }

    /// Searches the passages by words and meaning, as [`Gate`](crate::Gate) wants it.
    ///
    /// # Errors
    /// Those of [`retriever`](Self::retriever).
    pub fn hybrid(&self, embedder: Arc<dyn Embedder>) -> Result<Hybrid, StoreError> {
        let both: Vec<Arc<dyn Retriever>> =
            vec![Arc::new(self.dense(embedder)?), Arc::new(self.words()?)];
        Ok(Hybrid::new(both, HybridConfig::default())?)
    }

    fn words(&self) -> Result<Bm25Index, StoreError> {
        Ok(Bm25Index::new(self.passages.clone(), Bm25Config::default())?)
    }

    /// Searches the passages by their meaning alone.
    ///
    /// # Errors
    /// Those of [`retriever`](Self::retriever).
    pub fn dense(&self, embedder: Arc<dyn Embedder>) -> Result<Dense, StoreError> {
        let (Some(made), Some(index)) = (&self.manifest.embedder, &self.index) else {
            let directory = self.directory.display().to_string();
            return Err(StoreError::NoVectors { directory });
        };
        made.check(&*embedder)?;
        Ok(Dense::new(embedder, Arc::clone(index) as _, self.passages.clone())?)
    }

    /// Its vectors by text, where they are in this space.
    fn old_vectors(&self, space: &Space) -> Option<OldVectors> {
        let made = self.manifest.embedder.as_ref()?;
        let index = self.index.as_ref().filter(|_| Space::of_summary(made) == *space)?;
        let rows = self.passages.iter().zip(self.cut_tokens.iter().copied());
        Some(OldVectors::of(Arc::clone(index), rows))
    }
}

/// Maps the vectors that the manifest tells of.
fn open_index(path: &Path, manifest: &Manifest) -> Result<Option<FlatIndex>, StoreError> {
    let (Some(made), Some(sums)) = (&manifest.embedder, &manifest.vectors_file) else {
        return Ok(None);
    };
    sums.check_length(path)?;
    // Mapped before it is summed: files only ever give way to newer ones, and a manifest is the last of them. If the
    // file that is there after the mapping is the manifest's, the file that was mapped before is too.
    let index = FlatIndex::open(path, FlatConfig::default());
    sums.check(path)?;
    let index = index.map_err(|error| damaged(path, error.to_string()))?;
    let (rows, dimension) = (index.len(), index.dimension());
    if (rows, dimension) != (manifest.passages, made.dimension) {
        let what = format!(
            "it holds {rows} vectors of {dimension} values, the manifest says {} of {}",
            manifest.passages, made.dimension
        );
        return Err(damaged(path, what));
    }
    Ok(Some(index))
}
