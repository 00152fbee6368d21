use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::RetrievalError;

/// A piece of text that can be put into a prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Passage {
    /// Names the passage among all passages of an index.
    pub id: String,
    /// What the text is about, such as a signature or a heading.
    pub title: String,
    /// The text itself.
    pub text: String,
    /// What it belongs to, such as the package `numpy` or a folder's name; empty where unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub origin: String,
    /// The version of what it belongs to; empty where unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Where in it: a file and line, a page and anchor, a module; empty where unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub location: String,
}

impl Passage {
    /// A passage of unknown origin.
    pub fn new(id: impl Into<String>, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { id: id.into(), title: title.into(), text: text.into(), ..Self::default() }
    }

    /// Title and text on lines of their own: what is searched, and what a prompt should show.
    pub fn content(&self) -> String {
        format!("{}\n{}", self.title, self.text)
    }
}

/// Reads a file of passages as [`read_passages`] does.
///
/// # Errors
/// [`RetrievalError::Io`] when the file cannot be read; [`RetrievalError::InFile`] with the file's
/// name and one of the errors of [`read_passages`].
pub fn load_passages(path: &Path) -> Result<Vec<Passage>, RetrievalError> {
    let file = || path.display().to_string();
    let bytes =
        std::fs::read(path).map_err(|source| RetrievalError::Io { file: file(), source })?;
    read_passages(&bytes)
        .map_err(|reason| RetrievalError::InFile { file: file(), reason: Box::new(reason) })
}

/// Reads passages from the bytes of a file: JSON lines as [`parse_passages`] reads them,
/// gzip-compressed or not (told by the first bytes; several members are read as one).
///
/// # Errors
/// [`RetrievalError::Gzip`] for damaged compression, [`RetrievalError::NotUtf8`] with the line of
/// the first byte that is not UTF-8, and those of [`parse_passages`].
pub fn read_passages(bytes: &[u8]) -> Result<Vec<Passage>, RetrievalError> {
    let bytes = decompress(bytes)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        RetrievalError::NotUtf8 { line: 1 + before.iter().filter(|b| **b == b'\n').count() }
    })?;
    parse_passages(text)
}

fn decompress(bytes: &[u8]) -> Result<Cow<'_, [u8]>, RetrievalError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes)
        .read_to_end(&mut plain)
        .map_err(|source| RetrievalError::Gzip { source })?;
    Ok(Cow::Owned(plain))
}

/// Reads passages from JSON lines, one object with the strings `id`, `title` and `text` each, and `origin`,
/// `version` and `location` where known.
///
/// Other fields and blank lines are passed over; the order is kept. Lines end in `\n` or `\r\n`,
/// and a byte order mark before a line, as editors on Windows write it, is not looked at.
///
/// # Errors
/// All name the line: [`RetrievalError::Json`] for a line that is not a JSON object,
/// [`RetrievalError::Field`] for a missing or non-string field, [`RetrievalError::DuplicateId`] for
/// an id seen before.
pub fn parse_passages(jsonl: &str) -> Result<Vec<Passage>, RetrievalError> {
    let mut passages = Vec::new();
    let mut first_lines = HashMap::new();
    for (line, json) in (1..).zip(jsonl.lines()) {
        let json = json.trim_start_matches('\u{feff}');
        if json.trim().is_empty() {
            continue;
        }
        let passage = parse_passage(line, json)?;
        if let Some(first_line) = first_lines.insert(passage.id.clone(), line) {
            return Err(RetrievalError::DuplicateId { id: passage.id, line, first_line });
        }
        passages.push(passage);
    }
    Ok(passages)
}

fn parse_passage(line: usize, json: &str) -> Result<Passage, RetrievalError> {
    // By hand rather than derived: the derived error does not name a field of the wrong type.
    let mut object: Map<String, Value> = serde_json::from_str(json)
        .map_err(|error| RetrievalError::Json { line, source: error.into() })?;
    let mut take = |field, needed: bool| match object.remove(field) {
        Some(Value::String(value)) => Ok(value),
        None if !needed => Ok(String::new()),
        _ => Err(RetrievalError::Field { line, field }),
    };
    Ok(Passage {
        id: take("id", true)?,
        title: take("title", true)?,
        text: take("text", true)?,
        origin: take("origin", false)?,
        version: take("version", false)?,
        location: take("location", false)?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_in_order_with_blank_ones_and_other_fields() {
        let jsonl = "{\"id\": \"b\", \"title\": \"B\", \"text\": \"one\", \"tag\": 1}\r\n\n\
                     {\"id\": \"a\", \"title\": \"\", \"text\": \"two\"}\n";
        let passages = parse_passages(jsonl).unwrap();
        let contents: Vec<String> = passages.iter().map(Passage::content).collect();
        assert_eq!(contents, ["B\none", "\ntwo"]);
        assert_eq!(passages[1].id, "a");
        assert_eq!(parse_passages("\n").unwrap(), []);
    }

    #[test]
    fn where_it_is_from_is_read_back() {
        let mut passage = Passage::new("a", "A", "one");
        passage.origin = "numpy".into();
        passage.version = "2.4.6".into();
        passage.location = "numpy/core.py:7".into();
        let line = serde_json::to_string(&passage).unwrap();
        assert_eq!(parse_passages(&line).unwrap(), [passage]);
        let wrong = line.replace("\"2.4.6\"", "2");
        assert!(matches!(
            parse_passages(&wrong),
            Err(RetrievalError::Field { line: 1, field: "version" })
        ));
    }

    #[test]
    fn errors_name_line_and_field() {
        let good = "{\"id\": \"a\", \"title\": \"\", \"text\": \"\"}\n";
        let message = |second: &str| parse_passages(&format!("{good}{second}")).unwrap_err();
        assert_eq!(
            message("{\"id\": \"b\", \"title\": 3, \"text\": \"\"}").to_string(),
            "line 2 has no string field \"title\"; a passage needs id, title and text"
        );
        assert!(matches!(
            message("{\"id\": \"b\", \"title\": \"\"}"),
            RetrievalError::Field { line: 2, field: "text" }
        ));
        assert!(matches!(message("{\"id\": "), RetrievalError::Json { line: 2, .. }));
        assert!(matches!(message("[]"), RetrievalError::Json { line: 2, .. }));
        assert_eq!(
            message(good).to_string(),
            "line 2 repeats the id \"a\" of line 1; ids must be unique"
        );
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn line(id: &str) -> String {
        format!("{{\"id\": \"{id}\", \"title\": \"t\", \"text\": \"\\u00e9\"}}\r\n")
    }

    #[test]
    fn marks_line_ends_and_compression_change_nothing() {
        let plain = parse_passages(&(line("a") + &line("b")).replace('\r', "")).unwrap();
        assert_eq!((plain.len(), plain[1].text.as_str()), (2, "é"));
        let marked = format!("\u{feff}{}\u{feff}{}", line("a"), line("b"));
        let members = [gzip(&format!("\u{feff}{}", line("a"))), gzip(&line("b"))].concat();
        assert_eq!(parse_passages(&marked).unwrap(), plain);
        assert_eq!(read_passages(marked.as_bytes()).unwrap(), plain);
        assert_eq!(read_passages(&members).unwrap(), plain);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), members).unwrap();
        assert_eq!(load_passages(file.path()).unwrap(), plain);
    }

    #[test]
    fn unreadable_files_are_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let name = file.path().display().to_string();
        let message = |bytes: &[u8]| {
            std::fs::write(file.path(), bytes).unwrap();
            load_passages(file.path()).unwrap_err().to_string().replace(&name, "FILE")
        };
        let cut = gzip(&line("a"));
        assert!(message(&cut[..cut.len() - 6]).starts_with("FILE: damaged gzip data ("));
        let torn = [line("a").as_bytes(), b"\xff"].concat();
        assert!(message(&torn).starts_with("FILE: line 2 is not UTF-8; save"));
        let missing = load_passages(Path::new("no/such.jsonl")).unwrap_err().to_string();
        assert!(missing.starts_with("no/such.jsonl: ") && missing.contains("check the path"));
    }

    proptest! {
        #[test]
        fn reads_what_serde_writes(texts in prop::collection::vec(".*", 0..8)) {
            let passages: Vec<Passage> = (0..)
                .zip(texts)
                .map(|(id, text)| Passage::new(format!("{id}"), "t", text))
                .collect();
            let lines = passages.iter().map(|passage| serde_json::to_string(passage).unwrap());
            let jsonl = lines.collect::<Vec<_>>().join("\n");
            prop_assert_eq!(parse_passages(&jsonl).unwrap(), passages);
        }
    }
}
