use candle_core::{DType, Device, Result, Tensor, WithDType};
use half::{bf16, f16};
use rayon::prelude::*;

use crate::host::with_slice;

/// Unused columns of a weight on the CPU: rows a power of two apart would all fall into the same
/// few lines of the cache, which costs up to half the speed.
const PADDING: usize = 16;

/// `x W^T + b`, with the weight held transposed.
///
/// In this layout the CPU kernel of candle need not repack the weight at every call, and each row
/// of the product is the same to the last bit whatever the other rows are, from two rows on (for
/// one row it takes another kernel, hence the pair below).
#[derive(Debug)]
pub(crate) struct Linear {
    weight: Tensor, // (in_features, out_features + padding)
    out_features: usize,
    bias: Option<Tensor>, // (out_features)
}

impl Linear {
    /// `parts`: at least one `(out_features, in_features)`, as checkpoints store them, to be joined.
    pub(crate) fn new(parts: &[Tensor], bias: Option<Tensor>) -> Result<Self> {
        let out_features = parts.iter().map(|part| part.dim(0)).sum::<Result<usize>>()?;
        let weight = match (parts[0].device(), parts[0].dtype()) {
            (Device::Cpu, DType::F32) => transposed::<f32>(parts, out_features)?,
            (Device::Cpu, DType::F16) => transposed::<f16>(parts, out_features)?,
            (Device::Cpu, DType::BF16) => transposed::<bf16>(parts, out_features)?,
            _ => Tensor::cat(parts, 0)?.t()?.contiguous()?,
        };
        Ok(Self { weight, out_features, bias })
    }

    /// `(n_rows, in_features)` to `(n_rows, out_features)`
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let weight = self.weight.narrow(1, 0, self.out_features)?;
        let single = x.dim(0)? == 1 && matches!(x.device(), Device::Cpu);
        let y = if single {
            Tensor::cat(&[x, x], 0)?.matmul(&weight)?.narrow(0, 0, 1)?
        } else {
            x.matmul(&weight)?
        };
        match &self.bias {
            None => Ok(y),
            Some(bias) => y.broadcast_add(bias),
        }
    }

    /// Column `id` of the weight for every id, as rows: the embedding that is tied to this output.
    ///
    /// `ids`: `(n_rows)` to `(n_rows, in_features)`
    pub(crate) fn columns(&self, ids: &Tensor) -> Result<Tensor> {
        self.weight.index_select(ids, 1)?.t()?.contiguous()
    }
}

/// Inputs and outputs transposed together: whole cache lines are read and written.
const TILE: (usize, usize) = (64, 16);

/// Matrices of the same inputs, `(n, in_features)` each, end to end as `(in_features, out_features +
/// padding)`. Ten times as fast as a copy of candle's transposed view.
fn transposed<T: WithDType>(parts: &[Tensor], out_features: usize) -> Result<Tensor> {
    let in_features = parts[0].dim(1)?;
    let stride = out_features + PADDING;
    let mut data = vec![T::zero(); in_features * stride];
    let mut column = 0;
    for part in parts {
        with_slice(part, |rows: &[T]| {
            data.par_chunks_mut(TILE.0 * stride).enumerate().for_each(|(tile, out)| {
                transpose_inputs(rows, in_features, tile * TILE.0, &mut out[column..], stride);
            });
        })?;
        column += part.dim(0)?;
    }
    Tensor::from_vec(data, (in_features, stride), &Device::Cpu)
}

/// Columns `first..` of `rows`, as many as `out` has rows, become the rows of `out`.
fn transpose_inputs<T: Copy>(
    rows: &[T],
    in_features: usize,
    first: usize,
    out: &mut [T],
    stride: usize,
) {
    let last = in_features.min(first + TILE.0);
    for (tile, rows) in rows.chunks(TILE.1 * in_features).enumerate() {
        for (out, input) in out.chunks_mut(stride).zip(first..last) {
            let inputs = rows.iter().skip(input).step_by(in_features);
            for (out, &x) in out[tile * TILE.1..].iter_mut().zip(inputs) {
                *out = x;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_transposed_matrix_is_that_of_candle() {
        for (n, m, inputs) in [(3, 5, 7), (40, 17, 130), (16, 64, 64)] {
            let ramp = |n: usize| Tensor::arange(0f32, (n * inputs) as f32, &Device::Cpu).unwrap();
            let parts = [ramp(n), ramp(m)].map(|x| x.reshape(((), inputs)).unwrap());
            let ours = transposed::<f32>(&parts, n + m).unwrap();
            assert_eq!(ours.dims(), [inputs, n + m + PADDING]);
            let ours = ours.narrow(1, 0, n + m).unwrap().to_vec2::<f32>().unwrap();
            let theirs = Tensor::cat(&parts, 0).unwrap().t().unwrap().to_vec2::<f32>().unwrap();
            assert_eq!(ours, theirs);
        }
    }
}
