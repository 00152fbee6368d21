//! BM25 against bm25s, against a search without an index, and by its properties.

use std::collections::HashMap;

use infer_code_cad_retrieval::{Bm25Config, Bm25Index, Hit, Passage, Query, Retriever};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    passages: Vec<Passage>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    k1: f32,
    b: f32,
    query: String,
    scores: Vec<f64>,
}

/// Without titles, and so without their weights.
fn plain(k1: f32, b: f32) -> Bm25Config {
    Bm25Config { k1, b, ..Bm25Config::default() }
}

/// `reference/bm25.py` made the values; it searches title and text as one.
#[test]
fn scores_equal_those_of_bm25s() {
    let Reference { passages, cases } =
        serde_json::from_str(include_str!("reference/bm25.json")).expect("the fixture is valid");
    for Case { k1, b, query, scores } in cases {
        let joined = |p: &Passage| Passage::new(p.id.as_str(), "", p.content());
        let index = index(passages.iter().map(joined).collect(), plain(k1, b));
        let hits = by_id(&search(&index, &query, passages.len()));
        for (passage, expected) in passages.iter().zip(scores) {
            let actual = f64::from(hits.get(&passage.id).copied().unwrap_or(0.0));
            let place = format!("passage {} for {query:?} at k1 {k1}, b {b}", passage.id);
            assert!((actual - expected).abs() <= 1e-6 * expected, "{place}: {actual} {expected}");
        }
    }
}

fn index(passages: Vec<Passage>, config: Bm25Config) -> Bm25Index {
    Bm25Index::new(passages, config).expect("the passages and the config are valid")
}

fn search(index: &Bm25Index, query: &str, top_k: usize) -> Vec<Hit> {
    index.search_one(query, top_k).expect("the query is valid")
}

fn by_id(hits: &[Hit]) -> HashMap<String, f32> {
    hits.iter().map(|hit| (hit.passage.id.clone(), hit.score)).collect()
}

fn passages(texts: &[String]) -> Vec<Passage> {
    let passage = |(id, text): (usize, &String)| Passage::new(id.to_string(), "", text.as_str());
    texts.iter().enumerate().map(passage).collect()
}

fn count(text: &str, term: &str) -> f64 {
    text.split(' ').filter(|word| *word == term).count() as f64
}

/// Occurrences in a title: whole words, and parts of those that have some.
fn title_count(title: &str, term: &str, part_weight: f32) -> f64 {
    let parts = title.split(' ').filter(|word| word.contains('_')).flat_map(|word| word.split('_'));
    count(title, term) + f64::from(part_weight) * parts.filter(|part| *part == term).count() as f64
}

/// The definition, passage by passage, in `f64`.
fn score(passages: &[Passage], passage: usize, query: &str, config: Bm25Config) -> f64 {
    let length = |passage: &Passage| passage.text.split(' ').count() as f64;
    let n = passages.len() as f64;
    let average = passages.iter().map(length).sum::<f64>() / n;
    let b = f64::from(config.b);
    let tf = |of: &Passage, term: &str| {
        let norm = 1.0 - b + b * length(of) / average;
        let title = title_count(&of.title, term, config.part_weight);
        f64::from(config.title_weight) * title + count(&of.text, term) / norm
    };
    let weight = |term: &str| {
        let df = passages.iter().filter(|other| tf(other, term) > 0.0).count() as f64;
        let tf = tf(&passages[passage], term);
        let idf = (1.0 + (n - df + 0.5) / (df + 0.5)).ln();
        if tf == 0.0 { 0.0 } else { idf * tf / (tf + f64::from(config.k1)) }
    };
    let parts = |word: &str| -> f64 {
        let parts = word.split('_').filter(|_| word.contains('_'));
        parts.map(|part| f64::from(config.part_weight) * weight(part)).sum()
    };
    query.split(' ').map(|word| weight(word) + parts(word)).sum()
}

/// So many that several threads count them.
#[test]
fn many_passages_are_counted_as_few() {
    let words = ["list", "sort", "key", "heap", "dict", "zip", "heap_sort"];
    let text = |i: usize, n: usize| {
        let words: Vec<_> =
            (0..n).map(|j| words[(31 * i + 17 * j + i * j) % words.len()]).collect();
        words.join(" ")
    };
    let passage = |i: usize| Passage::new(i.to_string(), text(i, 2), text(7 * i + 1, 3 + i % 9));
    let passages: Vec<Passage> = (0..2500).map(passage).collect();
    let (config, query) = (Bm25Config::default(), "heap_sort zip");
    let hits = by_id(&search(&index(passages.clone(), config), query, passages.len()));
    for i in (0..passages.len()).step_by(83) {
        let expected = score(&passages, i, query, config);
        let actual = f64::from(hits.get(&i.to_string()).copied().unwrap_or(0.0));
        assert!((actual - expected).abs() <= 1e-5 * expected, "{i}: {actual} {expected}");
    }
}

/// One to twelve words of a small vocabulary, so that they meet.
fn text() -> impl Strategy<Value = String> {
    let word =
        prop::sample::select(vec!["list", "sort", "key", "heap", "dict", "zip", "heap_sort"]);
    prop::collection::vec(word, 1..12).prop_map(|words| words.join(" "))
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text(), 1..16)
}

fn config() -> impl Strategy<Value = Bm25Config> {
    (0.0..3.0f32, 0.0..=1.0f32, 0.0..6.0f32, 0.0..2.0f32).prop_map(
        |(k1, b, title_weight, part_weight)| Bm25Config { k1, b, title_weight, part_weight },
    )
}

proptest! {
    #[test]
    fn equals_a_search_without_an_index(
        fields in prop::collection::vec((text(), text()), 1..16),
        query in text(),
        config in config(),
    ) {
        let passage = |(i, (title, text)): (usize, (String, String))| {
            Passage::new(i.to_string(), title, text)
        };
        let passages: Vec<Passage> = fields.into_iter().enumerate().map(passage).collect();
        let index = index(passages.clone(), config);
        let hits = by_id(&search(&index, &query, passages.len()));
        for i in 0..passages.len() {
            let expected = score(&passages, i, &query, config);
            let actual = f64::from(hits.get(&i.to_string()).copied().unwrap_or(0.0));
            prop_assert!((actual - expected).abs() <= 1e-5 * expected, "{actual} {expected}");
        }
    }

    #[test]
    fn fewer_hits_are_the_first_of_more(texts in texts(), query in text(), top_k in 1..16usize) {
        let index = index(passages(&texts), Bm25Config::default());
        let all = search(&index, &query, usize::MAX);
        prop_assert!(all.is_sorted_by(|a, b| a.score >= b.score));
        prop_assert!(all.iter().all(|hit| hit.score > 0.0));
        prop_assert_eq!(search(&index, &query, top_k), &all[..top_k.min(all.len())]);
    }

    #[test]
    fn a_batch_answers_as_one_by_one(
        texts in texts(),
        queries in prop::collection::vec(prop_oneof![text(), Just(String::new())], 0..6),
        top_k in 0..4usize,
    ) {
        let index = index(passages(&texts), Bm25Config::default());
        let batch: Vec<Query<'_>> = queries.iter().map(|query| Query::new(query)).collect();
        let together = index.search(&batch, top_k).into_iter().map(Result::ok);
        let one_by_one = queries.iter().map(|query| index.search_one(query, top_k).ok());
        prop_assert_eq!(together.collect::<Vec<_>>(), one_by_one.collect::<Vec<_>>());
    }

    #[test]
    fn copies_of_a_passage_score_alike_in_order(mut texts in texts(), query in text()) {
        texts.extend(texts.clone());
        let index = index(passages(&texts), Bm25Config::default());
        let hits = search(&index, &query, usize::MAX);
        let place = |i: usize| hits.iter().position(|hit| hit.passage.id == i.to_string());
        for original in 0..texts.len() / 2 {
            let (first, second) = (place(original), place(original + texts.len() / 2));
            prop_assert!(first <= second);
            prop_assert_eq!(first.map(|i| hits[i].score), second.map(|i| hits[i].score));
        }
    }

    #[test]
    fn a_title_weighs_as_often_in_the_text(texts in texts(), query in text(), times in 1..5usize) {
        // Without length normalisation a title of weight 3 is one that stands in the text three times.
        let config = Bm25Config { b: 0.0, title_weight: times as f32, part_weight: 0.0, ..Bm25Config::default() };
        let titled = passages(&texts).into_iter().zip(texts.iter().rev());
        let titled: Vec<_> = titled.map(|(p, title)| Passage::new(p.id, title.as_str(), p.text)).collect();
        let repeated = |p: &Passage| format!("{} {}", p.text, vec![p.title.as_str(); times].join(" "));
        let repeated = passages(&titled.iter().map(repeated).collect::<Vec<_>>());
        let (one, other) = (index(titled, config), index(repeated, config));
        let (one, other) = (by_id(&search(&one, &query, 99)), by_id(&search(&other, &query, 99)));
        prop_assert_eq!(one.len(), other.len());
        for (id, score) in one {
            prop_assert!((score - other[&id]).abs() <= 1e-5 * score);
        }
    }

    #[test]
    fn unknown_words_and_case_change_nothing(texts in texts(), query in text()) {
        let index = index(passages(&texts), Bm25Config::default());
        let noisy = format!("xyzzy {}, plugh!", query.to_uppercase());
        prop_assert_eq!(search(&index, &noisy, 9), search(&index, &query, 9));
    }

    #[test]
    fn an_unrelated_passage_keeps_the_order_for_one_term(texts in texts(), other in text()) {
        // Without length normalisation only the common factor idf changes.
        let config = Bm25Config { b: 0.0, ..Bm25Config::default() };
        let before = index(passages(&texts), config);
        let more = [texts, vec![other.replace("list", "tuple")]].concat();
        let after = index(passages(&more), config);
        let ids = |index| search(index, "list", 99).iter().map(|hit| hit.passage.id.clone()).collect();
        let (before, after): (Vec<_>, Vec<_>) = (ids(&before), ids(&after));
        prop_assert_eq!(before, after);
    }
}
