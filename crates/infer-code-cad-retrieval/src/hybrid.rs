use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use infer_code_cad_decode::Settings;

use crate::{Hit, Part, Query, RetrievalError, Retriever};

/// Fuses the answers of several retrievers by their ranks alone, so that scores of different scales never meet.
///
/// The score of a passage is the sum of `1 / (k + rank)` over the retrievers that found it, ranks from 1, that of the
/// first times [`HybridConfig::first_weight`]. Equal scores keep the order in which the passages were found first,
/// retriever by retriever. Passages are the same where their ids are.
/// Cormack, Clarke and Büttcher, [Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
/// Methods](https://doi.org/10.1145/1571941.1572114), section 2.
///
/// A query that one of the retrievers cannot answer is an error: an answer of the others alone would be another
/// retriever's under this one's name.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use infer_code_cad_retrieval::{
///     Bm25Config, Bm25Index, Hybrid, HybridConfig, Passage, Query, Retriever,
/// };
///
/// let passages = vec![
///     Arc::new(Passage::new("zip", "zip(*iterables)", "Iterate in parallel.")),
///     Arc::new(Passage::new("map", "map(function, iterable)", "Apply a function.")),
/// ];
/// let titles = Bm25Index::new(passages.clone(), Bm25Config::default())?;
/// let texts = Bm25Index::new(passages, Bm25Config { title_weight: 0.0, ..Bm25Config::default() })?;
/// let hybrid = Hybrid::new(vec![Arc::new(titles), Arc::new(texts)], HybridConfig::default())?;
///
/// let answers = hybrid.search(&[Query::new("apply a map")], 5);
/// let hit = &answers[0].as_ref().unwrap()[0];
/// assert_eq!((hit.passage.id.as_str(), hit.parts[1].retriever.as_str()), ("map", "bm25_2"));
/// # Ok::<(), infer_code_cad_retrieval::RetrievalError>(())
/// ```
#[derive(Debug)]
pub struct Hybrid {
    retrievers: Vec<(String, Arc<dyn Retriever>)>,
    config: HybridConfig,
}

/// How [`Hybrid`] fuses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HybridConfig {
    /// How little the first ranks stand out; 60 in the paper.
    pub k: f32,
    /// Passages that each retriever is asked for, or as many as the caller asks, where those are more.
    pub depth: usize,
    /// How much the ranks of the first retriever count beside those of each other; 1 in the paper. What it did on labelled
    /// questions is in `docs/retrieval.md`.
    pub first_weight: f32,
}

impl Default for HybridConfig {
    fn default() -> Self {
        Self { k: 60.0, depth: 100, first_weight: 1.0 }
    }
}

impl Hybrid {
    /// A fusion of `retrievers`. Each part of a hit is named as its retriever's settings are; from the second of a
    /// name on with a number behind it.
    ///
    /// # Errors
    /// [`RetrievalError::NoRetrievers`] without one; [`RetrievalError::Parameter`] for a `k` or a `first_weight` below 0
    /// or not finite, or a `depth` of 0.
    pub fn new(
        retrievers: Vec<Arc<dyn Retriever>>,
        config: HybridConfig,
    ) -> Result<Self, RetrievalError> {
        if retrievers.is_empty() {
            return Err(RetrievalError::NoRetrievers);
        }
        RetrievalError::at_least_zero("k", config.k)?;
        RetrievalError::at_least_zero("first_weight", config.first_weight)?;
        if config.depth == 0 {
            let expected = "at least 1";
            return Err(RetrievalError::Parameter { name: "depth", value: 0.0, expected });
        }
        let mut seen: HashMap<String, usize> = HashMap::new();
        let named = |retriever: Arc<dyn Retriever>| {
            let name = retriever.settings().name;
            let times = seen.entry(name.clone()).and_modify(|times| *times += 1).or_insert(1);
            (if *times == 1 { name } else { format!("{name}_{times}") }, retriever)
        };
        Ok(Self { retrievers: retrievers.into_iter().map(named).collect(), config })
    }

    /// All passages among the first `depth` of any retriever, fused: at most `depth` times retrievers.
    ///
    /// # Errors
    /// In each place the first error of a retriever.
    pub fn fused(
        &self,
        queries: &[Query<'_>],
        depth: usize,
    ) -> Vec<Result<Vec<Hit>, RetrievalError>> {
        let mut fused: Vec<Result<Fusion, RetrievalError>> =
            queries.iter().map(|_| Ok(Fusion::default())).collect();
        let HybridConfig { k, first_weight, .. } = self.config;
        let weights = std::iter::once(first_weight).chain(std::iter::repeat(1.0));
        for ((name, retriever), weight) in self.retrievers.iter().zip(weights) {
            for (fusion, answer) in fused.iter_mut().zip(retriever.search(queries, depth)) {
                match (&mut *fusion, answer) {
                    (Ok(fusion), Ok(hits)) => fusion.add(name, hits, weight, k),
                    (Ok(_), Err(error)) => *fusion = Err(error),
                    (Err(_), _) => {}
                }
            }
        }
        fused.into_iter().map(|fusion| fusion.map(Fusion::hits)).collect()
    }

    /// What the parts of hits are called.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.retrievers.iter().map(|(name, _)| name.as_str())
    }

    /// Passages that each retriever is asked for at least.
    pub fn depth(&self) -> usize {
        self.config.depth
    }
}

impl Retriever for Hybrid {
    fn search(&self, queries: &[Query<'_>], top_k: usize) -> Vec<Result<Vec<Hit>, RetrievalError>> {
        if top_k == 0 {
            return queries.iter().map(|_| Err(RetrievalError::ZeroTopK)).collect();
        }
        let mut answers = self.fused(queries, self.config.depth.max(top_k));
        answers.iter_mut().flatten().for_each(|hits| hits.truncate(top_k));
        answers
    }

    /// `hybrid` with its parameters and the settings of each retriever under its name.
    fn settings(&self) -> Settings {
        let HybridConfig { k, depth, first_weight } = self.config;
        let own = Settings::new("hybrid").with("k", k).with("depth", depth);
        let is_weighted = first_weight != 1.0;
        let own = if is_weighted { own.with("first_weight", first_weight) } else { own };
        let with = |settings: Settings, (name, retriever): &(String, Arc<dyn Retriever>)| {
            settings.with(name.as_str(), retriever.settings())
        };
        self.retrievers.iter().fold(own, with)
    }
}

/// The answers to one query so far.
#[derive(Default)]
struct Fusion {
    /// In the order found, with the score in double precision.
    hits: Vec<(Hit, f64)>,
    places: HashMap<String, usize>,
}

impl Fusion {
    /// Takes in one retriever's answer; a passage that it names twice counts where it comes first.
    fn add(&mut self, name: &str, hits: Vec<Hit>, weight: f32, k: f32) {
        for (rank, hit) in (1..).zip(hits) {
            let part = Part::new(name, rank, hit.score);
            let place = match self.places.entry(hit.passage.id.clone()) {
                Entry::Occupied(entry) => *entry.get(),
                Entry::Vacant(entry) => {
                    self.hits.push((Hit { parts: Vec::new(), ..hit }, 0.0));
                    *entry.insert(self.hits.len() - 1)
                }
            };
            let (hit, score) = &mut self.hits[place];
            if hit.parts.last().is_none_or(|last| last.retriever != name) {
                hit.parts.push(part);
                *score += f64::from(weight) / (f64::from(k) + rank as f64);
            }
        }
    }

    fn hits(mut self) -> Vec<Hit> {
        self.hits.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let hit = |(hit, score): (Hit, f64)| Hit { score: score as f32, ..hit };
        self.hits.into_iter().map(hit).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::{Bm25Config, Bm25Index, trial};

    fn hybrid(texts: &[&str]) -> Hybrid {
        let lexical = Bm25Index::new(trial::passages(texts), Bm25Config::default()).unwrap();
        let retrievers: Vec<Arc<dyn Retriever>> =
            vec![Arc::new(lexical), Arc::new(trial::dense(texts))];
        Hybrid::new(retrievers, HybridConfig::default()).unwrap()
    }

    #[test]
    fn ranks_add_up_and_parts_are_kept() {
        // BM25 finds 1 alone, dense 0 before 2 before 1.
        let hybrid = hybrid(&["aaa", "ab word", "aac"]);
        let answers = hybrid.search(&[Query::new("a word"), Query::new("")], 3);
        assert_eq!(trial::ids(&answers), [vec!["1", "0", "2"], vec![]]);
        let hits = answers[0].as_ref().unwrap();
        assert!((f64::from(hits[0].score) - (1.0 / 61.0 + 1.0 / 63.0)).abs() < 1e-8);
        let parts: Vec<_> = hits[0].parts.iter().map(|p| (p.retriever.as_str(), p.rank)).collect();
        assert_eq!(parts, [("bm25", 1), ("dense", 3)]);
        assert_eq!(hits[1].parts.len(), 1);
        assert_eq!(trial::ids(&hybrid.search(&[Query::new("a word")], 1)), [["1"]]);
    }

    #[test]
    fn a_weight_leans_to_the_first() {
        let texts = ["aaa", "ab word", "aac"];
        let parts = || hybrid(&texts).retrievers.into_iter().rev().map(|(_, part)| part).collect();
        let ids = |first_weight| -> Vec<String> {
            let config = HybridConfig { first_weight, ..HybridConfig::default() };
            let hybrid = Hybrid::new(parts(), config).unwrap();
            let hits = hybrid.search(&[Query::new("a word")], 3).remove(0).unwrap();
            hits.into_iter().map(|hit| hit.passage.id.clone()).collect()
        };
        // Dense is first now. Passage 1 is BM25's first and its third.
        assert_eq!(ids(1.0), ["1", "0", "2"]);
        assert_eq!(ids(128.0), ["0", "2", "1"]);
        assert_eq!(ids(0.0)[0], "1");
    }

    #[test]
    fn an_error_of_one_is_that_querys() {
        let hybrid = hybrid(&["a", "b"]);
        let answers = hybrid.search(&["a", "fault", "b"].map(Query::new), 1);
        assert_eq!(trial::ids(&answers), [vec!["0"], vec!["error"], vec!["1"]]);
        assert!(hybrid.search(&[Query::new("a")], 0)[0].is_err());
    }

    #[test]
    fn bad_configs_are_errors() {
        let one = || -> Vec<Arc<dyn Retriever>> { vec![Arc::new(trial::dense(&["a"]))] };
        let of = |config| Hybrid::new(one(), config);
        let at = |k, depth| of(HybridConfig { k, depth, ..HybridConfig::default() });
        assert!(at(f32::NAN, 1).is_err() && at(-1.0, 1).is_err() && at(0.0, 0).is_err());
        let weighted = |first_weight| of(HybridConfig { first_weight, ..HybridConfig::default() });
        assert!(weighted(f32::NAN).is_err() && weighted(-1.0).is_err());
        let settings = weighted(2.5).unwrap().settings().to_string();
        assert!(
            settings.starts_with("hybrid(k=60,depth=100,first_weight=2.5,dense="),
            "{settings}"
        );
        assert!(matches!(
            Hybrid::new(Vec::new(), HybridConfig::default()),
            Err(RetrievalError::NoRetrievers)
        ));
        let settings = at(0.0, 1).unwrap().settings().to_string();
        assert!(settings.starts_with("hybrid(k=0,depth=1,dense=dense("), "{settings}");
    }
}
