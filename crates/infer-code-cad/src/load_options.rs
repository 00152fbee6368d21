use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::thread::available_parallelism;

#[cfg(feature = "candle")]
use infer_code_cad_candle::{CandleModel, DType};
use infer_code_cad_checkpoint::Checkpoint;
use infer_code_cad_engine::CausalLm;
use infer_code_cad_metrics::available_bytes;
use infer_code_cad_native::{
    Format, Isa, KvFormat, NativeError, NativeModel, NativeOptions, Pool, check_memory,
};

use crate::Error;

/// How a model is held, and where it runs; the default is what [`LanguageModel::load`](crate::LanguageModel::load) does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOptions {
    /// The format of the weights. `None`: as they are in the files; on a GPU in f32.
    pub weights: Option<Format>,
    /// The format of keys and values on the CPU. `None`: int8; f16 with weights in f16 or bf16, f32 with f32.
    pub kv: Option<KvFormat>,
    /// The threads that compute on the CPU. `None`: as many as it has.
    pub threads: Option<usize>,
    /// The instruction set of the CPU's products, which changes no bit. `None`: the best that it has.
    pub isa: Option<Isa>,
    /// Where the model runs.
    pub device: Device,
}

impl Default for LoadOptions {
    /// Weights as they are stored, on the best device that this program was built for.
    fn default() -> Self {
        Self { weights: None, kv: None, threads: None, isa: None, device: Device::best() }
    }
}

impl LoadOptions {
    /// How the model is held on the CPU.
    ///
    /// # Errors
    /// [`Error::Native`] when the CPU lacks the instruction set.
    pub fn native(&self) -> Result<NativeOptions, Error> {
        let all = || available_parallelism().map_or(1, usize::from);
        let isa = self.isa.unwrap_or_else(Isa::best);
        let pool =
            Pool::with_isa(self.threads.unwrap_or_else(all), isa).map_err(NativeError::from)?;
        Ok(NativeOptions { weights: self.weights, kv: self.kv, pool: Arc::new(pool) })
    }

    /// Puts the model of a checkpoint together.
    ///
    /// # Errors
    /// [`Error::Native`], before anything is loaded when the weights do not fit into memory or the CPU lacks the instructions;
    /// [`Error::DeviceFeature`] and, with the feature `candle`, `Error::Candle`.
    pub fn build(&self, checkpoint: &Checkpoint) -> Result<Arc<dyn CausalLm>, Error> {
        if self.device == Device::Cpu {
            if let Some(available) = available_bytes() {
                check_memory(checkpoint, self.weights, available)?;
            }
            return Ok(Arc::new(NativeModel::load(checkpoint, &self.native()?)?));
        }
        self.build_on_tensors(checkpoint)
    }

    #[cfg(feature = "candle")]
    fn build_on_tensors(&self, checkpoint: &Checkpoint) -> Result<Arc<dyn CausalLm>, Error> {
        let device = match self.device {
            Device::Cpu | Device::Reference => infer_code_cad_candle::Device::Cpu,
            Device::Cuda(n) => infer_code_cad_candle::Device::Cuda(n),
            Device::Metal(n) => infer_code_cad_candle::Device::Metal(n),
        };
        let dtype = match self.weights {
            Some(Format::F16) => DType::F16,
            Some(Format::Bf16) => DType::BF16,
            _ => DType::F32,
        };
        Ok(Arc::new(CandleModel::load(checkpoint, device, dtype)?))
    }

    #[cfg(not(feature = "candle"))]
    fn build_on_tensors(&self, _: &Checkpoint) -> Result<Arc<dyn CausalLm>, Error> {
        let feature = match self.device {
            Device::Cuda(_) => "cuda",
            Device::Metal(_) => "metal",
            Device::Cpu | Device::Reference => "candle",
        };
        Err(Error::DeviceFeature { device: self.device, feature })
    }
}

/// Where a model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Device {
    /// The native backend.
    Cpu,
    /// The tensor library on the CPU: the slow reference.
    Reference,
    /// An NVIDIA GPU by number.
    Cuda(usize),
    /// An Apple GPU by number.
    Metal(usize),
}

impl Device {
    /// The best that this program was built for.
    pub fn best() -> Self {
        if cfg!(feature = "cuda") {
            Self::Cuda(0)
        } else if cfg!(feature = "metal") {
            Self::Metal(0)
        } else {
            Self::Cpu
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Reference => f.write_str("reference"),
            Self::Cuda(n) => write!(f, "cuda:{n}"),
            Self::Metal(n) => write!(f, "metal:{n}"),
        }
    }
}

impl FromStr for Device {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let unknown = || Error::UnknownDevice { name: name.to_owned() };
        let (kind, number) = name.split_once(':').unwrap_or((name, "0"));
        let number = number.parse().map_err(|_| unknown())?;
        match kind {
            "cpu" if name == "cpu" => Ok(Self::Cpu),
            "reference" if name == "reference" => Ok(Self::Reference),
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
    fn an_instruction_set_is_the_pools_or_refused() {
        for isa in Isa::ALL {
            let options =
                LoadOptions { threads: Some(1), isa: Some(isa), ..LoadOptions::default() };
            match options.native() {
                Ok(native) => assert_eq!((native.pool.isa(), native.pool.threads()), (isa, 1)),
                Err(error) => {
                    assert!(!isa.is_supported());
                    assert!(error.to_string().contains(&isa.to_string()), "{error}");
                }
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        let devices =
            [Device::Cpu, Device::Reference, Device::Cuda(0), Device::Cuda(3), Device::Metal(1)];
        for device in devices {
            assert_eq!(device.to_string().parse::<Device>().unwrap(), device);
        }
        assert_eq!("cuda".parse::<Device>().unwrap(), Device::Cuda(0));
        for name in ["", "gpu", "cuda:", "cuda:x", "cpu:0"] {
            let message = name.parse::<Device>().unwrap_err().to_string();
            assert!(message.contains("cpu, cuda, cuda:1 or metal"), "{message}");
        }
    }
}
