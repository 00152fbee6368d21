use candle_core::{Result, Tensor};

/// `x W^T + b`.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: Tensor,       // (out_features, in_features)
    bias: Option<Tensor>, // (out_features)
}

impl Linear {
    /// `parts`: at least one `(out_features, in_features)`, to be joined.
    pub(crate) fn new(parts: &[Tensor], bias: Option<Tensor>) -> Result<Self> {
        Ok(Self { weight: Tensor::cat(parts, 0)?, bias })
    }

    /// `(n_rows, in_features)` to `(n_rows, out_features)`
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = x.matmul(&self.weight.t()?)?;
        match &self.bias {
            None => Ok(y),
            Some(bias) => y.broadcast_add(bias),
        }
    }

    /// Row `id` of the weight for every id: the embedding that is tied to this output.
    ///
    /// `ids`: `(n_rows)` to `(n_rows, in_features)`
    pub(crate) fn rows(&self, ids: &Tensor) -> Result<Tensor> {
        self.weight.index_select(ids, 0)
    }
}
