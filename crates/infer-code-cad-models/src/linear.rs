use candle_core::{Device, Result, Tensor};

/// `x W^T + b`, with the weight held transposed.
///
/// The weight is `(in_features, out_features)`: in this layout the CPU kernel of candle need not
/// repack it at every call, and each row of the product is the same to the last bit whatever the
/// other rows are, from two rows on (for one row it takes another kernel, hence the pair below).
#[derive(Debug)]
pub(crate) struct Linear {
    weight: Tensor,       // (in_features, out_features)
    bias: Option<Tensor>, // (out_features)
}

impl Linear {
    /// `weight`: `(out_features, in_features)`, as checkpoints store it.
    pub(crate) fn new(weight: &Tensor, bias: Option<Tensor>) -> Result<Self> {
        Ok(Self { weight: weight.t()?.contiguous()?, bias })
    }

    /// `(n_rows, in_features)` to `(n_rows, out_features)`
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let single = x.dim(0)? == 1 && matches!(x.device(), Device::Cpu);
        let y = if single {
            Tensor::cat(&[x, x], 0)?.matmul(&self.weight)?.narrow(0, 0, 1)?
        } else {
            x.matmul(&self.weight)?
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
