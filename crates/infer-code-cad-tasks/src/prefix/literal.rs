//! What the beginning of a string says of its characters.

/// A string that was opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Literal {
    /// Where its prefix begins.
    pub(super) start: usize,
    pub(super) triple: bool,
    pub(super) raw: bool,
    pub(super) bytes: bool,
    /// It is an f-string.
    pub(super) formats: bool,
    quote: u8,
}

impl Literal {
    /// The string that a text begins with, whose prefix has so many bytes.
    pub(super) fn open(text: &str, start: usize, prefix: usize) -> Self {
        let quote = text.as_bytes()[prefix];
        let has =
            |letter: u8| text.as_bytes()[..prefix].iter().any(|b| b.eq_ignore_ascii_case(&letter));
        Self {
            start,
            triple: text.as_bytes()[prefix..].starts_with(&[quote; 3]),
            raw: has(b'r'),
            bytes: has(b'b'),
            formats: has(b'f'),
            quote,
        }
    }

    /// How many quotes open and close it.
    pub(super) fn quotes(self) -> usize {
        if self.triple { 3 } else { 1 }
    }

    pub(super) fn is_closed_by(self, text: &str) -> bool {
        text.as_bytes().starts_with(&[self.quote; 3][..self.quotes()])
    }
}

/// `None` for what follows a backslash and is no escape: `\x` without two digits and its like. Which names
/// `\N{..}` knows is not looked up.
pub(super) fn check_escape(escape: &str, is_bytes: bool) -> Option<()> {
    let count = match escape.as_bytes().first() {
        Some(b'x') => 2,
        Some(b'u') if !is_bytes => 4,
        Some(b'U') if !is_bytes => 8,
        Some(b'N') if !is_bytes => {
            let (name, _) = escape.strip_prefix("N{")?.split_once('}')?;
            return (!name.is_empty()).then_some(());
        }
        _ => return Some(()),
    };
    let digits = escape.get(1..=count)?;
    let code =
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16));
    matches!(code, Some(Ok(0..=0x10_ffff))).then_some(())
}
