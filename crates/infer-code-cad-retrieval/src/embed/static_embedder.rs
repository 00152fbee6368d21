use std::path::Path;
use std::sync::Arc;

use infer_code_cad_checkpoint::{CheckpointError, StaticTable};
use infer_code_cad_decode::{Settings, TokenId};
use infer_code_cad_native::Pool;
use ndarray::Array2;

use super::fingerprint::fingerprint;
use crate::{EmbedError, Embedder, Embeddings, TextRole};

/// A table of token vectors whose mean stands for a text: Model2Vec's potion models.
///
/// A lookup and a sum where a transformer multiplies, and blind to the order of words: for huge stores, beside a lexical
/// search. A text without a known token has the zero vector, which is near to nothing.
#[derive(Debug)]
pub struct StaticEmbedder {
    table: StaticTable,
    files: String,
    pool: Arc<Pool>,
}

impl StaticEmbedder {
    /// Loads a directory of Model2Vec.
    ///
    /// # Errors
    /// [`EmbedError::Checkpoint`] for files that are missing or damaged, [`EmbedError::Io`].
    pub fn load(dir: &Path, pool: Arc<Pool>) -> Result<Self, EmbedError> {
        let table = StaticTable::open(dir)?;
        let others = ["config.json", "tokenizer.json"].map(|name| dir.join(name));
        let paths = [&table.weights].into_iter().chain(&others);
        let files = fingerprint(paths.map(|path| path.as_path()))?;
        Ok(Self { table, files, pool })
    }

    /// Writes the vector of a text, and counts the tokens that were cut.
    fn text(&self, text: &str, vector: &mut [f32]) -> Result<usize, CheckpointError> {
        let StaticTable { tokenizer, max_tokens, max_chars, .. } = &self.table;
        // As the package: characters are cut first, then tokens, and only then unknown ones dropped.
        let end = max_chars.and_then(|max| text.char_indices().nth(max)).map(|(end, _)| end);
        let ids = tokenizer.encode_plain(&text[..end.unwrap_or(text.len())])?;
        let kept = max_tokens.unwrap_or(usize::MAX).min(ids.len());
        self.mean(&ids[..kept], vector);
        let all = if end.is_some() { tokenizer.encode_plain(text)?.len() } else { ids.len() };
        Ok(all.saturating_sub(kept))
    }

    /// The mean of the known tokens, brought to length 1; zero where there are none.
    fn mean(&self, ids: &[TokenId], vector: &mut [f32]) {
        for id in ids.iter().filter(|id| Some(**id) != self.table.unknown) {
            let row = &self.table.vectors[*id as usize * vector.len()..][..vector.len()];
            vector.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        // Dividing by the count as well would change nothing but roundings.
        let length = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        if length > 0.0 {
            vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
        }
    }
}

impl Embedder for StaticEmbedder {
    fn dimension(&self) -> usize {
        self.table.dimension
    }

    fn embed(&self, texts: &[&str], _: TextRole) -> Result<Embeddings, EmbedError> {
        let mut rows = Vec::new();
        rows.resize_with(texts.len(), || (vec![0.0; self.dimension()], Ok(0)));
        self.pool.for_chunks(&mut rows, 1, |i, row| {
            let (vector, cut) = &mut row[0];
            *cut = self.text(texts[i], vector);
        });
        let mut vectors = Array2::zeros((texts.len(), self.dimension()));
        let mut cut_tokens = Vec::with_capacity(texts.len());
        for ((vector, cut), mut to) in rows.into_iter().zip(vectors.rows_mut()) {
            cut_tokens.push(cut?);
            to.iter_mut().zip(vector).for_each(|(to, from)| *to = from);
        }
        Ok(Embeddings { vectors, cut_tokens })
    }

    fn token_count(&self, text: &str) -> usize {
        // What the tokenizer refuses is told by `embed`.
        self.table.tokenizer.encode_plain(text).map_or(0, |ids| ids.len())
    }

    fn max_tokens(&self) -> Option<usize> {
        self.table.max_tokens
    }

    fn settings(&self) -> Settings {
        Settings::new("static_embedder")
            .with("dimension", self.dimension())
            .with("files", &self.files)
    }
}
