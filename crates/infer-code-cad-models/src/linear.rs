use candle_core::{Device, Result, Tensor};

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
    pub(crate) fn new(mut parts: Vec<Tensor>, bias: Option<Tensor>) -> Result<Self> {
        let (dtype, device) = (parts[0].dtype(), parts[0].device().clone());
        let in_features = parts[0].dim(1)?;
        let out_features = parts.iter().map(|part| part.dim(0)).sum::<Result<usize>>()?;
        if let Device::Cpu = device {
            parts.push(Tensor::zeros((PADDING, in_features), dtype, &device)?);
        }
        let joined = Tensor::cat(&parts, 0)?;
        drop(parts);
        Ok(Self { weight: joined.t()?.contiguous()?, out_features, bias })
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
