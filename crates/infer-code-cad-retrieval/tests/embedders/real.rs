//! Real weights against sentence-transformers: `.ci/fetch_weights.py` fetches them.

use std::env;
use std::path::PathBuf;
use std::time::Instant;

use infer_code_cad_retrieval::{Embedder, EncoderWeights, SentenceEmbedder, TextRole};

use crate::expected::{Expected, cosines, fixture, worst_cosine};
use crate::options;

/// The directory of a model, or a word on why its test does nothing.
fn model(name: &str) -> Option<PathBuf> {
    let dir = env::var_os("INFER_CODE_CAD_MODELS").map(|models| PathBuf::from(models).join(name));
    let dir = dir.filter(|dir| dir.join("model.safetensors").is_file());
    if dir.is_none() {
        println!(
            "skipped: {name} needs INFER_CODE_CAD_MODELS, a folder that .ci/fetch_weights.py fills"
        );
    }
    dir
}

fn agrees(name: &str) {
    let Some(dir) = model(name) else { return };
    let other = env::var_os("INFER_CODE_CAD_EMBEDDINGS").map(PathBuf::from);
    let expected = Expected::read(&other.unwrap_or_else(|| fixture("real.json")));
    for (weights, least) in [(EncoderWeights::F32, 0.99999), (EncoderWeights::Int8, 0.999)] {
        let embedder = SentenceEmbedder::load(&dir, &options(weights, 2)).unwrap();
        let start = Instant::now();
        let embedded = embedder.embed(&expected.texts(), TextRole::Passage).unwrap();
        let seconds = start.elapsed().as_secs_f64();
        let (_, vectors) = expected.vectors(name).next().unwrap();
        // A text without a word is two tokens that mean nothing, on which int8 is coarser.
        let has_words = expected.texts().into_iter().map(|text| !text.trim().is_empty());
        let cosines = cosines(&embedded.vectors, vectors).into_iter().zip(has_words);
        let cosines: Vec<f64> = cosines.filter(|(_, words)| *words).map(|(x, _)| x).collect();
        let n_texts = cosines.len();
        let mean = cosines.iter().sum::<f64>() / n_texts as f64;
        let lowest = cosines.iter().copied().fold(1.0, f64::min);
        println!(
            "{name} {weights}: {n_texts} texts, {seconds:.1} s, cosine {mean:.7} in the mean, {lowest:.7} at the least"
        );
        for (i, cosine) in cosines.iter().enumerate() {
            assert!(*cosine >= least, "{name} {weights} text {i}: {cosine}");
        }
        let worst = worst_cosine(&embedded.vectors, vectors);
        println!("{name} {weights}: worst cosine, all texts, {worst:.7}");
        assert!(worst >= 0.99, "{name} {weights}: {worst}");
        let alone = embedder.embed(&expected.texts()[1..2], TextRole::Passage).unwrap();
        assert_eq!(alone.vectors.row(0), embedded.vectors.row(1), "{name} {weights}");
    }
}

#[test]
fn minilm_agrees() {
    agrees("minilm");
}

#[test]
fn mpnet_agrees() {
    agrees("mpnet");
}
