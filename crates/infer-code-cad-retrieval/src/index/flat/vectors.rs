use std::ops::Range;

use crate::index::file::{MappedFile, VectorFileError};

/// The vectors as FAISS's file has them: little-endian f32, one after the other.
#[derive(Debug)]
pub(super) enum Vectors {
    Owned(Vec<u8>),
    Mapped { file: MappedFile, range: Range<usize> },
}

impl Default for Vectors {
    fn default() -> Self {
        Self::Owned(Vec::new())
    }
}

impl Vectors {
    pub(super) fn bytes(&self) -> Result<&[u8], VectorFileError> {
        match self {
            Self::Owned(bytes) => Ok(bytes),
            Self::Mapped { file, range } => Ok(&file.bytes()?[range.clone()]),
        }
    }

    /// Memory that can be changed: a mapped file is read into it.
    pub(super) fn own(&mut self) -> Result<&mut Vec<u8>, VectorFileError> {
        if let Self::Mapped { .. } = self {
            *self = Self::Owned(self.bytes()?.to_vec());
        }
        match self {
            Self::Owned(bytes) => Ok(bytes),
            Self::Mapped { .. } => unreachable!("just read"),
        }
    }
}

/// Takes out the rows at some places, which ascend; the others keep their order.
pub(super) fn remove_rows<T: Copy>(rows: &mut Vec<T>, row_len: usize, places: &[usize]) {
    let n_rows = rows.len() / row_len;
    let mut kept = places.first().map_or(n_rows, |&first| first);
    for (i, &removed) in places.iter().enumerate() {
        let next = places.get(i + 1).copied().unwrap_or(n_rows);
        rows.copy_within((removed + 1) * row_len..next * row_len, kept * row_len);
        kept += next - removed - 1;
    }
    rows.truncate(kept * row_len);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_out_wherever_they_are() {
        for places in [&[][..], &[0], &[4], &[1, 2], &[0, 2, 4], &[0, 1, 2, 3, 4]] {
            let mut rows: Vec<usize> = (0..10).collect();
            remove_rows(&mut rows, 2, places);
            let left: Vec<usize> = (0..10).filter(|i| !places.contains(&(i / 2))).collect();
            assert_eq!(rows, left);
        }
    }
}
