use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

/// Chooses one of the drafts of a sample.
#[derive(Debug, Clone)]
pub enum Selector {
    /// One draft, taken as it is.
    First,
    /// The medoid of several drafts: the one most similar to the others, self-consistency for
    /// answers too long to be counted as votes (paper, appendix A.2). The earliest wins a tie.
    MostConsistent {
        /// Drafts per sample; the paper takes 5.
        drafts: usize,
        /// Compares two drafts.
        similarity: Arc<dyn Similarity>,
    },
}

impl Selector {
    /// The number of drafts it chooses from.
    pub fn drafts(&self) -> usize {
        match self {
            Self::First => 1,
            Self::MostConsistent { drafts, .. } => *drafts,
        }
    }

    /// The index of the chosen draft; 0 when there are none.
    pub fn select(&self, drafts: &[&str]) -> usize {
        match self {
            Self::First => 0,
            Self::MostConsistent { similarity, .. } => medoid(drafts, similarity.as_ref()),
        }
    }
}

/// How alike two texts are.
pub trait Similarity: Debug + Send + Sync {
    /// A symmetric measure, larger for more alike.
    fn similarity(&self, a: &str, b: &str) -> f64;
}

/// Jaccard similarity of the multisets of words and symbols: shared over total occurrences.
///
/// Needs no model; the paper's embedding similarity is a [`Similarity`] like this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Jaccard;

impl Similarity for Jaccard {
    fn similarity(&self, a: &str, b: &str) -> f64 {
        let (a, b) = (occurrences(a), occurrences(b));
        let total: usize = a.values().sum::<usize>() + b.values().sum::<usize>();
        let shared: usize = a.iter().map(|(word, n)| *n.min(b.get(word).unwrap_or(&0))).sum();
        // Two empty texts are the same text.
        if total == 0 { 1.0 } else { shared as f64 / (total - shared) as f64 }
    }
}

fn medoid(drafts: &[&str], similarity: &dyn Similarity) -> usize {
    let mut totals = vec![0.0; drafts.len()];
    for i in 0..drafts.len() {
        for j in i + 1..drafts.len() {
            let alike = similarity.similarity(drafts[i], drafts[j]);
            totals[i] += alike;
            totals[j] += alike;
        }
    }
    let better = |best: usize, i: usize| if totals[i] > totals[best] { i } else { best };
    (0..drafts.len()).reduce(better).unwrap_or(0)
}

/// Words (letters, digits, `_`) and single other characters, spaces left out.
fn occurrences(text: &str) -> BTreeMap<&str, usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut counts = BTreeMap::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, tail) = rest.split_at(len);
        if !first.is_whitespace() {
            *counts.entry(word).or_insert(0) += 1;
        }
        rest = tail;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jaccard_counts_shared_words() {
        assert_eq!(Jaccard.similarity("return a + b", "return a - b"), 3.0 / 5.0);
        assert_eq!(Jaccard.similarity("x x", "x"), 0.5);
        assert_eq!(Jaccard.similarity("", " \n"), 1.0);
        assert_eq!(Jaccard.similarity("a", ""), 0.0);
    }

    #[test]
    fn the_medoid_is_the_draft_nearest_to_the_others() {
        let selector = Selector::MostConsistent { drafts: 4, similarity: Arc::new(Jaccard) };
        let drafts = ["return 7", "return sum(xs)", "return sum(x for x in xs)", "return sum(xs )"];
        assert_eq!(selector.select(&drafts), 1);
        assert_eq!(selector.select(&[]), 0);
    }
}
