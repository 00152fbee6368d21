//! What strings of a GGUF file say. The format asks for UTF-8; some writers count the NUL that ends a string of
//! C, or write Latin-1.

/// A string as text: NULs at its end are left out, and what is not UTF-8 is read as Latin-1.
pub(super) fn text(bytes: &[u8]) -> String {
    let bytes = before_nuls(bytes);
    std::str::from_utf8(bytes).map_or_else(|_| latin_1(bytes), str::to_owned)
}

/// A token's bytes: without NULs at its end, unless it is nothing else.
pub(super) fn token(bytes: &[u8]) -> &[u8] {
    match before_nuls(bytes) {
        [] => bytes,
        before => before,
    }
}

/// Each byte as the character of its number.
pub(super) fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn before_nuls(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &bytes[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nuls_at_the_end_are_no_text_and_latin_1_is() {
        assert_eq!(text(b"llama\0"), "llama");
        assert_eq!(text(b"a\0b\0\0"), "a\0b");
        assert_eq!(text(b"\0"), "");
        assert_eq!(text(b"Jos\xe9\0"), "José");
        assert_eq!(text("José".as_bytes()), "José");
    }

    #[test]
    fn a_token_of_nuls_stays_one() {
        assert_eq!(token(b"a\0"), b"a");
        assert_eq!(token(b"\0"), b"\0");
        assert_eq!(token(b""), b"");
        assert_eq!(token(b"\xe9\0\0"), b"\xe9");
    }

    proptest! {
        #[test]
        fn utf_8_without_nuls_is_as_it_was(written in "[^\0]{0,12}", nuls in 0..3_usize) {
            let bytes = [written.as_bytes(), &vec![0; nuls]].concat();
            prop_assert_eq!(text(&bytes), written);
        }
    }
}
