use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::CheckpointError;
use crate::lfs::refuse_pointer;

/// The fields of a JSON object, each as it is written.
///
/// A field is parsed when it is read. One that nobody reads may thus hold what JSON forbids and Python
/// writes: `NaN`, `Infinity`, halves of surrogate pairs. Of two fields of one name the later counts, as in
/// Python. Null is absence.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    file: &'a str,
    written: BTreeMap<String, &'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Those of the object that a file consists of. A byte order mark is passed over.
    ///
    /// # Errors
    /// [`CheckpointError::LfsPointer`], and [`CheckpointError::Json`] when it is no object.
    pub(crate) fn of(file: &'a str, json: &'a [u8]) -> Result<Self, CheckpointError> {
        refuse_pointer(file, json)?;
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let mut scanner = Scanner { json, at: 0 };
        match scanner.object() {
            Ok(written) => Ok(Self { file, written }),
            Err(expected) => {
                let before = &json[..scanner.at.min(json.len())];
                let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
                let column = 1 + before.iter().rev().take_while(|&&byte| byte != b'\n').count();
                let source = format!("expected {expected} at line {line} column {column}").into();
                Err(CheckpointError::Json { file: file.into(), source })
            }
        }
    }

    /// A field as it is written; none when it is absent or null.
    pub(crate) fn written(&self, name: &str) -> Option<&'a [u8]> {
        self.written.get(name).copied().filter(|&json| json != b"null")
    }

    /// Whether a field is there, even as null.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.written.contains_key(name)
    }

    /// A field's value, or else what it says, for an error message.
    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, String> {
        let Some(json) = self.written(name) else { return Ok(None) };
        serde_json::from_slice(json).map(Some).map_err(|_| shortened(json))
    }

    /// A field that is an object, or else what it says.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, String> {
        let Some(json) = self.written(name) else { return Ok(None) };
        Self::of(self.file, json).map(Some).map_err(|_| shortened(json))
    }

    /// A field's value; another one than `expected` is an error of the file.
    ///
    /// # Errors
    /// [`CheckpointError::Json`] naming the field.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, CheckpointError> {
        self.get(name).map_err(|written| self.unexpected(name, &written, expected))
    }

    /// The error for a field that says something else.
    pub(crate) fn unexpected(&self, name: &str, written: &str, expected: &str) -> CheckpointError {
        let source = format!("{name} is {written}, expected {expected}").into();
        CheckpointError::Json { file: self.file.into(), source }
    }

    /// An object of some of the fields alone, as they are written.
    pub(crate) fn only(&self, names: &[&str]) -> Vec<u8> {
        let kept = names.iter().filter_map(|name| Some((*name, *self.written.get(*name)?)));
        let kept: Vec<_> =
            kept.map(|(name, json)| [b"\"", name.as_bytes(), b"\":", json].concat()).collect();
        [b"{", &kept.join(&b","[..])[..], b"}"].concat()
    }
}

/// At most 60 characters of what a file says.
fn shortened(json: &[u8]) -> String {
    const SHOWN: usize = 60;
    let text = String::from_utf8_lossy(json);
    match text.char_indices().nth(SHOWN) {
        None => text.into_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// Walks over JSON without looking into values.
struct Scanner<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// The fields of the one object there is, or else what was expected where it stands.
    fn object(&mut self) -> Result<BTreeMap<String, &'a [u8]>, &'static str> {
        let mut fields = BTreeMap::new();
        self.expect(b'{').ok_or("an object")?;
        if self.expect(b'}').is_none() {
            loop {
                let name = self.name().ok_or("the name of a field")?;
                self.expect(b':').ok_or("a colon")?;
                let value = self.value().filter(|value| !value.is_empty()).ok_or("a value")?;
                // A name that is no text is none that is asked for.
                fields.extend(name.map(|name| (name, value)));
                if self.expect(b',').is_none() {
                    break;
                }
            }
            self.expect(b'}').ok_or("a comma or the end of the object")?;
        }
        self.skip_spaces();
        if self.at < self.json.len() { Err("the end of the file") } else { Ok(fields) }
    }

    fn skip_spaces(&mut self) {
        let rest = self.json.get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip_spaces();
        (self.json.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    /// A name in quotes; none within where no text is spelled.
    fn name(&mut self) -> Option<Option<String>> {
        self.skip_spaces();
        let start = self.at;
        (self.json.get(start) == Some(&b'"')).then_some(())?;
        self.string()?;
        Some(serde_json::from_slice(&self.json[start..self.at]).ok())
    }

    /// Goes past the string that begins here.
    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.json.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }

    /// Everything up to the comma or bracket that ends the value.
    fn value(&mut self) -> Option<&'a [u8]> {
        self.skip_spaces();
        let (start, mut depth) = (self.at, 0_usize);
        loop {
            match self.json.get(self.at)? {
                b',' | b'}' | b']' if depth == 0 => break,
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
        Some(self.json[start..self.at].trim_ascii_end())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn refused(json: &str) -> String {
        Fields::of("a.json", json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_python_writes_is_read_past_and_refused_only_where_it_is_read() {
        let json = r#"{"a": NaN, "b": [1, -Infinity, {"c": Infinity}], "\ud83d": "\ud83d",
            "d": 1e999, "e": "}, NaN \" \\", "f": 7, "g": null, "f": 8}"#;
        let fields = Fields::of("a.json", json.as_bytes()).unwrap();
        assert_eq!(fields.get::<u32>("f"), Ok(Some(8)), "the later of two");
        assert_eq!(fields.get::<String>("e").unwrap().unwrap(), "}, NaN \" \\");
        assert_eq!(fields.get::<f64>("g"), Ok(None));
        assert!(fields.names("g") && !fields.names("h"));
        assert_eq!(fields.get::<f64>("a"), Err("NaN".into()));
        let message = fields.read::<f64>("a", "a number").unwrap_err().to_string();
        assert_eq!(message, "a.json cannot be parsed: a is NaN, expected a number");
        assert_eq!(fields.only(&["f", "h", "g"]), br#"{"f":8,"g":null}"#);
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        for (json, words) in [
            ("", "expected an object at line 1 column 1"),
            ("[]", "expected an object at line 1"),
            ("{", "expected the name of a field at line 1 column 2"),
            ("{\n \"a\" 7}", "expected a colon at line 2 column 6"),
            ("{\"a\":,\"b\":1}", "expected a value"),
            ("{\"a\": [1, 2", "expected a value"),
            ("{\"a\": 1]", "expected a comma or the end of the object"),
            ("{\"a", "expected the name of a field"),
            ("{\"a\\", "expected the name of a field"),
            ("{} {}", "expected the end of the file"),
        ] {
            assert!(refused(json).contains(words), "{json}: {}", refused(json));
        }
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let fields = Fields::of("a.json", b"\xef\xbb\xbf{\"a\": 1}").unwrap();
        assert_eq!(fields.get::<u8>("a"), Ok(Some(1)));
    }

    #[test]
    fn long_values_are_shortened_in_messages() {
        let json = format!("{{\"a\": \"{}\"}}", "é".repeat(100));
        let fields = Fields::of("a.json", json.as_bytes()).unwrap();
        assert_eq!(fields.get::<u8>("a").unwrap_err().chars().count(), 63);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[\\\\\"{}\\[\\],: a-zé]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..5)
                    .prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn fields_are_those_that_serde_reads(
            object in prop::collection::btree_map("[\\\\\"{},:a-zé]{0,6}", values(), 0..8),
        ) {
            for json in [json!(object).to_string(), serde_json::to_string_pretty(&object).unwrap()] {
                let fields = Fields::of("a.json", json.as_bytes()).unwrap();
                prop_assert_eq!(fields.written.len(), object.len());
                for (name, value) in &object {
                    let expected = (!value.is_null()).then(|| value.clone());
                    prop_assert_eq!(fields.get::<Value>(name).unwrap(), expected);
                }
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in "[{}\\[\\]\",:\\\\a1 ]{0,24}") {
            let _ = Fields::of("a.json", bytes.as_bytes());
        }
    }
}
