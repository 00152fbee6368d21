use std::collections::BTreeMap;
use std::fmt::Debug;

use infer_code_cad_decode::Settings;

use crate::SelectError;

/// How alike texts are.
///
/// All come at once, because an embedder works in batches.
///
/// # Examples
/// A similarity of one's own, by length:
/// ```
/// use infer_code_cad::decode::Settings;
/// use infer_code_cad::{SelectError, Similarity};
///
/// #[derive(Debug)]
/// struct Length;
///
/// impl Similarity for Length {
///     fn matrix(&self, texts: &[&str]) -> Result<Vec<f32>, SelectError> {
///         let alike = |a: &str, b: &str| -(a.len().abs_diff(b.len()) as f32);
///         Ok(texts.iter().flat_map(|a| texts.iter().map(move |b| alike(a, b))).collect())
///     }
///
///     fn settings(&self) -> Settings {
///         Settings::new("length")
///     }
/// }
///
/// assert_eq!(Length.matrix(&["a", "bcd"])?, [0.0, -2.0, -2.0, 0.0]);
/// # Ok::<(), SelectError>(())
/// ```
pub trait Similarity: Debug + Send + Sync {
    /// How alike each two of the texts are, larger for more alike.
    ///
    /// # Shapes
    /// `(texts.len(), texts.len())`, row-major, symmetric and finite.
    ///
    /// # Errors
    /// What the implementation says with [`SelectError::Other`].
    fn matrix(&self, texts: &[&str]) -> Result<Vec<f32>, SelectError>;

    /// What it is, for result files.
    fn settings(&self) -> Settings;
}

/// Jaccard similarity of the multisets of words and symbols: shared over total occurrences.
///
/// Needs no model; an embedding similarity is a [`Similarity`] like this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Jaccard;

impl Similarity for Jaccard {
    fn matrix(&self, texts: &[&str]) -> Result<Vec<f32>, SelectError> {
        let counts: Vec<_> = texts.iter().map(|text| occurrences(text)).collect();
        let row = |a| counts.iter().map(move |b| shared_share(a, b));
        Ok(counts.iter().flat_map(row).collect())
    }

    fn settings(&self) -> Settings {
        Settings::new("jaccard")
    }
}

fn shared_share(a: &BTreeMap<&str, usize>, b: &BTreeMap<&str, usize>) -> f32 {
    let total: usize = a.values().chain(b.values()).sum();
    let shared: usize = a.iter().map(|(word, n)| *n.min(b.get(word).unwrap_or(&0))).sum();
    // Two empty texts are the same text.
    if total == 0 { 1.0 } else { shared as f32 / (total - shared) as f32 }
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
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn shared_words_are_counted() {
        let alike = |a, b| Jaccard.matrix(&[a, b]).unwrap()[1];
        assert_eq!(alike("return a + b", "return a - b"), 3.0 / 5.0);
        assert_eq!(alike("x x", "x"), 0.5);
        assert_eq!(alike("", " \n"), 1.0);
        assert_eq!(alike("a", ""), 0.0);
        let three = Jaccard.matrix(&["a", "a b", "b"]).unwrap();
        assert_eq!(three, [1.0, 0.5, 0.0, 0.5, 1.0, 0.5, 0.0, 0.5, 1.0]);
    }
}
