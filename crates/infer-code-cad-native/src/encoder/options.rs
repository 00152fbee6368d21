use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use infer_code_cad_kernels::{DenseFormat, Pool};

use crate::NativeError;

/// How an encoder is held, and what computes it.
#[derive(Debug, Clone)]
pub struct EncoderOptions {
    /// The format of the matrices.
    pub weights: EncoderWeights,
    /// The threads. An encoder beside a language model takes a pool of its own, so that neither waits for the other.
    pub pool: Arc<Pool>,
}

impl Default for EncoderOptions {
    /// Single precision, every thread of the machine.
    fn default() -> Self {
        Self { weights: EncoderWeights::F32, pool: Arc::new(Pool::all_threads()) }
    }
}

/// The format of an encoder's matrices. Embeddings, norms and attention are f32 in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EncoderWeights {
    /// Single precision.
    F32,
    /// Signed bytes with a scale per output. Activations are rounded with a scale per token, so that a vector does not
    /// depend on its neighbours.
    Int8,
}

impl EncoderWeights {
    /// Both.
    pub const ALL: [Self; 2] = [Self::F32, Self::Int8];

    /// Its name, which is read back.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        }
    }

    pub(super) fn format(self) -> DenseFormat {
        match self {
            Self::F32 => DenseFormat::F32,
            Self::Int8 => DenseFormat::Int8,
        }
    }
}

impl fmt::Display for EncoderWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for EncoderWeights {
    type Err = NativeError;

    fn from_str(name: &str) -> Result<Self, NativeError> {
        let known = Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| NativeError::UnknownName {
            kind: "format of weights",
            name: name.to_owned(),
            choices: "f32 or int8",
        })
    }
}
