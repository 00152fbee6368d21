//! Embedders against sentence-transformers and model2vec, on the small models beside this file; and what is refused.

#![cfg(feature = "embed")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod expected;
mod real;
mod refused;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use expected::{Expected, fixture, worst_cosine};
use infer_code_cad_retrieval::{
    Embedder, EmbedderOptions, EncoderWeights, Pool, SentenceEmbedder, TextRole, load_embedder,
};
use tempfile::TempDir;

fn options(weights: EncoderWeights, threads: usize) -> EmbedderOptions {
    EmbedderOptions { weights, pool: Arc::new(Pool::new(threads)), query_instruction: None }
}

fn load(dir: &Path) -> Arc<dyn Embedder> {
    load_embedder(dir, &options(EncoderWeights::F32, 2)).unwrap()
}

/// A copy of some files of a small model.
fn copy(name: &str, is_wanted: impl Fn(&str) -> bool) -> TempDir {
    fn copy_into(from: &Path, to: &Path, is_wanted: &dyn Fn(&str) -> bool) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                copy_into(&path, &to.join(name), is_wanted);
            } else if is_wanted(name) {
                fs::copy(&path, to.join(name)).unwrap();
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    copy_into(&fixture(name), dir.path(), &is_wanted);
    dir
}

#[test]
fn vectors_are_those_of_sentence_transformers() {
    let expected = Expected::read(&fixture("expected.json"));
    let plain = copy("bge", |name| !name.contains("modules") && !name.contains("sentence"));
    for (name, dir) in [
        ("bge", fixture("bge")),
        ("mpnet", fixture("mpnet")),
        ("plain", plain.path().to_owned()),
        ("static", fixture("static")),
    ] {
        let embedder = load(&dir);
        for (role, vectors) in expected.vectors(name) {
            let ours = embedder.embed(&expected.texts(), role).unwrap().vectors;
            let worst = worst_cosine(&ours, vectors);
            println!("{name} {role:?}: worst cosine {worst}");
            assert!(worst >= 0.99999, "{name} {role:?}: {worst}");
        }
    }
}

#[test]
fn int8_is_near_and_neither_depends_on_neighbours_or_threads() {
    let expected = Expected::read(&fixture("expected.json"));
    let texts = expected.texts();
    for (name, weights) in [
        ("bge", EncoderWeights::F32),
        ("mpnet", EncoderWeights::F32),
        ("bge", EncoderWeights::Int8),
        ("mpnet", EncoderWeights::Int8),
    ] {
        let one = SentenceEmbedder::load(&fixture(name), &options(weights, 1)).unwrap();
        let three = SentenceEmbedder::load(&fixture(name), &options(weights, 3)).unwrap();
        let together = three.embed(&texts, TextRole::Passage).unwrap();
        for (i, text) in texts.iter().enumerate() {
            let alone = one.embed(&[text], TextRole::Passage).unwrap();
            let bits =
                |vector: infer_code_cad_retrieval::ndarray::ArrayView1<'_, f32>| -> Vec<u32> {
                    vector.iter().map(|x| x.to_bits()).collect()
                };
            assert_eq!(
                bits(alone.vectors.row(0)),
                bits(together.vectors.row(i)),
                "{name} {weights} {text:?}"
            );
        }
        let (_, vectors) =
            expected.vectors(name).find(|(role, _)| *role == TextRole::Passage).unwrap();
        let worst = worst_cosine(&together.vectors, vectors);
        println!("{name} {weights}: worst cosine {worst}");
        assert!(worst >= 0.99, "{name} {weights}: {worst}");
    }
}

#[test]
fn what_is_beyond_the_limit_is_counted() {
    let expected = Expected::read(&fixture("expected.json"));
    for (name, max_tokens) in [("bge", 150), ("mpnet", 140), ("static", 100)] {
        let embedder = load(&fixture(name));
        assert_eq!(embedder.max_tokens(), Some(max_tokens));
        let embedded = embedder.embed(&expected.texts(), TextRole::Passage).unwrap();
        for (text, cut) in expected.texts().into_iter().zip(embedded.cut_tokens) {
            let beyond = embedder.token_count(text).saturating_sub(max_tokens);
            // A static table counts characters as well.
            let more = name == "static" && cut > beyond;
            assert!(cut == beyond || more, "{name} {text:?}: {cut}, not {beyond}");
        }
    }
    // The text, and what is around it.
    assert_eq!(load(&fixture("bge")).token_count("the frame"), 4);
    assert_eq!(load(&fixture("static")).token_count("the frame"), 2);
    assert_eq!(
        load(&fixture("mpnet")).token_count("of the"),
        load(&fixture("mpnet")).token_count("") + 2
    );
}

#[test]
fn settings_follow_everything_but_the_place() {
    let settings = |dir: &Path, options: &EmbedderOptions| {
        load_embedder(dir, options).unwrap().settings().to_string()
    };
    let f32 = options(EncoderWeights::F32, 1);
    let bge = settings(&fixture("bge"), &f32);
    assert!(bge.starts_with("sentence_embedder(model=bert-2x48,files="), "{bge}");
    let moved = copy("bge", |_| true);
    assert_eq!(bge, settings(moved.path(), &options(EncoderWeights::F32, 3)));
    assert_ne!(bge, settings(&fixture("bge"), &options(EncoderWeights::Int8, 1)));
    let instructed = EmbedderOptions { query_instruction: Some("q ".into()), ..f32.clone() };
    assert_ne!(bge, settings(&fixture("bge"), &instructed));
    let path = moved.path().join("model.safetensors");
    let mut weights = fs::read(&path).unwrap();
    *weights.last_mut().unwrap() ^= 1;
    fs::write(&path, weights).unwrap();
    assert_ne!(bge, settings(moved.path(), &f32));
    assert!(settings(&fixture("static"), &f32).starts_with("static_embedder(dimension=32,files="));
}

#[test]
fn english_bge_puts_its_instruction_before_queries() {
    let dir = copy("bge", |_| true);
    let named = dir.path().join("bge-small-en-v1.5");
    let parts: Vec<PathBuf> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    fs::create_dir(&named).unwrap();
    for part in parts {
        fs::rename(&part, named.join(part.file_name().unwrap())).unwrap();
    }
    let vectors = |dir: &Path, instruction: Option<&str>, text: &str, role| {
        let query_instruction = instruction.map(str::to_owned);
        let options = EmbedderOptions { query_instruction, ..options(EncoderWeights::F32, 1) };
        load_embedder(dir, &options).unwrap().embed(&[text], role).unwrap().vectors
    };
    let (query, passage) = (TextRole::Query, TextRole::Passage);
    let instructed = "Represent this sentence for searching relevant passages: the list";
    assert_eq!(
        vectors(&named, None, "the list", query),
        vectors(&named, None, instructed, passage)
    );
    assert_eq!(
        vectors(&named, Some(""), "the list", query),
        vectors(&named, None, "the list", passage)
    );
    assert_eq!(
        vectors(&fixture("bge"), Some("a "), "list", query),
        vectors(&fixture("bge"), None, "a list", passage),
    );
}
