use std::sync::Arc;

use infer_code_cad_decode::Settings;

use crate::{Dense, Hit, Part, Query, RetrievalError, Retriever};

/// Reorders another retriever's answer so that its passages say different things.
///
/// The next passage is the one with the largest `lambda cos(query, d) - (1 - lambda) max cos(d, s)` over the passages
/// `s` chosen before (0 before the first), which becomes its score; equal ones keep the inner order. The inner rank and score are kept as a part.
/// Carbonell and Goldstein, [The Use of MMR, Diversity-Based Reranking](https://doi.org/10.1145/290941.291025),
/// section 2.
#[derive(Debug)]
pub struct Mmr<R> {
    inner: R,
    dense: Arc<Dense>,
    config: MmrConfig,
}

/// How [`Mmr`] weighs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MmrConfig {
    /// 1 is nearness to the query alone, 0 difference alone.
    pub lambda: f32,
    /// Passages that the inner retriever is asked for, or as many as the caller asks, where those are more.
    pub depth: usize,
}

impl Default for MmrConfig {
    fn default() -> Self {
        Self { lambda: 0.7, depth: 20 }
    }
}

impl<R: Retriever> Mmr<R> {
    /// A reordering by the vectors of `dense`, which must hold every passage that `inner` finds.
    ///
    /// # Errors
    /// [`RetrievalError::Parameter`] for a `lambda` outside 0 to 1.
    pub fn new(inner: R, dense: Arc<Dense>, config: MmrConfig) -> Result<Self, RetrievalError> {
        RetrievalError::at_most_one("lambda", config.lambda)?;
        Ok(Self { inner, dense, config })
    }

    fn reorder(
        &self,
        query: &str,
        hits: Vec<Hit>,
        top_k: usize,
    ) -> Result<Vec<Hit>, RetrievalError> {
        if hits.is_empty() {
            return Ok(hits);
        }
        let query = self.dense.embed(&[query])?.row(0).to_vec();
        let name = self.inner.settings().name;
        let mut left = Vec::with_capacity(hits.len());
        for (rank, hit) in (1..).zip(hits) {
            let vector = self.dense.vector(&hit.passage.id)?;
            let near = self.config.lambda * dot(&query, &vector);
            let mut parts = hit.parts;
            parts.push(Part::new(name.as_str(), rank, hit.score));
            left.push(Candidate { hit: Hit { parts, ..hit }, vector, near, likeness: None });
        }
        Ok(self.choose(left, top_k))
    }

    fn choose(&self, mut left: Vec<Candidate>, top_k: usize) -> Vec<Hit> {
        let value = |c: &Candidate| c.near - (1.0 - self.config.lambda) * c.likeness.unwrap_or(0.0);
        let mut chosen = Vec::new();
        while chosen.len() < top_k {
            // The first of equal ones: `max_by` would take the last.
            let best =
                (0..left.len()).rev().max_by(|&a, &b| value(&left[a]).total_cmp(&value(&left[b])));
            let Some(best) = best else { break };
            let best = left.remove(best);
            for other in &mut left {
                let like = dot(&best.vector, &other.vector);
                other.likeness = Some(other.likeness.map_or(like, |most| most.max(like)));
            }
            chosen.push(Hit { score: value(&best), ..best.hit });
        }
        chosen
    }
}

impl<R: Retriever> Retriever for Mmr<R> {
    fn search(&self, queries: &[Query<'_>], top_k: usize) -> Vec<Result<Vec<Hit>, RetrievalError>> {
        if top_k == 0 {
            return queries.iter().map(|_| Err(RetrievalError::ZeroTopK)).collect();
        }
        let answers = self.inner.search(queries, self.config.depth.max(top_k));
        let reorder = |(query, answer): (&Query<'_>, Result<Vec<Hit>, _>)| {
            answer.and_then(|hits| self.reorder(query.text, hits, top_k))
        };
        queries.iter().zip(answers).map(reorder).collect()
    }

    /// `mmr` with its parameters, the inner retriever and whose vectors they are.
    fn settings(&self) -> Settings {
        Settings::new("mmr")
            .with("lambda", self.config.lambda)
            .with("depth", self.config.depth)
            .with("of", self.inner.settings())
            .with("vectors", self.dense.settings())
    }
}

/// A passage that is not chosen yet.
struct Candidate {
    hit: Hit,
    vector: Vec<f32>,
    /// `lambda cos(query, d)`.
    near: f32,
    /// The largest cosine with a passage chosen.
    likeness: Option<f32>,
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::trial;

    fn mmr(texts: &[&str], lambda: f32) -> Mmr<Arc<Dense>> {
        let dense = Arc::new(trial::dense(texts));
        Mmr::new(Arc::clone(&dense), dense, MmrConfig { lambda, depth: 5 }).unwrap()
    }

    #[test]
    fn a_copy_waits_behind_what_is_new() {
        let texts = ["aab", "aab", "bba"];
        let order = |lambda, top_k| {
            let answers = mmr(&texts, lambda).search(&[Query::new("ab a"), Query::new("")], top_k);
            trial::ids(&answers).concat().join(" ")
        };
        assert_eq!(order(1.0, 3), "0 1 2");
        assert_eq!(order(0.4, 3), "0 2 1");
        assert_eq!(order(0.4, 2), "0 2");
    }

    #[test]
    fn scores_fall_and_parts_tell_the_inner_answer() {
        let answers = mmr(&["aab", "aab", "bba"], 0.4).search(&[Query::new("aab")], 3);
        let hits = answers[0].as_ref().unwrap();
        assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
        assert_eq!((hits[1].parts[0].rank, hits[1].parts[0].retriever.as_str()), (3, "dense"));
    }

    #[test]
    fn faults_are_told() {
        let dense = Arc::new(trial::dense(&["a"]));
        let at = |lambda| {
            Mmr::new(Arc::clone(&dense), Arc::clone(&dense), MmrConfig { lambda, depth: 1 })
        };
        assert!(at(1.5).is_err() && at(f32::NAN).is_err());
        let of_others =
            Mmr::new(trial::dense(&["a", "b"]), Arc::clone(&dense), MmrConfig::default());
        let answers = of_others.unwrap().search(&["b", "a"].map(Query::new), 2);
        assert!(matches!(&answers[0], Err(RetrievalError::NoVector { id }) if id == "1"));
        assert!(at(0.5).unwrap().search(&[Query::new("a")], 0)[0].is_err());
    }
}
