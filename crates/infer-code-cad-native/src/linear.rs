use infer_code_cad_kernels::{Activations, KernelError, PackedMatrix, Pool, matmul};

/// `x W^T + b` with packed weights. Matrices of the same input are joined; those of another format
/// are products of their own.
#[derive(Debug)]
pub(crate) struct NativeLinear {
    pub(crate) parts: Vec<PackedMatrix>, // (n, in_features padded) each
    pub(crate) bias: Option<Vec<f32>>,   // (out_features)
    pub(crate) in_features: usize,
    pub(crate) out_features: usize,
}

/// Room for the inputs and the parts of a product, reused from call to call.
#[derive(Debug, Default)]
pub(crate) struct LinearScratch {
    activations: Activations,
    padded: Vec<f32>,
    part: Vec<f32>,
}

impl NativeLinear {
    /// `x`: `(n_rows, in_features)`, `out`: `(n_rows, out_features)`
    pub(crate) fn forward(
        &self,
        x: &[f32],
        out: &mut [f32],
        scratch: &mut LinearScratch,
        pool: &Pool,
    ) -> Result<(), KernelError> {
        let LinearScratch { activations, padded, part } = scratch;
        let mut encoding = None;
        let mut column = 0;
        for matrix in &self.parts {
            if encoding != Some(matrix.format().encoding()) {
                let x = pad(x, self.in_features, matrix.in_features(), padded);
                activations.set(x, matrix.in_features(), matrix.format().encoding(), pool)?;
                encoding = Some(matrix.format().encoding());
            }
            if let [_] = *self.parts {
                matmul(matrix, activations, out, pool)?;
                break;
            }
            let width = matrix.out_features();
            part.resize(x.len() / self.in_features * width, 0.0);
            matmul(matrix, activations, part, pool)?;
            for (out, part) in out.chunks_mut(self.out_features).zip(part.chunks(width)) {
                out[column..column + width].copy_from_slice(part);
            }
            column += width;
        }
        if let Some(bias) = &self.bias {
            for row in out.chunks_mut(self.out_features) {
                row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
            }
        }
        Ok(())
    }

    /// Memory that the weights take.
    pub(crate) fn bytes(&self) -> usize {
        let bias = self.bias.as_ref().map_or(0, |bias| size_of_val(&**bias));
        self.parts.iter().map(PackedMatrix::bytes).sum::<usize>() + bias
    }

    /// Row `index` of the weights: the embedding that is tied to this output.
    pub(crate) fn row(
        &self,
        index: usize,
        out: &mut [f32],
        scratch: &mut LinearScratch,
    ) -> Result<(), KernelError> {
        let matrix = &self.parts[0];
        if matrix.in_features() == self.in_features {
            return matrix.row_f32(index, out);
        }
        let padded = &mut scratch.padded;
        padded.resize(matrix.in_features(), 0.0);
        matrix.row_f32(index, padded)?;
        out.copy_from_slice(&padded[..self.in_features]);
        Ok(())
    }
}

/// Rows of `from` features as rows of `to`, with zeros.
fn pad<'a>(x: &'a [f32], from: usize, to: usize, room: &'a mut Vec<f32>) -> &'a [f32] {
    if from == to {
        return x;
    }
    room.clear();
    for row in x.chunks(from) {
        room.extend_from_slice(row);
        room.resize(room.len() + to - from, 0.0);
    }
    room
}
