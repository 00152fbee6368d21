use std::ops::Range;

use crate::activations::{Activations, Group};
use crate::disjoint::Disjoint;
use crate::format::TILE;
use crate::isa::{Simd, with_simd};
use crate::kernels::{self, Results};
use crate::{Format, KernelError, PackedMatrix, Pool};

/// Parts of the work per thread: few, so that each stream is long, and enough that a thread which is
/// held up leaves the others something to take over.
const PARTS_PER_THREAD: usize = 8;
/// Weights of this many bytes are multiplied with all groups of rows before the next are read: they
/// stay in the second-level cache.
const CACHED_BYTES: usize = 256 << 10;

/// Multiplies every row of the activations with the matrix: `out[r][o] = sum of x[r][i] * w[o][i]`.
///
/// All rows share one pass over the weights in memory. The result of a row depends on nothing else.
///
/// # Shapes
/// `out`: `(rows, out_features)`, overwritten.
///
/// # Errors
/// [`KernelError::InnerDimension`], [`KernelError::Encoding`] or [`KernelError::OtherIsa`] if the
/// activations were not set for this matrix on this pool, [`KernelError::Length`] if `out` has
/// another shape.
pub fn matmul(
    matrix: &PackedMatrix,
    activations: &Activations,
    out: &mut [f32],
    pool: &Pool,
) -> Result<(), KernelError> {
    check(matrix, activations, out, pool)?;
    if activations.rows() == 0 {
        return Ok(());
    }
    let out = Disjoint::new(out);
    let n_tiles = matrix.n_tiles();
    let n_parts = if pool.threads() == 1 { 1 } else { pool.threads() * PARTS_PER_THREAD };
    let n_parts = n_parts.min(n_tiles);
    with_simd!(pool.isa(), simd => pool.run(n_parts, |part| {
        let tiles = n_tiles * part / n_parts..n_tiles * (part + 1) / n_parts;
        multiply(simd, matrix, activations, tiles, &out);
    }));
    Ok(())
}

fn check(
    matrix: &PackedMatrix,
    activations: &Activations,
    out: &[f32],
    pool: &Pool,
) -> Result<(), KernelError> {
    let format = matrix.format();
    let (expected, actual) = (activations.rows() * matrix.out_features(), out.len());
    if activations.in_features() != matrix.in_features() {
        let (matrix, activations) = (matrix.in_features(), activations.in_features());
        return Err(KernelError::InnerDimension { matrix, activations });
    }
    if activations.encoding() != format.encoding() {
        let (needed, actual) = (format.encoding(), activations.encoding());
        return Err(KernelError::Encoding { format, needed, actual });
    }
    if activations.isa() != pool.isa() {
        return Err(KernelError::OtherIsa { activations: activations.isa(), pool: pool.isa() });
    }
    if expected != actual {
        return Err(KernelError::Length { what: "the product", expected, actual });
    }
    Ok(())
}

/// All rows times some tiles.
fn multiply<S: Simd>(
    simd: S,
    matrix: &PackedMatrix,
    activations: &Activations,
    tiles: Range<usize>,
    out: &Disjoint<'_, f32>,
) {
    let cached = match activations.groups().count() {
        1 => 1,
        _ => (CACHED_BYTES / matrix.tile(0).len()).max(1),
    };
    for start in tiles.clone().step_by(cached) {
        for group in activations.groups().iter() {
            for tile in start..(start + cached).min(tiles.end) {
                let product = Product { matrix, activations, tile, group };
                product.compute(simd, out);
            }
        }
    }
}

/// A tile times a group.
struct Product<'a> {
    matrix: &'a PackedMatrix,
    activations: &'a Activations,
    tile: usize,
    group: Group,
}

impl Product<'_> {
    fn compute<S: Simd>(&self, simd: S, out: &Disjoint<'_, f32>) {
        // The guards let only those be compiled that an instruction set uses.
        match self.group.rows {
            1 => self.rows::<S, 1>(simd, out),
            2 if const { most::<S>() >= 2 } => self.rows::<S, 2>(simd, out),
            3 if const { most::<S>() >= 3 } => self.rows::<S, 3>(simd, out),
            4 if const { most::<S>() >= 4 } => self.rows::<S, 4>(simd, out),
            5 if const { most::<S>() >= 5 } => self.rows::<S, 5>(simd, out),
            6 if const { most::<S>() >= 6 } => self.rows::<S, 6>(simd, out),
            7 if const { most::<S>() >= 7 } => self.rows::<S, 7>(simd, out),
            8 if const { most::<S>() >= 8 } => self.rows::<S, 8>(simd, out),
            9 if const { most::<S>() >= 9 } => self.rows::<S, 9>(simd, out),
            10 if const { most::<S>() >= 10 } => self.rows::<S, 10>(simd, out),
            rows => unreachable!("groups have 1 to 10 rows, not {rows}"),
        }
    }

    fn rows<S: Simd, const N: usize>(&self, simd: S, out: &Disjoint<'_, f32>) {
        let out_features = self.matrix.out_features();
        let start = self.tile * TILE;
        let of_row = |row: usize| {
            let at = (self.group.first + row) * out_features;
            // SAFETY: each tile of each group is computed once, and no two share a result.
            unsafe { out.part(at + start..at + out_features.min(start + TILE)) }
        };
        if start + TILE <= out_features {
            let mut results: Results<'_, N> =
                std::array::from_fn(|row| of_row(row).first_chunk_mut().expect("a whole tile"));
            self.tile::<S, N>(simd, &mut results);
        } else {
            let mut room = [[0.0; TILE]; N];
            self.tile::<S, N>(simd, &mut room.each_mut());
            for (row, results) in room.iter().enumerate() {
                let to = of_row(row);
                to.copy_from_slice(&results[..to.len()]);
            }
        }
    }

    #[rustfmt::skip]
    fn tile<S: Simd, const N: usize>(&self, simd: S, out: &mut Results<'_, N>) {
        let tile = self.matrix.tile(self.tile);
        let first = self.group.first;
        let int8 = || self.activations.int8_group::<N>(first);
        let floats = || self.activations.float_group::<N>(first);
        match self.matrix.format() {
            Format::Q8_0 => { let rows = int8(); simd.vectorize(#[inline(always)] || kernels::q8_0(simd, tile, rows, out)) }
            Format::Q4_0 => { let rows = int8(); simd.vectorize(#[inline(always)] || kernels::q4_0(simd, tile, rows, out)) }
            Format::Q4_1 => { let rows = int8(); simd.vectorize(#[inline(always)] || kernels::q4_1(simd, tile, rows, out)) }
            Format::Q5_0 => { let rows = int8(); simd.vectorize(#[inline(always)] || kernels::q5_0(simd, tile, rows, out)) }
            Format::Q5_1 => { let rows = int8(); simd.vectorize(#[inline(always)] || kernels::q5_1(simd, tile, rows, out)) }
            Format::Q4_K => { let rows = int8(); simd.vectorize(#[inline(always)] || kernels::q4_k(simd, tile, rows, out)) }
            Format::Q5_K => { let rows = int8(); simd.vectorize(#[inline(always)] || kernels::q5_k(simd, tile, rows, out)) }
            Format::Q6_K => { let rows = int8(); simd.vectorize(#[inline(always)] || kernels::q6_k(simd, tile, rows, out)) }
            _ if const { N > S::FLOAT_ROWS } => unreachable!("no group of floats has so many rows"),
            Format::Bf16 => { let rows = floats(); simd.vectorize(#[inline(always)] || kernels::bf16(simd, tile, rows, out)) }
            Format::F16 => { let rows = floats(); simd.vectorize(#[inline(always)] || kernels::f16(simd, tile, rows, out)) }
            Format::F32 => { let rows = floats(); simd.vectorize(#[inline(always)] || kernels::f32(simd, tile, rows, out)) }
        }
    }
}

const fn most<S: Simd>() -> usize {
    if S::INT8_ROWS > S::FLOAT_ROWS { S::INT8_ROWS } else { S::FLOAT_ROWS }
}
