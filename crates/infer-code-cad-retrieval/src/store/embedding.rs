use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use infer_code_cad_kernels::Pool;

use super::vectors::{Vectors, text_hash};
use super::{IndexProgress, IndexReport, StoreError};
use crate::{Embedder, Embeddings, Passage, TextRole};

/// Tokens in one call of the embedder, unless a single text has more: what a kill loses at most.
const BATCH_TOKENS: u64 = 16_384;

/// Texts counted between two looks at whether to go on.
const COUNTED_AT_ONCE: usize = 256;

/// Asked again and again; breaks to stop a run.
pub(super) type OnProgress<'a> = &'a mut dyn FnMut(&IndexProgress) -> ControlFlow<()>;

/// A run over the passages that have no vector yet.
pub(super) struct Embedding<'a> {
    pub(super) embedder: &'a dyn Embedder,
    pub(super) on_progress: OnProgress<'a>,
    pub(super) progress: IndexProgress,
}

/// A text without a vector.
struct Missing<'a> {
    passage: &'a Passage,
    hash: u128,
    /// Tokens that will be read.
    tokens: u64,
}

impl Embedding<'_> {
    /// Gives every passage a vector. Each batch is on the disk before the next one begins.
    pub(super) fn run(
        &mut self,
        passages: &[Arc<Passage>],
        vectors: &mut Vectors,
        report: &mut IndexReport,
    ) -> Result<(), StoreError> {
        let missing = missing(passages, vectors, report);
        let missing = self.count(&missing)?;
        let start = Instant::now();
        let mut rest = &missing[..];
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_length(rest));
            self.embed(batch, vectors)?;
            rest = later;
            self.progress.done_passages += batch.len();
            self.progress.done_tokens += batch.iter().map(|text| text.tokens).sum::<u64>();
            self.progress.elapsed = start.elapsed();
            // A stop after the last batch would be one that cost everything and gave nothing.
            if !rest.is_empty() {
                self.tell()?;
            }
        }
        report.embedded = self.progress.done_passages;
        report.embedded_tokens = self.progress.done_tokens;
        report.embedding_time = self.progress.elapsed;
        Ok(())
    }

    /// Counts tokens, so that the rate and the estimate are those of the work.
    fn count<'p>(&mut self, texts: &[(&'p Passage, u128)]) -> Result<Vec<Missing<'p>>, StoreError> {
        let (embedder, pool) = (self.embedder, Pool::all_threads());
        let most = embedder.max_tokens().unwrap_or(usize::MAX);
        let mut missing = Vec::with_capacity(texts.len());
        for texts in texts.chunks(COUNTED_AT_ONCE) {
            let mut counts = vec![0; texts.len()];
            pool.for_chunks(&mut counts, 1, |i, count| {
                count[0] = embedder.token_count(&texts[i].0.content()).min(most) as u64;
            });
            self.progress.total_tokens += counts.iter().sum::<u64>();
            let counted = texts.iter().zip(counts);
            missing.extend(counted.map(|(&(passage, hash), tokens)| Missing {
                passage,
                hash,
                tokens,
            }));
            self.progress.total_passages = missing.len();
            self.tell()?;
        }
        Ok(missing)
    }

    fn embed(&self, batch: &[Missing<'_>], vectors: &mut Vectors) -> Result<(), StoreError> {
        let contents: Vec<String> = batch.iter().map(|text| text.passage.content()).collect();
        let texts: Vec<&str> = contents.iter().map(String::as_str).collect();
        let embedded = self.embedder.embed(&texts, TextRole::Passage)?;
        check(&embedded, batch, self.embedder.dimension())?;
        let hashes: Vec<u128> = batch.iter().map(|text| text.hash).collect();
        vectors.log.append(&hashes, &embedded)
    }

    fn tell(&mut self) -> Result<(), StoreError> {
        match (self.on_progress)(&self.progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(StoreError::Cancelled {
                done: self.progress.done_passages,
                total: self.progress.total_passages,
            }),
        }
    }
}

/// The texts without a vector, each once.
fn missing<'p>(
    passages: &'p [Arc<Passage>],
    vectors: &Vectors,
    report: &mut IndexReport,
) -> Vec<(&'p Passage, u128)> {
    let mut seen = HashSet::new();
    let mut missing = Vec::new();
    for passage in passages {
        let hash = text_hash(passage);
        if !seen.insert(hash) {
            continue;
        }
        if vectors.old.as_ref().is_some_and(|old| old.contains(hash)) {
            report.reused += 1;
        } else if vectors.log.contains(hash) {
            report.resumed += 1;
        } else {
            missing.push((&**passage, hash));
        }
    }
    missing
}

/// How many of the texts, at least one, fit a batch.
fn batch_length(texts: &[Missing<'_>]) -> usize {
    let mut tokens = 0;
    let fits = texts.iter().take_while(|text| {
        tokens += text.tokens;
        tokens <= BATCH_TOKENS
    });
    fits.count().max(1)
}

/// An embedder may be anyone's, and what is stored stays.
fn check(embedded: &Embeddings, batch: &[Missing<'_>], dimension: usize) -> Result<(), StoreError> {
    let (texts, cuts) = (batch.len(), embedded.cut_tokens.len());
    let (rows, columns) = embedded.vectors.dim();
    if (rows, columns, cuts) != (texts, dimension, texts) {
        return Err(StoreError::Shape { texts, dimension, shape: [rows, columns], cuts });
    }
    for (text, vector) in batch.iter().zip(embedded.vectors.rows()) {
        if let Some(&value) = vector.iter().find(|value| !value.is_finite()) {
            return Err(StoreError::NotFinite { id: text.passage.id.clone(), value });
        }
    }
    Ok(())
}
