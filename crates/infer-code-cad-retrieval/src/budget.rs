mod blocks;

use std::fmt;
use std::sync::Arc;

use infer_code_cad_decode::Settings;

use crate::{Hit, Passage, Query, RetrievalError, Retriever};
use blocks::{Block, blocks};

/// Counts the tokens of a text.
pub type TokenCount = Arc<dyn Fn(&str) -> usize + Send + Sync>;

/// Cuts another retriever's answer to the tokens that a prompt has room for.
///
/// Passages are taken best first. Of one that is too long the title and the first paragraph stay, then examples, each
/// whole or not at all, then the other paragraphs, up to the first that does not fit: examples help a model most, descriptions least.
/// What stays keeps its order. A first paragraph that is too long itself is cut behind a sentence or, where there is
/// none, a word. A passage of which no text would be left is dropped, and with it those behind it.
/// Id, title, origin, version and location of a passage stay as they are.
pub struct Budget<R> {
    inner: R,
    tokens: usize,
    counter: String,
    count: TokenCount,
}

impl<R: fmt::Debug> fmt::Debug for Budget<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inner, tokens, counter, .. } = self;
        f.debug_struct("Budget")
            .field("inner", inner)
            .field("tokens", tokens)
            .field("counter", counter)
            .finish_non_exhaustive()
    }
}

impl<R: Retriever> Budget<R> {
    /// At most `tokens` over all passages of an answer, by [`Passage::content`]. `counter` says in the settings whose
    /// tokens `count` counts.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use infer_code_cad_retrieval::{Bm25Config, Bm25Index, Budget, Passage, Query, Retriever};
    ///
    /// let text = "Pairs up.\n\nMuch is to be said of it.\n\n>>> list(zip([1], [2]))\n[(1, 2)]";
    /// let index = Bm25Index::new(vec![Passage::new("zip", "zip(a, b)", text)], Bm25Config::default())?;
    /// let words = |text: &str| text.split_whitespace().count();
    /// let budget = Budget::new(index, 11, "words", Arc::new(words));
    ///
    /// let answers = budget.search(&[Query::new("zip")], 1);
    /// let hits = answers[0].as_ref().unwrap();
    /// assert_eq!(hits[0].passage.text, "Pairs up.\n\n>>> list(zip([1], [2]))\n[(1, 2)]");
    /// # Ok::<(), infer_code_cad_retrieval::RetrievalError>(())
    /// ```
    pub fn new(inner: R, tokens: usize, counter: impl Into<String>, count: TokenCount) -> Self {
        Self { inner, tokens, counter: counter.into(), count }
    }

    fn cut(&self, hits: Vec<Hit>) -> Vec<Hit> {
        let mut left = self.tokens;
        let cut = |hit: Hit| {
            let passage = cut_passage(&hit.passage, left, &*self.count)?;
            left -= (self.count)(&passage.content());
            Some(Hit { passage, ..hit })
        };
        hits.into_iter().map_while(cut).collect()
    }
}

impl<R: Retriever> Retriever for Budget<R> {
    fn search(&self, queries: &[Query<'_>], top_k: usize) -> Vec<Result<Vec<Hit>, RetrievalError>> {
        let answers = self.inner.search(queries, top_k).into_iter();
        answers.map(|answer| answer.map(|hits| self.cut(hits))).collect()
    }

    /// `budget` with the tokens, whose they are, and the inner retriever.
    fn settings(&self) -> Settings {
        Settings::new("budget")
            .with("tokens", self.tokens)
            .with("counter", &self.counter)
            .with("of", self.inner.settings())
    }
}

/// The passage with as much of its text as fits, or `None` where that is nothing.
fn cut_passage(
    passage: &Arc<Passage>,
    tokens: usize,
    count: &dyn Fn(&str) -> usize,
) -> Option<Arc<Passage>> {
    let fits = |text: &str| count(&format!("{}\n{text}", passage.title)) <= tokens;
    if fits(&passage.text) {
        return Some(Arc::clone(passage));
    }
    let blocks = blocks(&passage.text);
    let first = blocks.first()?;
    let mut kept = vec![None; blocks.len()];
    kept[0] = if fits(first.text) { Some(first.text) } else { prefix(first, fits) };
    let is_cut = kept[0].is_some_and(|text| text.len() < first.text.len());
    let mut keep = |i: usize| {
        kept[i] = Some(blocks[i].text);
        let fits = fits(&joined(&kept));
        if !fits {
            kept[i] = None;
        }
        fits
    };
    (1..blocks.len()).filter(|&i| blocks[i].is_example).for_each(|i| _ = keep(i));
    // Prose goes from its end: what stays of it is its beginning.
    _ = (1..blocks.len()).filter(|&i| !blocks[i].is_example && !is_cut).all(keep);
    let text = joined(&kept);
    (!text.is_empty()).then(|| Arc::new(Passage { text, ..Passage::clone(passage) }))
}

fn joined(kept: &[Option<&str>]) -> String {
    kept.iter().copied().flatten().collect::<Vec<_>>().join("\n\n")
}

/// The longest beginning of a paragraph that fits: whole sentences, or else whole words. None of an example.
fn prefix<'a>(block: &Block<'a>, fits: impl Fn(&str) -> bool) -> Option<&'a str> {
    if block.is_example {
        return None;
    }
    let text = block.text;
    let spaces = || text.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, _)| at);
    let sentences = spaces().filter(|&at| text[..at].ends_with(['.', '!', '?']));
    let longest = |ends: Vec<usize>| {
        let fitting = ends.partition_point(|&end| fits(&text[..end]));
        fitting.checked_sub(1).map(|last| text[..ends[last]].trim_end()).filter(|t| !t.is_empty())
    };
    longest(sentences.collect()).or_else(|| longest(spaces().collect()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Bm25Config, Bm25Index};

    const TEXT: &str = "One two. Three four five.\n\nMore prose here.\n\n>>> f(1)\n2\n\n```\na b c d\n\ne\n```\n\nEnd.";

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn cut(text: &str, tokens: usize) -> Option<String> {
        let passage = Arc::new(Passage::new("id", "f(x)", text));
        cut_passage(&passage, tokens, &words).map(|passage| passage.text.clone())
    }

    #[test]
    fn examples_stay_longer_than_prose() {
        let of = |tokens| cut(TEXT, tokens).unwrap_or_default();
        assert_eq!(of(99), TEXT);
        assert_eq!(of(1), "");
        assert_eq!(of(2), "One");
        assert_eq!(of(5), "One two.");
        assert_eq!(of(6), "One two. Three four five.");
        assert_eq!(of(9), "One two. Three four five.\n\n>>> f(1)\n2");
        assert_eq!(of(16), "One two. Three four five.\n\n>>> f(1)\n2\n\n```\na b c d\n\ne\n```");
    }

    #[test]
    fn the_budget_is_shared_best_first() {
        let passages = ["word word\n\ntail", "word other"].map(|text| Passage::new(text, "", text));
        let index = Arc::new(Bm25Index::new(passages.to_vec(), Bm25Config::default()).unwrap());
        let texts = |tokens| -> Vec<String> {
            let count: TokenCount = Arc::new(words);
            let budget = Budget::new(Arc::clone(&index), tokens, "words", count);
            let hits = budget.search(&[Query::new("word")], 5).remove(0).unwrap();
            hits.iter().map(|hit| hit.passage.text.clone()).collect()
        };
        assert_eq!(texts(5), ["word word\n\ntail", "word other"]);
        assert_eq!(texts(4), ["word word\n\ntail", "word"]);
        assert_eq!(texts(3), ["word word\n\ntail"]);
        assert_eq!(texts(0), [""; 0]);
    }

    proptest! {
        #[test]
        fn what_stays_fits_and_is_of_the_text(
            text in "([ab]{1,3}[ .\n]{1,2}|>>> x\n|```\n|    y\n){0,24}",
            tokens in 0..20usize,
        ) {
            if let Some(kept) = cut(&text, tokens) {
                prop_assert!(words(&kept) < tokens);
                let mut rest = text.split_whitespace();
                prop_assert!(kept.split_whitespace().all(|word| rest.any(|other| other == word)));
            }
        }
    }
}
