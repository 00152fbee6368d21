//! Documents, questions, and which documents answer them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use infer_code_cad_retrieval::Passage;
use serde_json::Value;

use crate::Outcome;

/// Words in a chunk, as in the paper.
const CHUNK_WORDS: usize = 500;

/// Questions and the documents that answer them.
pub(crate) struct Labels {
    pub(crate) queries: Vec<String>,
    /// Of each query, never empty.
    pub(crate) relevant: Vec<HashSet<String>>,
}

impl Labels {
    /// Reads `NAME-queries.jsonl` and `NAME-qrels.tsv`.
    pub(crate) fn read(dir: &Path, name: &str) -> Outcome<Self> {
        let read = |end| std::fs::read_to_string(dir.join(format!("{name}-{end}")));
        let mut by_query: HashMap<String, HashSet<String>> = HashMap::new();
        for line in read("qrels.tsv")?.lines().skip(1) {
            let mut columns = line.split('\t').map(str::to_owned);
            let (Some(query), Some(document)) = (columns.next(), columns.next()) else {
                return Err(format!("no query and document in {line:?}").into());
            };
            by_query.entry(query).or_default().insert(document);
        }
        let (mut queries, mut relevant) = (Vec::new(), Vec::new());
        for line in read("queries.jsonl")?.lines() {
            let query: Value = serde_json::from_str(line)?;
            let documents = by_query.remove(text(&query, "_id")?);
            queries.push(text(&query, "text")?.to_owned());
            relevant.push(documents.ok_or("a query has no label")?);
        }
        Ok(Self { queries, relevant })
    }

    /// The chunks of documents that answer a query, and every n-th of all others.
    pub(crate) fn part(
        &self,
        mut chunks: Vec<Arc<Passage>>,
        every: NonZero<usize>,
    ) -> Vec<Arc<Passage>> {
        let mut others = 0;
        chunks.retain(|chunk| {
            let is_relevant = self.relevant.iter().any(|titles| titles.contains(&chunk.title));
            others += usize::from(!is_relevant);
            is_relevant || others % every == 0
        });
        chunks
    }

    /// The libraries that answer at least so many queries, by name.
    pub(crate) fn libraries(&self, least: usize) -> Vec<&str> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for titles in &self.relevant {
            let libraries: BTreeSet<&str> = titles.iter().map(|title| library(title)).collect();
            libraries.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
        }
        counts.into_iter().filter(|(_, count)| *count >= least).map(|(name, _)| name).collect()
    }
}

/// The library of a document, by its title.
pub(crate) fn library(title: &str) -> &str {
    title.split('.').next().unwrap_or(title)
}

/// All documents in chunks, in their order.
pub(crate) fn chunks(dir: &Path) -> Outcome<Vec<Arc<Passage>>> {
    let file = std::fs::File::open(dir.join("library-documentation.jsonl.gz"))?;
    let mut passages = Vec::new();
    for line in BufReader::new(MultiGzDecoder::new(file)).lines() {
        let document: Value = serde_json::from_str(&line?)?;
        let title = text(&document, "doc_id")?;
        let words: Vec<&str> = text(&document, "doc_content")?.split_whitespace().collect();
        for chunk in words.chunks(CHUNK_WORDS) {
            let id = passages.len().to_string();
            passages.push(Arc::new(Passage::new(id, title, chunk.join(" "))));
        }
    }
    Ok(passages)
}

/// The first of those with equal texts, as a store keeps it.
pub(crate) fn each_text_once(mut passages: Vec<Arc<Passage>>) -> Vec<Arc<Passage>> {
    let mut seen = HashSet::new();
    passages.retain(|passage| seen.insert(passage.text.clone()));
    passages
}

fn text<'a>(object: &'a Value, field: &str) -> Outcome<&'a str> {
    object[field].as_str().ok_or_else(|| format!("no string field {field:?}").into())
}
