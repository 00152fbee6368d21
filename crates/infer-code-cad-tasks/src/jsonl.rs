use crate::TaskError;
use crate::fields;
use crate::parquet_file;
use crate::python_json::to_json;
use crate::source::{Lines, Source, Span, Text, Texts, newlines};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::Path;
use std::{fmt, vec};

/// One object of a file and where it stands.
pub(crate) struct Row {
    file: String,
    line: usize, // 1-based
    text: String,
    fields: Map<String, Value>,
}

/// The rows of a file, each read or refused on its own.
pub(crate) struct Rows {
    file: String,
    texts: Places,
}

/// Where the texts of the rows come from.
enum Places {
    /// A list, which is cut as a whole.
    List { bytes: Vec<u8>, spans: vec::IntoIter<Span>, damage: Option<TaskError> },
    /// Lines, read one by one: the file may be larger than the memory.
    Lines(Lines),
}

impl Rows {
    pub(crate) fn open(path: &Path) -> Result<Self, TaskError> {
        let file = path.display().to_string();
        if parquet_file::is_parquet(path) {
            let rows = parquet_file::json(path, &file)?;
            return Ok(Self::of(Source::new(rows.into_bytes(), &file), file));
        }
        match Texts::open(path, &file)? {
            Texts::List(source) => Ok(Self::of(source, file)),
            Texts::Lines(lines) => Ok(Self { file, texts: Places::Lines(lines) }),
        }
    }

    fn of(source: Source, file: String) -> Self {
        let Source { bytes, spans, damage } = source;
        Self { file, texts: Places::List { bytes, spans: spans.into_iter(), damage } }
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Whether it is a list of lists.
    pub(crate) fn are_lists(&self) -> bool {
        let Places::List { bytes, spans, .. } = &self.texts else { return false };
        let Some(Span { range, .. }) = spans.as_slice().first() else { return false };
        // Else lines, the first of which holds a list.
        let is_within = bytes[..range.start].contains(&b'[');
        is_within && bytes.get(range.start) == Some(&b'[')
    }

    /// The lists of programs, each read or refused on its own; damage to the file as a whole is an error.
    pub(crate) fn lists(mut self) -> Result<Vec<Result<Vec<String>, TaskError>>, TaskError> {
        let mut lists = Vec::new();
        while let Some(text) = self.next_text() {
            let (line, bytes) = text?;
            lists.push(self.list(line, &bytes));
        }
        Ok(lists)
    }

    fn list(&self, line: usize, bytes: &[u8]) -> Result<Vec<String>, TaskError> {
        let found = match parsed(&String::from_utf8_lossy(bytes)) {
            Ok(Value::Array(list)) => {
                let text = |item: &Value| item.as_str().map(str::to_owned);
                match list.iter().map(text).collect() {
                    Some(programs) => return Ok(programs),
                    None => "a list of others",
                }
            }
            Ok(other) => type_name(&other),
            Err(source) => {
                return Err(TaskError::Json {
                    file: self.file.clone(),
                    line,
                    source: source.into(),
                });
            }
        };
        Err(TaskError::NotPrograms { file: self.file.clone(), line, found })
    }

    fn next_text(&mut self) -> Option<Text> {
        match &mut self.texts {
            Places::Lines(lines) => lines.next(),
            Places::List { bytes, spans, damage } => match spans.next() {
                Some(Span { line, range }) => Some(Ok((line, bytes[range].to_vec()))),
                None => damage.take().map(Err),
            },
        }
    }

    fn row(&self, line: usize, bytes: Vec<u8>) -> Result<Row, TaskError> {
        let text = String::from_utf8(bytes).map_err(|error| TaskError::NotUtf8 {
            file: self.file.clone(),
            line: line + newlines(&error.as_bytes()[..error.utf8_error().valid_up_to()]),
        })?;
        parse_row(text, line, &self.file)
    }

    /// All rows or the first fault; no row at all is one.
    fn all(self) -> Result<Vec<Row>, TaskError> {
        let file = self.file.clone();
        let rows: Vec<Row> = self.collect::<Result<_, _>>()?;
        if rows.is_empty() {
            return Err(TaskError::Empty { file, what: "rows" });
        }
        Ok(rows)
    }
}

impl Iterator for Rows {
    type Item = Result<Row, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.next_text()?;
        Some(text.and_then(|(line, bytes)| self.row(line, bytes)))
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Reads a file of JSON objects, one per line or in one list, gzip-compressed or not; or a parquet file, whose lines are
/// its rows.
pub(crate) fn read_rows(path: &Path) -> Result<Vec<Row>, TaskError> {
    Rows::open(path)?.all()
}

/// Parses the text of such a file.
pub(crate) fn parse_rows(text: &str, file: &str) -> Result<Vec<Row>, TaskError> {
    Rows::of(Source::new(text.as_bytes().to_vec(), file), file.to_owned()).all()
}

fn parse_row(text: String, line: usize, file: &str) -> Result<Row, TaskError> {
    let file = file.to_owned();
    match parsed(&text) {
        Ok(Value::Object(fields)) => Ok(Row { file, line, text, fields }),
        Ok(other) => Err(TaskError::NotAnObject { file, line, found: type_name(&other) }),
        Err(source) => Err(TaskError::Json { file, line, source: source.into() }),
    }
}

fn parsed(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&to_json(text)))
}

/// Fails on the first row whose task id was seen before; `ids` are in the order of `rows`.
pub(crate) fn reject_duplicates(rows: &[Row], ids: &[String]) -> Result<(), TaskError> {
    let mut first_lines = HashMap::new();
    for (row, id) in rows.iter().zip(ids) {
        if let Some(first_line) = first_lines.insert(id, row.line) {
            return Err(TaskError::DuplicateTaskId {
                file: row.file.clone(),
                line: row.line,
                first_line,
                task_id: id.clone(),
            });
        }
    }
    Ok(())
}

impl Row {
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    /// The object as it stands in the file.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The value of a field as it is written, where it is there and not null.
    pub(crate) fn written(&self, field: &str) -> Option<&str> {
        let all = fields::fields(&self.text).into_iter();
        let value = all.rev().find(|(key, _)| fields::name(key) == field)?.1;
        (value != "null").then_some(value)
    }

    /// The value of a field, where it is there.
    pub(crate) fn value(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    /// True when the field is there and not null.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.fields.get(field).is_some_and(|value| !value.is_null())
    }

    /// The first of two names that the row has, else the first.
    pub(crate) fn either(&self, first: &'static str, second: &'static str) -> &'static str {
        if !self.has(first) && self.has(second) { second } else { first }
    }

    pub(crate) fn string(&self, field: &'static str) -> Result<String, TaskError> {
        let value = self.required(field)?;
        value.as_str().map(str::to_owned).ok_or_else(|| self.wrong(field, "a string", value))
    }

    /// `None` when the field is absent or null.
    pub(crate) fn optional_string(&self, field: &'static str) -> Result<Option<String>, TaskError> {
        self.has(field).then(|| self.string(field)).transpose()
    }

    pub(crate) fn integer(&self, field: &'static str) -> Result<u32, TaskError> {
        let value = self.required(field)?;
        let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
        number.ok_or_else(|| self.wrong(field, "a non-negative integer", value))
    }

    pub(crate) fn strings(&self, field: &'static str) -> Result<Vec<String>, TaskError> {
        let value = self.required(field)?;
        let items: Option<Vec<String>> = value
            .as_array()
            .and_then(|list| list.iter().map(|item| item.as_str().map(str::to_owned)).collect());
        items.ok_or_else(|| self.wrong(field, "a list of strings", value))
    }

    /// A text, or its lines.
    pub(crate) fn lines(&self, field: &'static str) -> Result<String, TaskError> {
        match self.required(field)? {
            Value::String(text) => Ok(text.clone()),
            Value::Array(_) => Ok(self.strings(field)?.join("\n")),
            other => Err(self.wrong(field, "a string or a list of strings", other)),
        }
    }

    pub(crate) fn invalid(&self, field: &'static str, reason: String) -> TaskError {
        TaskError::InvalidField { file: self.file.clone(), line: self.line, field, reason }
    }

    fn required(&self, field: &'static str) -> Result<&Value, TaskError> {
        self.fields.get(field).ok_or_else(|| TaskError::MissingField {
            file: self.file.clone(),
            line: self.line,
            field,
        })
    }

    fn wrong(&self, field: &'static str, expected: &'static str, value: &Value) -> TaskError {
        let (file, line, found) = (self.file.clone(), self.line, type_name(value));
        TaskError::WrongType { file, line, field, expected, found }
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use std::io::Write;

    fn message(bytes: &[u8]) -> String {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let name = file.path().display().to_string();
        match read_rows(file.path()) {
            Ok(rows) => panic!("{} rows read from malformed data", rows.len()),
            Err(error) => error.to_string().replace(&name, "FILE"),
        }
    }

    #[test]
    fn malformed_lines_are_named() {
        assert!(message(b"{}\n\n{\"a\": \n").starts_with("FILE, line 3: malformed JSON"));
        let expected = "FILE, line 1: expected a JSON object, found a list";
        assert!(message(b"[1]\n{}\n").starts_with(expected));
        assert!(
            message(b"[{},\n1]").starts_with("FILE, line 2: expected a JSON object, found a n")
        );
        assert!(
            message(b"[{}\n").starts_with("FILE, line 1: the list that begins here has no `]`")
        );
        assert!(message(b"[]").starts_with("FILE: no rows"));
        assert!(message(b"{}\n{\"a\": \"\xff\"}\n").starts_with("FILE, line 2: not UTF-8"));
        assert!(message(b"\n \n").starts_with("FILE: no rows"));
        assert!(message(b"").starts_with("FILE: no rows"));
    }

    #[test]
    fn truncated_gzip_is_told_from_bad_json() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"{\"a\": 1}\n").unwrap();
        let bytes = encoder.finish().unwrap();
        assert!(message(&bytes[..bytes.len() - 6]).starts_with("FILE: damaged gzip data"));
    }

    #[test]
    fn rows_that_python_writes_are_read() {
        let rows = |text: &str| parse_rows(text, "F").unwrap();
        let row = r#"{"a": "x\ud83d", "b": NaN, "n": 7}"#;
        for text in [row.to_owned(), format!("\u{feff}[{row},\r\n{row}]")] {
            for row in rows(&text) {
                assert_eq!(row.string("a").unwrap(), "x\u{fffd}");
                assert_eq!((row.has("b"), row.integer("n").unwrap()), (false, 7));
            }
        }
        assert_eq!(rows(&format!("[{row},\r\n{row}]"))[1].line(), 2);
    }

    #[test]
    fn fields_are_checked() {
        let row =
            &parse_rows("{\"a\": 1, \"b\": [\"x\", 2], \"c\": null, \"d\": -1}", "F").unwrap()[0];
        let text = |e: TaskError| e.to_string();
        assert!(
            text(row.string("a").unwrap_err()).contains("`a` must be a string, found a number")
        );
        assert!(text(row.strings("b").unwrap_err()).contains("`b` must be a list of strings"));
        assert!(text(row.integer("d").unwrap_err()).contains("`d` must be a non-negative integer"));
        assert!(text(row.string("z").unwrap_err()).starts_with("F, line 1: field `z` is missing"));
        assert_eq!(row.optional_string("c").unwrap(), None);
        assert_eq!(row.integer("a").unwrap(), 1);
    }

    #[test]
    fn a_missing_file_is_an_io_error() {
        let error = read_rows(Path::new("no/such.jsonl")).err().unwrap();
        assert!(error.to_string().starts_with("no/such.jsonl: "), "{error}");
    }
}
