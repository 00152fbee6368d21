use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::ops::Range;

use super::cursor::Cursor;
use crate::CheckpointError;

/// Arrays within arrays that are followed; real files have none.
const MAX_NESTING: usize = 4;

/// The key/value pairs of a header. Arrays stay in the file and are read when asked for.
pub(crate) type Metadata = BTreeMap<String, Value>;

/// A value, its width forgotten.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Integer(i128),
    Float(f64),
    Bool(bool),
    String(String),
    Array(Array),
}

/// Where an array is, every element of which was checked to be within the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    pub(crate) kind: Kind,
    pub(crate) len: usize,
    pub(crate) bytes: Range<usize>,
}

/// The type of a value as the file codes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    String,
    Array,
    U64,
    I64,
    F64,
}

/// Reads `count` pairs. Nothing is allocated for a count: what is kept has been seen in the file.
pub(crate) fn read_metadata(
    cursor: &mut Cursor<'_>,
    count: u64,
) -> Result<Metadata, CheckpointError> {
    let mut metadata = Metadata::new();
    for _ in 0..count {
        let start = cursor.clone();
        let key = cursor.string("a metadata key")?;
        let kind = Kind::read(cursor)?;
        let value = Value::read(cursor, kind)?;
        match metadata.entry(key) {
            Entry::Vacant(entry) => entry.insert(value),
            Entry::Occupied(_) => return Err(start.damaged("a metadata key not used before")),
        };
    }
    Ok(metadata)
}

impl Value {
    pub(crate) fn read(cursor: &mut Cursor<'_>, kind: Kind) -> Result<Self, CheckpointError> {
        const WHAT: &str = "a metadata value";
        Ok(match kind {
            Kind::U8 => Self::Integer(u8::from_le_bytes(cursor.array(WHAT)?).into()),
            Kind::I8 => Self::Integer(i8::from_le_bytes(cursor.array(WHAT)?).into()),
            Kind::U16 => Self::Integer(u16::from_le_bytes(cursor.array(WHAT)?).into()),
            Kind::I16 => Self::Integer(i16::from_le_bytes(cursor.array(WHAT)?).into()),
            Kind::U32 => Self::Integer(u32::from_le_bytes(cursor.array(WHAT)?).into()),
            Kind::I32 => Self::Integer(i32::from_le_bytes(cursor.array(WHAT)?).into()),
            Kind::U64 => Self::Integer(u64::from_le_bytes(cursor.array(WHAT)?).into()),
            Kind::I64 => Self::Integer(i64::from_le_bytes(cursor.array(WHAT)?).into()),
            Kind::F32 => Self::Float(f32::from_le_bytes(cursor.array(WHAT)?).into()),
            Kind::F64 => Self::Float(f64::from_le_bytes(cursor.array(WHAT)?)),
            Kind::Bool => Self::Bool(cursor.array::<1>(WHAT)? != [0]),
            Kind::String => Self::String(cursor.string("a metadata string")?),
            Kind::Array => Self::Array(Array::skip(cursor, MAX_NESTING)?),
        })
    }

    /// What the value is, for a message: long ones by their length.
    pub(crate) fn brief(&self) -> String {
        const SHOWN: usize = 60;
        match self {
            Self::String(text) if text.len() > SHOWN => format!("string of {} bytes", text.len()),
            Self::Array(array) => format!("{} values of type {:?}", array.len, array.kind),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(x) => x.fmt(f),
            Self::Float(x) => write!(f, "{x:?}"),
            Self::Bool(x) => x.fmt(f),
            Self::String(x) => x.fmt(f),
            Self::Array(_) => self.brief().fmt(f),
        }
    }
}

impl Array {
    /// Walks over an array, which may hold arrays to the depth of `nesting`.
    fn skip(cursor: &mut Cursor<'_>, nesting: usize) -> Result<Self, CheckpointError> {
        const WHAT: &str = "the elements of a metadata array";
        let header = cursor.clone();
        let kind = Kind::read(cursor)?;
        let len = cursor.u64(WHAT)?;
        let start = cursor.position();
        match (kind, kind.size()) {
            (_, Some(size)) => {
                let bytes = len.checked_mul(size).ok_or_else(|| header.damaged(WHAT))?;
                cursor.take(bytes, WHAT)?;
            }
            (Kind::Array, None) => {
                let nesting = nesting.checked_sub(1);
                let nesting = nesting.ok_or_else(|| header.damaged("an array of fewer levels"))?;
                for _ in 0..len {
                    Self::skip(cursor, nesting)?;
                }
            }
            (_, None) => {
                for _ in 0..len {
                    cursor.bytes(WHAT)?;
                }
            }
        }
        // Every element took at least a byte of the file.
        let len = usize::try_from(len).map_err(|_| header.damaged(WHAT))?;
        Ok(Self { kind, len, bytes: start..cursor.position() })
    }
}

impl Kind {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, CheckpointError> {
        const KINDS: [Kind; 13] = [
            Kind::U8,
            Kind::I8,
            Kind::U16,
            Kind::I16,
            Kind::U32,
            Kind::I32,
            Kind::F32,
            Kind::Bool,
            Kind::String,
            Kind::Array,
            Kind::U64,
            Kind::I64,
            Kind::F64,
        ];
        let start = cursor.clone();
        let code = cursor.u32("a metadata type")?;
        let kind = KINDS.get(code as usize).copied();
        kind.ok_or_else(|| start.damaged("a known metadata type"))
    }

    /// Bytes of an element, where all have the same.
    fn size(self) -> Option<u64> {
        match self {
            Self::U8 | Self::I8 | Self::Bool => Some(1),
            Self::U16 | Self::I16 => Some(2),
            Self::U32 | Self::I32 | Self::F32 => Some(4),
            Self::U64 | Self::I64 | Self::F64 => Some(8),
            Self::String | Self::Array => None,
        }
    }
}
