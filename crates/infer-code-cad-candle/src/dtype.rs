use std::fmt;
use std::str::FromStr;

use crate::CandleError;

/// The element type that a model on the tensor library computes in, but for norms and softmax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32 bits: the reference.
    F32,
    /// IEEE half precision.
    F16,
    /// bfloat16: the range of f32, 8 bits of precision.
    BF16,
}

impl From<DType> for candle_core::DType {
    fn from(dtype: DType) -> Self {
        match dtype {
            DType::F32 => Self::F32,
            DType::F16 => Self::F16,
            DType::BF16 => Self::BF16,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
        })
    }
}

impl FromStr for DType {
    type Err = CandleError;

    fn from_str(name: &str) -> Result<Self, CandleError> {
        let known = [Self::F32, Self::F16, Self::BF16].into_iter().find(|t| t.to_string() == name);
        known.ok_or_else(|| CandleError::UnknownDType { name: name.to_owned() })
    }
}
