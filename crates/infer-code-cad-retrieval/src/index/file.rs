//! Files of vectors: FAISS's flat indexes and NumPy's arrays.
//!
//! Lengths are compared with the file's before anything is allocated or read.

mod bytes;
mod error;
mod faiss;
mod map;
mod npy;

pub use error::VectorFileError;
pub use npy::{read_npy, write_npy};

pub(super) use faiss::write as write_faiss;
pub(crate) use faiss::write_flat_header;
pub(super) use map::MappedFile;

use std::fs::File;
use std::io::{self, BufWriter};
use std::ops::Range;
use std::path::Path;

use half::f16;

/// Writes a file as a whole, or leaves what was there.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), VectorFileError> {
    let io = |source| VectorFileError::Io { file: path.display().to_string(), source };
    crate::replace::replace(path, write).map_err(io)
}

/// Where in a file the vectors are and what they are.
#[derive(Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) dimension: usize,
    pub(super) values: Values,
    /// Their bytes, of whole vectors.
    pub(super) range: Range<usize>,
    /// Their numbers, where they are not 0, 1, 2 and so on.
    pub(super) ids: Option<Vec<i64>>,
}

/// How a file holds values, all little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    F32,
    /// f32 that FAISS compares by Euclidean distance.
    F32ByDistance,
    F16,
    F64,
}

impl Layout {
    /// Finds out what a file is by its first bytes.
    pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Self, VectorFileError> {
        if bytes.starts_with(npy::MAGIC) {
            npy::read(file, bytes)
        } else {
            faiss::read(file, bytes)
        }
    }
}

impl Values {
    fn size(self) -> usize {
        match self {
            Self::F32 | Self::F32ByDistance => 4,
            Self::F16 => 2,
            Self::F64 => 8,
        }
    }

    /// The values as f32; of vectors compared by distance, those of the vectors of length 1.
    pub(super) fn to_f32(self, dimension: usize, bytes: &[u8]) -> Vec<f32> {
        let f32s = || bytes.as_chunks().0.iter().map(|&x| f32::from_le_bytes(x));
        match self {
            Self::F32 => f32s().collect(),
            Self::F16 => {
                bytes.as_chunks().0.iter().map(|&x| f16::from_le_bytes(x).to_f32()).collect()
            }
            Self::F64 => {
                bytes.as_chunks().0.iter().map(|&x| f64::from_le_bytes(x) as f32).collect()
            }
            Self::F32ByDistance => {
                let mut values: Vec<f32> = f32s().collect();
                values.chunks_mut(dimension).for_each(normalize);
                values
            }
        }
    }
}

/// Divides by the Euclidean length; a vector of zeros stays one.
fn normalize(vector: &mut [f32]) {
    let length = vector.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    }
}
