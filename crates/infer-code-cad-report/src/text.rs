//! Foreign text made visible, and numbers in words.

/// What is shown where nothing is known.
pub(crate) const UNKNOWN: &str = "-";

/// `text` without what a reader cannot see: control characters as their pictures (NUL as U+2400), what turns the
/// direction of writing by its number, what XML forbids as U+FFFD. Line feeds and tabs stay.
///
/// Boucher and Anderson, [Trojan Source: Invisible Vulnerabilities](https://arxiv.org/abs/2111.00169).
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\0'..='\x1f' => shown.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
            '\x7f' => shown.push('\u{2421}'),
            '\u{80}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => shown.push('\u{fffd}'),
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => {
                shown.push_str(&format!("[U+{:04X}]", c as u32));
            }
            _ => shown.push(c),
        }
    }
    shown
}

/// [`visible`] in one line.
pub(crate) fn one_line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

/// The first `most` characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A share or a difference of shares.
pub(crate) fn share(value: f64) -> String {
    // A rounded -0 has no sign.
    let text = format!("{value:.3}");
    if text == "-0.000" { "0.000".to_owned() } else { text }
}

/// A difference, with its sign.
pub(crate) fn difference(value: f64) -> String {
    let text = share(value);
    if value > 0.0 && text != "0.000" { format!("+{text}") } else { text }
}

/// An interval of shares.
pub(crate) fn interval(low: f64, high: f64) -> String {
    format!("[{}, {}]", share(low), share(high))
}

/// A p-value.
pub(crate) fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

/// A rate or a time in three significant digits.
pub(crate) fn significant(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// Bytes in megabytes of a million.
pub(crate) fn megabytes(bytes: u64) -> String {
    significant(bytes as f64 / 1e6)
}

/// A value, or that it is not known.
pub(crate) fn known<T>(value: Option<T>, shown: impl Fn(T) -> String) -> String {
    value.map_or(UNKNOWN.to_owned(), shown)
}

/// `text` as a part of a file name: lower case, digits, hyphens.
pub(crate) fn slug(text: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' };
    let words: String = text.chars().map(kept).collect();
    let slug = words.split_whitespace().collect::<Vec<_>>().join("-");
    if slug.is_empty() { "benchmark".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_invisible() {
        assert_eq!(
            visible("a\0b\x1b[1m\r\n\tc\u{202e}\u{85}\u{ffff}"),
            "a␀b␛[1m␍\n\tc[U+202E]\u{fffd}\u{fffd}"
        );
        assert_eq!(one_line("a\nb\tc"), "a b c");
        assert_eq!(shortened("äöü", 2), "äö…");
        assert_eq!(shortened("äöü", 3), "äöü");
    }

    #[test]
    fn numbers_are_short_and_have_no_minus_zero() {
        assert_eq!(
            (share(-0.0001), difference(0.0001), difference(0.05)),
            ("0.000".into(), "0.000".into(), "+0.050".into())
        );
        assert_eq!(difference(-0.0512), "-0.051");
        assert_eq!(p_value(0.0004), "< 0.001");
        assert_eq!(
            [0.0, 0.01234, 1.234, 56.78, 99.96, 1234.5].map(significant),
            ["0", "0.012", "1.23", "56.8", "100", "1234"]
        );
        assert_eq!(slug("MBPP (test) + ../x"), "mbpp-test-x");
        assert_eq!(slug("…"), "benchmark");
    }
}
