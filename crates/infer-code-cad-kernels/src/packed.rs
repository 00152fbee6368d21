use std::ops::Range;

use crate::format::TILE;
use crate::layout::{pack_row, unpack_row};
use crate::memory::AlignedBytes;
use crate::quantize::quantize_row;
use crate::{Format, KernelError, Pool, StoredFormat};

/// A weight matrix, repacked for products of a few rows.
///
/// Holds exactly the values of the file, in as many bytes: at most 3 % more (Q4_K) and what fills the
/// last 16 rows. On Linux it asks for huge pages.
#[derive(Debug)]
pub struct PackedMatrix {
    format: Format,
    out_features: usize,
    in_features: usize,
    tiles: AlignedBytes,
}

impl PackedMatrix {
    /// Repacks a matrix as it lies in a file: `out_features` rows of `in_features` weights, in the
    /// format's blocks. The bytes may be a memory map; they are read once, on all threads.
    ///
    /// # Errors
    /// [`KernelError::InFeatures`] or [`KernelError::Shape`] for a shape the format does not have,
    /// [`KernelError::Length`] if `bytes` is not exactly the matrix, [`KernelError::OutOfMemory`].
    pub fn pack(
        format: Format,
        out_features: usize,
        in_features: usize,
        bytes: &[u8],
        pool: &Pool,
    ) -> Result<Self, KernelError> {
        Self::join(format, in_features, &[(out_features, bytes)], pool)
    }

    /// Repacks several matrices, `(out_features, bytes)` each, as one with the rows of all: what reads
    /// the same activations (query, key and value) is then one product.
    ///
    /// # Errors
    /// As [`Self::pack`], for each.
    pub fn join(
        format: Format,
        in_features: usize,
        parts: &[(usize, &[u8])],
        pool: &Pool,
    ) -> Result<Self, KernelError> {
        let rows = rows_of(parts, |out_features| format.file_bytes(out_features, in_features))?;
        Self::from_tiles(format, rows.len(), in_features, pool, |of_tile, tile| {
            for (lane, row) in rows[of_tile].iter().enumerate() {
                pack_row(format, row, lane, tile);
            }
        })
    }

    /// As [`Self::join`], for matrices as a file stores them, in the format of [`StoredFormat::held_in`]:
    /// [`StoredFormat::hold`] says what that loses. No row is turned to floats where it need not be.
    ///
    /// # Errors
    /// As [`Self::join`], and [`KernelError::NotDecoded`].
    pub fn hold(
        stored: StoredFormat,
        in_features: usize,
        parts: &[(usize, &[u8])],
        pool: &Pool,
    ) -> Result<Self, KernelError> {
        let format = stored.held_in().ok_or(KernelError::NotDecoded { format: stored })?;
        if StoredFormat::from(format) == stored {
            return Self::join(format, in_features, parts, pool);
        }
        let row_bytes = format.file_bytes(1, in_features)?;
        let rows = rows_of(parts, |out_features| {
            format.file_bytes(out_features, in_features)?;
            let expected = in_features.next_multiple_of(stored.block_len());
            let (what, actual) = ("a row of stored blocks", in_features);
            let whole = stored.size_of(&[out_features, in_features]);
            whole.ok_or(KernelError::Length { what, expected, actual })
        })?;
        Self::from_tiles(format, rows.len(), in_features, pool, |of_tile, tile| {
            let mut held = vec![0; row_bytes];
            for (lane, row) in rows[of_tile].iter().enumerate() {
                stored.hold(row, &mut held).expect("a row is whole blocks of either format");
                pack_row(format, &held, lane, tile);
            }
        })
    }

    /// Rounds f32 weights, `(out_features, in_features)`, to a format and packs them.
    ///
    /// Q8_0 and Q4_0 round as ggml's reference does, bit for bit; Bf16 and F16 to nearest, ties to
    /// even; Q4_K to the least squared error of each block, which is not bit for bit what ggml finds. A
    /// block of integers with an infinity or a NaN becomes NaN as a whole.
    ///
    /// # Errors
    /// As [`Self::pack`].
    pub fn quantize(
        format: Format,
        out_features: usize,
        in_features: usize,
        weights: &[f32],
        pool: &Pool,
    ) -> Result<Self, KernelError> {
        format.file_bytes(out_features, in_features)?;
        let (expected, actual) = (out_features * in_features, weights.len());
        if expected != actual {
            return Err(KernelError::Length { what: "the matrix to quantize", expected, actual });
        }
        let read = |row: usize, out: &mut [f32]| {
            out.copy_from_slice(&weights[row * in_features..][..in_features]);
        };
        Self::quantize_rows(format, out_features, in_features, read, pool)
    }

    /// As [`Self::quantize`], for weights that are made row by row: `read(row, out)` writes all of
    /// `out`, `(in_features,)`. On all threads, each with room for one row, so that a large matrix
    /// needs no copy in f32.
    ///
    /// # Errors
    /// As [`Self::pack`], but for the length.
    pub fn quantize_rows(
        format: Format,
        out_features: usize,
        in_features: usize,
        read: impl Fn(usize, &mut [f32]) + Sync,
        pool: &Pool,
    ) -> Result<Self, KernelError> {
        let row_bytes = format.file_bytes(out_features, in_features)? / out_features;
        let isa = pool.isa();
        Self::from_tiles(format, out_features, in_features, pool, |rows, tile| {
            let (mut values, mut bytes) = (vec![0.0; in_features], vec![0; row_bytes]);
            for (lane, row) in rows.enumerate() {
                read(row, &mut values);
                isa.vectorize(
                    #[inline(always)]
                    || quantize_row(format, &values, &mut bytes),
                );
                pack_row(format, &bytes, lane, tile);
            }
        })
    }

    /// Packs with `fill(rows, tile)`; the shape has been checked.
    fn from_tiles(
        format: Format,
        out_features: usize,
        in_features: usize,
        pool: &Pool,
        fill: impl Fn(Range<usize>, &mut [u8]) + Sync,
    ) -> Result<Self, KernelError> {
        format.file_bytes(out_features, in_features)?;
        let n_tiles = out_features.div_ceil(TILE);
        let tiles =
            AlignedBytes::filled(n_tiles, format.tile_bytes(in_features), pool, |i, tile| {
                fill(i * TILE..((i + 1) * TILE).min(out_features), tile);
            })?;
        Ok(Self { format, out_features, in_features, tiles })
    }

    /// Decodes one row into `out`: `(in_features,)`. An embedding, where it is tied to the head.
    ///
    /// # Errors
    /// [`KernelError::Row`] if there is no such row, [`KernelError::Length`] if `out` is not one row.
    pub fn row_f32(&self, row: usize, out: &mut [f32]) -> Result<(), KernelError> {
        if row >= self.out_features {
            return Err(KernelError::Row { row, out_features: self.out_features });
        }
        let (expected, actual) = (self.in_features, out.len());
        if expected != actual {
            return Err(KernelError::Length { what: "the decoded row", expected, actual });
        }
        unpack_row(self.format, self.tile(row / TILE), row % TILE, out);
        Ok(())
    }

    /// How the weights are stored.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Rows: the length of a result.
    pub fn out_features(&self) -> usize {
        self.out_features
    }

    /// Columns: the length of an input.
    pub fn in_features(&self) -> usize {
        self.in_features
    }

    /// Memory the packed weights take.
    pub fn bytes(&self) -> usize {
        self.tiles.len()
    }

    pub(crate) fn n_tiles(&self) -> usize {
        self.out_features.div_ceil(TILE)
    }

    pub(crate) fn tile(&self, index: usize) -> &[u8] {
        let bytes = self.format.tile_bytes(self.in_features);
        &self.tiles[index * bytes..][..bytes]
    }
}

/// The rows of matrices, `(out_features, bytes)` each, that take `expected(out_features)` bytes.
fn rows_of<'a>(
    parts: &[(usize, &'a [u8])],
    expected: impl Fn(usize) -> Result<usize, KernelError>,
) -> Result<Vec<&'a [u8]>, KernelError> {
    let mut rows = Vec::new();
    for &(out_features, bytes) in parts {
        let (expected, actual) = (expected(out_features)?, bytes.len());
        if actual != expected {
            return Err(KernelError::Length { what: "the packed matrix", expected, actual });
        }
        rows.extend(bytes.chunks_exact(expected / out_features));
    }
    Ok(rows)
}
