use std::fmt;
use std::str::FromStr;

use crate::KernelError;

/// Output rows of one tile of a packed matrix.
pub(crate) const TILE: usize = 16;
/// Inputs that share one scale of the activations.
pub(crate) const BLOCK: usize = 32;

/// How weights are stored, by GGUF's names and with GGUF's blocks.
///
/// See the [GGUF specification](https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) and
/// ggml's `block_*` structures. Integers are little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(non_camel_case_types, reason = "the names GGUF gives them")]
pub enum Format {
    /// 32 weights `d * q`: an f16 scale, 32 signed bytes. 8.5 bits per weight.
    Q8_0,
    /// 32 weights `d * (q - 8)`: an f16 scale, 32 nibbles. 4.5 bits per weight.
    Q4_0,
    /// 32 weights `d * q + m`: f16 scale and minimum, 32 nibbles. 5 bits.
    Q4_1,
    /// 32 weights `d * (q - 16)`: an f16 scale, 32 times 5 bits. 5.5 bits.
    Q5_0,
    /// 32 weights `d * q + m`: f16 scale and minimum, 32 times 5 bits. 6 bits.
    Q5_1,
    /// 256 weights `d * scale * q - dmin * min`: per 32 of them a 6-bit scale and minimum. 4.5 bits.
    Q4_K,
    /// As Q4_K, with quants of 5 bits. 5.5 bits.
    Q5_K,
    /// 256 weights `d * scale * (q - 32)`: per 16 of them a signed 8-bit scale. 6.5625 bits.
    Q6_K,
    /// The upper half of an f32. 16 bits.
    Bf16,
    /// IEEE half precision. 16 bits.
    F16,
    /// IEEE single precision. 32 bits.
    F32,
}

/// What a row of activations is rounded to before it is multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Signed bytes, with an f32 scale per 32 of them: for quantized weights.
    Int8,
    /// f32, unrounded: for floating-point weights.
    Float,
}

impl Encoding {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Int8, Self::Float];

    /// Its name, which is read back.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Float => "float",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Encoding {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        let known = Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| KernelError::UnknownName {
            kind: "encoding",
            name: name.to_owned(),
            choices: "int8 or float",
        })
    }
}

impl Format {
    /// Every format there is.
    pub const ALL: [Self; 11] = [
        Self::Q8_0,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q4_K,
        Self::Q5_K,
        Self::Q6_K,
        Self::Bf16,
        Self::F16,
        Self::F32,
    ];

    /// The encoding its products need their activations in.
    pub fn encoding(self) -> Encoding {
        match self {
            Self::Bf16 | Self::F16 | Self::F32 => Encoding::Float,
            _ => Encoding::Int8,
        }
    }

    /// Weights in one block of a file.
    pub fn block_len(self) -> usize {
        match self {
            Self::Q8_0 | Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 => 32,
            Self::Q4_K | Self::Q5_K | Self::Q6_K => 256,
            Self::Bf16 | Self::F16 | Self::F32 => 1,
        }
    }

    /// Bytes of one block of a file.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::Q8_0 => 34,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q4_K => 144,
            Self::Q5_K => 176,
            Self::Q6_K => 210,
            Self::Bf16 | Self::F16 => 2,
            Self::F32 => 4,
        }
    }

    /// What `in_features` must be a multiple of: 256 for Q4_K, Q5_K and Q6_K, otherwise 32.
    pub fn in_features_multiple(self) -> usize {
        self.block_len().max(BLOCK)
    }

    /// Bytes that a matrix takes in a file.
    ///
    /// # Errors
    /// [`KernelError::Shape`] if it is empty or too large to address, [`KernelError::InFeatures`] if
    /// its rows are not whole blocks.
    pub fn file_bytes(self, out_features: usize, in_features: usize) -> Result<usize, KernelError> {
        let multiple = self.in_features_multiple();
        if !in_features.is_multiple_of(multiple) {
            return Err(KernelError::InFeatures { format: self, in_features, multiple });
        }
        (in_features / self.block_len())
            .checked_mul(self.block_bytes())
            .and_then(|row| row.checked_mul(out_features))
            // What is packed may be larger than the file by a tile and some scales.
            .filter(|&bytes| bytes > 0 && bytes < isize::MAX as usize / 64)
            .ok_or(KernelError::Shape { out_features, in_features })
    }

    /// Bytes of one tile: [`TILE`] rows, in the arrangement of `layout.rs`.
    pub(crate) fn tile_bytes(self, in_features: usize) -> usize {
        in_features / self.in_features_multiple() * self.tile_block_bytes()
    }

    fn tile_block_bytes(self) -> usize {
        match self {
            Self::Q8_0 => 512 + 32,
            Self::Q4_0 => 256 + 32,
            Self::Q4_1 => 256 + 64,
            Self::Q5_0 => 320 + 32,
            Self::Q5_1 => 320 + 64,
            Self::Q4_K => crate::layout::Q4_K_BYTES,
            Self::Q5_K => crate::layout::Q5_K_BYTES,
            Self::Q6_K => crate::layout::Q6_K_BYTES,
            Self::Bf16 | Self::F16 => TILE * BLOCK * 2,
            Self::F32 => TILE * BLOCK * 4,
        }
    }
}
