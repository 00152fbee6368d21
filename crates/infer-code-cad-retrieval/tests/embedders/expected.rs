use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use infer_code_cad_retrieval::TextRole;
use infer_code_cad_retrieval::ndarray::Array2;
use serde::Deserialize;

/// A file or directory beside this one.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/embedders").join(name)
}

/// Texts, and what the peer made of them with some models.
#[derive(Debug, Deserialize)]
pub(crate) struct Expected {
    texts: Vec<String>,
    #[serde(flatten)]
    models: BTreeMap<String, BTreeMap<String, Vec<Vec<f64>>>>,
}

impl Expected {
    pub(crate) fn read(path: &Path) -> Self {
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    pub(crate) fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(String::as_str).collect()
    }

    /// The vectors of a model by the role of the texts.
    pub(crate) fn vectors(&self, model: &str) -> impl Iterator<Item = (TextRole, &[Vec<f64>])> {
        self.models[model].iter().map(|(role, vectors)| match role.as_str() {
            "query" => (TextRole::Query, vectors.as_slice()),
            _ => (TextRole::Passage, vectors.as_slice()),
        })
    }
}

/// The cosine of each vector and what was expected; of two zero vectors it is 1.
pub(crate) fn cosines(ours: &Array2<f32>, expected: &[Vec<f64>]) -> Vec<f64> {
    assert_eq!(ours.nrows(), expected.len());
    let cosines = ours.rows().into_iter().zip(expected).map(|(ours, expected)| {
        assert_eq!(ours.len(), expected.len());
        let dot: f64 = ours.iter().zip(expected).map(|(&a, b)| f64::from(a) * b).sum();
        let norm = ours.iter().map(|&a| f64::from(a).powi(2)).sum::<f64>().sqrt();
        let their_norm = expected.iter().map(|b| b * b).sum::<f64>().sqrt();
        if norm == 0.0 && their_norm == 0.0 { 1.0 } else { dot / norm / their_norm }
    });
    cosines.collect()
}

/// The least of them.
pub(crate) fn worst_cosine(ours: &Array2<f32>, expected: &[Vec<f64>]) -> f64 {
    // A NaN is worse than any number.
    let worse = |worst, cosine| if cosine >= worst { worst } else { cosine };
    cosines(ours, expected).into_iter().fold(1.0, worse)
}
