use std::collections::HashMap;

use infer_code_cad_decode::Settings;

use crate::fingerprint::Fingerprint;
use crate::{Hit, Part, Query, RetrievalError, Retriever};

/// Holds back passages that are near to everything.
///
/// The score of a passage is `score - weight hubness`, where `hubness` is the mean of the `neighbors` largest scores
/// that a sample of queries gives the passage; a query that does not find it among `depth` counts as 0. It is the
/// second term of CSLS with an approximate neighbourhood, in the scale of the inner retriever.
/// Conneau et al., [Word Translation Without Parallel Data](https://arxiv.org/abs/1710.04087), section 2.3; Radovanović
/// et al., [Hubs in Space](https://jmlr.org/papers/v11/radovanovic10a.html).
///
/// The inner scores should be in one scale for all queries, as cosines are; BM25's grow with the query. Try it on labels
/// first: on the ODEX questions it gains nothing for either (`docs/retrieval.md`, "How well it finds"). Where hubs are
/// copies of one text, as the entries of a settings page can be, dropping the copies is what helps.
#[derive(Debug)]
pub struct HubPenalty<R> {
    inner: R,
    config: HubPenaltyConfig,
    hubness: HashMap<String, f32>,
    sample: Fingerprint,
}

/// How [`HubPenalty`] weighs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HubPenaltyConfig {
    /// How much of its hubness a passage loses; 0 changes nothing.
    pub weight: f32,
    /// Scores that are averaged.
    pub neighbors: usize,
    /// Passages that the inner retriever is asked for, or as many as the caller asks, where those are more.
    pub depth: usize,
}

impl Default for HubPenaltyConfig {
    fn default() -> Self {
        Self { weight: 0.5, neighbors: 10, depth: 100 }
    }
}

impl<R: Retriever> HubPenalty<R> {
    /// Asks `inner` the sample, some hundreds of queries as they will come, none of which is known to be answered by a
    /// certain passage.
    ///
    /// # Errors
    /// [`RetrievalError::Parameter`] for a `weight` below 0 or not finite, or for 0 `neighbors` or `depth`; those of `inner`.
    pub fn new(
        inner: R,
        sample: &[&str],
        config: HubPenaltyConfig,
    ) -> Result<Self, RetrievalError> {
        RetrievalError::at_least_zero("weight", config.weight)?;
        for (name, value) in [("neighbors", config.neighbors), ("depth", config.depth)] {
            if value == 0 {
                return Err(RetrievalError::Parameter { name, value: 0.0, expected: "at least 1" });
            }
        }
        let queries: Vec<Query<'_>> = sample.iter().copied().map(Query::new).collect();
        let mut scores: HashMap<String, Vec<f32>> = HashMap::new();
        for answer in inner.search(&queries, config.depth) {
            for hit in answer? {
                scores.entry(hit.passage.id.clone()).or_default().push(hit.score);
            }
        }
        let mean = |mut scores: Vec<f32>| {
            scores.sort_unstable_by(|a, b| b.total_cmp(a));
            scores.iter().take(config.neighbors).sum::<f32>() / config.neighbors as f32
        };
        let hubness = scores.into_iter().map(|(id, scores)| (id, mean(scores))).collect();
        let sample = sample.iter().fold(Fingerprint::new(), |hash, text| hash.text(text));
        Ok(Self { inner, config, hubness, sample })
    }

    /// How near the sample is to the passage of this id; 0 for one that it never found.
    pub fn hubness(&self, id: &str) -> f32 {
        self.hubness.get(id).copied().unwrap_or(0.0)
    }

    fn reorder(&self, name: &str, hits: Vec<Hit>, top_k: usize) -> Vec<Hit> {
        let weigh = |(rank, mut hit): (usize, Hit)| {
            hit.parts.push(Part::new(name, rank, hit.score));
            hit.score -= self.config.weight * self.hubness(&hit.passage.id);
            hit
        };
        let mut hits: Vec<Hit> = (1..).zip(hits).map(weigh).collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(top_k);
        hits
    }
}

impl<R: Retriever> Retriever for HubPenalty<R> {
    fn search(&self, queries: &[Query<'_>], top_k: usize) -> Vec<Result<Vec<Hit>, RetrievalError>> {
        if top_k == 0 {
            return queries.iter().map(|_| Err(RetrievalError::ZeroTopK)).collect();
        }
        let name = self.inner.settings().name;
        let answers = self.inner.search(queries, self.config.depth.max(top_k)).into_iter();
        answers.map(|answer| answer.map(|hits| self.reorder(&name, hits, top_k))).collect()
    }

    /// `hub_penalty` with its parameters, a hash of the sample, and the inner retriever.
    fn settings(&self) -> Settings {
        Settings::new("hub_penalty")
            .with("weight", self.config.weight)
            .with("neighbors", self.config.neighbors)
            .with("depth", self.config.depth)
            .with("sample", self.sample)
            .with("of", self.inner.settings())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::trial;

    const SAMPLE: [&str; 4] = ["a", "b", "a a b", "b b a"];

    fn penalty(weight: f32) -> HubPenalty<crate::Dense> {
        // The first is near to both letters; the second only to its own.
        let dense = trial::dense(&["ab", "aaac"]);
        let config = HubPenaltyConfig { weight, neighbors: 4, depth: 1 };
        HubPenalty::new(dense, &SAMPLE, config).unwrap()
    }

    #[test]
    fn a_hub_falls_behind() {
        let order = |weight| {
            let answers = penalty(weight).search(&[Query::new("aaabb"), Query::new("")], 2);
            trial::ids(&answers).concat().join(" ")
        };
        assert_eq!(order(0.0), "0 1");
        assert_eq!(order(1.0), "1 0");
        assert!(penalty(1.0).hubness("0") > penalty(1.0).hubness("1"));
        assert_eq!(penalty(1.0).hubness("unknown"), 0.0);
    }

    #[test]
    fn the_inner_rank_and_score_are_kept() {
        let answers = penalty(1.0).search(&[Query::new("aaabb")], 2);
        let part = &answers[0].as_ref().unwrap()[0].parts[0];
        assert_eq!((part.retriever.as_str(), part.rank), ("dense", 2));
    }

    #[test]
    fn faults_are_told() {
        let of = |sample: &str, config| HubPenalty::new(trial::dense(&["a"]), &[sample], config);
        let default = HubPenaltyConfig::default();
        assert!(of("a", HubPenaltyConfig { weight: -1.0, ..default }).is_err());
        assert!(of("a", HubPenaltyConfig { neighbors: 0, ..default }).is_err());
        assert!(of("fault", default).is_err());
        let one = of("a", default).unwrap();
        assert_ne!(one.settings(), of("b", default).unwrap().settings());
        assert!(one.search(&[Query::new("a")], 0)[0].is_err());
    }
}
