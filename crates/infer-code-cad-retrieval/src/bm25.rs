use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use infer_code_cad_decode::Settings;

use crate::fingerprint::Fingerprint;
use crate::terms::terms;
use crate::{Hit, Passage, Query, RetrievalError, Retriever};

/// An inverted index ranked by BM25: no model, ready in seconds, exact.
///
/// The score of a passage `d` for a query is the sum over the query's terms `t` (a repeated term
/// counts each time) of `idf(t) tf / (tf + k1 (1 - b + b |d| / avg|d|))` with
/// `idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5))`, where `tf` counts `t` in `d`, `df` the passages
/// that hold it, and lengths are in terms. This is Lucene's variant: no term lowers a score, and the
/// constant factor `k1 + 1` is left out.
/// Robertson and Zaragoza, [The Probabilistic Relevance Framework: BM25 and
/// Beyond](https://doi.org/10.1561/1500000019), section 3; the weights are computed once, as in
/// Lù, [BM25S](https://arxiv.org/abs/2407.03618).
///
/// Terms are lower-cased words over title and text; identifiers such as `heap_push` and `heapPush`
/// count as a whole and by their parts.
#[derive(Debug)]
pub struct Bm25Index {
    config: Bm25Config,
    passages: Vec<Arc<Passage>>,
    fingerprint: Fingerprint,
    postings: HashMap<String, Vec<Posting>>,
}

/// What BM25 counts, and how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bm25Config {
    /// How slowly repetitions of a term in a passage saturate; 0 counts presence only.
    pub k1: f32,
    /// How much long passages are held back: 0 not at all, 1 in full.
    pub b: f32,
}

impl Default for Bm25Config {
    fn default() -> Self {
        Self { k1: 1.2, b: 0.75 }
    }
}

/// One term in one passage.
#[derive(Debug)]
struct Posting {
    /// Index of the passage.
    passage: u32,
    /// What the term adds to the score of the passage.
    weight: f32,
}

impl Bm25Index {
    /// Indexes passages, in time and memory linear in their text. Their ids are not looked at.
    ///
    /// Takes them owned or as `Arc<Passage>`, which other retrievers can share.
    ///
    /// # Errors
    /// [`RetrievalError::NoPassages`] without passages; [`RetrievalError::Parameter`] for a `k1`
    /// below 0 or not finite, or a `b` outside 0 to 1.
    ///
    /// # Panics
    /// With 2^32 passages or more.
    pub fn new<P: Into<Arc<Passage>>>(
        passages: Vec<P>,
        config: Bm25Config,
    ) -> Result<Self, RetrievalError> {
        config.check()?;
        assert!(u32::try_from(passages.len()).is_ok(), "an index holds fewer than 2^32 passages");
        if passages.is_empty() {
            return Err(RetrievalError::NoPassages);
        }
        let passages: Vec<Arc<Passage>> = passages.into_iter().map(Into::into).collect();
        let fingerprint = fingerprint(&passages);
        let postings = Counts::of(&passages).postings(config);
        Ok(Self { config, passages, fingerprint, postings })
    }

    /// One query of [`Retriever::search`]. Returns the passages that share a term with the query, the best `top_k` of them, best first;
    /// equal scores keep the order of insertion. No shared term is an empty answer; a query without
    /// a letter or digit, such as an empty docstring, has no term.
    ///
    /// # Errors
    /// [`RetrievalError::ZeroTopK`] for `top_k = 0`.
    pub fn search_one(&self, text: &str, top_k: usize) -> Result<Vec<Hit>, RetrievalError> {
        if top_k == 0 {
            return Err(RetrievalError::ZeroTopK);
        }
        let terms = terms(text);
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        let scores = self.scores(&terms);
        let found = scores.into_iter().enumerate().filter(|&(_, score)| score > 0.0);
        let hits = best(found.collect(), top_k).into_iter();
        Ok(hits.map(|(i, score)| Hit::new(Arc::clone(&self.passages[i]), score)).collect())
    }

    /// The score of every passage; 0 for those without a term of the query.
    fn scores(&self, terms: &[String]) -> Vec<f32> {
        let mut scores = vec![0.0; self.passages.len()];
        for Posting { passage, weight } in
            terms.iter().filter_map(|term| self.postings.get(term)).flatten()
        {
            scores[*passage as usize] += weight;
        }
        scores
    }
}

impl Retriever for Bm25Index {
    fn search(&self, queries: &[Query<'_>], top_k: usize) -> Vec<Result<Vec<Hit>, RetrievalError>> {
        queries.iter().map(|query| self.search_one(query.text, top_k)).collect()
    }

    /// `bm25` with both parameters, the number of passages and a hash of their ids, titles and texts
    /// in order, as in `bm25(k1=1.2,b=0.75,passages=2,fingerprint=b1ec1157b58ff61e)`.
    fn settings(&self) -> Settings {
        Settings::new("bm25")
            .with("k1", self.config.k1)
            .with("b", self.config.b)
            .with("passages", self.passages.len())
            .with("fingerprint", self.fingerprint)
    }
}

impl Bm25Config {
    fn check(&self) -> Result<(), RetrievalError> {
        if !(self.k1 >= 0.0 && self.k1.is_finite()) {
            let expected = "a finite number of at least 0";
            return Err(RetrievalError::Parameter { name: "k1", value: self.k1, expected });
        }
        if !(0.0..=1.0).contains(&self.b) {
            let expected = "0 <= b <= 1";
            return Err(RetrievalError::Parameter { name: "b", value: self.b, expected });
        }
        Ok(())
    }
}

/// Of all that an answer can show, in order, for the order decides between equal scores.
fn fingerprint(passages: &[Arc<Passage>]) -> Fingerprint {
    let fields = passages.iter().flat_map(|passage| [&passage.id, &passage.title, &passage.text]);
    fields.fold(Fingerprint::new(), |fingerprint, field| fingerprint.text(field))
}

/// The first `top_k` of `found` by falling score, then by rising index.
fn best(mut found: Vec<(usize, f32)>, top_k: usize) -> Vec<(usize, f32)> {
    let order = |a: &(usize, f32), b: &(usize, f32)| -> Ordering {
        b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
    };
    if found.len() > top_k {
        found.select_nth_unstable_by(top_k, order);
        found.truncate(top_k);
    }
    found.sort_unstable_by(order);
    found
}

/// How often each term occurs, before weighting.
struct Counts {
    /// Terms per passage.
    lengths: Vec<usize>,
    /// Term to (passage, occurrences), passages rising.
    by_term: HashMap<String, Vec<(u32, u32)>>,
}

impl Counts {
    fn of(passages: &[Arc<Passage>]) -> Self {
        let mut by_term: HashMap<String, Vec<(u32, u32)>> = HashMap::new();
        let mut lengths = Vec::with_capacity(passages.len());
        for (passage, i) in passages.iter().zip(0u32..) {
            let terms = terms(&passage.content());
            lengths.push(terms.len());
            for term in terms {
                let counts = by_term.entry(term).or_default();
                match counts.last_mut() {
                    Some((last, count)) if *last == i => *count += 1,
                    _ => counts.push((i, 1)),
                }
            }
        }
        Self { lengths, by_term }
    }

    fn postings(self, Bm25Config { k1, b }: Bm25Config) -> HashMap<String, Vec<Posting>> {
        let (k1, b) = (f64::from(k1), f64::from(b));
        let n = self.lengths.len() as f64;
        let average = self.lengths.iter().sum::<usize>() as f64 / n;
        let weigh = |counts: Vec<(u32, u32)>| {
            let df = counts.len() as f64;
            let idf = ((n - df + 0.5) / (df + 0.5)).ln_1p();
            let posting = |(passage, count): (u32, u32)| {
                let tf = f64::from(count);
                let length = self.lengths[passage as usize] as f64 / average;
                let weight = idf * tf / (tf + k1 * (1.0 - b + b * length));
                Posting { passage, weight: weight as f32 }
            };
            counts.into_iter().map(posting).collect()
        };
        self.by_term.into_iter().map(|(term, counts)| (term, weigh(counts))).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    fn index(texts: &[&str]) -> Bm25Index {
        let passage =
            |(id, text): (usize, &&str)| Passage::new(id.to_string(), String::new(), *text);
        let passages = texts.iter().enumerate().map(passage).collect();
        Bm25Index::new(passages, Bm25Config::default()).unwrap()
    }

    fn ids(hits: &[Hit]) -> Vec<&str> {
        hits.iter().map(|hit| hit.passage.id.as_str()).collect()
    }

    #[test]
    fn queries_without_a_word_find_nothing() {
        let index = index(&["one"]);
        for query in ["", "  \n", "?!... --", "__"] {
            assert_eq!(index.search_one(query, 1).unwrap(), [], "{query:?}");
            assert!(matches!(index.search_one(query, 0), Err(RetrievalError::ZeroTopK)));
        }
        assert!(matches!(index.search_one("one", 0), Err(RetrievalError::ZeroTopK)));
    }

    #[test]
    fn unknown_words_find_nothing() {
        assert_eq!(index(&["one", "two"]).search_one("three", 5).unwrap(), []);
        assert_eq!(index(&["", "..."]).search_one("three", 5).unwrap(), []);
    }

    #[test]
    fn bad_configs_are_errors() {
        let passages = || vec![Passage::new("a", "t", "x")];
        let at = |k1, b| Bm25Index::new(passages(), Bm25Config { k1, b });
        for (k1, b, field) in
            [(-0.1, 0.5, "k1"), (f32::NAN, 0.5, "k1"), (1.2, 1.1, "b"), (1.2, f32::NAN, "b")]
        {
            let error = at(k1, b).unwrap_err();
            assert!(matches!(error, RetrievalError::Parameter { name, .. } if name == field));
        }
        assert!(at(0.0, 0.0).is_ok() && at(2.0, 1.0).is_ok());
        let empty = Bm25Index::new(Vec::<Passage>::new(), Bm25Config::default());
        assert!(matches!(empty, Err(RetrievalError::NoPassages)));
    }

    #[test]
    fn equal_scores_keep_the_order_of_insertion() {
        let index = index(&["same words"; 50]);
        let all: Vec<String> = (0..50).map(|i| i.to_string()).collect();
        assert_eq!(ids(&index.search_one("words", 50).unwrap()), all);
        assert_eq!(ids(&index.search_one("words", 7).unwrap()), all[..7]);
    }

    #[test]
    fn titles_and_parts_of_identifiers_are_searched() {
        let passage = |id: &str, title: &str| Passage::new(id, title, "Some text.");
        let passages = vec![
            passage("replace", "heapq.heapreplace(heap, item)"),
            passage("push", "queue.heapPush(item)"),
            passage("snake", "queue.heap_push(item)"),
        ];
        let index = Bm25Index::new(passages, Bm25Config::default()).unwrap();
        assert_eq!(ids(&index.search_one("HEAPPUSH", 3).unwrap()), ["push"]);
        assert_eq!(ids(&index.search_one("push", 3).unwrap()), ["push", "snake"]);
        assert_eq!(ids(&index.search_one("heap_push", 1).unwrap()), ["snake"]);
    }

    #[test]
    fn a_batch_answers_each_query_in_its_place() {
        let retriever: Box<dyn Retriever> = Box::new(Arc::new(index(&["one", "two"])));
        let queries = ["two", "", "three", "one two"].map(Query::new);
        let answers: Vec<_> =
            retriever.search(&queries, 3).into_iter().map(Result::unwrap).collect();
        let ids: Vec<_> = answers.iter().map(|hits| ids(hits)).collect();
        assert_eq!(ids, [vec!["1"], vec![], vec![], vec!["0", "1"]]);
        let refused = retriever.search(&queries, 0);
        assert_eq!(refused.len(), 4);
        assert!(refused.iter().all(|one| matches!(one, Err(RetrievalError::ZeroTopK))));
        assert!(retriever.search(&[], 3).is_empty());
    }

    #[test]
    fn hits_share_the_passages_and_outlive_the_index() {
        let passage = |id: &str| Passage::new(id, id, "x");
        let shared = vec![Arc::new(passage("a")), Arc::new(passage("b"))];
        let index = Bm25Index::new(shared.clone(), Bm25Config::default()).unwrap();
        let hits = index.search_one("b", 1).unwrap();
        drop(index);
        assert!(Arc::ptr_eq(&hits[0].passage, &shared[1]) && hits[0].parts.is_empty());
    }

    #[test]
    fn settings_are_the_same_on_every_machine() {
        let settings = index(&["one", "two"]).settings().to_string();
        let expected = "bm25(k1=1.2,b=0.75,passages=2,fingerprint=b1ec1157b58ff61e)";
        assert_eq!(settings, expected);
    }

    #[test]
    fn settings_tell_every_difference_between_two_stores() {
        let passage = |fields: [&str; 3]| {
            let [id, title, text] = fields;
            Passage::new(id, title, text)
        };
        let (one, two) = (["1", "one", "first"], ["2", "two", "second"]);
        let stores = [
            vec![one, two],
            vec![two, one], // equal scores come in this order
            vec![one],
            vec![one, two, two],
            vec![["1", "onefirst", ""], two],
            vec![["1", "one", "First"], two],
            vec![["0", "one", "first"], two],
        ];
        let of = |store: &Vec<[&str; 3]>, config| {
            let passages: Vec<_> = store.iter().copied().map(passage).collect();
            Bm25Index::new(passages, config).unwrap().settings().to_string()
        };
        let mut all: Vec<_> = stores.iter().map(|store| of(store, Bm25Config::default())).collect();
        for config in [Bm25Config { k1: 1.3, b: 0.75 }, Bm25Config { k1: 1.2, b: 0.7 }] {
            all.push(of(&stores[0], config));
        }
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:#?}");
        assert_eq!(of(&stores[0], Bm25Config::default()), all[0]);
    }
}
