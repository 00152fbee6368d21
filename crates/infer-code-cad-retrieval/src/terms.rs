/// Splits text into search terms.
///
/// A word is a run of Unicode letters, digits and inner underscores, in lower case. An identifier of
/// several parts is followed by its parts, so that `heap_push` and `heapPush` are found by `heap`,
/// by `push` and, ranked higher for the rare whole, by themselves. No stemming, no stop words: the
/// inverse document frequency already plays down what occurs everywhere. Text in a script without
/// spaces becomes one term per run.
pub(crate) fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for run in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
        let word = run.trim_matches('_');
        if word.is_empty() {
            continue;
        }
        terms.push(word.to_lowercase());
        let parts = || word.split('_').flat_map(humps);
        if parts().nth(1).is_some() {
            terms.extend(parts().map(str::to_lowercase));
        }
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

    #[test]
    fn words_are_lower_case_runs_of_letters_and_digits() {
        assert_eq!(
            terms("Don't STOP: 3.14, naïve Ärger!"),
            ["don", "t", "stop", "3", "14", "naïve", "ärger"]
        );
        assert_eq!(terms(" _ -- \n ()[]"), [""; 0]);
    }

    #[test]
    fn identifiers_are_followed_by_their_parts() {
        assert_eq!(terms("heap_push(x1)"), ["heap_push", "heap", "push", "x1"]);
        assert_eq!(terms("os.path"), ["os", "path"]);
        assert_eq!(terms("__init__"), ["init"]);
        assert_eq!(terms("a__b"), ["a__b", "a", "b"]);
        assert_eq!(terms("parseHTTPHeader"), ["parsehttpheader", "parse", "http", "header"]);
        assert_eq!(terms("MAX_SIZE Counter"), ["max_size", "max", "size", "counter"]);
        assert_eq!(terms("utf8Decode"), ["utf8decode", "utf8", "decode"]);
    }

    proptest! {
        #[test]
        fn a_term_is_its_own_first_term(text in "[a-zA-Z0-9_ .(]{0,40}") {
            for term in terms(&text) {
                prop_assert_eq!(&terms(&term)[0], &term);
            }
        }

        #[test]
        fn text_in_pieces_has_the_same_terms(left in ".*", right in ".*") {
            let mut pieces = terms(&left);
            pieces.extend(terms(&right));
            prop_assert_eq!(terms(&format!("{left} {right}")), pieces);
        }
    }
}
