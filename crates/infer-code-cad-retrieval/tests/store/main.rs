//! The index on disk: built, stopped, killed, changed, damaged, read while it is written.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod changes;
mod damage;
mod kill;
mod sharing;

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use infer_code_cad_retrieval::ndarray::Array2;
use infer_code_cad_retrieval::{
    Contents, EmbedError, Embedder, Embeddings, IndexProgress, IndexReport, Passage, Settings,
    StoreError, StoreWriter, TextRole,
};

const DIMENSION: usize = 24;

/// An embedder whose vectors depend on the text alone, with words for tokens, that counts its work.
#[derive(Debug, Default)]
struct Fake {
    name: &'static str,
    /// Texts of each call.
    calls: Mutex<Vec<usize>>,
}

impl Fake {
    fn named(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    fn texts(&self) -> usize {
        self.calls.lock().unwrap().iter().sum()
    }
}

impl Embedder for Fake {
    fn dimension(&self) -> usize {
        DIMENSION
    }

    fn embed(&self, texts: &[&str], _: TextRole) -> Result<Embeddings, EmbedError> {
        self.calls.lock().unwrap().push(texts.len());
        let mut vectors = Array2::<f32>::zeros((texts.len(), DIMENSION));
        for (text, mut row) in texts.iter().zip(vectors.rows_mut()) {
            let mut state =
                self.name.bytes().chain(text.bytes()).fold(7_u64, |hash, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
                });
            for value in &mut row {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *value = (state >> 40) as f32 / (1 << 24) as f32 - 0.5;
            }
            let norm = row.dot(&row).sqrt();
            row /= norm;
        }
        let cut_tokens = texts.iter().map(|text| self.token_count(text).saturating_sub(300));
        Ok(Embeddings { vectors, cut_tokens: cut_tokens.collect() })
    }

    fn token_count(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn max_tokens(&self) -> Option<usize> {
        Some(300)
    }

    fn settings(&self) -> Settings {
        Settings::new("fake").with("name", self.name)
    }
}

/// Passages of up to 400 words; `salt` changes the texts.
fn passages(ids: std::ops::Range<usize>, salt: &str) -> Vec<Passage> {
    let passage = |id: usize| {
        let words = (0..id * 37 % 400).map(|word| format!("w{}", word * id % 97));
        let text = format!("{salt} {}", words.collect::<Vec<_>>().join(" "));
        let mut passage = Passage::new(format!("p{id}"), format!("title {id}"), text);
        passage.origin = format!("origin{}", id % 3);
        passage.location = format!("folder{}/file{id}.py:3", id % 10);
        passage
    };
    ids.map(passage).collect()
}

fn contents(passages: Vec<Passage>) -> Contents {
    Contents { passages, chunking: "words(500)".to_owned(), ..Contents::default() }
}

fn go_on(_: &IndexProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn build(
    directory: &Path,
    passages: Vec<Passage>,
    embedder: Option<&dyn Embedder>,
) -> Result<IndexReport, StoreError> {
    StoreWriter::open(directory)?.build(contents(passages), embedder, &mut go_on)
}

/// The three files, by name.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = ["manifest.json", "passages.jsonl", "vectors.faiss"];
    let read = |name: &str| fs::read(directory.join(name)).map(|bytes| (name.to_owned(), bytes));
    names.into_iter().filter_map(|name| read(name).ok()).collect()
}
