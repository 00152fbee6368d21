use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::reader::RowIter;
use ::parquet::record::{Field, Row};
use ::parquet::schema::types::Type;
use infer_code_cad_decode::Settings;
use serde_json::{Map, Value};

use crate::source::jsonl::Record;
use crate::source::{Document, Documents, Skipped, Source, SourceError};

const COLUMNS: [&str; 8] =
    ["id", "doc_id", "title", "text", "doc_content", "origin", "version", "location"];

/// The most text of a group of rows, in bytes: a text that is written once and named a million times is a small file.
const GROUP_LIMIT: usize = 2 << 30;

/// A parquet file with the columns that [`JsonLines`](crate::JsonLines) has as fields, compressed with Snappy, Zstandard
/// or gzip. Other columns are not read.
///
/// A damaged group of rows is reported, as is one of more than 2 GiB of text, and the others are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParquetFile {
    /// The file.
    pub file: PathBuf,
}

impl ParquetFile {
    /// The rows of `file`.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into() }
    }
}

impl Source for ParquetFile {
    fn documents(&self) -> Result<Documents<'_>, SourceError> {
        let input = File::open(&self.file).map_err(|source| SourceError::io(&self.file, source))?;
        let name = self.file.display().to_string();
        let columns = |why| SourceError::Columns { file: name.clone(), why };
        let reader = guarded(|| SerializedFileReader::new(input)).map_err(columns)?;
        let projection = projection(reader.metadata().file_metadata().schema()).map_err(columns)?;
        let groups = 0..reader.num_row_groups();
        Ok(Box::new(groups.flat_map(move |group| {
            let what = |row| format!("{name}, group {group}, row {row}");
            match guarded(|| rows(&reader, group, &projection, GROUP_LIMIT)) {
                Err(why) => vec![Err(Skipped::new(format!("{name}, group {group}"), why))],
                Ok(rows) => (0..)
                    .zip(rows)
                    .map(|(row, read)| read.map_err(|why| Skipped::new(what(row), why)))
                    .collect(),
            }
        })))
    }

    fn settings(&self) -> Settings {
        Settings::new("parquet").with("file", self.file.display())
    }
}

/// The crate panics on some damaged files; those are no fault of its caller.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("damaged data".to_owned()),
    }
}

/// The part of a schema that is read.
fn projection(schema: &Type) -> Result<Type, String> {
    let known = |field: &&Arc<Type>| COLUMNS.contains(&field.name()) && field.is_primitive();
    let fields: Vec<_> = schema.get_fields().iter().filter(known).cloned().collect();
    let has = |name: &str| fields.iter().any(|field| field.name() == name);
    if !(has("id") || has("doc_id")) || !(has("text") || has("doc_content")) {
        let all: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
        return Err(format!("has the columns {}", all.join(", ")));
    }
    let built = Type::group_type_builder(schema.name()).with_fields(fields).build();
    built.map_err(|error| error.to_string())
}

type Rows = Vec<Result<Document, serde_json::Error>>;

fn rows(
    reader: &SerializedFileReader<File>,
    group: usize,
    projection: &Type,
    limit: usize,
) -> Result<Rows, ParquetError> {
    let group = reader.get_row_group(group)?;
    let (mut rows, mut bytes) = (Rows::new(), 0);
    for row in RowIter::from_row_group(Some(projection.clone()), group.as_ref())? {
        let row = document(row?);
        bytes += row.as_ref().map_or(0, |document| document.text.len());
        if bytes > limit {
            let why = format!("more than {limit} bytes of text; write it with fewer rows a group");
            return Err(ParquetError::General(why));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn document(row: Row) -> Result<Document, serde_json::Error> {
    let text = |field| match field {
        Field::Null => Value::Null,
        Field::Str(text) => Value::String(text),
        // Strings that the file does not call so; a number may be a name.
        Field::Bytes(bytes) => Value::String(String::from_utf8_lossy(bytes.data()).into_owned()),
        other => Value::String(other.to_string()),
    };
    let given = row.into_columns().into_iter().map(|(name, field)| (name, text(field)));
    let object: Map<String, Value> = given.filter(|(_, value)| !value.is_null()).collect();
    serde_json::from_value::<Record>(Value::Object(object)).map(Document::from)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
    }

    fn read(file: &Path) -> Vec<Result<Document, String>> {
        let source = ParquetFile::new(file);
        let items = source.documents().unwrap();
        items.map(|item| item.map_err(|skipped| skipped.to_string())).collect()
    }

    #[test]
    fn files_of_pyarrow_in_each_compression() {
        for compression in ["snappy", "zstd", "gzip", "none"] {
            let read = read(&fixture(&format!("documents.{compression}.parquet")));
            assert_eq!(read.len(), 5, "{compression}");
            assert_eq!(read[0], Ok(Document::new("a.b", "a.b", "Erste Zeile\nzweite: é")));
            assert!(
                read[2].as_ref().unwrap_err().ends_with("group 1, row 0: missing field `text`")
            );
            assert_eq!(read[4], Ok(Document::new("e", "e", "")));
        }
    }

    #[test]
    fn numbers_are_names_and_other_columns_are_not_read() {
        let read = read(&fixture("passages.parquet"));
        let expected = Document { origin: "o".to_owned(), ..Document::new("7", "T", "x") };
        assert_eq!(read, [Ok(expected)]);
    }

    #[test]
    fn a_group_of_too_much_text_is_named() {
        let file = File::open(fixture("documents.snappy.parquet")).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let projection = projection(reader.metadata().file_metadata().schema()).unwrap();
        let text = rows(&reader, 0, &projection, GROUP_LIMIT).unwrap();
        let bytes: usize = text.iter().flatten().map(|document| document.text.len()).sum();
        assert_eq!(rows(&reader, 0, &projection, bytes).unwrap().len(), text.len());
        let error = rows(&reader, 0, &projection, bytes - 1).unwrap_err().to_string();
        assert!(error.contains("fewer rows a group"), "{error}");
    }

    #[test]
    fn what_is_no_table_of_documents_is_named() {
        let error = |file: &Path| ParquetFile::new(file).documents().err().unwrap().to_string();
        assert!(
            error(&fixture("other.parquet"))
                .contains("has the columns a, b; expected parquet with")
        );
        assert!(error(&fixture("bm25.json")).contains("bm25.json: "));
        assert!(error(Path::new("no/such.parquet")).starts_with("no/such.parquet: No such file"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn damage_is_an_error(at in 0.0f64..1.0, byte: u8, cut: bool) {
            let mut bytes = std::fs::read(fixture("documents.snappy.parquet")).unwrap();
            let at = (at * bytes.len() as f64) as usize;
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &bytes).unwrap();
            let source = ParquetFile::new(file.path());
            if let Ok(items) = source.documents() {
                prop_assert!(items.count() <= bytes.len());
            }
        }
    }
}
