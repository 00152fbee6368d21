use std::collections::HashMap;
use std::sync::Arc;

use infer_code_cad_decode::Settings;
use ndarray::Array2;

use crate::fingerprint::Fingerprint;
use crate::terms::words;
use crate::{
    Embedder, Hit, IndexError, Neighbor, Passage, Query, RetrievalError, Retriever, TextRole,
    VectorIndex,
};

/// Finds the passages whose vectors have the largest inner product with the query's.
///
/// All queries of a call are embedded in one batch. A query without a word has no vector worth the name; its answer
/// is empty.
#[derive(Debug)]
pub struct Dense {
    embedder: Arc<dyn Embedder>,
    index: Arc<dyn VectorIndex>,
    passages: Vec<Arc<Passage>>,
    numbers: HashMap<String, i64>,
    fingerprint: Fingerprint,
}

impl Dense {
    /// A search over vectors that `embedder` made of `passages`, each under its passage's place, from 0.
    ///
    /// # Errors
    /// [`RetrievalError::NoPassages`] without passages; [`RetrievalError::Vectors`] where the index holds another
    /// number of vectors; [`RetrievalError::Index`] where they are not of the embedder's dimension.
    pub fn new<P: Into<Arc<Passage>>>(
        embedder: Arc<dyn Embedder>,
        index: Arc<dyn VectorIndex>,
        passages: Vec<P>,
    ) -> Result<Self, RetrievalError> {
        let passages: Vec<Arc<Passage>> = passages.into_iter().map(Into::into).collect();
        if passages.is_empty() {
            return Err(RetrievalError::NoPassages);
        }
        if index.len() != passages.len() {
            return Err(RetrievalError::Vectors { vectors: index.len(), passages: passages.len() });
        }
        let (held, given) = (index.dimension(), embedder.dimension());
        if held != given {
            return Err(IndexError::Dimension { index: held, given }.into());
        }
        let numbers = (0..).zip(&passages).map(|(i, passage)| (passage.id.clone(), i)).collect();
        let fingerprint = Fingerprint::of(&passages);
        Ok(Self { embedder, index, passages, numbers, fingerprint })
    }

    /// The vectors of queries, `(texts, dimension)`.
    ///
    /// # Errors
    /// [`RetrievalError::Embed`].
    pub fn embed(&self, texts: &[&str]) -> Result<Array2<f32>, RetrievalError> {
        Ok(self.embedder.embed(texts, TextRole::Query)?.vectors)
    }

    /// The vector of the passage of this id, as it is stored.
    ///
    /// # Errors
    /// [`RetrievalError::NoVector`] for an id that is not held, [`RetrievalError::Index`] where it cannot be read.
    pub fn vector(&self, id: &str) -> Result<Vec<f32>, RetrievalError> {
        let missing = || RetrievalError::NoVector { id: id.to_owned() };
        let number = *self.numbers.get(id).ok_or_else(missing)?;
        self.index.vector(number)?.ok_or_else(missing)
    }

    fn all(&self, texts: &[&str], top_k: usize) -> Result<Vec<Vec<Hit>>, RetrievalError> {
        let found = self.index.search(self.embed(texts)?.view(), top_k)?;
        found
            .iter()
            .map(|neighbors| neighbors.iter().map(|near| self.hit(near)).collect())
            .collect()
    }

    fn hit(&self, neighbor: &Neighbor) -> Result<Hit, RetrievalError> {
        let place = usize::try_from(neighbor.id).ok();
        let passage = place.and_then(|place| self.passages.get(place));
        let missing = || RetrievalError::NoPassage { number: neighbor.id };
        Ok(Hit::new(Arc::clone(passage.ok_or_else(missing)?), neighbor.score))
    }

    /// All in one batch, or, where that fails, one by one, so that a fault stays with its query.
    fn each(&self, texts: &[&str], top_k: usize) -> Vec<Result<Vec<Hit>, RetrievalError>> {
        match self.all(texts, top_k) {
            Ok(found) => found.into_iter().map(Ok).collect(),
            Err(error) if texts.len() == 1 => vec![Err(error)],
            Err(_) => texts.iter().flat_map(|text| self.each(&[text], top_k)).collect(),
        }
    }
}

impl Retriever for Dense {
    fn search(&self, queries: &[Query<'_>], top_k: usize) -> Vec<Result<Vec<Hit>, RetrievalError>> {
        if top_k == 0 {
            return queries.iter().map(|_| Err(RetrievalError::ZeroTopK)).collect();
        }
        let asks = |query: &Query<'_>| words(query.text).next().is_some();
        let texts: Vec<&str> = queries.iter().filter(|query| asks(query)).map(|q| q.text).collect();
        let mut found =
            if texts.is_empty() { Vec::new() } else { self.each(&texts, top_k) }.into_iter();
        let answer = |query| if asks(query) { found.next() } else { Some(Ok(Vec::new())) };
        queries.iter().filter_map(answer).collect()
    }

    /// `dense` with the embedder, the index, the number of passages and a hash of their ids, titles and texts.
    fn settings(&self) -> Settings {
        Settings::new("dense")
            .with("embedder", self.embedder.settings())
            .with("index", self.index.settings())
            .with("passages", self.passages.len())
            .with("fingerprint", self.fingerprint)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::trial;

    #[test]
    fn the_nearest_come_first_and_empty_queries_find_nothing() {
        let dense = trial::dense(&["aaa", "aab", "bbb"]);
        let queries = ["a", "", "b b", "?!"].map(Query::new);
        let found = dense.search(&queries, 2);
        assert_eq!(trial::ids(&found), [vec!["0", "1"], vec![], vec!["2", "1"], vec![]]);
        assert!(dense.search(&queries, 0).iter().all(Result::is_err));
        assert_eq!(dense.vector("2").unwrap()[1], 1.0);
        assert!(matches!(dense.vector("x"), Err(RetrievalError::NoVector { id }) if id == "x"));
    }

    #[test]
    fn a_fault_stays_with_its_query() {
        let found = trial::dense(&["a", "b"]).search(&["a", "fault", "b"].map(Query::new), 1);
        assert_eq!(trial::ids(&found), [vec!["0"], vec!["error"], vec!["1"]]);
    }

    #[test]
    fn passages_and_vectors_must_agree() {
        let dense = trial::dense(&["a", "b"]);
        let fewer = dense.passages[..1].to_vec();
        let (embedder, index) = (Arc::clone(&dense.embedder), Arc::clone(&dense.index));
        let error = Dense::new(embedder, index, fewer).unwrap_err();
        assert!(matches!(error, RetrievalError::Vectors { vectors: 2, passages: 1 }));
        assert!(dense.settings().to_string().starts_with("dense(embedder="));
    }
}
