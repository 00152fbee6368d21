use std::fmt;

/// A hash that is the same on every machine and in every release, which those of the standard library do
/// not promise to be. It guards against mixing results up, not against an opponent.
///
/// FNV-1a over 64 bits: Fowler, Noll, Vo and Eastlake, [The FNV Non-Cryptographic Hash
/// Algorithm](https://datatracker.ietf.org/doc/draft-eastlake-fnv/).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Goes on with a part. Its length goes first: "ab", "c" and "a", "bc" are different.
    #[must_use]
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        self.number(bytes.len() as u64).plain(bytes)
    }

    /// As [`Fingerprint::bytes`].
    #[must_use]
    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Goes on with a number.
    #[must_use]
    pub(crate) fn number(self, number: u64) -> Self {
        self.plain(&number.to_le_bytes())
    }

    /// Goes on with a list of numbers, its length first.
    #[must_use]
    pub(crate) fn numbers(self, numbers: impl ExactSizeIterator<Item = u64>) -> Self {
        let counted = self.number(numbers.len() as u64);
        numbers.fold(counted, Self::number)
    }

    /// The hash itself.
    pub(crate) fn value(self) -> u64 {
        self.0
    }

    fn plain(self, bytes: &[u8]) -> Self {
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
    use super::*;

    #[test]
    fn the_hash_is_that_of_its_authors() {
        for (bytes, expected) in
            [("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8")]
        {
            assert_eq!(Fingerprint::new().plain(bytes.as_bytes()).to_string(), expected);
        }
    }

    #[test]
    fn where_a_part_ends_counts() {
        let hash = Fingerprint::new();
        assert_ne!(hash.text("ab").text("c"), hash.text("a").text("bc"));
        assert_ne!(hash.text("a"), hash.text("a").text(""));
        assert_ne!(hash.numbers([1, 2].into_iter()), hash.number(1).number(2));
    }
}
