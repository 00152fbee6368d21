//! What Python's `json` module writes and JSON forbids.

/// The text as JSON: escapes of lone surrogates become U+FFFD, and outside strings `NaN`, `Infinity`,
/// `-Infinity` and numbers beyond the range of `f64` become null.
///
/// Python writes the first for text cut between the halves of a pair and for undecodable bytes, the
/// others for its floats and integers. Valid JSON that `serde_json` reads is returned as it is.
/// Python's documentation, [json, Standard Compliance and
/// Interoperability](https://docs.python.org/3/library/json.html#standard-compliance-and-interoperability).
pub(crate) fn to_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(quote) = rest.find('"') {
        push_bare(&mut out, &rest[..quote]);
        let length = string_length(&rest.as_bytes()[quote..]);
        push_string(&mut out, &rest[quote..quote + length]);
        rest = &rest[quote + length..];
    }
    push_bare(&mut out, rest);
    out
}

/// Bytes of the string literal that `text` starts with, quotes included; all where it has no end.
pub(crate) fn string_length(text: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Appends text between strings.
fn push_bare(out: &mut String, text: &str) {
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let mut rest = text;
    while let Some(start) = rest.find(in_word) {
        out.push_str(&rest[..start]);
        let tail = &rest[start..];
        let word = &tail[..tail.find(|c| !in_word(c)).unwrap_or(tail.len())];
        out.push_str(if is_beyond_json(word) { "null" } else { word });
        rest = &tail[word.len()..];
    }
    out.push_str(rest);
}

fn is_beyond_json(word: &str) -> bool {
    let is_number = word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    matches!(word, "NaN" | "Infinity" | "-Infinity")
        || (is_number && word.parse::<f64>().is_ok_and(f64::is_infinite))
}

/// Appends a string literal.
fn push_string(out: &mut String, literal: &str) {
    let mut rest = literal;
    while let Some(start) = rest.find('\\') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let (kept, length) = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (true, 12),
            (Some(0xd800..=0xdfff), _) => (false, 6),
            (Some(_), _) => (true, 6),
            (None, _) => (true, 1 + rest[1..].chars().next().map_or(0, char::len_utf8)),
        };
        out.push_str(if kept { &rest[..length] } else { "\\ufffd" });
        rest = &rest[length..];
    }
    out.push_str(rest);
}

/// The UTF-16 unit of the `\uXXXX` that `text` starts with.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn read(text: &str) -> Value {
        serde_json::from_str(&to_json(text)).unwrap()
    }

    #[test]
    fn lone_surrogates_become_replacement_characters() {
        for (text, expected) in [
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""a\uDE00b""#, "a\u{fffd}b"),
            (r#""\ud83d\ude00""#, "\u{1f600}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\n\u00e9\ud83d é""#, "\u{fffd}\né\u{fffd} é"),
            (r#""\\ud83d \\\ud83d\"""#, "\\ud83d \\\u{fffd}\""),
        ] {
            assert_eq!(read(text), json!(expected), "{text}");
        }
        assert_eq!(read(r#"{"\ud83d": "\ud83d"}"#), json!({"\u{fffd}": "\u{fffd}"}));
    }

    #[test]
    fn numbers_beyond_json_become_null() {
        let huge = "9".repeat(400);
        let text = format!(
            r#"{{"a": NaN, "b": [Infinity,-Infinity, 1e999, -{huge}], "c": "NaN, \"Infinity", "d": -1.5e+3}}"#
        );
        let expected = json!({
            "a": null, "b": [null, null, null, null], "c": "NaN, \"Infinity", "d": -1500.0
        });
        assert_eq!(read(&text), expected);
        assert_eq!(read("NaN"), Value::Null);
    }

    #[test]
    fn what_is_neither_stays_malformed() {
        for text in
            ["nan", "NaNs", "+Infinity", "{\"a\": NaN", "\"\\ud83", "\"\\", "\"\\é\"", "--1"]
        {
            assert!(serde_json::from_str::<Value>(&to_json(text)).is_err(), "{text}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
            "(\\\\|\"|u|d83d|NaN|-Infinity|\u{1f600}){0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..6)
                    .prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    /// JSON text in ASCII, as Python writes it: everything else is `\uXXXX`.
    fn escaped(json: &str) -> String {
        let mut units = [0; 2];
        let escape = |c: char| match c {
            c if c.is_ascii() => c.to_string(),
            c => c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        };
        json.chars().map(escape).collect()
    }

    proptest! {
        #[test]
        fn valid_json_is_unchanged(value in values()) {
            for json in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                prop_assert_eq!(&to_json(&json), &json);
                let ascii = escaped(&json);
                prop_assert_eq!(&to_json(&ascii), &ascii);
            }
        }

        #[test]
        fn any_text_is_taken(text in "([\\\\u\"{}\\[\\],]|d83d|NaN|\\PC){0,20}") {
            let once = to_json(&text);
            prop_assert_eq!(&to_json(&once), &once);
        }

        #[test]
        fn escapes_are_read_as_units(units in prop::collection::vec(any::<u16>(), 0..12)) {
            let units: Vec<u16> = units.into_iter().map(|unit| 0xd700 + unit % 0x1000).collect();
            let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let expected = String::from_utf16_lossy(&units);
            prop_assert_eq!(read(&format!("\"{escapes}\"")), json!(expected));
        }
    }
}
