//! A file of JSON objects cut into the objects' texts.

use crate::TaskError;
use crate::python_json::string_length;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The bytes of a file, where its objects stand in them, and what is wrong with the whole.
pub(crate) struct Source {
    pub(crate) bytes: Vec<u8>,
    pub(crate) spans: Vec<Span>,
    /// Comes after all spans, which hold what could be made out.
    pub(crate) damage: Option<TaskError>,
}

/// Where one object stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) line: usize, // 1-based
    pub(crate) range: Range<usize>,
}

/// A file's objects: one list, or one object per line.
pub(crate) enum Texts {
    List(Source),
    Lines(Lines),
}

impl Texts {
    /// Opens a file, gzip-compressed or not (told by its first bytes, not by its name).
    pub(crate) fn open(path: &Path, file: &str) -> Result<Self, TaskError> {
        let io = |source| TaskError::Io { file: file.to_owned(), source };
        let mut plain = BufReader::new(File::open(path).map_err(io)?);
        let is_gzip = plain.fill_buf().map_err(io)?.starts_with(&[0x1f, 0x8b]);
        let text: Box<dyn BufRead + Send> = match is_gzip {
            true => Box::new(BufReader::new(MultiGzDecoder::new(plain))),
            false => Box::new(plain),
        };
        let mut lines = Lines { text, file: file.to_owned(), is_gzip, line: 0, first: None };
        match lines.next() {
            Some(Ok((line, bytes))) if bytes.starts_with(b"[") => lines.list(line, &bytes),
            first => {
                lines.first = Some(first);
                Ok(Self::Lines(lines))
            }
        }
    }
}

/// A line's number and its bytes, or what is wrong with the file.
pub(crate) type Text = Result<(usize, Vec<u8>), TaskError>;

/// The lines of a file that hold more than blank space, without it, each with its number.
///
/// What is wrong with the file as a whole is an error after the lines before it.
pub(crate) struct Lines {
    text: Box<dyn BufRead + Send>,
    file: String,
    is_gzip: bool,
    line: usize,
    /// The first line, which was looked at.
    first: Option<Option<Text>>,
}

impl Iterator for Lines {
    type Item = Text;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(first) = self.first.take() {
            return first;
        }
        loop {
            let mut bytes = Vec::new();
            self.line += 1;
            match self.text.read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(source) => {
                    self.text = Box::new(io::empty());
                    return Some(Err(self.damage(source)));
                }
            }
            let range = trimmed(&bytes, 0..bytes.len());
            if !range.is_empty() {
                bytes.truncate(range.end);
                bytes.drain(..range.start);
                return Some(Ok((self.line, bytes)));
            }
        }
    }
}

impl Lines {
    /// A file whose first object begins with `[`, on this line.
    fn list(mut self, line: usize, first: &[u8]) -> Result<Texts, TaskError> {
        let mut bytes = vec![b'\n'; line - 1];
        bytes.extend(first);
        bytes.push(b'\n');
        let Err(source) = self.text.read_to_end(&mut bytes) else {
            return Ok(Texts::List(Source::new(bytes, &self.file)));
        };
        if !self.is_gzip {
            return Err(self.damage(source));
        }
        bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
        let damage = Some(self.damage(source));
        Ok(Texts::List(Source { damage, ..Source::new(bytes, &self.file) }))
    }

    fn damage(&self, source: io::Error) -> TaskError {
        let file = self.file.clone();
        if self.is_gzip { TaskError::Gzip { file, source } } else { TaskError::Io { file, source } }
    }
}

impl Source {
    /// Cuts a list, which starts with `[`, at its commas, and anything else at its line ends.
    pub(crate) fn new(bytes: Vec<u8>, file: &str) -> Self {
        let content = trimmed(&bytes, 0..bytes.len());
        if bytes.get(content.start) != Some(&b'[') {
            return Self { spans: lines(&bytes), bytes, damage: None };
        }
        match elements(&bytes, content.start) {
            (ranges, Some(end)) if trimmed(&bytes, end..bytes.len()).is_empty() => {
                Self { spans: numbered(&bytes, ranges), bytes, damage: None }
            }
            // One line of many that holds a list.
            (_, Some(_)) => Self { spans: lines(&bytes), bytes, damage: None },
            (ranges, None) => {
                let line = 1 + newlines(&bytes[..content.start]);
                let damage = Some(TaskError::OpenList { file: file.to_owned(), line });
                Self { spans: numbered(&bytes, ranges), bytes, damage }
            }
        }
    }
}

fn lines(bytes: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = 0;
    for (line, text) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let range = trimmed(bytes, start..start + text.len());
        if !range.is_empty() {
            spans.push(Span { line, range });
        }
        start += text.len() + 1;
    }
    spans
}

/// The elements of the list that `bytes[open]` opens, and where it ends, if it does.
fn elements(bytes: &[u8], open: usize) -> (Vec<Range<usize>>, Option<usize>) {
    let mut ranges = Vec::new();
    let mut end = None;
    let (mut depth, mut start, mut at) = (0, open + 1, open + 1);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at += string_length(&bytes[at..]) - 1,
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth > 0 => depth -= 1,
            b',' if depth == 0 => {
                ranges.push(trimmed(bytes, start..at));
                start = at + 1;
            }
            b']' => {
                end = Some(at + 1);
                break;
            }
            _ => {}
        }
        at += 1;
    }
    let last = trimmed(bytes, start..at);
    // Nothing after a comma is a fault that the parser names; nothing at all is an empty list.
    if !last.is_empty() || (end.is_some() && !ranges.is_empty()) {
        ranges.push(last);
    }
    (ranges, end)
}

fn numbered(bytes: &[u8], ranges: Vec<Range<usize>>) -> Vec<Span> {
    let (mut line, mut at) = (1, 0);
    let number = |range: Range<usize>| {
        line += newlines(&bytes[at..range.start]);
        at = range.start;
        Span { line, range }
    };
    ranges.into_iter().map(number).collect()
}

/// The range without blank space around it and byte order marks before it.
fn trimmed(bytes: &[u8], mut range: Range<usize>) -> Range<usize> {
    range.end = range.start + bytes[range.clone()].trim_ascii_end().len();
    loop {
        let text = &bytes[range.clone()];
        let spaces = text.len() - text.trim_ascii_start().len();
        let mark = text[spaces..].starts_with(BYTE_ORDER_MARK);
        range.start += spaces + if mark { BYTE_ORDER_MARK.len() } else { 0 };
        if !mark {
            return range;
        }
    }
}

pub(crate) fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(text: &str) -> Vec<(usize, String)> {
        let source = Source::new(text.as_bytes().to_vec(), "F");
        assert!(source.damage.is_none(), "{text}");
        let text = |range: Range<usize>| String::from_utf8_lossy(&source.bytes[range]).into_owned();
        source.spans.into_iter().map(|Span { line, range }| (line, text(range))).collect()
    }

    #[test]
    fn lines_are_cut_at_line_ends() {
        let expected = [(1, "{1}".to_owned()), (3, "{2}".to_owned()), (4, "[3]".to_owned())];
        assert_eq!(cut("\u{feff}{1}\r\n \t\r\n\u{feff} \u{feff}{2}\r\n[3]"), expected);
        assert_eq!(cut("[1]\n{2}"), [(1, "[1]".to_owned()), (2, "{2}".to_owned())]);
        assert_eq!(cut("\u{feff}\r\n"), []);
    }

    #[test]
    fn lists_are_cut_at_commas_of_their_own() {
        let expected = [(2, "{\"a\": [1, \"]},\\\"\"]}".to_owned()), (4, "{}".to_owned())];
        assert_eq!(cut("\u{feff} [\r\n {\"a\": [1, \"]},\\\"\"]},\n\n{} ]\n"), expected);
        assert_eq!(cut(" [ ] "), []);
        assert_eq!(cut("[{},]"), [(1, "{}".to_owned()), (1, String::new())]);
    }

    #[test]
    fn a_list_without_end_is_damage_after_its_elements() {
        let source = Source::new(b"\n[{}, {},".to_vec(), "F");
        assert_eq!(source.spans.len(), 2);
        let message = source.damage.map(|damage| damage.to_string()).unwrap_or_default();
        assert!(
            message.starts_with("F, line 2: the list that begins here has no `]`"),
            "{message}"
        );
    }

    proptest! {
        #[test]
        fn a_list_has_the_elements_that_serde_finds(
            texts in prop::collection::vec("[\\[\\]{},\"\\\\\\n\\PC]{0,8}", 0..6)
        ) {
            let values: Vec<serde_json::Value> = texts.iter()
                .map(|text| serde_json::json!({ "k": [text, { text: [] }] }))
                .collect();
            let list = serde_json::Value::from(values.clone());
            for text in [list.to_string(), format!("{list:#}")] {
                let read = cut(&text).into_iter().map(|(_, text)| serde_json::from_str(&text));
                prop_assert_eq!(read.collect::<Result<Vec<serde_json::Value>, _>>().ok(), Some(values.clone()));
            }
        }

        #[test]
        fn any_bytes_are_cut(bytes in prop::collection::vec(any::<u8>(), 0..64), list: bool) {
            let bytes = if list { [b"[".as_slice(), &bytes].concat() } else { bytes };
            let source = Source::new(bytes, "F");
            prop_assert!(source.spans.is_sorted_by(|a, b| a.line <= b.line && a.range.end <= b.range.start));
        }
    }
}
