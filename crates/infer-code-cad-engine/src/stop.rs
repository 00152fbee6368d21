use std::sync::Arc;

use crate::EngineError;

/// The strings that end a completion, prepared for matching on bytes as they arrive.
///
/// Tokens do not respect the borders of strings, nor of characters, so matching works on the
/// decoded bytes. Of all occurrences the one that is *complete first* wins, and among those complete
/// at the same byte the longest: the result depends on the bytes alone, never on how they were cut
/// into tokens. Each string is followed by the automaton of Knuth, Morris and Pratt,
/// [Fast Pattern Matching in Strings](https://doi.org/10.1137/0206024), so a byte costs amortised
/// constant time per string and no text is kept.
///
/// # Examples
/// ```
/// use infer_code_cad_engine::StopStrings;
///
/// let stops = StopStrings::new(&["\nclass", "\ndef"])?;
/// let mut matcher = stops.matcher();
/// assert_eq!(matcher.advance(b"  return 1\nd"), None);
/// assert_eq!(matcher.held(), 2); // "\nd" may yet become "\ndef"
/// let found = matcher.advance(b"ef f():").unwrap();
/// assert_eq!((found.stop, found.end), (1, 2));
/// # Ok::<(), infer_code_cad_engine::EngineError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct StopStrings {
    patterns: Arc<[Pattern]>,
}

impl StopStrings {
    /// Prepares `stops`; an empty list never matches.
    ///
    /// # Errors
    /// [`EngineError::EmptyStop`] when a string is empty, which would end every completion at once.
    pub fn new(stops: &[impl AsRef<str>]) -> Result<Self, EngineError> {
        let patterns = stops
            .iter()
            .enumerate()
            .map(|(index, stop)| match stop.as_ref() {
                "" => Err(EngineError::EmptyStop { index }),
                stop => Ok(Pattern::new(stop.as_bytes())),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { patterns })
    }

    /// A matcher at the beginning of a text.
    pub fn matcher(&self) -> StopMatcher {
        StopMatcher { patterns: Arc::clone(&self.patterns), matched: vec![0; self.patterns.len()] }
    }
}

/// Looks for [`StopStrings`] in a text that arrives in pieces.
#[derive(Debug, Clone)]
pub struct StopMatcher {
    patterns: Arc<[Pattern]>,
    matched: Vec<usize>, // per stop string, the longest prefix that ends the text so far
}

impl StopMatcher {
    /// Reads the next bytes of the text, up to and including the first match.
    ///
    /// After a match the text has ended; what further calls return is of no use.
    pub fn advance(&mut self, bytes: &[u8]) -> Option<StopMatch> {
        bytes.iter().enumerate().find_map(|(at, &byte)| {
            let mut longest: Option<StopMatch> = None;
            for (stop, (pattern, matched)) in
                self.patterns.iter().zip(&mut self.matched).enumerate()
            {
                *matched = pattern.next(*matched, byte);
                let len = pattern.bytes.len();
                if *matched == len && longest.is_none_or(|other| len > other.len) {
                    longest = Some(StopMatch { stop, len, end: at + 1 });
                }
            }
            longest
        })
    }

    /// How many bytes at the end of the text could be the beginning of a stop string.
    pub fn held(&self) -> usize {
        self.matched.iter().copied().max().unwrap_or(0)
    }
}

/// Where a stop string was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopMatch {
    /// Index of the stop string.
    pub stop: usize,
    /// Its length in bytes.
    pub len: usize,
    /// Offset just after it, in the bytes given last. It may have begun in earlier ones.
    pub end: usize,
}

#[derive(Debug, Clone)]
struct Pattern {
    bytes: Box<[u8]>,
    borders: Box<[usize]>, // borders[i]: the longest proper prefix of bytes[..=i] that also ends it
}

impl Pattern {
    fn new(bytes: &[u8]) -> Self {
        let mut pattern = Self { bytes: bytes.into(), borders: vec![0; bytes.len()].into() };
        for (i, &byte) in bytes.iter().enumerate().skip(1) {
            pattern.borders[i] = pattern.next(pattern.borders[i - 1], byte);
        }
        pattern
    }

    /// The longest prefix that ends the text after one more byte, `matched` ending it before.
    fn next(&self, mut matched: usize, byte: u8) -> usize {
        loop {
            if self.bytes.get(matched) == Some(&byte) {
                return matched + 1;
            }
            if matched == 0 {
                return 0;
            }
            matched = self.borders[matched - 1];
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Offset and length of the match that is complete first, by trying every end.
    pub(crate) fn naive(text: &[u8], stops: &[String]) -> Option<(usize, usize)> {
        (1..=text.len()).find_map(|end| {
            let ending = stops.iter().filter(|stop| text[..end].ends_with(stop.as_bytes()));
            ending.map(String::len).max().map(|len| (end - len, len))
        })
    }

    /// The longest end of `text` that begins a stop string without completing it.
    fn naive_held(text: &[u8], stops: &[String]) -> usize {
        let begins =
            |end: &[u8]| stops.iter().any(|s| s.len() > end.len() && s.as_bytes().starts_with(end));
        (0..=text.len()).rev().find(|&len| begins(&text[text.len() - len..])).unwrap_or(0)
    }

    #[test]
    fn the_first_complete_match_wins_whatever_the_chunks() {
        let stops = StopStrings::new(&["abc", "b"]).unwrap();
        let found = stops.matcher().advance(b"abc").unwrap();
        assert_eq!(found, StopMatch { stop: 1, len: 1, end: 2 });
    }

    #[test]
    fn of_two_matches_ending_together_the_longer_wins() {
        let stops = StopStrings::new(&["bc", "abc", "c"]).unwrap();
        let found = stops.matcher().advance(b"xabc").unwrap();
        assert_eq!(found, StopMatch { stop: 1, len: 3, end: 4 });
    }

    #[test]
    fn an_empty_stop_string_is_refused() {
        let error = StopStrings::new(&["\n", ""]).unwrap_err();
        assert!(matches!(error, EngineError::EmptyStop { index: 1 }), "{error}");
    }

    #[test]
    fn no_stop_strings_hold_nothing() {
        let stops = StopStrings::default();
        let mut matcher = stops.matcher();
        assert_eq!(matcher.advance(b"anything"), None);
        assert_eq!(matcher.held(), 0);
    }

    proptest! {
        #[test]
        fn agrees_with_naive_search(
            text in proptest::collection::vec(proptest::sample::select(b"ab\n\xc3\xa9".to_vec()), 0..40),
            stops in proptest::collection::vec("[abé\n]{1,4}", 0..4),
            sizes in proptest::collection::vec(0usize..5, 0..40),
        ) {
            let prepared = StopStrings::new(&stops).unwrap();
            let mut matcher = prepared.matcher();
            let mut read = 0;
            let mut found = None;
            for size in sizes.into_iter().chain([text.len()]) {
                let chunk = &text[read..text.len().min(read + size)];
                if let Some(hit) = matcher.advance(chunk) {
                    found = Some((read + hit.end - hit.len, hit.len));
                    prop_assert_eq!(stops[hit.stop].len(), hit.len);
                    break;
                }
                read += chunk.len();
                prop_assert_eq!(matcher.held(), naive_held(&text[..read], &stops));
            }
            prop_assert_eq!(found, naive(&text, &stops));
        }
    }
}
