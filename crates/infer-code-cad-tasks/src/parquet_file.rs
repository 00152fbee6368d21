//! Problems in parquet files, in which the hub has HumanEval, MBPP and EvalPlus.

use crate::TaskError;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What a parquet file begins with.
const MAGIC: &[u8; 4] = b"PAR1";

/// True for a file that begins as parquet does; what cannot be read is left to who reads it next.
pub(crate) fn is_parquet(path: &Path) -> bool {
    let mut beginning = [0; MAGIC.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut beginning)).is_ok()
        && beginning == *MAGIC
}

#[cfg(not(feature = "parquet"))]
pub(crate) fn json(_path: &Path, file: &str) -> Result<String, TaskError> {
    Err(TaskError::ParquetFeature { file: file.to_owned() })
}

#[cfg(feature = "parquet")]
pub(crate) use read::json;

#[cfg(feature = "parquet")]
mod read {
    use super::{File, Path, TaskError};
    use parquet::errors::ParquetError;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::{Field, Row};
    use serde_json::Value;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// The rows as one JSON list, an object per line.
    pub(crate) fn json(path: &Path, file: &str) -> Result<String, TaskError> {
        let open = File::open(path);
        let input = open.map_err(|source| TaskError::Io { file: file.to_owned(), source })?;
        // The crate panics on some damaged files.
        let read = catch_unwind(AssertUnwindSafe(|| rows(input)));
        let rows = match read {
            Ok(rows) => rows.map_err(|error| error.to_string()),
            Err(_) => Err("damaged data".to_owned()),
        };
        let rows = rows.map_err(|reason| TaskError::Parquet { file: file.to_owned(), reason })?;
        Ok(format!("[{}]", rows.join(",\n")))
    }

    fn rows(input: File) -> Result<Vec<String>, ParquetError> {
        let reader = SerializedFileReader::new(input)?;
        reader.get_row_iter(None)?.map(|row| Ok(object(row?)?.to_string())).collect()
    }

    fn object(row: Row) -> Result<Value, ParquetError> {
        let fields = row.into_columns().into_iter();
        fields.map(|(name, field)| Ok((name, value(&field)?))).collect()
    }

    fn value(field: &Field) -> Result<Value, ParquetError> {
        Ok(match field {
            Field::Null => Value::Null,
            Field::Bool(value) => (*value).into(),
            Field::Byte(value) => (*value).into(),
            Field::Short(value) => (*value).into(),
            Field::Int(value) => (*value).into(),
            Field::Long(value) => (*value).into(),
            Field::UByte(value) => (*value).into(),
            Field::UShort(value) => (*value).into(),
            Field::UInt(value) => (*value).into(),
            Field::ULong(value) => (*value).into(),
            Field::Float(value) => f64::from(*value).into(),
            Field::Double(value) => (*value).into(),
            Field::Str(text) => text.as_str().into(),
            Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into(),
            Field::ListInternal(list) => {
                list.elements().iter().map(value).collect::<Result<_, _>>()?
            }
            Field::Group(group) => object(group.clone())?,
            other => {
                let why = format!("the value {other} is none that a problem has");
                return Err(ParquetError::General(why));
            }
        })
    }
}
