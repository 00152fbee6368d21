use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use infer_code_cad_kernels::Pool;

use super::Bm25Config;
use crate::Passage;
use crate::terms::{parts, words};

/// So many passages are not worth more threads than one.
const FEW: usize = 1024;

/// What each term adds to the score of each passage that holds it: all terms in one array, one after the other.
#[derive(Debug)]
pub(super) struct Postings {
    terms: HashMap<String, u32>,
    /// Where the postings of a term begin; one more than terms.
    starts: Vec<usize>,
    postings: Vec<(u32, f32)>,
}

impl Postings {
    pub(super) fn new(passages: &[Arc<Passage>], config: Bm25Config) -> Self {
        let pool = if passages.len() > FEW { Pool::all_threads() } else { Pool::new(1) };
        let part = passages.len().div_ceil(pool.threads()).max(1);
        let mut parts = Vec::new();
        parts.resize_with(passages.len().div_ceil(part), Counts::default);
        pool.for_chunks(&mut parts, 1, |i, counts| {
            let first = i * part;
            for (place, passage) in (first..).zip(&passages[first..]).take(part) {
                counts[0].passage(place as u32, passage, config);
            }
        });
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_default();
        parts.for_each(|part| all.append(part));
        all.weigh(config)
    }

    /// Passages, rising, with what the term adds to each; none for an unknown term.
    pub(super) fn of(&self, term: &str) -> &[(u32, f32)] {
        self.terms.get(term).map_or(&[], |&term| {
            let term = term as usize;
            &self.postings[self.starts[term]..self.starts[term + 1]]
        })
    }
}

/// How often each term occurs, before weighting.
#[derive(Default)]
struct Counts {
    terms: HashMap<String, u32>,
    /// Words per body.
    lengths: Vec<u32>,
    /// By passage, then in the order of their first occurrence.
    entries: Vec<Entry>,
    /// Of each term its last entry.
    last: Vec<usize>,
}

/// One term in one passage.
struct Entry {
    term: u32,
    passage: u32,
    /// Occurrences in the body.
    body: u32,
    /// Occurrences in the title, weighted.
    title: f32,
}

impl Counts {
    fn passage(&mut self, i: u32, passage: &Passage, config: Bm25Config) {
        let first = self.entries.len();
        let mut length = 0;
        for word in words(&passage.text) {
            self.entry(word, i, first).body += 1;
            length += 1;
        }
        self.lengths.push(length);
        for word in words(&passage.title) {
            self.title(word, i, first, config.title_weight);
            for part in parts(word) {
                self.title(part, i, first, config.title_weight * config.part_weight);
            }
        }
    }

    /// Adds what was counted of the passages behind these.
    fn append(&mut self, other: Self) {
        let mut terms = vec![0; other.terms.len()];
        for (term, theirs) in other.terms {
            let new = self.terms.len() as u32;
            terms[theirs as usize] = *self.terms.entry(term).or_insert(new);
        }
        self.lengths.extend(other.lengths);
        let renumbered = |entry: Entry| Entry { term: terms[entry.term as usize], ..entry };
        self.entries.extend(other.entries.into_iter().map(renumbered));
    }

    fn title(&mut self, term: &str, passage: u32, first: usize, weight: f32) {
        if weight > 0.0 {
            self.entry(term, passage, first).title += weight;
        }
    }

    /// The entry of a term in a passage whose entries begin at `first`.
    fn entry(&mut self, term: &str, passage: u32, first: usize) -> &mut Entry {
        let term = lower_case(term);
        let known = self.terms.get(term.as_ref()).copied();
        let term = known.unwrap_or_else(|| {
            let new = self.last.len() as u32;
            self.last.push(usize::MAX);
            self.terms.insert(term.into_owned(), new);
            new
        });
        let last = &mut self.last[term as usize];
        if *last == usize::MAX || *last < first {
            *last = self.entries.len();
            self.entries.push(Entry { term, passage, body: 0, title: 0.0 });
        }
        &mut self.entries[*last]
    }

    fn weigh(self, Bm25Config { k1, b, .. }: Bm25Config) -> Postings {
        let (k1, b) = (f64::from(k1), f64::from(b));
        let starts = self.starts();
        let n = self.lengths.len() as f64;
        let words = self.lengths.iter().map(|&length| f64::from(length)).sum::<f64>();
        let average = (words / n).max(f64::MIN_POSITIVE);
        let mut postings = vec![(0, 0.0); self.entries.len()];
        let mut next = starts.clone();
        for entry in &self.entries {
            let term = entry.term as usize;
            let df = (starts[term + 1] - starts[term]) as f64;
            let idf = ((n - df + 0.5) / (df + 0.5)).ln_1p();
            let length = f64::from(self.lengths[entry.passage as usize]) / average;
            let body = f64::from(entry.body) / (1.0 - b + b * length);
            let tf = f64::from(entry.title) + if entry.body == 0 { 0.0 } else { body };
            postings[next[term]] = (entry.passage, (idf * tf / (tf + k1)) as f32);
            next[term] += 1;
        }
        Postings { terms: self.terms, starts, postings }
    }

    /// Where the postings of each term begin, and where the last ends.
    fn starts(&self) -> Vec<usize> {
        let mut starts = vec![0; self.terms.len() + 1];
        for entry in &self.entries {
            starts[entry.term as usize + 1] += 1;
        }
        for term in 1..starts.len() {
            starts[term] += starts[term - 1];
        }
        starts
    }
}

/// As `str::to_lowercase`, without a copy of what is lower case already.
fn lower_case(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(word.to_lowercase())
    }
}
