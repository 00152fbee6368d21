use std::collections::HashMap;
use std::sync::Arc;

use twox_hash::XxHash3_128;

use super::log::{Embedded, VectorLog};
use super::{EmbedderSummary, StoreError};
use crate::{Embedder, FlatIndex, Passage, VectorIndex};

/// What a vector is found by, beside its embedder.
pub(super) fn text_hash(passage: &Passage) -> u128 {
    XxHash3_128::oneshot(passage.content().as_bytes())
}

/// What vectors can be compared with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Space {
    /// Settings of the embedder.
    pub(super) settings: String,
    pub(super) dimension: usize,
}

impl Space {
    pub(super) fn of(embedder: &dyn Embedder) -> Self {
        Self { settings: embedder.settings().to_string(), dimension: embedder.dimension() }
    }

    pub(super) fn of_summary(made: &EmbedderSummary) -> Self {
        Self { settings: made.settings.clone(), dimension: made.dimension }
    }
}

/// The vectors of passages by their text: those of the index that is replaced, and those made since.
#[derive(Debug)]
pub(super) struct Vectors {
    pub(super) space: Space,
    pub(super) old: Option<OldVectors>,
    pub(super) log: VectorLog,
}

impl Vectors {
    /// The vector of a text that has one.
    pub(super) fn read(&mut self, text: u128) -> Result<Embedded, StoreError> {
        match &self.old {
            Some(old) if old.contains(text) => old.read(text),
            _ => self.log.read(text),
        }
    }
}

/// The vectors of the index that is replaced.
#[derive(Debug)]
pub(super) struct OldVectors {
    index: Arc<FlatIndex>,
    /// Hash of a text to its row and the tokens of it that were not read.
    rows: HashMap<u128, (usize, usize)>,
}

impl OldVectors {
    /// Those of an index, found by what its passages are; `rows` gives of each the tokens that were not read.
    pub(super) fn of<'a>(
        index: Arc<FlatIndex>,
        rows: impl Iterator<Item = (&'a Arc<Passage>, usize)>,
    ) -> Self {
        let rows = rows.enumerate().map(|(row, (passage, cut))| (text_hash(passage), (row, cut)));
        Self { index, rows: rows.collect() }
    }

    pub(super) fn contains(&self, text: u128) -> bool {
        self.rows.contains_key(&text)
    }

    /// # Panics
    /// For a text that it does not contain.
    fn read(&self, text: u128) -> Result<Embedded, StoreError> {
        let (row, cut) = self.rows[&text];
        let vector = self.index.vector(row as i64)?;
        Ok((vector.expect("a store has a vector for every row"), cut))
    }
}

/// Values as they are stored.
pub(super) fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Values from their bytes.
pub(super) fn floats(bytes: &[u8]) -> Vec<f32> {
    let (values, _) = bytes.as_chunks();
    values.iter().map(|value| f32::from_le_bytes(*value)).collect()
}
