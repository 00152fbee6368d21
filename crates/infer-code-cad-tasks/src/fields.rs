//! The fields of a JSON object as they are written, for what a parser would change: integers of any
//! length, NaN, the order of fields.

use crate::python_json::string_length;

/// Key and value of each field, in order, both as they stand in the text of an object that parses.
pub(crate) fn fields(object: &str) -> Vec<(&str, &str)> {
    let mut fields = Vec::new();
    let Some(open) = object.find('{') else { return fields };
    let (mut depth, mut start, mut colon) = (0_usize, open + 1, None);
    let mut at = open + 1;
    let bytes = object.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at += string_length(&bytes[at..]) - 1,
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth > 0 => depth -= 1,
            b':' if depth == 0 && colon.is_none() => colon = Some(at),
            b',' | b'}' if depth == 0 => {
                if let Some(colon) = colon.take() {
                    fields.push((object[start..colon].trim(), object[colon + 1..at].trim()));
                }
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    fields
}

/// The name that a key is the text of.
pub(crate) fn name(key: &str) -> String {
    serde_json::from_str(key).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_keep_their_text() {
        let object = " { \"a\" : [1, {\"b\": 2}],\"c}\":\"},\\\"\", \"d\": 1e999 }";
        let expected = [("\"a\"", "[1, {\"b\": 2}]"), ("\"c}\"", "\"},\\\"\""), ("\"d\"", "1e999")];
        assert_eq!(fields(object), expected);
        assert_eq!(name(fields(object)[1].0), "c}");
        assert_eq!(fields("{}"), []);
    }

    proptest! {
        #[test]
        fn they_are_those_that_serde_finds(
            texts in prop::collection::btree_map("[\\[\\]{},:\"\\\\\\n\\PC]{0,6}", "[\\[\\]{},:\"\\\\\\n\\PC]{0,6}", 0..5)
        ) {
            let object = serde_json::to_value(&texts).unwrap_or_default();
            for text in [object.to_string(), format!("{object:#}")] {
                let found = fields(&text).into_iter();
                let found = found.map(|(key, value)| (name(key), name(value)));
                prop_assert_eq!(found.collect::<std::collections::BTreeMap<_, _>>(), texts.clone());
            }
        }
    }
}
