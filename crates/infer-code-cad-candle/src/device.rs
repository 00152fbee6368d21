use std::fmt;

use crate::CandleError;

/// Where a [`crate::CandleModel`] keeps its weights and computes.
///
/// Written `cpu`, `cuda`, `cuda:1`, `metal`. The GPUs need the feature of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// The NVIDIA GPU with this number.
    Cuda(usize),
    /// The Apple GPU with this number.
    Metal(usize),
}

impl Device {
    pub(crate) fn open(self) -> Result<candle_core::Device, CandleError> {
        let (opened, feature, compiled_in) = match self {
            Self::Cpu => return Ok(candle_core::Device::Cpu),
            Self::Cuda(n) => (candle_core::Device::new_cuda(n), "cuda", cfg!(feature = "cuda")),
            Self::Metal(n) => (candle_core::Device::new_metal(n), "metal", cfg!(feature = "metal")),
        };
        if !compiled_in {
            return Err(CandleError::DeviceFeature { device: self, feature });
        }
        let unusable =
            |e: candle_core::Error| CandleError::DeviceUnusable { device: self, source: e.into() };
        opened.map_err(unusable)
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(n) => write!(f, "cuda:{n}"),
            Self::Metal(n) => write!(f, "metal:{n}"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_gpu_without_its_feature_names_the_feature() {
        let message = Device::Cuda(0).open().unwrap_err().to_string();
        assert!(message.contains("cuda:0") && message.contains("feature cuda"), "{message}");
    }
}
