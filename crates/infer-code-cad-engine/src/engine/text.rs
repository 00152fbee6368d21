use crate::{StopMatcher, StopStrings};

/// The text of one completion, released as soon as nothing can change it any more.
///
/// Bytes that may begin a stop string and characters that are not complete are held back. All
/// pieces released together are the text, each byte is looked at a constant number of times.
#[derive(Debug)]
pub(super) struct CompletionText {
    text: String,
    pending: Vec<u8>, // decoded but held back
    stops: StopMatcher,
}

impl CompletionText {
    pub(super) fn new(stops: &StopStrings) -> Self {
        Self { text: String::new(), pending: Vec::new(), stops: stops.matcher() }
    }

    /// Appends the bytes of a token; says whether a stop string ended the text.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let before = self.pending.len();
        self.pending.extend_from_slice(bytes);
        if let Some(found) = self.stops.advance(bytes) {
            // The beginning of a match is always held back, so it lies within `pending`.
            self.pending.truncate(before + found.end - found.len);
            return true;
        }
        let settled = self.pending.len() - self.stops.held();
        let taken = push_complete(&mut self.text, &self.pending[..settled]);
        self.pending.drain(..taken);
        false
    }

    /// Releases what is held back, because the text ends here. A character cut off becomes U+FFFD.
    pub(super) fn flush(&mut self) {
        self.text.push_str(&String::from_utf8_lossy(&self.pending));
        self.pending.clear();
    }

    /// What is released so far.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The released text, which leaves nothing behind.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

/// Appends the characters of `bytes` except for one cut off at the end; returns the bytes read.
///
/// Ill-formed sequences become U+FFFD exactly where [`String::from_utf8_lossy`] puts it.
fn push_complete(text: &mut String, bytes: &[u8]) -> usize {
    let mut read = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        read += chunk.valid().len();
        let invalid = chunk.invalid();
        let last = read + invalid.len() == bytes.len();
        if invalid.is_empty() || (last && is_cut_off(invalid)) {
            break;
        }
        text.push(char::REPLACEMENT_CHARACTER);
        read += invalid.len();
    }
    read
}

/// Whether more bytes could still make a character of an ill-formed sequence.
fn is_cut_off(invalid: &[u8]) -> bool {
    std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::stop::tests::naive;
    use proptest::prelude::*;

    #[test]
    fn a_character_is_released_whole() {
        let mut text = CompletionText::new(&StopStrings::default());
        text.push(b"a\xe2\x82");
        assert_eq!(text.as_str(), "a");
        text.push(b"\xacb");
        assert_eq!(text.as_str(), "a€b");
    }

    #[test]
    fn an_ill_formed_sequence_does_not_hold_the_text_back() {
        let mut text = CompletionText::new(&StopStrings::default());
        text.push(b"a\xffb\xe2\x82c");
        assert_eq!(text.as_str(), "a\u{fffd}b\u{fffd}c");
    }

    #[test]
    fn the_beginning_of_a_stop_string_waits_for_the_decision() {
        let mut text = CompletionText::new(&StopStrings::new(&["\ndef"]).unwrap());
        assert!(!text.push(b"x\nd"));
        assert_eq!(text.as_str(), "x");
        assert!(!text.push(b"o"));
        assert_eq!(text.as_str(), "x\ndo");
        assert!(!text.push(b"\nde"));
        assert!(text.push(b"f f"));
        text.flush();
        assert_eq!(text.take(), "x\ndo");
    }

    #[test]
    fn what_is_held_back_at_the_end_is_released() {
        let mut text = CompletionText::new(&StopStrings::new(&["\ndef"]).unwrap());
        text.push(b"x\nde\xc3");
        text.flush();
        assert_eq!(text.as_str(), "x\nde\u{fffd}");
    }

    proptest! {
        #[test]
        fn the_text_only_grows_and_ends_before_the_stop(
            bytes in proptest::collection::vec(
                proptest::sample::select(b"ab\n\xc3\xa9\xe2\x82\xac\xff".to_vec()), 0..40),
            stops in proptest::collection::vec("[abé€\n]{1,3}", 0..3),
            sizes in proptest::collection::vec(0usize..5, 40),
        ) {
            let prepared = StopStrings::new(&stops).unwrap();
            let mut text = CompletionText::new(&prepared);
            let mut rest = &bytes[..];
            let mut stopped = false;
            for size in sizes.into_iter().chain([bytes.len()]) {
                let (chunk, after) = rest.split_at(size.min(rest.len()));
                rest = after;
                let before = text.as_str().to_owned();
                stopped = text.push(chunk);
                prop_assert!(text.as_str().starts_with(&before));
                if stopped {
                    break;
                }
            }
            let before = text.as_str().to_owned();
            text.flush();
            prop_assert!(text.as_str().starts_with(&before));
            let cut = naive(&bytes, &stops);
            let end = cut.map_or(bytes.len(), |(start, _)| start);
            prop_assert_eq!(stopped, cut.is_some());
            prop_assert_eq!(text.take(), String::from_utf8_lossy(&bytes[..end]));
        }
    }
}
