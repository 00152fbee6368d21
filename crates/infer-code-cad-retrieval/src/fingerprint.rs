use std::fmt;
use std::sync::Arc;

use crate::Passage;

/// Tells stores apart in result files: a hash that is the same on every machine and in every
/// release, which those of the standard library do not promise to be.
///
/// FNV-1a over 64 bits: Fowler, Noll, Vo and Eastlake, [The FNV Non-Cryptographic Hash
/// Algorithm](https://datatracker.ietf.org/doc/draft-eastlake-fnv/). It guards against mixing
/// results up, not against an opponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Of ids, titles and texts, in order, for the order decides between equal scores.
    pub(crate) fn of(passages: &[Arc<Passage>]) -> Self {
        let fields =
            passages.iter().flat_map(|passage| [&passage.id, &passage.title, &passage.text]);
        fields.fold(Self::new(), |fingerprint, field| fingerprint.text(field))
    }

    /// Goes on with a text. Its length goes first: "ab", "c" and "a", "bc" are different.
    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(&(text.len() as u64).to_le_bytes()).bytes(text.as_bytes())
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        Self(bytes.iter().fold(self.0, step))
    }
}

impl fmt::Display for Fingerprint {
    /// 16 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// From the authors' own test vectors.
    #[test]
    fn the_hash_is_that_of_its_authors() {
        for (bytes, expected) in
            [("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8")]
        {
            assert_eq!(Fingerprint::new().bytes(bytes.as_bytes()).to_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn where_one_text_ends_counts(text in "[a-z]{1,8}", cut in any::<prop::sample::Index>()) {
            let (left, right) = text.split_at(cut.index(text.len()));
            let apart = Fingerprint::new().text(left).text(right);
            prop_assert_ne!(apart, Fingerprint::new().text(&text));
            prop_assert_ne!(apart, Fingerprint::new().text(&text).text(""));
        }
    }
}
