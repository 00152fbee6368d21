//! FAISS's format of flat indexes, of `faiss/impl/index_write.cpp` of version 1.15.
//!
//! All numbers are little-endian. A header is the kind (4 bytes), the dimension (i32), the number of
//! vectors (i64), two unused numbers (i64, 1 << 20), whether it is trained (u8), and the metric (i32: 0
//! is the inner product, 1 the Euclidean distance). `IxFI` and `IxF2` go on with the number of values
//! (u64) and the values (f32). `IxMp` and `IxM2`, an index under numbers of one's own, go on with an
//! index of these, the number of numbers (u64) and the numbers (i64).

use std::io::{self, Write};

use super::bytes::Bytes;
use super::{Layout, Values, VectorFileError};

const INNER_PRODUCT: i32 = 0;
const DISTANCE: i32 = 1;

struct Header {
    kind: [u8; 4],
    dimension: usize,
    n_vectors: u64,
    metric: i32,
}

/// Writes `IxFI`, or `IxMp` over it where numbers are given: the bytes of `faiss.write_index`.
pub(in crate::index) fn write(
    out: &mut impl Write,
    dimension: usize,
    vectors: &[u8],
    ids: Option<&[i64]>,
) -> io::Result<()> {
    let n_vectors = vectors.len() / (4 * dimension);
    if ids.is_some() {
        write_header(out, b"IxMp", dimension, n_vectors)?;
    }
    write_flat_header(out, dimension, n_vectors)?;
    out.write_all(vectors)?;
    if let Some(ids) = ids {
        out.write_all(&(ids.len() as u64).to_le_bytes())?;
        ids.iter().try_for_each(|id| out.write_all(&id.to_le_bytes()))?;
    }
    Ok(())
}

/// Writes what stands before the values of an `IxFI`.
pub(crate) fn write_flat_header(
    out: &mut impl Write,
    dimension: usize,
    n_vectors: usize,
) -> io::Result<()> {
    write_header(out, b"IxFI", dimension, n_vectors)?;
    out.write_all(&((n_vectors * dimension) as u64).to_le_bytes())
}

fn write_header(
    out: &mut impl Write,
    kind: &[u8; 4],
    dimension: usize,
    n_vectors: usize,
) -> io::Result<()> {
    let dimension = i32::try_from(dimension).map_err(|_| io::ErrorKind::InvalidInput)?;
    out.write_all(kind)?;
    out.write_all(&dimension.to_le_bytes())?;
    for number in [n_vectors as i64, 1 << 20, 1 << 20] {
        out.write_all(&number.to_le_bytes())?;
    }
    out.write_all(&[1])?;
    out.write_all(&INNER_PRODUCT.to_le_bytes())
}

pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Layout, VectorFileError> {
    let mut bytes = Bytes::new(file, bytes);
    let header = Header::read(&mut bytes)?;
    let mut layout = match &header.kind {
        b"IxMp" | b"IxM2" => {
            let inner = Header::read(&mut bytes)?;
            if (inner.dimension, inner.n_vectors) != (header.dimension, header.n_vectors) {
                let inner = format!("{} x {}", inner.n_vectors, inner.dimension);
                return Err(bytes.fault("the inner index", &inner, "the shape of the outer one"));
            }
            flat(&mut bytes, &inner)?
        }
        _ => flat(&mut bytes, &header)?,
    };
    if matches!(&header.kind, b"IxMp" | b"IxM2") {
        layout.ids = Some(read_ids(&mut bytes, header.n_vectors)?);
    }
    bytes.end()?;
    Ok(layout)
}

/// What follows the header of a flat index.
fn flat(bytes: &mut Bytes<'_>, header: &Header) -> Result<Layout, VectorFileError> {
    let values = match (&header.kind, header.metric) {
        (b"IxFI", INNER_PRODUCT) => Values::F32,
        (b"IxF2", DISTANCE) => Values::F32ByDistance,
        (b"IxFI" | b"IxF2", metric) => {
            return Err(bytes.fault("the metric", &metric, "0 in IxFI and 1 in IxF2"));
        }
        _ => return Err(kind_error(bytes, &header.kind)),
    };
    let n_values = u64::from_le_bytes(bytes.array("the number of values")?);
    if header.n_vectors.checked_mul(header.dimension as u64) != Some(n_values) {
        let expected = "the number of vectors times the dimension";
        return Err(bytes.fault("the number of values", &n_values, expected));
    }
    let start = bytes.at();
    bytes.take("the vectors", n_values.saturating_mul(4))?;
    Ok(Layout { dimension: header.dimension, values, range: start..bytes.at(), ids: None })
}

fn read_ids(bytes: &mut Bytes<'_>, n_vectors: u64) -> Result<Vec<i64>, VectorFileError> {
    let n_ids = u64::from_le_bytes(bytes.array("the number of numbers")?);
    if n_ids != n_vectors {
        return Err(bytes.fault("the number of numbers", &n_ids, "the number of vectors"));
    }
    let ids = bytes.take("the numbers", n_ids.saturating_mul(8))?;
    Ok(ids.as_chunks().0.iter().map(|&id| i64::from_le_bytes(id)).collect())
}

impl Header {
    fn read(bytes: &mut Bytes<'_>) -> Result<Self, VectorFileError> {
        let kind = bytes.array("the kind of index")?;
        if !matches!(&kind, b"IxFI" | b"IxF2" | b"IxMp" | b"IxM2") {
            return Err(kind_error(bytes, &kind));
        }
        let dimension = i32::from_le_bytes(bytes.array("the dimension")?);
        let n_vectors = i64::from_le_bytes(bytes.array("the number of vectors")?);
        bytes.take("the unused numbers", 16)?;
        let [trained] = bytes.array("whether it is trained")?;
        let metric = i32::from_le_bytes(bytes.array("the metric")?);
        if trained > 1 {
            return Err(bytes.fault("whether it is trained", &trained, "0 or 1"));
        }
        let positive = usize::try_from(dimension).ok().filter(|&dimension| dimension > 0);
        let dimension =
            positive.ok_or_else(|| bytes.fault("the dimension", &dimension, "at least 1"))?;
        let n_vectors = u64::try_from(n_vectors)
            .map_err(|_| bytes.fault("the number of vectors", &n_vectors, "at least 0"))?;
        Ok(Self { kind, dimension, n_vectors, metric })
    }
}

fn kind_error(bytes: &Bytes<'_>, kind: &[u8]) -> VectorFileError {
    let found = kind.escape_ascii().to_string();
    VectorFileError::Kind { file: bytes.file.to_owned(), found }
}
