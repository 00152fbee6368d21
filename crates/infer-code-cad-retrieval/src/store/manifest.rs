use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use super::error::{damaged, unreadable};
use super::vectors::Space;
use super::{FileSums, StoreError};
use crate::Embedder;

/// The format that is written, and the latest that is read.
const FORMAT: u64 = 1;

/// No manifest is longer; a longer file is not read into memory.
const MOST_BYTES: u64 = 64 << 20;

/// What an index on disk holds, and what its files must be.
///
/// Nothing in it depends on when, where or in how many runs the index was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// Version of the layout.
    pub format: u64,
    /// Passages held.
    pub passages: usize,
    /// How documents were cut into passages, as the caller calls it; empty where they were not.
    pub chunking: String,
    /// What was read, in order; what was removed later is still counted.
    pub sources: Vec<SourceSummary>,
    /// What made the vectors, where there are any.
    pub embedder: Option<EmbedderSummary>,
    /// What `passages.jsonl` must be.
    pub passages_file: FileSums,
    /// What `vectors.faiss` must be, where there are vectors.
    pub vectors_file: Option<FileSums>,
    /// XXH3-128 of this manifest with an empty text here, in hexadecimal.
    pub checksum: String,
}

/// One source of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSummary {
    /// What it is: its settings.
    pub source: String,
    /// Documents read from it.
    pub documents: usize,
    /// Passages made of them.
    pub passages: usize,
    /// Passages left out because their text had come before.
    pub duplicates: usize,
    /// Files or parts that could not be read.
    pub skipped: usize,
}

impl fmt::Display for SourceSummary {
    /// One line for a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, documents, passages, duplicates, skipped } = self;
        write!(f, "{source}: {documents} documents, {passages} passages, ")?;
        write!(f, "{duplicates} left out as duplicates, {skipped} skipped")
    }
}

/// The embedder that made the vectors of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EmbedderSummary {
    /// Its settings; an embedder with others makes vectors that cannot be compared with these.
    pub settings: String,
    /// Values of a vector.
    pub dimension: usize,
    /// Passages that are longer than what it reads.
    pub cut_passages: usize,
    /// Tokens of them that were not read.
    pub cut_tokens: u64,
}

impl EmbedderSummary {
    /// Refuses an embedder that makes other vectors.
    pub(super) fn check(&self, embedder: &dyn Embedder) -> Result<(), StoreError> {
        let given = Space::of(embedder);
        if given == Space::of_summary(self) {
            return Ok(());
        }
        Err(StoreError::OtherEmbedder { index: self.settings.clone(), given: given.settings })
    }
}

impl Manifest {
    /// A manifest of the format that is written.
    pub(super) fn new(
        passages: usize,
        chunking: String,
        sources: Vec<SourceSummary>,
        passages_file: FileSums,
        vectors: Option<(EmbedderSummary, FileSums)>,
    ) -> Self {
        let (embedder, vectors_file) = vectors.unzip();
        let mut manifest = Self {
            format: FORMAT,
            passages,
            chunking,
            sources,
            embedder,
            passages_file,
            vectors_file,
            checksum: String::new(),
        };
        manifest.checksum = format!("{:032x}", XxHash3_128::oneshot(manifest.text().as_bytes()));
        manifest
    }

    /// As it is in its file.
    pub(super) fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a manifest has text keys and whole numbers")
            + "\n"
    }

    /// Reads and checks a manifest.
    pub(super) fn read(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(unreadable(path))?;
        let mut text = String::new();
        file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|source| {
            match source.kind() {
                std::io::ErrorKind::InvalidData => damaged(path, "it is not UTF-8"),
                _ => unreadable(path)(source),
            }
        })?;
        if text.len() as u64 > MOST_BYTES {
            return Err(damaged(path, format!("it is longer than {MOST_BYTES} bytes")));
        }
        check_format(path, &text)?;
        let manifest: Self =
            serde_json::from_str(&text).map_err(|error| damaged(path, error.to_string()))?;
        manifest.check(path, &text)?;
        Ok(manifest)
    }

    fn check(&self, path: &Path, text: &str) -> Result<(), StoreError> {
        let blank = Self { checksum: String::new(), ..self.clone() };
        let checksum = format!("{:032x}", XxHash3_128::oneshot(blank.text().as_bytes()));
        if checksum != self.checksum || self.text() != text {
            return Err(damaged(path, "its checksum is not that of its text"));
        }
        let files = [Some(&self.passages_file), self.vectors_file.as_ref()];
        let is_consistent = files.into_iter().flatten().all(FileSums::is_consistent)
            && self.embedder.is_some() == self.vectors_file.is_some();
        if !is_consistent {
            return Err(damaged(path, "its fields disagree"));
        }
        Ok(())
    }
}

/// Looks at the version alone, for a later format may have any other fields.
fn check_format(path: &Path, text: &str) -> Result<(), StoreError> {
    #[derive(Deserialize)]
    struct Format {
        format: u64,
    }
    let Format { format } =
        serde_json::from_str(text).map_err(|error| damaged(path, error.to_string()))?;
    if format > FORMAT {
        let file = path.display().to_string();
        return Err(StoreError::Version { file, found: format, supported: FORMAT });
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let source = "folder(folder=docs)".to_owned();
        let source = SourceSummary { source, documents: 3, passages: 7, ..Default::default() };
        let made = EmbedderSummary {
            settings: "fake".to_owned(),
            dimension: 5,
            cut_passages: 1,
            cut_tokens: 12,
        };
        let sums = || FileSums::of(b"some bytes");
        Manifest::new(7, "words:500".to_owned(), vec![source], sums(), Some((made, sums())))
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written_and_any_other_byte_is_damage() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("manifest.json");
        let text = manifest().text();
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Manifest::read(&path).unwrap(), manifest());
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            assert!(Manifest::read(&path).is_err(), "byte {at}");
            std::fs::write(&path, &text[..at]).unwrap();
            assert!(matches!(Manifest::read(&path), Err(StoreError::Damaged { .. })), "up to {at}");
        }
    }

    #[test]
    fn sums_that_disagree_with_a_length_are_damage() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("manifest.json");
        let Manifest { passages_file, .. } = manifest();
        let sums = FileSums { bytes: u64::MAX, ..passages_file };
        let lying = Manifest::new(7, String::new(), Vec::new(), sums, None);
        std::fs::write(&path, lying.text()).unwrap();
        let error = Manifest::read(&path).unwrap_err().to_string();
        assert!(error.contains("its fields disagree"), "{error}");
    }
}
