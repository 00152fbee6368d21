use infer_code_cad_kernels::{DenseFormat, DenseMatrix, DenseRows, KernelError, Pool};

use crate::NativeError;
use crate::loader::NativeLoader;

/// `x W^T + b` for many rows.
#[derive(Debug)]
pub(super) struct EncoderLinear(DenseMatrix);

impl EncoderLinear {
    /// Projections of the same input (name, number of outputs), joined.
    pub(super) fn load(
        format: DenseFormat,
        parts: &[(String, usize)],
        in_features: usize,
        loader: &NativeLoader<'_>,
    ) -> Result<Self, NativeError> {
        let (mut weights, mut bias) = (vec![], vec![]);
        for (name, outputs) in parts {
            weights.extend(loader.values(&format!("{name}.weight"), &[*outputs, in_features])?);
            bias.extend(loader.values(&format!("{name}.bias"), &[*outputs])?);
        }
        Ok(Self(DenseMatrix::pack(format, in_features, &weights, &bias, loader.pool)?))
    }

    /// `x`: `(n_rows, in_features)`, `out`: `(n_rows, out_features)`
    pub(super) fn forward(
        &self,
        x: &[f32],
        out: &mut [f32],
        rows: &mut DenseRows,
        pool: &Pool,
    ) -> Result<(), KernelError> {
        rows.set(self.0.format(), self.0.in_features(), x, pool)?;
        self.0.multiply(rows, out, pool)
    }

    /// Length of a row.
    pub(super) fn in_features(&self) -> usize {
        self.0.in_features()
    }

    /// Memory that the weights take.
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes()
    }
}
