use std::fmt;
use std::ops::Deref;

use candle_core::{DType, Device, Tensor};

use crate::ModelError;
use crate::config::{NormKind, TransformerConfig};
use crate::gguf::StoredFormat;
use crate::linear::Linear;
use crate::norm::Norm;

/// Where a backend finds tensors, by Hugging Face name and shape.
pub(crate) trait Fetch {
    /// Reads one to the CPU, in any float type.
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError>;

    /// A matrix as it is stored, where [`StoredFormat::read`] can read it; none where values are
    /// made only when they are asked for.
    fn raw(&self, name: &str, shape: &[usize]) -> Result<Option<RawMatrix<'_>>, ModelError>;
}

/// A matrix in the blocks of its format, row after row. While it lives, the file's pages may be in
/// memory.
pub(crate) struct RawMatrix<'a> {
    pub(crate) format: &'static StoredFormat,
    pub(crate) bytes: Box<dyn Deref<Target = [u8]> + Sync + 'a>,
}

impl fmt::Debug for RawMatrix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawMatrix").field("format", self.format).finish_non_exhaustive()
    }
}

/// Fetches tensors and brings them to the model's element type and device.
pub(crate) struct Loader<'a> {
    pub(crate) config: &'a TransformerConfig,
    pub(crate) dtype: DType,
    pub(crate) device: Device,
    pub(crate) fetch: &'a dyn Fetch,
    /// Of the tensors brought there so far.
    pub(crate) bytes: usize,
}

/// Whether projections have a bias.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bias {
    Absent,
    Present,
}

impl Bias {
    pub(crate) fn when(present: bool) -> Self {
        if present { Self::Present } else { Self::Absent }
    }
}

impl Loader<'_> {
    pub(crate) fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let tensor = self.fetch.tensor(name, shape)?;
        Ok(self.counted(tensor.to_device(&self.device)?.to_dtype(self.dtype)?))
    }

    fn counted(&mut self, tensor: Tensor) -> Tensor {
        self.bytes += tensor.elem_count() * tensor.dtype().size_in_bytes();
        tensor
    }

    pub(crate) fn norm(&mut self, name: &str) -> Result<Norm, ModelError> {
        let shape = [self.config.hidden_size];
        let eps = self.config.norm_eps as f32;
        let name_of = |part| format!("{name}.{part}");
        Ok(match self.config.norm {
            NormKind::Rms => Norm::Rms { weight: self.tensor(&name_of("weight"), &shape)?, eps },
            NormKind::RmsUnitOffset => {
                let weight = self.fetch.tensor(&name_of("weight"), &shape)?.to_dtype(DType::F32)?;
                let weight = (weight + 1.0)?.to_device(&self.device)?;
                Norm::RmsUnitOffset { weight: self.counted(weight), eps }
            }
            NormKind::Layer => Norm::Layer {
                weight: self.tensor(&name_of("weight"), &shape)?,
                bias: self.tensor(&name_of("bias"), &shape)?,
                eps,
            },
        })
    }

    /// Projections of the same input (name, number of outputs), joined to one matrix.
    pub(crate) fn linear(
        &mut self,
        parts: &[(impl AsRef<str>, usize)],
        in_features: usize,
        bias: Bias,
    ) -> Result<Linear, ModelError> {
        let mut weights = Vec::new();
        let mut biases = Vec::new();
        for (name, out_features) in parts {
            let (name, outputs) = (name.as_ref(), *out_features);
            weights.push(self.tensor(&format!("{name}.weight"), &[outputs, in_features])?);
            if bias == Bias::Present {
                biases.push(self.tensor(&format!("{name}.bias"), &[outputs])?);
            }
        }
        let bias = match bias {
            Bias::Absent => None,
            Bias::Present => Some(Tensor::cat(&biases, 0)?),
        };
        Ok(Linear::new(&weights, bias)?)
    }
}
