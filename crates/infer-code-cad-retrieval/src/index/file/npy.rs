//! NumPy's format of arrays, of `numpy/lib/format.py`: versions 1.0, 2.0 and 3.0.

use std::fs;
use std::io::Write;
use std::path::Path;

use ndarray::{Array2, ArrayView2};

use super::bytes::Bytes;
use super::{Layout, Values, VectorFileError, replace};

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
/// As many as FAISS's files can have.
const MAX_DIMENSION: u64 = i32::MAX as u64;
/// What the header's length is a multiple of.
const ALIGNMENT: usize = 64;

/// Reads a matrix of a `.npy`: f32, f16 or f64, little-endian, row after row; f64 is rounded to f32.
///
/// # Errors
/// [`VectorFileError::Io`] when it cannot be read, [`VectorFileError::Kind`],
/// [`VectorFileError::Field`] and [`VectorFileError::Length`] when it is another array, none, or damaged.
pub fn read_npy(path: &Path) -> Result<Array2<f32>, VectorFileError> {
    let file = path.display().to_string();
    let bytes =
        fs::read(path).map_err(|source| VectorFileError::Io { file: file.clone(), source })?;
    if !bytes.starts_with(MAGIC) {
        let found = bytes[..bytes.len().min(MAGIC.len())].escape_ascii().to_string();
        return Err(VectorFileError::Kind { file, found });
    }
    let Layout { dimension, values, range, .. } = read(&file, &bytes)?;
    let n_rows = range.len() / (dimension * values.size());
    let values = values.to_f32(dimension, &bytes[range]);
    Ok(Array2::from_shape_vec((n_rows, dimension), values).expect("the length was checked"))
}

/// Writes a matrix as a `.npy` of version 1.0: f32, row after row.
///
/// # Errors
/// [`VectorFileError::Io`] when it cannot be written; a file that was there stays.
#[allow(clippy::needless_pass_by_value, reason = "a view is a reference")]
pub fn write_npy(path: &Path, matrix: ArrayView2<'_, f32>) -> Result<(), VectorFileError> {
    let (n_rows, dimension) = matrix.dim();
    let dictionary =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n_rows}, {dimension}), }}");
    let before = MAGIC.len() + 4;
    let whole = (before + dictionary.len() + 1).next_multiple_of(ALIGNMENT);
    let header = format!("{dictionary:<width$}\n", width = whole - before - 1);
    replace(path, |out| {
        out.write_all(MAGIC)?;
        out.write_all(&[1, 0])?;
        out.write_all(&(header.len() as u16).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        matrix.iter().try_for_each(|x| out.write_all(&x.to_le_bytes()))
    })
}

pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Layout, VectorFileError> {
    let mut bytes = Bytes::new(file, bytes);
    bytes.take("the magic bytes", MAGIC.len() as u64)?;
    let [major, _minor] = bytes.array("the version")?;
    let header_len = match major {
        1 => u64::from(u16::from_le_bytes(bytes.array("the header's length")?)),
        2 | 3 => u64::from(u32::from_le_bytes(bytes.array("the header's length")?)),
        _ => return Err(bytes.fault("the version", &major, "1, 2 or 3")),
    };
    let text = String::from_utf8_lossy(bytes.take("the header", header_len)?);
    let header = Header::parse(&text).ok_or_else(|| {
        bytes.fault("the header", &text.trim_end(), "descr, fortran_order and shape")
    })?;
    let values = match header.descr {
        "<f4" => Values::F32,
        "<f2" => Values::F16,
        "<f8" => Values::F64,
        descr => return Err(bytes.fault("descr", &descr, "'<f4', '<f2' or '<f8'")),
    };
    if header.fortran_order != "False" {
        let expected = "False: rows one after the other (numpy.ascontiguousarray)";
        return Err(bytes.fault("fortran_order", &header.fortran_order, expected));
    }
    let [n_rows, dimension @ 1..=MAX_DIMENSION] = header.shape[..] else {
        let expected = "two axes, (n, dimension), of a dimension from 1 to 2147483647";
        return Err(bytes.fault("shape", &format!("{:?}", header.shape), expected));
    };
    let len = n_rows.saturating_mul(dimension).saturating_mul(values.size() as u64);
    let start = bytes.at();
    bytes.take("the array", len)?;
    bytes.end()?;
    Ok(Layout { dimension: dimension as usize, values, range: start..bytes.at(), ids: None })
}

/// The three entries of a header, as they stand there.
#[derive(Debug, PartialEq)]
struct Header<'a> {
    descr: &'a str,
    fortran_order: &'a str,
    shape: Vec<u64>,
}

impl<'a> Header<'a> {
    /// Reads the literal of a Python dictionary with these entries, in any order.
    fn parse(text: &'a str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        while !rest.is_empty() {
            let (key, value) = rest.split_once(':')?;
            let value = value.trim_start();
            let end = match value.strip_prefix('(') {
                Some(tuple) => tuple.find(')')? + 2,
                None => value.find(',').unwrap_or(value.len()),
            };
            let (value, tail) = value.split_at(end);
            match key.trim().trim_matches(['\'', '"']) {
                "descr" => descr = Some(value.trim().trim_matches(['\'', '"'])),
                "fortran_order" => fortran_order = Some(value.trim()),
                "shape" => shape = Some(numbers(value)?),
                _ => return None,
            }
            rest = tail.trim_start().trim_start_matches(',').trim_start();
        }
        Some(Self { descr: descr?, fortran_order: fortran_order?, shape: shape? })
    }
}

/// The numbers of a tuple.
fn numbers(tuple: &str) -> Option<Vec<u64>> {
    let inner = tuple.strip_prefix('(')?.strip_suffix(')')?.trim();
    let inner = inner.strip_suffix(',').unwrap_or(inner);
    if inner.is_empty() {
        return Some(Vec::new());
    }
    inner.split(',').map(|number| number.trim().parse().ok()).collect()
}
