//! Products of many rows: what encoders compute, whose rows are the tokens of whole texts.
//!
//! [`crate::matmul`] reads weights at the speed of memory for a few rows and scales every 32 inputs; these
//! products run at the speed of the arithmetic, sum over the whole row and scale once.

mod kernels;
mod matrix;
mod rows;

pub use matrix::DenseMatrix;
pub use rows::DenseRows;

use crate::format::TILE;

/// Outputs of one panel of a matrix: two tiles, which wide registers multiply at once.
pub(crate) const PANEL: usize = 2 * TILE;
/// Bytes of one step of a tile: one f32 input, or four int8 inputs, of 16 outputs.
pub(crate) const LINE: usize = 4 * TILE;

/// How a [`DenseMatrix`] holds its weights, and what [`DenseRows`] rounds its rows to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DenseFormat {
    /// Both in f32. A result is one chain of fused multiply-adds, from the bias on and over the inputs in
    /// their order.
    F32,
    /// Weights `scale * q` with `|q| <= 127` and one scale for each output, rows likewise with one scale
    /// for each row. The sum of the products of integers is exact.
    ///
    /// Both are turned by the same Hadamard matrix first, which changes no product and spreads outliers:
    /// without it the error of an embedding is several times as large.
    Int8,
}

impl DenseFormat {
    /// Inputs of one step of the inner dimension.
    pub(crate) fn inputs_per_step(self) -> usize {
        match self {
            Self::F32 => 1,
            Self::Int8 => 4,
        }
    }
}
