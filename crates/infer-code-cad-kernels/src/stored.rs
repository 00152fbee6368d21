use std::fmt;
use std::str::FromStr;

use half::{bf16, f16};

use crate::block_decode;
use crate::{Format, KernelError};

/// How the elements of a tensor are stored in a file; the names are GGUF's, those of floats safetensors' too.
///
/// All types of `ggml.h` are there, so that a file can be described even when it cannot be loaded:
/// [`StoredFormat::is_decoded`] tells which can be read, [`StoredFormat::held_in`] what their matrices are held
/// in, and `Format::try_from` which have products.
///
/// # Examples
/// ```
/// use infer_code_cad_kernels::{Format, StoredFormat};
///
/// let format: StoredFormat = "q4_k".parse()?;
/// assert_eq!((format.to_string().as_str(), format.block_len()), ("Q4_K", 256));
/// assert_eq!(Format::try_from(format)?, Format::Q4_K);
/// assert!(Format::try_from(StoredFormat::Q2_K).is_err());
/// # Ok::<(), infer_code_cad_kernels::KernelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(non_camel_case_types, missing_docs, reason = "the names GGUF gives them")]
pub enum StoredFormat {
    F32,
    F16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q8_1,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
    Q8_K,
    IQ2_XXS,
    IQ2_XS,
    IQ3_XXS,
    IQ1_S,
    IQ4_NL,
    IQ3_S,
    IQ2_S,
    IQ4_XS,
    I8,
    I16,
    I32,
    I64,
    F64,
    IQ1_M,
    BF16,
    TQ1_0,
    TQ2_0,
    MXFP4,
    NVFP4,
    Q1_0,
    Q2_0,
}

/// Name, code in GGUF, elements of a block and its bytes, as in gguf-py's `GGML_QUANT_SIZES`.
static TABLE: [(StoredFormat, &str, u32, usize, usize); 35] = [
    (StoredFormat::F32, "F32", 0, 1, 4),
    (StoredFormat::F16, "F16", 1, 1, 2),
    (StoredFormat::Q4_0, "Q4_0", 2, 32, 18),
    (StoredFormat::Q4_1, "Q4_1", 3, 32, 20),
    (StoredFormat::Q5_0, "Q5_0", 6, 32, 22),
    (StoredFormat::Q5_1, "Q5_1", 7, 32, 24),
    (StoredFormat::Q8_0, "Q8_0", 8, 32, 34),
    (StoredFormat::Q8_1, "Q8_1", 9, 32, 36),
    (StoredFormat::Q2_K, "Q2_K", 10, 256, 84),
    (StoredFormat::Q3_K, "Q3_K", 11, 256, 110),
    (StoredFormat::Q4_K, "Q4_K", 12, 256, 144),
    (StoredFormat::Q5_K, "Q5_K", 13, 256, 176),
    (StoredFormat::Q6_K, "Q6_K", 14, 256, 210),
    (StoredFormat::Q8_K, "Q8_K", 15, 256, 292),
    (StoredFormat::IQ2_XXS, "IQ2_XXS", 16, 256, 66),
    (StoredFormat::IQ2_XS, "IQ2_XS", 17, 256, 74),
    (StoredFormat::IQ3_XXS, "IQ3_XXS", 18, 256, 98),
    (StoredFormat::IQ1_S, "IQ1_S", 19, 256, 50),
    (StoredFormat::IQ4_NL, "IQ4_NL", 20, 32, 18),
    (StoredFormat::IQ3_S, "IQ3_S", 21, 256, 110),
    (StoredFormat::IQ2_S, "IQ2_S", 22, 256, 82),
    (StoredFormat::IQ4_XS, "IQ4_XS", 23, 256, 136),
    (StoredFormat::I8, "I8", 24, 1, 1),
    (StoredFormat::I16, "I16", 25, 1, 2),
    (StoredFormat::I32, "I32", 26, 1, 4),
    (StoredFormat::I64, "I64", 27, 1, 8),
    (StoredFormat::F64, "F64", 28, 1, 8),
    (StoredFormat::IQ1_M, "IQ1_M", 29, 256, 56),
    (StoredFormat::BF16, "BF16", 30, 1, 2),
    (StoredFormat::TQ1_0, "TQ1_0", 34, 256, 54),
    (StoredFormat::TQ2_0, "TQ2_0", 35, 256, 66),
    (StoredFormat::MXFP4, "MXFP4", 39, 32, 17),
    (StoredFormat::NVFP4, "NVFP4", 40, 64, 36),
    (StoredFormat::Q1_0, "Q1_0", 41, 128, 18),
    (StoredFormat::Q2_0, "Q2_0", 42, 64, 18),
];

impl StoredFormat {
    /// What a GGUF file's type code means.
    pub fn from_code(code: u32) -> Option<Self> {
        TABLE.iter().find(|row| row.2 == code).map(|row| row.0)
    }

    /// Its type code in GGUF.
    pub fn code(self) -> u32 {
        self.row().2
    }

    fn row(self) -> &'static (Self, &'static str, u32, usize, usize) {
        &TABLE[self as usize]
    }

    /// GGUF's name for it.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Elements of a block.
    pub fn block_len(self) -> usize {
        self.row().3
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        self.row().4
    }

    /// Bytes of a tensor, outermost dimension first; `None` when its rows are not whole blocks or its
    /// size cannot be addressed.
    pub fn size_of(self, shape: &[usize]) -> Option<usize> {
        let elements = shape.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim))?;
        let row = shape.last().copied().unwrap_or(1);
        if !row.is_multiple_of(self.block_len()) {
            return None;
        }
        (elements / self.block_len()).checked_mul(self.block_bytes())
    }

    /// Whether [`StoredFormat::decode`] knows it.
    pub fn is_decoded(self) -> bool {
        self.held_in().is_some()
    }

    /// The names of all that are decoded, for messages.
    pub fn decoded_names() -> String {
        let decoded = TABLE.iter().filter(|row| row.0.is_decoded());
        decoded.map(|row| row.1).collect::<Vec<_>>().join(", ")
    }

    /// Turns whole blocks to floats, bit for bit as ggml's `dequantize_row_*` do.
    ///
    /// # Errors
    /// [`KernelError::NotDecoded`], and [`KernelError::Length`] when `bytes` are not the blocks of
    /// `out.len()` elements.
    pub fn decode(self, bytes: &[u8], out: &mut [f32]) -> Result<(), KernelError> {
        if !self.is_decoded() {
            return Err(KernelError::NotDecoded { format: self });
        }
        let expected = out.len() / self.block_len() * self.block_bytes();
        if bytes.len() != expected || !out.len().is_multiple_of(self.block_len()) {
            return Err(KernelError::Length {
                what: "stored blocks",
                expected,
                actual: bytes.len(),
            });
        }
        match self {
            Self::F32 => each(bytes, out, f32::from_le_bytes),
            Self::F16 => each(bytes, out, |x| f16::from_le_bytes(x).to_f32()),
            Self::BF16 => each(bytes, out, |x| bf16::from_le_bytes(x).to_f32()),
            _ => {
                let blocks = bytes.chunks_exact(self.block_bytes());
                for (block, out) in blocks.zip(out.chunks_exact_mut(self.block_len())) {
                    block_decode::block(self, block, out);
                }
            }
        }
        Ok(())
    }
}

fn each<const N: usize>(bytes: &[u8], out: &mut [f32], value: impl Fn([u8; N]) -> f32) {
    out.iter_mut().zip(bytes.as_chunks().0).for_each(|(out, x)| *out = value(*x));
}

impl TryFrom<StoredFormat> for Format {
    type Error = KernelError;

    fn try_from(format: StoredFormat) -> Result<Self, KernelError> {
        let known = Self::ALL.into_iter().find(|known| StoredFormat::from(*known) == format);
        known.ok_or(KernelError::NoProduct { format })
    }
}

impl From<Format> for StoredFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Q8_0 => Self::Q8_0,
            Format::Q4_0 => Self::Q4_0,
            Format::Q4_1 => Self::Q4_1,
            Format::Q5_0 => Self::Q5_0,
            Format::Q5_1 => Self::Q5_1,
            Format::Q4_K => Self::Q4_K,
            Format::Q5_K => Self::Q5_K,
            Format::Q6_K => Self::Q6_K,
            Format::Bf16 => Self::BF16,
            Format::F16 => Self::F16,
            Format::F32 => Self::F32,
        }
    }
}

impl fmt::Display for StoredFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for StoredFormat {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        let found = TABLE.iter().find(|row| row.1.eq_ignore_ascii_case(name));
        found.map(|row| row.0).ok_or_else(|| KernelError::UnknownFormat { name: name.to_owned() })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        StoredFormat::from(*self).fmt(f)
    }
}

impl FromStr for Format {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        name.parse::<StoredFormat>()?.try_into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_are_read_back() {
        for (index, &(format, name, code, ..)) in TABLE.iter().enumerate() {
            assert_eq!(format as usize, index, "{name}");
            assert_eq!(StoredFormat::from_code(code), Some(format));
            assert_eq!(name.to_lowercase().parse::<StoredFormat>().unwrap(), format);
        }
        let message = "q9".parse::<StoredFormat>().unwrap_err().to_string();
        assert!(message.contains("q9") && message.contains("q8_0"), "{message}");
    }

    #[test]
    fn what_is_not_decoded_or_not_whole_is_refused() {
        let mut out = [0.0; 32];
        let refused = StoredFormat::Q8_1.decode(&[0; 36], &mut out).unwrap_err();
        assert_eq!(refused, KernelError::NotDecoded { format: StoredFormat::Q8_1 });
        assert!(
            refused.to_string().contains("take a file quantized to F32, F16, Q4_0"),
            "{refused}"
        );
        assert!(StoredFormat::Q8_0.decode(&[0; 33], &mut out).is_err());
        assert!(StoredFormat::Q8_0.decode(&[0; 34], &mut out[..31]).is_err());
    }
}
