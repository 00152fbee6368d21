use std::fmt;
use std::str::FromStr;

use crate::CandleError;

/// Where a [`crate::CandleModel`] keeps its weights and computes.
///
/// Written `cpu`, `cuda:1`, `metal:0` and read back from that; `cuda` and `metal` are the first of theirs. The
/// GPUs need the feature of the same name.
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
        let unusable = |error| {
            let error = match error {
                // With RUST_BACKTRACE its text is the frames as well: no part of a sentence.
                candle_core::Error::WithBacktrace { inner, .. } => *inner,
                error => error,
            };
            CandleError::DeviceUnusable { device: self, source: error.into() }
        };
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

impl FromStr for Device {
    type Err = CandleError;

    fn from_str(name: &str) -> Result<Self, CandleError> {
        let unknown = || CandleError::UnknownDevice { name: name.to_owned() };
        let (kind, number) = name.split_once(':').unwrap_or((name, "0"));
        // `parse` would take a sign.
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| is_number).ok_or_else(unknown)?;
        match kind.to_ascii_lowercase().as_str() {
            "cpu" if kind.len() == name.len() => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(number)),
            "metal" => Ok(Self::Metal(number)),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for device in [Device::Cpu, Device::Cuda(0), Device::Cuda(12), Device::Metal(1)] {
            assert_eq!(device.to_string().parse::<Device>().unwrap(), device);
            assert_eq!(device.to_string().to_uppercase().parse::<Device>().unwrap(), device);
        }
        assert_eq!("cuda".parse::<Device>().unwrap(), Device::Cuda(0));
        assert_eq!("metal".parse::<Device>().unwrap(), Device::Metal(0));
        for name in ["", "gpu", "cpu:0", "cuda:", "cuda:+1", "cuda:-1", "cuda:1:2", "metal:x"] {
            let message = name.parse::<Device>().unwrap_err().to_string();
            assert!(message.contains("is unknown; choose cpu, cuda,"), "{message}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_gpu_without_its_feature_names_the_feature() {
        let message = Device::Cuda(0).open().unwrap_err().to_string();
        assert!(message.contains("cuda:0") && message.contains("feature cuda"), "{message}");
    }
}
