use std::fmt;

use infer_code_cad_decode::Settings;
use serde::{Deserialize, Serialize};

use crate::{Hit, Hybrid, Query, RetrievalError, Retriever};

/// Shows the passages of a hybrid search only where they are likely to be of use: elsewhere its answer is empty.
///
/// Two signals are asked, and both must hold: the cosine of the passage nearest to the query, and how many passages
/// the retrievers agree on. How far the first passage is ahead of the others says nothing of either, so no margin is asked.
#[derive(Debug)]
pub struct Gate {
    hybrid: Hybrid,
    config: GateConfig,
}

/// What [`Gate`] asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateConfig {
    /// The name of the retriever whose scores are cosines, as [`Part::retriever`](crate::Part::retriever) has it.
    pub dense: String,
    /// The least cosine of the nearest passage; an embedder's own, from [`Calibration`].
    pub min_cosine: f32,
    /// The least number of passages that two retrievers or more have among their first `within`.
    pub min_shared: usize,
    /// How far agreement is looked for.
    pub within: usize,
}

/// The least cosines of embedders, by the `files` of their settings: what a [`Calibration`] on the labelled questions of
/// `docs/retrieval.md` gave, rounded to hundredths.
const CALIBRATED: [(&str, f32); 2] = [
    ("cdf76fd6327ab9a531b6be9df8266294", 0.49), // all-MiniLM-L6-v2
    ("5979c4acaf7e61afa4845bc55e766526", 0.49), // all-mpnet-base-v2
];

impl GateConfig {
    /// One passage shared among the first ten, and a cosine of at least `min_cosine` in the part `dense`.
    pub fn new(min_cosine: f32) -> Self {
        Self { dense: "dense".to_owned(), min_cosine, min_shared: 1, within: 10 }
    }

    /// The same for an embedder whose cosines were looked into, known by the weights that its settings tell of. None for
    /// any other: the cosines of one say nothing of those of another, so that one wants a [`Calibration`].
    pub fn of_embedder(embedder: &Settings) -> Option<Self> {
        let files = embedder.get("files")?;
        let known = CALIBRATED.iter().find(|(known, _)| *known == files);
        known.map(|(_, min_cosine)| Self::new(*min_cosine))
    }
}

/// What a gate says of an answer, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// The passages are shown.
    Open {
        /// The cosine of the nearest passage.
        cosine: f32,
        /// The passages shared.
        shared: usize,
    },
    /// Nothing was found by the dense retriever.
    Nothing,
    /// The nearest passage is too far.
    Far {
        /// Its cosine.
        cosine: f32,
        /// What was asked for.
        min_cosine: f32,
    },
    /// The retrievers found other passages than each other.
    Apart {
        /// The passages shared.
        shared: usize,
        /// What was asked for.
        min_shared: usize,
    },
}

impl Verdict {
    /// Whether the passages are shown.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { cosine, shared } => {
                write!(f, "shown: cosine {cosine:.3}, {shared} passages found by both")
            }
            Self::Nothing => write!(f, "not shown: no passage was found"),
            Self::Far { cosine, min_cosine } => {
                write!(
                    f,
                    "not shown: the nearest passage has cosine {cosine:.3}, below {min_cosine:.3}"
                )
            }
            Self::Apart { shared, min_shared } => {
                write!(f, "not shown: {shared} passages found by both, fewer than {min_shared}")
            }
        }
    }
}

impl Gate {
    /// A gate before `hybrid`, which must fuse a dense and a lexical retriever at least.
    ///
    /// # Errors
    /// [`RetrievalError::Parameter`] for a `min_cosine` outside -1 to 1;
    /// [`RetrievalError::NoRetriever`] where no part of the hybrid search is called `config.dense`.
    pub fn new(hybrid: Hybrid, config: GateConfig) -> Result<Self, RetrievalError> {
        if !(-1.0..=1.0).contains(&config.min_cosine) {
            let (name, value) = ("min_cosine", config.min_cosine);
            return Err(RetrievalError::Parameter { name, value, expected: "-1 to 1" });
        }
        if !hybrid.names().any(|name| name == config.dense) {
            return Err(RetrievalError::NoRetriever { name: config.dense });
        }
        Ok(Self { hybrid, config })
    }

    /// What is said of each query.
    ///
    /// # Errors
    /// In each place that of the hybrid search.
    pub fn verdicts(&self, queries: &[Query<'_>]) -> Vec<Result<Verdict, RetrievalError>> {
        let answers = self.hybrid.fused(queries, self.depth(1));
        answers.into_iter().map(|answer| answer.map(|hits| self.config.verdict(&hits))).collect()
    }

    fn depth(&self, top_k: usize) -> usize {
        self.hybrid.depth().max(top_k).max(self.config.within)
    }

    fn shown(&self, mut hits: Vec<Hit>, top_k: usize) -> Vec<Hit> {
        let shown = if self.config.verdict(&hits).is_open() { top_k } else { 0 };
        hits.truncate(shown);
        hits
    }
}

impl GateConfig {
    /// What is said of all hits of a fusion, as [`Hybrid::fused`] gives them.
    pub fn verdict(&self, hits: &[Hit]) -> Verdict {
        let Some(cosine) = self.cosine(hits) else { return Verdict::Nothing };
        let (min_cosine, min_shared) = (self.min_cosine, self.min_shared);
        let shared = self.shared(hits);
        if cosine < min_cosine {
            return Verdict::Far { cosine, min_cosine };
        }
        if shared < min_shared {
            return Verdict::Apart { shared, min_shared };
        }
        Verdict::Open { cosine, shared }
    }

    /// The score of the dense retriever's first.
    pub fn cosine(&self, hits: &[Hit]) -> Option<f32> {
        let mut parts = hits.iter().flat_map(|hit| &hit.parts);
        parts.find(|part| part.rank == 1 && part.retriever == self.dense).map(|part| part.score)
    }

    /// Passages that two retrievers or more have among their first.
    pub fn shared(&self, hits: &[Hit]) -> usize {
        let first = |hit: &Hit| hit.parts.iter().filter(|part| part.rank <= self.within).count();
        hits.iter().filter(|hit| first(hit) >= 2).count()
    }
}

impl Retriever for Gate {
    fn search(&self, queries: &[Query<'_>], top_k: usize) -> Vec<Result<Vec<Hit>, RetrievalError>> {
        if top_k == 0 {
            return queries.iter().map(|_| Err(RetrievalError::ZeroTopK)).collect();
        }
        let answers = self.hybrid.fused(queries, self.depth(top_k)).into_iter();
        answers.map(|answer| answer.map(|hits| self.shown(hits, top_k))).collect()
    }

    /// `gate` with what it asks for and the hybrid search.
    fn settings(&self) -> Settings {
        Settings::new("gate")
            .with("dense", &self.config.dense)
            .with("min_cosine", self.config.min_cosine)
            .with("min_shared", self.config.min_shared)
            .with("within", self.config.within)
            .with("of", self.hybrid.settings())
    }
}

/// The least cosine of an embedder, learned from queries of which it is known whether the passages cover them; kept
/// as JSON beside a store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Calibration {
    /// The embedder's settings: for another embedder the figures say nothing.
    pub embedder: String,
    /// The cosine to ask for: the one with the largest sum of `kept` and `shut_out`, the lowest of equal ones. Youden,
    /// [Index for rating diagnostic tests](https://doi.org/10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3).
    pub min_cosine: f32,
    /// The share of covered queries that reach it.
    pub kept: f64,
    /// The share of other queries that do not.
    pub shut_out: f64,
    /// The chance that a covered query is nearer to its first passage than another one.
    pub area_under_curve: f64,
}

impl Calibration {
    /// Learns from the cosine of the nearest passage for queries that the passages cover, and for others: some dozens
    /// of each.
    ///
    /// # Errors
    /// [`RetrievalError::Sample`] where one of them is empty or holds a value that is not finite.
    pub fn new(
        embedder: &Settings,
        covered: &[f32],
        others: &[f32],
    ) -> Result<Self, RetrievalError> {
        let area_under_curve = area_under_curve(covered, others)?;
        let share = |count: usize, all: &[f32]| count as f64 / all.len() as f64;
        let at = |min: f32| {
            let kept = share(covered.iter().filter(|value| **value >= min).count(), covered);
            (min, kept, share(others.iter().filter(|value| **value < min).count(), others))
        };
        let mut tried: Vec<(f32, f64, f64)> = covered.iter().map(|value| at(*value)).collect();
        tried.sort_by(|a, b| (b.1 + b.2).total_cmp(&(a.1 + a.2)).then(a.0.total_cmp(&b.0)));
        let (min_cosine, kept, shut_out) = tried[0];
        let embedder = embedder.to_string();
        Ok(Self { embedder, min_cosine, kept, shut_out, area_under_curve })
    }
}

/// The area under the curve of receiver operating characteristics: the chance that a value of `positives` is above
/// one of `negatives`, equal ones counted half.
/// Hanley and McNeil, [The meaning and use of the area under a ROC curve](https://doi.org/10.1148/radiology.143.1.7063747).
///
/// # Errors
/// [`RetrievalError::Sample`] where one of them is empty or holds a value that is not finite.
pub fn area_under_curve(positives: &[f32], negatives: &[f32]) -> Result<f64, RetrievalError> {
    for values in [positives, negatives] {
        if values.is_empty() || !values.iter().all(|value| value.is_finite()) {
            return Err(RetrievalError::Sample { values: values.len() });
        }
    }
    let mut sorted = negatives.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let below = |value: &f32| {
        let under = sorted.partition_point(|other| other < value);
        (under + sorted.partition_point(|other| other <= value)) as f64 / 2.0
    };
    let all = positives.len() as f64 * negatives.len() as f64;
    Ok(positives.iter().map(below).sum::<f64>() / all)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::{Bm25Config, Bm25Index, HybridConfig, trial};

    fn gate(min_cosine: f32) -> Gate {
        // Dense sees the letters, BM25 the words.
        let texts = ["a", "bc sort", "c"];
        let lexical = Bm25Index::new(trial::passages(&texts), Bm25Config::default()).unwrap();
        let parts: Vec<Arc<dyn Retriever>> =
            vec![Arc::new(lexical), Arc::new(trial::dense(&texts))];
        let hybrid = Hybrid::new(parts, HybridConfig { depth: 1, ..HybridConfig::default() });
        Gate::new(hybrid.unwrap(), GateConfig { within: 1, ..GateConfig::new(min_cosine) }).unwrap()
    }

    #[test]
    fn verdicts_say_why() {
        let queries = ["sort bc", "a bb sort", "sort aaa bb", "zzz", ""].map(Query::new);
        let said: Vec<_> = gate(0.9).verdicts(&queries).into_iter().map(|v| v.unwrap()).collect();
        assert!(matches!(said[0], Verdict::Open { shared: 1, .. }));
        assert!(matches!(said[1], Verdict::Far { cosine, .. } if cosine < 0.9));
        assert!(matches!(said[3], Verdict::Far { cosine: 0.0, .. }));
        assert_eq!(said[4].to_string(), "not shown: no passage was found");
        let apart = gate(0.5).verdicts(&queries[2..3]);
        assert!(matches!(apart[0], Ok(Verdict::Apart { shared: 0, min_shared: 1 })));
        let shown = gate(0.9).search(&queries, 3);
        assert_eq!(trial::ids(&shown), [vec!["1", "2", "0"], vec![], vec![], vec![], vec![]]);
    }

    #[test]
    fn faults_are_told() {
        let hybrid = || gate(0.0).hybrid;
        assert!(Gate::new(hybrid(), GateConfig::new(f32::NAN)).is_err());
        let other = GateConfig { dense: "bge".to_owned(), ..GateConfig::new(0.5) };
        let error = Gate::new(hybrid(), other).unwrap_err();
        assert!(matches!(error, RetrievalError::NoRetriever { name } if name == "bge"));
        assert!(gate(0.0).search(&[Query::new("fault")], 1)[0].is_err());
        assert!(gate(0.0).search(&[Query::new("a")], 0)[0].is_err());
    }

    #[test]
    fn known_weights_have_a_default_and_others_none() {
        let (files, min_cosine) = CALIBRATED[0];
        let of = |files| GateConfig::of_embedder(&Settings::new("e").with("files", files));
        assert_eq!(of(files), Some(GateConfig::new(min_cosine)));
        assert_eq!(of("0123"), None);
        assert_eq!(GateConfig::of_embedder(&Settings::new("letters")), None);
    }

    #[test]
    fn a_calibration_parts_what_can_be_parted() {
        let embedder = Settings::new("letters");
        let of = |covered: &[f32], others: &[f32]| Calibration::new(&embedder, covered, others);
        let parted = of(&[0.6, 0.8, 0.5], &[0.1, 0.4]).unwrap();
        let figures = (parted.min_cosine, parted.kept, parted.shut_out, parted.area_under_curve);
        assert_eq!(figures, (0.5, 1.0, 1.0, 1.0));
        let json = serde_json::to_string(&parted).unwrap();
        assert_eq!(serde_json::from_str::<Calibration>(&json).unwrap(), parted);
        assert!(of(&[], &[0.1]).is_err() && of(&[0.1], &[f32::NAN]).is_err());
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_pairs(
            a in prop::collection::vec(0..5u8, 1..9),
            b in prop::collection::vec(0..5u8, 1..9),
        ) {
            let [a, b] = [a, b].map(|values| values.into_iter().map(f32::from).collect::<Vec<_>>());
            let won = |x: &f32, y: &f32| if x > y { 1.0 } else if x == y { 0.5 } else { 0.0 };
            let pairs: f64 = a.iter().map(|x| b.iter().map(|y| won(x, y)).sum::<f64>()).sum();
            let expected = pairs / (a.len() * b.len()) as f64;
            prop_assert!((area_under_curve(&a, &b).unwrap() - expected).abs() < 1e-12);
        }
    }
}
