use candle_core::{DType, Result, Tensor};
use candle_nn::ops::{layer_norm_slow, rms_norm};

/// Normalises each row; see [`crate::NormKind`].
#[derive(Debug)]
pub(crate) enum Norm {
    /// Weight `(width)` in the element type of the rows.
    Rms { weight: Tensor, eps: f32 },
    /// The weight with its one, in f32: in half precision the sum would lose the weight's last bits.
    RmsUnitOffset { weight: Tensor, eps: f32 },
    /// Weight and bias, each `(width)`.
    Layer { weight: Tensor, bias: Tensor, eps: f32 },
}

impl Norm {
    /// `(n_rows, hidden_size)` to the same; sums are in f32.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Rms { weight, eps } => rms_norm(x, weight, *eps),
            Self::RmsUnitOffset { weight, eps } => {
                rms_norm(&x.to_dtype(DType::F32)?, weight, *eps)?.to_dtype(x.dtype())
            }
            // The variance from the deviations: the fused kernel takes E[x^2] - E[x]^2, which
            // cancels.
            Self::Layer { weight, bias, eps } => layer_norm_slow(x, weight, bias, *eps),
        }
    }
}
