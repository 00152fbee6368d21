mod postings;

use std::cmp::Ordering;
use std::sync::Arc;

use infer_code_cad_decode::Settings;

use crate::fingerprint::Fingerprint;
use crate::terms::query_terms;
use crate::{Hit, Passage, Query, RetrievalError, Retriever};
use postings::Postings;

/// An inverted index ranked by BM25 over titles and texts: no model, ready in seconds, exact.
///
/// The score of a passage `d` for a query is the sum over the query's terms `t` (a repeated term counts each time)
/// of `idf(t) tf / (tf + k1)`, where
///
/// * `idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5))`: `df` of the `N` passages hold `t`, in title or text;
/// * `tf = title_weight title + text / (1 - b + b |d| / avg|d|)`: `title` and `text` count `t` in the title and in
///   the text, and lengths are words of texts.
///
/// This is BM25F, which adds up the fields before it saturates: Robertson and Zaragoza, [The Probabilistic Relevance
/// Framework: BM25 and Beyond](https://doi.org/10.1561/1500000019), section 3.6, with `b = 0` for titles, whose
/// length says nothing. Without titles it is BM25 as Lucene has it: no term lowers a score, and the constant factor
/// `k1 + 1` is left out. The weights are computed once, as in Lù, [BM25S](https://arxiv.org/abs/2407.03618).
///
/// Terms are lower-cased words. An identifier such as `heap_push` or `heapPush` counts as a whole; in titles and
/// queries its parts count too, each `part_weight` of a word. In texts they do not: split there, they bury the
/// passages that are about the word under those that use it. Stop words of a query ("how", "to", "the") are left
/// out, unless it holds nothing else.
#[derive(Debug)]
pub struct Bm25Index {
    config: Bm25Config,
    passages: Vec<Arc<Passage>>,
    fingerprint: Fingerprint,
    postings: Postings,
}

/// What BM25 counts, and how much.
///
/// The defaults were tuned on 201 questions of ODEX with the documentation of 13 Python libraries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bm25Config {
    /// How slowly repetitions of a term in a passage saturate; 0 counts presence only. It stands against weighted
    /// counts, so it is larger than the usual 1.2 where titles weigh: Robertson, Zaragoza and Taylor, [Simple BM25
    /// Extension to Multiple Weighted Fields](https://doi.org/10.1145/1031171.1031181), section 4.
    pub k1: f32,
    /// How much long texts are held back: 0 not at all, 1 in full.
    pub b: f32,
    /// How many occurrences in the text one in the title is worth; 0 leaves titles out.
    pub title_weight: f32,
    /// How much of a word a part of an identifier in a title or a query counts; 0 leaves parts out.
    pub part_weight: f32,
}

impl Default for Bm25Config {
    fn default() -> Self {
        Self { k1: 4.0, b: 0.75, title_weight: 8.0, part_weight: 0.25 }
    }
}

impl Bm25Index {
    /// Indexes passages, in time and memory linear in their text. Their ids are not looked at.
    ///
    /// Takes them owned or as `Arc<Passage>`, which other retrievers can share.
    ///
    /// # Errors
    /// [`RetrievalError::NoPassages`] without passages; [`RetrievalError::Parameter`] for a `b` outside 0 to 1, or
    /// any other parameter below 0 or not finite.
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
        let fingerprint = Fingerprint::of(&passages);
        let postings = Postings::new(&passages, config);
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
        let hits = best(self.found(text), top_k).into_iter();
        Ok(hits.map(|(i, score)| Hit::new(Arc::clone(&self.passages[i as usize]), score)).collect())
    }

    /// The passages that share a term with the query, each with its score.
    fn found(&self, query: &str) -> Vec<(u32, f32)> {
        let mut scores = vec![0.0; self.passages.len()];
        let mut found = Vec::new();
        for (term, count) in query_terms(query, self.config.part_weight) {
            for &(passage, weight) in self.postings.of(&term) {
                let score = &mut scores[passage as usize];
                let before = *score;
                *score += count * weight;
                if before == 0.0 && *score > 0.0 {
                    found.push(passage);
                }
            }
        }
        found.into_iter().map(|passage| (passage, scores[passage as usize])).collect()
    }
}

impl Retriever for Bm25Index {
    fn search(&self, queries: &[Query<'_>], top_k: usize) -> Vec<Result<Vec<Hit>, RetrievalError>> {
        queries.iter().map(|query| self.search_one(query.text, top_k)).collect()
    }

    /// `bm25` with its parameters, the number of passages and a hash of their ids, titles and texts in order, as in
    /// `bm25(k1=4,b=0.75,title_weight=8,part_weight=0.25,passages=2,fingerprint=b1ec1157b58ff61e)`.
    fn settings(&self) -> Settings {
        Settings::new("bm25")
            .with("k1", self.config.k1)
            .with("b", self.config.b)
            .with("title_weight", self.config.title_weight)
            .with("part_weight", self.config.part_weight)
            .with("passages", self.passages.len())
            .with("fingerprint", self.fingerprint)
    }
}

impl Bm25Config {
    fn check(&self) -> Result<(), RetrievalError> {
        RetrievalError::at_least_zero("k1", self.k1)?;
        RetrievalError::at_most_one("b", self.b)?;
        RetrievalError::at_least_zero("title_weight", self.title_weight)?;
        RetrievalError::at_least_zero("part_weight", self.part_weight)
    }
}

/// The first `top_k` of `found` by falling score, then by rising passage.
fn best(mut found: Vec<(u32, f32)>, top_k: usize) -> Vec<(u32, f32)> {
    let order =
        |a: &(u32, f32), b: &(u32, f32)| -> Ordering { b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)) };
    if found.len() > top_k {
        found.select_nth_unstable_by(top_k, order);
        found.truncate(top_k);
    }
    found.sort_unstable_by(order);
    found
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
        let at = |[k1, b, title_weight, part_weight]: [f32; 4]| {
            Bm25Index::new(passages(), Bm25Config { k1, b, title_weight, part_weight })
        };
        for (values, field) in [
            ([-0.1, 0.5, 1.0, 1.0], "k1"),
            ([f32::NAN, 0.5, 1.0, 1.0], "k1"),
            ([1.2, 1.1, 1.0, 1.0], "b"),
            ([1.2, f32::NAN, 1.0, 1.0], "b"),
            ([1.2, 0.5, -1.0, 1.0], "title_weight"),
            ([1.2, 0.5, 1.0, f32::INFINITY], "part_weight"),
        ] {
            let error = at(values).unwrap_err();
            assert!(matches!(error, RetrievalError::Parameter { name, .. } if name == field));
        }
        assert!(at([0.0; 4]).is_ok() && at([2.0, 1.0, 9.0, 2.0]).is_ok());
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
        let texts = self::index(&["heap_push(item)", "heap push"]);
        assert_eq!(ids(&texts.search_one("push", 2).unwrap()), ["1"]);
        assert_eq!(ids(&texts.search_one("heap_push", 2).unwrap()), ["0", "1"]);
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
        let expected = "bm25(k1=4,b=0.75,title_weight=8,part_weight=0.25,passages=2,fingerprint=b1ec1157b58ff61e)";
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
        let default = Bm25Config::default();
        for config in [
            Bm25Config { k1: 1.3, ..default },
            Bm25Config { b: 0.7, ..default },
            Bm25Config { title_weight: 1.0, ..default },
            Bm25Config { part_weight: 1.0, ..default },
        ] {
            all.push(of(&stores[0], config));
        }
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:#?}");
        assert_eq!(of(&stores[0], Bm25Config::default()), all[0]);
    }
}
