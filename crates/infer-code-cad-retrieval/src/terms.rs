/// English words that say nothing of what is searched for, and that many queries hold: those of Lucene's
/// `EnglishAnalyzer`, and what a question begins with.
const STOP_WORDS: [&str; 46] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "do", "for", "from", "how", "i",
    "if", "in", "into", "is", "it", "my", "no", "not", "of", "on", "or", "such", "that", "the",
    "their", "then", "there", "these", "they", "this", "to", "use", "using", "was", "what", "when",
    "where", "which", "will", "with", "you",
];

/// The words of a text: runs of Unicode letters, digits and inner underscores. No stemming. Text in a script
/// without spaces becomes one word per run.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .map(|run| run.trim_matches('_'))
        .filter(|word| !word.is_empty())
}

/// The parts of an identifier of several, so that `heap_push` and `heapPush` are found by `heap` and by `push`;
/// none of a word that is one part.
pub(crate) fn parts(word: &str) -> impl Iterator<Item = &str> {
    let parts = || word.split('_').flat_map(humps);
    parts().take(if parts().nth(1).is_some() { usize::MAX } else { 0 })
}

/// The terms of a query and what each counts, in its order: a word 1, a part of an identifier `part_weight`. Stop
/// words are left out, unless there is nothing else.
pub(crate) fn query_terms(text: &str, part_weight: f32) -> Vec<(String, f32)> {
    let mut terms = Vec::new();
    for word in words(text) {
        terms.push((word.to_lowercase(), 1.0));
        terms.extend(parts(word).map(|part| (part.to_lowercase(), part_weight)));
    }
    let says = |(term, _): &(String, f32)| STOP_WORDS.binary_search(&term.as_str()).is_err();
    if terms.iter().any(says) {
        terms.retain(says);
    }
    terms
}

/// Splits `parseHTTPHeader` into `parse`, `HTTP`, `Header`.
fn humps(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (hump, tail) = rest.split_at(first_hump(rest));
        rest = tail;
        Some(hump)
    })
}

/// The length in bytes of the first hump: it ends before a capital that follows a small letter or
/// digit, or that comes before a small letter.
fn first_hump(word: &str) -> usize {
    let mut chars = word.char_indices().peekable();
    let mut after_capital = chars.next().is_some_and(|(_, first)| first.is_uppercase());
    while let Some((at, c)) = chars.next() {
        let before_small = chars.peek().is_some_and(|(_, next)| next.is_lowercase());
        if c.is_uppercase() && (!after_capital || before_small) {
            return at;
        }
        after_capital = c.is_uppercase();
    }
    word.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query(text: &str) -> Vec<String> {
        query_terms(text, 0.5).into_iter().map(|(term, _)| term).collect()
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        let found: Vec<_> = words("Don't STOP: 3.14, __naïve__ heap_push!").collect();
        assert_eq!(found, ["Don", "t", "STOP", "3", "14", "naïve", "heap_push"]);
        assert_eq!(words(" _ -- \n ()[]").count(), 0);
    }

    #[test]
    fn identifiers_have_parts() {
        let of = |word| parts(word).collect::<Vec<_>>();
        assert_eq!(of("heap_push"), ["heap", "push"]);
        assert_eq!(of("a__b"), ["a", "b"]);
        assert_eq!(of("parseHTTPHeader"), ["parse", "HTTP", "Header"]);
        assert_eq!(of("utf8Decode"), ["utf8", "Decode"]);
        for whole in ["x1", "init", "MAX", "Counter"] {
            assert_eq!(of(whole), [""; 0], "{whole}");
        }
    }

    #[test]
    fn queries_are_rid_of_stop_words_and_hold_parts() {
        let terms = query_terms("How to use a MAX_SIZE Counter?", 0.5);
        let expected = [("max_size", 1.0), ("max", 0.5), ("size", 0.5), ("counter", 1.0)];
        assert_eq!(terms, expected.map(|(term, weight)| (term.to_owned(), weight)));
        assert_eq!(query("is_empty"), ["is_empty", "empty"]);
        assert_eq!(query("What is THIS?"), ["what", "is", "this"]);
        assert_eq!(query(" ?!"), [""; 0]);
    }

    #[test]
    fn stop_words_are_sorted_and_lower_case() {
        assert!(STOP_WORDS.is_sorted());
        assert!(STOP_WORDS.iter().all(|word| word.to_lowercase() == *word));
    }

    proptest! {
        #[test]
        fn a_word_is_its_own_word(text in "[a-zA-Z0-9_ .(]{0,40}") {
            for word in words(&text) {
                prop_assert_eq!(words(word).collect::<Vec<_>>(), [word]);
            }
        }

        #[test]
        fn parts_are_the_word_without_underscores(word in "[a-zA-Z0-9_]{0,20}") {
            let joined: String = parts(&word).collect();
            prop_assert!(joined.is_empty() || joined == word.replace('_', ""));
        }

        #[test]
        fn text_in_pieces_has_the_same_words(left in ".*", right in ".*") {
            let pieces: Vec<_> = words(&left).chain(words(&right)).collect();
            let joined = format!("{left} {right}");
            prop_assert_eq!(words(&joined).collect::<Vec<_>>(), pieces);
        }
    }
}
