use candle_core::{DType, Device, Tensor};
use infer_code_cad_checkpoint::architecture::Bias;
use infer_code_cad_checkpoint::{NamedTensors, NormKind, TransformerConfig};

use crate::fault::Fault;
use crate::linear::Linear;
use crate::norm::Norm;

/// Fetches tensors and brings them to the model's element type and device.
pub(crate) struct Loader<'a> {
    pub(crate) config: &'a TransformerConfig,
    pub(crate) dtype: DType,
    pub(crate) device: Device,
    pub(crate) tensors: &'a dyn NamedTensors,
    /// Of the tensors brought there so far.
    pub(crate) bytes: usize,
}

impl Loader<'_> {
    pub(crate) fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, Fault> {
        let tensor = self.values(name, shape)?.to_dtype(self.dtype)?;
        Ok(self.counted(tensor.to_device(&self.device)?))
    }

    /// In f32 on the CPU.
    fn values(&self, name: &str, shape: &[usize]) -> Result<Tensor, Fault> {
        Ok(Tensor::from_vec(self.tensors.values(name, shape)?, shape, &Device::Cpu)?)
    }

    fn counted(&mut self, tensor: Tensor) -> Tensor {
        self.bytes += tensor.elem_count() * tensor.dtype().size_in_bytes();
        tensor
    }

    pub(crate) fn norm(&mut self, name: &str, width: usize) -> Result<Norm, Fault> {
        let shape = [width];
        let eps = self.config.norm_eps as f32;
        let name_of = |part| format!("{name}.{part}");
        Ok(match self.config.norm {
            NormKind::Rms => Norm::Rms { weight: self.tensor(&name_of("weight"), &shape)?, eps },
            NormKind::RmsUnitOffset => {
                let weight = self.values(&name_of("weight"), &shape)?;
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
    ) -> Result<Linear, Fault> {
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
