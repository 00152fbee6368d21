use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::{damaged, unreadable};
use super::{Manifest, StoreError};
use crate::Passage;

/// A line of `passages.jsonl`; its number is that of the passage's vector.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row<P> {
    #[serde(flatten)]
    pub(super) passage: P,
    /// Tokens that the embedder did not read, for the next run does not ask again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) cut_tokens: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Row<&Passage> {
    /// With the end of the line.
    pub(super) fn line(&self) -> String {
        serde_json::to_string(self).expect("a passage has text fields") + "\n"
    }
}

impl Row<Passage> {
    /// Reads a file of rows that must be the manifest's.
    pub(super) fn read_all(path: &Path, manifest: &Manifest) -> Result<Vec<Self>, StoreError> {
        manifest.passages_file.check_length(path)?;
        let bytes = fs::read(path).map_err(unreadable(path))?;
        manifest.passages_file.check_bytes(path, &bytes)?;
        let text = str::from_utf8(&bytes).map_err(|error| damaged(path, error.to_string()))?;
        let rows = (1..).zip(text.lines()).map(|(line, json)| {
            serde_json::from_str(json)
                .map_err(|error| damaged(path, format!("line {line} is no passage: {error}")))
        });
        let rows: Vec<Self> = rows.collect::<Result<_, _>>()?;
        if rows.len() != manifest.passages {
            let what =
                format!("it has {} passages, the manifest says {}", rows.len(), manifest.passages);
            return Err(damaged(path, what));
        }
        Ok(rows)
    }
}
