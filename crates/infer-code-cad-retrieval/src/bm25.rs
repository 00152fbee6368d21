use std::cmp::Ordering;
use std::collections::HashMap;

use crate::terms::terms;
use crate::{Hit, Passage, RetrievalError, Retriever};

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
    passages: Vec<Passage>,
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
    /// # Errors
    /// [`RetrievalError::NoPassages`] without passages; [`RetrievalError::Parameter`] for a `k1`
    /// below 0 or not finite, or a `b` outside 0 to 1.
    ///
    /// # Panics
    /// With 2^32 passages or more.
    pub fn new(passages: Vec<Passage>, config: Bm25Config) -> Result<Self, RetrievalError> {
        config.check()?;
        assert!(u32::try_from(passages.len()).is_ok(), "an index holds fewer than 2^32 passages");
        if passages.is_empty() {
            return Err(RetrievalError::NoPassages);
        }
        let counts = Counts::of(&passages);
        let postings = counts.postings(config);
        Ok(Self { passages, postings })
    }

    /// Returns the passages that share a term with the query, the best `top_k` of them, best first;
    /// equal scores keep the order of insertion. No shared term is an empty answer; a query without
    /// a letter or digit, such as an empty docstring, has no term.
    ///
    /// # Errors
    /// [`RetrievalError::ZeroTopK`] for `top_k = 0`.
    pub fn search(&self, query: &str, top_k: usize) -> Result<Vec<Hit<'_>>, RetrievalError> {
        if top_k == 0 {
            return Err(RetrievalError::ZeroTopK);
        }
        let terms = terms(query);
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        let scores = self.scores(&terms);
        let found = scores.into_iter().enumerate().filter(|&(_, score)| score > 0.0);
        let hits = best(found.collect(), top_k).into_iter();
        Ok(hits.map(|(i, score)| Hit { passage: &self.passages[i], score }).collect())
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
    fn search(&self, query: &str, top_k: usize) -> Result<Vec<Hit<'_>>, RetrievalError> {
        Self::search(self, query, top_k)
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
    fn of(passages: &[Passage]) -> Self {
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
        let passage = |(id, text): (usize, &&str)| Passage {
            id: id.to_string(),
            title: String::new(),
            text: (*text).to_owned(),
        };
        let passages = texts.iter().enumerate().map(passage).collect();
        Bm25Index::new(passages, Bm25Config::default()).unwrap()
    }

    fn ids<'a>(hits: &[Hit<'a>]) -> Vec<&'a str> {
        hits.iter().map(|hit| hit.passage.id.as_str()).collect()
    }

    #[test]
    fn queries_without_a_word_find_nothing() {
        let index = index(&["one"]);
        for query in ["", "  \n", "?!... --", "__"] {
            assert_eq!(index.search(query, 1).unwrap(), [], "{query:?}");
            assert!(matches!(index.search(query, 0), Err(RetrievalError::ZeroTopK)));
        }
        assert!(matches!(index.search("one", 0), Err(RetrievalError::ZeroTopK)));
    }

    #[test]
    fn unknown_words_find_nothing() {
        assert_eq!(index(&["one", "two"]).search("three", 5).unwrap(), []);
        assert_eq!(index(&["", "..."]).search("three", 5).unwrap(), []);
    }

    #[test]
    fn bad_configs_are_errors() {
        let passages = || vec![Passage { id: "a".into(), title: "t".into(), text: "x".into() }];
        let at = |k1, b| Bm25Index::new(passages(), Bm25Config { k1, b });
        for (k1, b, field) in
            [(-0.1, 0.5, "k1"), (f32::NAN, 0.5, "k1"), (1.2, 1.1, "b"), (1.2, f32::NAN, "b")]
        {
            let error = at(k1, b).unwrap_err();
            assert!(matches!(error, RetrievalError::Parameter { name, .. } if name == field));
        }
        assert!(at(0.0, 0.0).is_ok() && at(2.0, 1.0).is_ok());
        let empty = Bm25Index::new(Vec::new(), Bm25Config::default());
        assert!(matches!(empty, Err(RetrievalError::NoPassages)));
    }

    #[test]
    fn equal_scores_keep_the_order_of_insertion() {
        let index = index(&["same words"; 50]);
        let all: Vec<String> = (0..50).map(|i| i.to_string()).collect();
        assert_eq!(ids(&index.search("words", 50).unwrap()), all);
        assert_eq!(ids(&index.search("words", 7).unwrap()), all[..7]);
    }

    #[test]
    fn titles_and_parts_of_identifiers_are_searched() {
        let passage = |id: &str, title: &str| Passage {
            id: id.into(),
            title: title.into(),
            text: "Some text.".into(),
        };
        let passages = vec![
            passage("replace", "heapq.heapreplace(heap, item)"),
            passage("push", "queue.heapPush(item)"),
            passage("snake", "queue.heap_push(item)"),
        ];
        let index = Bm25Index::new(passages, Bm25Config::default()).unwrap();
        assert_eq!(ids(&index.search("HEAPPUSH", 3).unwrap()), ["push"]);
        assert_eq!(ids(&index.search("push", 3).unwrap()), ["push", "snake"]);
        assert_eq!(ids(&index.search("heap_push", 1).unwrap()), ["snake"]);
    }

    #[test]
    fn serves_as_a_boxed_retriever() {
        let retriever: Box<dyn Retriever> = Box::new(index(&["one", "two"]));
        assert_eq!(ids(&retriever.search("two", 3).unwrap()), ["1"]);
    }
}
