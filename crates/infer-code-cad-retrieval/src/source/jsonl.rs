use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;
use infer_code_cad_decode::Settings;
use serde::Deserialize;

use crate::source::{Document, Documents, Skipped, Source, SourceError};

/// The longest line that is read, in bytes.
const LINE_LIMIT: u64 = 64 << 20;

/// A file of JSON lines, gzip-compressed or not, one object each: `{id, title, text}` with, where known, `origin`,
/// `version` and `location`, or `{doc_id, doc_content}` as CodeRAG-Bench publishes its documents, where the name is
/// the title too.
///
/// Blank lines and other fields are passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonLines {
    /// The file.
    pub file: PathBuf,
}

impl JsonLines {
    /// The lines of `file`.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into() }
    }
}

impl Source for JsonLines {
    fn documents(&self) -> Result<Documents<'_>, SourceError> {
        let error = |source| SourceError::io(&self.file, source);
        let mut input = BufReader::new(File::open(&self.file).map_err(error)?);
        let compressed = input.fill_buf().map_err(error)?.starts_with(&[0x1f, 0x8b]);
        let input: Box<dyn BufRead + Send> = if compressed {
            Box::new(BufReader::new(MultiGzDecoder::new(input)))
        } else {
            Box::new(input)
        };
        let name = self.file.display().to_string();
        Ok(Box::new(Lines { input: Some(input), line: 0, name }))
    }

    fn settings(&self) -> Settings {
        Settings::new("jsonl").with("file", self.file.display())
    }
}

struct Lines {
    /// `None` after its end, or after a fault that hides where the next line begins.
    input: Option<Box<dyn BufRead + Send>>,
    line: usize,
    name: String,
}

impl Iterator for Lines {
    type Item = Result<Document, Skipped>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let read = read_line(self.input.as_mut()?);
            self.line += 1;
            let what = || format!("{}, line {}", self.name, self.line);
            match read {
                Ok(None) => self.input = None,
                Ok(Some(line)) if line.trim_ascii().is_empty() => {}
                Ok(Some(line)) => {
                    return Some(parse(&line).map_err(|why| Skipped::new(what(), why)));
                }
                Err(why) => {
                    self.input = None;
                    return Some(Err(Skipped::new(what() + " and all after it", why)));
                }
            }
        }
    }
}

/// A line's bytes, or `None` at the end.
fn read_line(input: &mut Box<dyn BufRead + Send>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = input.take(LINE_LIMIT).read_until(b'\n', &mut line)?;
    if read as u64 == LINE_LIMIT {
        return Err(io::Error::other(format!("longer than {} MiB", LINE_LIMIT >> 20)));
    }
    Ok((read > 0).then_some(line))
}

/// A document as data sets have it.
#[derive(Deserialize)]
pub(super) struct Record {
    #[serde(alias = "doc_id")]
    id: String,
    title: Option<String>,
    #[serde(alias = "doc_content")]
    text: String,
    #[serde(default)]
    origin: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    location: String,
}

impl From<Record> for Document {
    fn from(record: Record) -> Self {
        let Record { id, title, text, origin, version, location } = record;
        let title = title.unwrap_or_else(|| id.clone());
        Self { origin, version, location, ..Self::new(id, title, text) }
    }
}

fn parse(line: &[u8]) -> Result<Document, serde_json::Error> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    serde_json::from_slice::<Record>(line.strip_prefix(MARK).unwrap_or(line)).map(Document::from)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<Result<Document, String>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let source = JsonLines::new(file.path());
        let name = file.path().display().to_string();
        let read = source.documents().unwrap();
        read.map(|item| item.map_err(|skipped| skipped.to_string().replace(&name, "FILE")))
            .collect()
    }

    #[test]
    fn both_kinds_of_records_and_broken_ones_between() {
        let lines = "\u{feff}{\"doc_id\": \"a.b\", \"doc_content\": \"one\"}\r\n\n{\"id\": 3}\nnonsense\n\
            {\"id\": \"c\", \"title\": \"C\", \"text\": \"two\", \"origin\": \"o\", \"version\": \"1\", \
            \"location\": \"l\", \"other\": []}";
        let read = read(lines.as_bytes());
        assert_eq!(read[0], Ok(Document::new("a.b", "a.b", "one")));
        assert!(read[1].as_ref().unwrap_err().starts_with("FILE, line 3: invalid type: integer"));
        assert!(read[2].as_ref().unwrap_err().starts_with("FILE, line 4: "));
        let last = read[3].as_ref().unwrap();
        assert_eq!((last.title.as_str(), last.text.as_str()), ("C", "two"));
        assert_eq!((last.origin.as_str(), last.location.as_str()), ("o", "l"));
        assert_eq!(read.len(), 4);
    }

    #[test]
    fn damage_ends_the_file_and_is_told() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        for n in 0..3000 {
            writeln!(encoder, "{{\"doc_id\": \"{n}\", \"doc_content\": \"{}\"}}", n * n).unwrap();
        }
        let whole = encoder.finish().unwrap();
        assert_eq!(read(&whole).iter().filter(|item| item.is_ok()).count(), 3000);
        let cut = read(&whole[..whole.len() / 2]);
        let (last, before) = cut.split_last().unwrap();
        assert!(before.iter().all(Result::is_ok) && before.len() > 100);
        assert!(last.as_ref().unwrap_err().contains("and all after it: "), "{last:?}");
        assert!(read(b"{\"doc_id\": \"a\", \"doc_content\": \"\xff\"}")[0].is_err());
    }

    #[test]
    fn a_missing_file_is_named() {
        let source = JsonLines::new("no/such.jsonl");
        let error = source.documents().err().unwrap().to_string();
        assert!(error.starts_with("no/such.jsonl: ") && error.ends_with("permissions"), "{error}");
    }
}
