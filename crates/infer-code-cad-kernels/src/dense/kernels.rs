use std::ops::Range;

use super::matrix::OutputParameters;
use super::{DenseFormat, DenseRows, LINE, PANEL};
use crate::activations::Group;
use crate::isa::Simd;

/// The lines of one tile after the other.
pub(super) type Lines<'a> = &'a [[u8; LINE]];

/// The sums of every row, for each vector of outputs.
type Sums<T, S, const N: usize> = <S as Simd>::Columns<[T; N]>;

/// Some steps of the inner dimension, of the tiles that are multiplied at once.
pub(super) struct Block<'a> {
    pub(super) tiles: Lines<'a>,
    pub(super) steps: Range<usize>,
    pub(super) outputs: &'a OutputParameters,
    /// The first of the panel's tiles.
    pub(super) tile: usize,
}

/// The results of some rows of a group, of which the first [`Simd::TILES`] times 16 count.
pub(super) trait Results {
    fn load(&self, row: usize, to: &mut [f32; PANEL]);
    fn store(&mut self, row: usize, from: &[f32; PANEL]);
}

/// A block times a group.
pub(super) fn multiply<S: Simd>(
    simd: S,
    block: &Block<'_>,
    rows: &DenseRows,
    group: Group,
    results: &mut impl Results,
) {
    let product = Product { block, rows, first: group.first };
    // The guards let only those be compiled that an instruction set uses.
    match group.rows {
        1 => product.rows::<S, 1>(simd, results),
        2 if const { S::DENSE_ROWS >= 2 } => product.rows::<S, 2>(simd, results),
        3 if const { S::DENSE_ROWS >= 3 } => product.rows::<S, 3>(simd, results),
        4 if const { S::DENSE_ROWS >= 4 } => product.rows::<S, 4>(simd, results),
        5 if const { S::DENSE_ROWS >= 5 } => product.rows::<S, 5>(simd, results),
        6 if const { S::DENSE_ROWS >= 6 } => product.rows::<S, 6>(simd, results),
        7 if const { S::DENSE_ROWS >= 7 } => product.rows::<S, 7>(simd, results),
        8 if const { S::DENSE_ROWS >= 8 } => product.rows::<S, 8>(simd, results),
        9 if const { S::DENSE_ROWS >= 9 } => product.rows::<S, 9>(simd, results),
        10 if const { S::DENSE_ROWS >= 10 } => product.rows::<S, 10>(simd, results),
        11 if const { S::DENSE_ROWS >= 11 } => product.rows::<S, 11>(simd, results),
        12 if const { S::DENSE_ROWS >= 12 } => product.rows::<S, 12>(simd, results),
        rows => unreachable!("groups have 1 to DENSE_ROWS rows, not {rows}"),
    }
}

struct Product<'a> {
    block: &'a Block<'a>,
    rows: &'a DenseRows,
    first: usize,
}

impl Product<'_> {
    fn rows<S: Simd, const N: usize>(&self, simd: S, results: &mut impl Results) {
        let mut buffer = [[0.0; PANEL]; N];
        if self.rows.format() == DenseFormat::F32 {
            for (row, buffer) in buffer.iter_mut().enumerate() {
                match self.block.steps.start {
                    0 => buffer[..16 * S::TILES].copy_from_slice(self.bias::<S>()),
                    _ => results.load(row, buffer),
                }
            }
        }
        simd.vectorize(
            #[inline(always)]
            || match self.rows.format() {
                DenseFormat::F32 => self.continue_f32(simd, &mut buffer),
                DenseFormat::Int8 => self.int8(simd, &mut buffer),
            },
        );
        buffer.iter().enumerate().for_each(|(row, buffer)| results.store(row, buffer));
    }

    fn bias<S: Simd>(&self) -> &[f32] {
        &self.block.outputs.bias[16 * self.block.tile..][..16 * S::TILES]
    }

    /// The lines that the vectors come from.
    #[inline(always)]
    fn lines<S: Simd>(&self) -> S::Columns<Lines<'_>> {
        let of_tile = self.block.tiles.len() / S::TILES;
        S::columns(|c| {
            let tile = &self.block.tiles[c / S::VECTORS * of_tile..][..of_tile];
            &tile[self.block.steps.clone()]
        })
    }

    #[inline(always)]
    fn steps<const N: usize>(&self) -> &[[u32; N]] {
        &self.rows.steps(self.first)[self.block.steps.clone()]
    }

    /// Each sum is one chain of products in the order of the inputs, from the bias on.
    #[inline(always)]
    fn continue_f32<S: Simd, const N: usize>(&self, simd: S, results: &mut [[f32; PANEL]; N]) {
        let (lines, steps) = (self.lines::<S>(), self.steps::<N>());
        let mut sums: Sums<S::Floats, S, N> = S::columns(|c| {
            let tile = c / S::VECTORS;
            std::array::from_fn(|b| simd.load(&results[b].as_chunks().0[tile], c % S::VECTORS))
        });
        for (k, step) in steps.iter().enumerate() {
            let weights = S::columns(|c| simd.f32s(&lines[c][k], c % S::VECTORS));
            for b in 0..N {
                let x = simd.splat(f32::from_bits(step[b]));
                for c in 0..S::COLUMNS {
                    sums[c][b] = simd.fma(weights[c], x, sums[c][b]);
                }
            }
        }
        for c in 0..S::COLUMNS {
            for b in 0..N {
                let to = &mut results[b].as_chunks_mut().0[c / S::VECTORS];
                simd.store(sums[c][b], to, c % S::VECTORS);
            }
        }
    }

    /// `bias + row scale * weight scale * sum of products`.
    #[inline(always)]
    fn int8<S: Simd, const N: usize>(&self, simd: S, results: &mut [[f32; PANEL]; N]) {
        let sums = self.sum_int8::<S, N>(simd);
        let row_scales = self.rows.scales::<N>(self.first);
        let OutputParameters { bias, scale } = self.block.outputs;
        for c in 0..S::COLUMNS {
            let (tile, v) = (c / S::VECTORS, c % S::VECTORS);
            let bias = simd.load(&bias.as_chunks().0[self.block.tile + tile], v);
            let scale = simd.load(&scale.as_chunks().0[self.block.tile + tile], v);
            for b in 0..N {
                let scale = simd.mul(scale, simd.splat(row_scales[b]));
                let result = simd.fma(simd.to_floats(sums[c][b]), scale, bias);
                simd.store(result, &mut results[b].as_chunks_mut().0[tile], v);
            }
        }
    }

    #[inline(always)]
    fn sum_int8<S: Simd, const N: usize>(&self, simd: S) -> Sums<S::Ints, S, N> {
        let (lines, steps) = (self.lines::<S>(), self.steps::<N>());
        let starts = self.rows.offsets::<N>(self.first).map(|offset| simd.start_8bit(offset));
        let mut sums = S::columns(|_| starts);
        for (k, step) in steps.iter().enumerate() {
            let weights = S::columns(|c| simd.bytes(&lines[c][k], c % S::VECTORS));
            for b in 0..N {
                for c in 0..S::COLUMNS {
                    sums[c][b] = simd.dot_8bit(sums[c][b], weights[c], step[b].cast_signed());
                }
            }
        }
        sums
    }
}
