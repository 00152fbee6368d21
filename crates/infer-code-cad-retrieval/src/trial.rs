//! Small parts that unit tests of retrievers share.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;

use infer_code_cad_decode::Settings;
use ndarray::{Array2, ArrayView2};

use crate::{
    Dense, EmbedError, Embedder, Embeddings, Hit, IndexError, Neighbor, Passage, RetrievalError,
    TextRole, VectorIndex,
};

/// Counts the letters a, b and c.
#[derive(Debug)]
struct Letters;

impl Embedder for Letters {
    fn dimension(&self) -> usize {
        3
    }

    fn embed(&self, texts: &[&str], _: TextRole) -> Result<Embeddings, EmbedError> {
        if texts.contains(&"fault") {
            return Err(EmbedError::other("a fault"));
        }
        let mut vectors = Array2::zeros((texts.len(), 3));
        for (text, mut row) in texts.iter().zip(vectors.rows_mut()) {
            for (letter, value) in ["a", "b", "c"].iter().zip(row.iter_mut()) {
                *value = text.matches(letter).count() as f32;
            }
            let norm = row.dot(&row).max(1e-12).sqrt();
            row /= norm;
        }
        Ok(Embeddings { vectors, cut_tokens: vec![0; texts.len()] })
    }

    fn token_count(&self, text: &str) -> usize {
        text.len()
    }

    fn settings(&self) -> Settings {
        Settings::new("letters")
    }
}

/// The definition of a search.
#[derive(Debug)]
struct Rows(Array2<f32>);

impl VectorIndex for Rows {
    fn dimension(&self) -> usize {
        self.0.ncols()
    }

    fn len(&self) -> usize {
        self.0.nrows()
    }

    fn add(&mut self, _: &[i64], _: ArrayView2<'_, f32>) -> Result<(), IndexError> {
        unreachable!("its rows are given")
    }

    fn remove(&mut self, _: &[i64]) -> Result<usize, IndexError> {
        unreachable!("its rows are given")
    }

    fn search(
        &self,
        queries: ArrayView2<'_, f32>,
        top_k: usize,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        let near = |query: ndarray::ArrayView1<'_, f32>| {
            let scores = self.0.dot(&query);
            let mut all: Vec<_> =
                (0..).zip(scores).map(|(id, score)| Neighbor { id, score }).collect();
            all.sort_by(|a, b| b.score.total_cmp(&a.score));
            all.truncate(top_k);
            all
        };
        Ok(queries.rows().into_iter().map(near).collect())
    }

    fn vector(&self, id: i64) -> Result<Option<Vec<f32>>, IndexError> {
        let place = usize::try_from(id).ok().filter(|place| *place < self.len());
        Ok(place.map(|place| self.0.row(place).to_vec()))
    }

    fn settings(&self) -> Settings {
        Settings::new("rows")
    }
}

/// Passages whose ids are their places and whose titles are empty.
pub(crate) fn passages(texts: &[&str]) -> Vec<Arc<Passage>> {
    let passage = |(id, text): (usize, &&str)| Arc::new(Passage::new(id.to_string(), "", *text));
    texts.iter().enumerate().map(passage).collect()
}

pub(crate) fn dense(texts: &[&str]) -> Dense {
    let vectors = Letters.embed(texts, TextRole::Passage).unwrap().vectors;
    Dense::new(Arc::new(Letters), Arc::new(Rows(vectors)), passages(texts)).unwrap()
}

/// The ids of each answer; `error` for one.
pub(crate) fn ids(answers: &[Result<Vec<Hit>, RetrievalError>]) -> Vec<Vec<&str>> {
    answers
        .iter()
        .map(|answer| match answer {
            Ok(hits) => hits.iter().map(|hit| hit.passage.id.as_str()).collect(),
            Err(_) => vec!["error"],
        })
        .collect()
}
