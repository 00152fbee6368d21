use crate::TaskError;
use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

/// One object of a JSONL file and where it stands.
pub(crate) struct Row {
    file: String,
    line: usize, // 1-based
    fields: Map<String, Value>,
}

/// Reads a JSONL file, gzip-compressed or not (told by its first bytes, not by its name).
pub(crate) fn read_rows(path: &Path) -> Result<Vec<Row>, TaskError> {
    let file = path.display().to_string();
    let mut bytes =
        std::fs::read(path).map_err(|source| TaskError::Io { file: file.clone(), source })?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(bytes.as_slice())
            .read_to_end(&mut plain)
            .map_err(|source| TaskError::Gzip { file: file.clone(), source })?;
        bytes = plain;
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count();
        TaskError::NotUtf8 { file: file.clone(), line }
    })?;
    parse_rows(text, &file)
}

/// Parses JSONL text; blank lines are skipped, no row at all is an error.
pub(crate) fn parse_rows(text: &str, file: &str) -> Result<Vec<Row>, TaskError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let numbered = text.split('\n').enumerate().filter(|(_, line)| !line.trim().is_empty());
    let rows: Vec<Row> =
        numbered.map(|(i, line)| parse_row(line, i + 1, file)).collect::<Result<_, _>>()?;
    if rows.is_empty() {
        return Err(TaskError::Empty { file: file.to_owned(), what: "rows" });
    }
    Ok(rows)
}

fn parse_row(text: &str, line: usize, file: &str) -> Result<Row, TaskError> {
    let file = file.to_owned();
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(Row { file, line, fields }),
        Ok(other) => Err(TaskError::NotAnObject { file, line, found: type_name(&other) }),
        Err(source) => Err(TaskError::Json { file, line, source }),
    }
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
    pub(crate) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    pub(crate) fn string(&self, field: &'static str) -> Result<String, TaskError> {
        let value = self.required(field)?;
        value.as_str().map(str::to_owned).ok_or_else(|| self.wrong(field, "a string", value))
    }

    /// `None` when the field is absent or null.
    pub(crate) fn optional_string(&self, field: &'static str) -> Result<Option<String>, TaskError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.string(field).map(Some),
        }
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
        assert!(
            message(b"[1]\n").starts_with("FILE, line 1: expected a JSON object, found a list")
        );
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
