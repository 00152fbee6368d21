use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use super::cursor::Cursor;
use super::metadata::{Metadata, Value, read_metadata};
use crate::CheckpointError;
use crate::lfs::refuse_pointer;
use infer_code_cad_kernels::StoredFormat;

const MAGIC: [u8; 4] = *b"GGUF";
/// What ggml can have.
const MAX_DIMS: u32 = 4;
const DEFAULT_ALIGNMENT: u64 = 32;

/// Everything before the data of the tensors.
///
/// Our own reader and not candle's `gguf_file::Content`, which turns every array into a vector of
/// enums, takes the last of two tensors of one name, finds a tensor beyond the file only when it is
/// read, divides by an alignment of zero and cannot describe types it does not compute with. The
/// layout is that of
/// [the specification](https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) metadata: Metadata,
    pub(crate) tensors: BTreeMap<String, TensorEntry>,
}

/// A tensor whose bytes were checked to be within the file.
#[derive(Debug)]
pub(crate) struct TensorEntry {
    /// Outermost dimension first, unlike in the file.
    pub(crate) shape: Vec<usize>,
    pub(crate) format: StoredFormat,
    pub(crate) bytes: Range<usize>,
}

/// Whether a file begins like GGUF.
pub(crate) fn has_magic(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

impl Header {
    /// Reads the header of a whole file.
    pub(crate) fn read(file: &str, bytes: &[u8]) -> Result<Self, CheckpointError> {
        refuse_pointer(file, bytes)?;
        let mut cursor = Cursor::new(file, bytes, 0);
        let start = cursor.clone();
        if cursor.array("the letters GGUF")? != MAGIC {
            return Err(start.damaged("the letters GGUF"));
        }
        check_version(file, cursor.u32("a version")?)?;
        let n_tensors = cursor.u64("the number of tensors")?;
        let n_pairs = cursor.u64("the number of metadata pairs")?;
        let metadata = read_metadata(&mut cursor, n_pairs)?;
        let claims = read_claims(&mut cursor, n_tensors)?;
        let alignment = alignment(file, &metadata)?;
        let data_start = (cursor.position() as u64).next_multiple_of(alignment);
        let tensors = claims.into_iter().map(|(name, claim)| {
            let entry = claim.check(file, &name, bytes.len(), data_start, alignment)?;
            Ok((name, entry))
        });
        let tensors = tensors.collect::<Result<_, CheckpointError>>()?;
        refuse_overlaps(file, &tensors)?;
        Ok(Self { tensors, metadata })
    }
}

fn refuse_overlaps(
    file: &str,
    tensors: &BTreeMap<String, TensorEntry>,
) -> Result<(), CheckpointError> {
    let mut places: Vec<_> = tensors.iter().filter(|(_, entry)| !entry.bytes.is_empty()).collect();
    places.sort_by_key(|(_, entry)| entry.bytes.start);
    let overlap = |pair: &&[(&String, &TensorEntry)]| pair[1].1.bytes.start < pair[0].1.bytes.end;
    match places.windows(2).find(overlap) {
        None => Ok(()),
        Some(pair) => Err(CheckpointError::GgufOverlap {
            file: file.into(),
            tensors: [pair[0].0.clone(), pair[1].0.clone()],
        }),
    }
}

fn check_version(file: &str, version: u32) -> Result<(), CheckpointError> {
    match version {
        2 | 3 => Ok(()),
        // Little-endian versions are small numbers, so the low half is only empty when swapped.
        _ if version & 0xffff == 0 => Err(CheckpointError::GgufVersion {
            file: file.into(),
            version: version.swap_bytes(),
            byte_order: "big-endian",
        }),
        _ => {
            let file = file.into();
            Err(CheckpointError::GgufVersion { file, version, byte_order: "little-endian" })
        }
    }
}

/// `general.alignment`: a power of two, and at least 8 so that no block begins at an odd address.
fn alignment(file: &str, metadata: &Metadata) -> Result<u64, CheckpointError> {
    const KEY: &str = "general.alignment";
    let Some(value) = metadata.get(KEY) else {
        return Ok(DEFAULT_ALIGNMENT);
    };
    let alignment = match value {
        Value::Integer(n) => u32::try_from(*n).ok(),
        _ => None,
    };
    match alignment {
        Some(n) if n.is_power_of_two() && n >= 8 => Ok(n.into()),
        _ => Err(CheckpointError::GgufValue {
            file: file.into(),
            key: KEY.into(),
            value: value.brief(),
            expected: "a power of two from 8 on".into(),
        }),
    }
}

/// A tensor as the header describes it.
struct Claim {
    shape: Vec<u64>, // innermost dimension first
    code: u32,
    offset: u64,
}

fn read_claims(
    cursor: &mut Cursor<'_>,
    count: u64,
) -> Result<BTreeMap<String, Claim>, CheckpointError> {
    let mut claims = BTreeMap::new();
    for _ in 0..count {
        let start = cursor.clone();
        let name = cursor.string("the name of a tensor")?;
        let n_dims = cursor.u32("the dimensions of a tensor")?;
        if n_dims > MAX_DIMS {
            return Err(start.damaged("a tensor of at most 4 dimensions"));
        }
        let dims = (0..n_dims).map(|_| cursor.u64("the dimensions of a tensor"));
        let shape = dims.collect::<Result<_, _>>()?;
        let code = cursor.u32("the type of a tensor")?;
        let offset = cursor.u64("the offset of a tensor")?;
        match claims.entry(name) {
            Entry::Vacant(entry) => entry.insert(Claim { shape, code, offset }),
            Entry::Occupied(_) => return Err(start.damaged("a tensor not named before")),
        };
    }
    Ok(claims)
}

impl Claim {
    fn check(
        self,
        file: &str,
        name: &str,
        file_len: usize,
        data_start: u64,
        alignment: u64,
    ) -> Result<TensorEntry, CheckpointError> {
        let format =
            StoredFormat::from_code(self.code).ok_or_else(|| CheckpointError::TensorFormat {
                tensor: name.into(),
                file: file.into(),
                format: format!("type {}", self.code),
            })?;
        let range = || {
            let dims = self.shape.iter().rev().map(|&dim| usize::try_from(dim).ok());
            let shape = dims.collect::<Option<Vec<_>>>()?;
            let len = format.size_of(&shape)?;
            let start = usize::try_from(data_start.checked_add(self.offset)?).ok()?;
            let end = start.checked_add(len)?;
            let fits = self.offset.is_multiple_of(alignment) && end <= file_len;
            fits.then_some(TensorEntry { shape, format, bytes: start..end })
        };
        range().ok_or_else(|| CheckpointError::GgufTensor {
            tensor: name.into(),
            file: file.into(),
            format,
            dims: self.shape.clone(),
            offset: self.offset,
            file_len: file_len as u64,
        })
    }
}
