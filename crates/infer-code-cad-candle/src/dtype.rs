use std::fmt;
use std::str::FromStr;

use crate::CandleError;

/// The element type that a model on the tensor library computes in, but for norms and softmax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// 32 bits: the reference.
    F32,
    /// IEEE half precision.
    F16,
    /// bfloat16: the range of f32, 8 bits of precision.
    BF16,
}

impl DType {
    /// Every one there is.
    pub const ALL: [Self; 3] = [Self::F32, Self::F16, Self::BF16];

    /// What the tensor library calls it.
    pub(crate) fn of_tensors(self) -> candle_core::DType {
        match self {
            Self::F32 => candle_core::DType::F32,
            Self::F16 => candle_core::DType::F16,
            Self::BF16 => candle_core::DType::BF16,
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
        let known = Self::ALL.into_iter().find(|t| t.to_string().eq_ignore_ascii_case(name));
        known.ok_or_else(|| CandleError::UnknownDType { name: name.to_owned() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_in_either_case() {
        for dtype in DType::ALL {
            assert_eq!(dtype.to_string().parse::<DType>().unwrap(), dtype);
            assert_eq!(dtype.to_string().to_uppercase().parse::<DType>().unwrap(), dtype);
        }
        let message = "f8".parse::<DType>().unwrap_err().to_string();
        assert!(message.contains("\"f8\" is unknown; choose f32, f16 or bf16"), "{message}");
    }
}
