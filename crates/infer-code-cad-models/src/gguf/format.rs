use std::borrow::Cow;

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device, Tensor};
use half::{bf16, f16};
use rayon::prelude::*;

use crate::ModelError;

/// How the elements of a tensor are stored: blocks of `block` elements in `bytes` bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) code: u32,
    pub(crate) name: &'static str,
    pub(crate) block: usize,
    pub(crate) bytes: usize,
}

/// Elements turned to floats at a time: large enough to share out, small enough for the cache.
const CHUNK: usize = 1 << 15;

impl Format {
    /// What `code` means; all that ggml knows, so that a file can be described even when it cannot
    /// be loaded.
    pub(crate) fn by_code(code: u32) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.code == code)
    }

    /// Bytes of `shape`, whose rows must be whole blocks.
    pub(crate) fn size_of(&self, shape: &[usize]) -> Option<usize> {
        let elements = shape.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim))?;
        let row = shape.last().copied().unwrap_or(1);
        if !row.is_multiple_of(self.block) {
            return None;
        }
        (elements / self.block).checked_mul(self.bytes)
    }

    /// The same format of the kernels.
    pub(crate) fn packed(&self) -> Option<infer_code_cad_kernels::Format> {
        use infer_code_cad_kernels::Format;
        Some(match self.name {
            "F32" => Format::F32,
            "F16" => Format::F16,
            "BF16" => Format::Bf16,
            "Q8_0" => Format::Q8_0,
            "Q4_0" => Format::Q4_0,
            "Q4_K" => Format::Q4_K,
            "Q6_K" => Format::Q6_K,
            _ => return None,
        })
    }

    /// The format that [`crate::TensorInfo`] names.
    pub(crate) fn by_name(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// That of a safetensors file's elements, if they are floats.
    pub(crate) fn of_floats(dtype: safetensors::Dtype) -> Option<&'static Self> {
        use safetensors::Dtype;
        let name = match dtype {
            Dtype::F32 => "F32",
            Dtype::F16 => "F16",
            Dtype::BF16 => "BF16",
            _ => return None,
        };
        Self::by_name(name)
    }

    /// Whether [`Format::decode`] and [`Format::read`] know it.
    pub(crate) fn is_decoded(&self) -> bool {
        self.float().is_some() || self.quantized().is_some()
    }

    /// Bytes of a row.
    pub(crate) fn row_bytes(&self, in_features: usize) -> usize {
        in_features / self.block * self.bytes
    }

    /// Turns the bytes of a row, which begin at an even address, to floats.
    ///
    /// # Errors
    /// Those of the tensor library for a format that is not [`Format::is_decoded`].
    pub(crate) fn read(&self, bytes: &[u8], out: &mut [f32]) -> candle_core::Result<()> {
        match (self.float(), self.quantized()) {
            (Some(DType::F32), _) => each(bytes, out, f32::from_le_bytes),
            (Some(DType::F16), _) => each(bytes, out, |x| f16::from_le_bytes(x).to_f32()),
            (Some(_), _) => each(bytes, out, |x| bf16::from_le_bytes(x).to_f32()),
            (None, Some(dtype)) => {
                let blocks = dtype.from_data(Cow::Borrowed(bytes));
                out.copy_from_slice(blocks.dequantize(out.len())?.as_slice::<f32>()?);
            }
            (None, None) => candle_core::bail!("{} is not decoded", self.name),
        }
        Ok(())
    }

    /// Makes a tensor of `bytes`, which are [`Format::size_of`] `shape` long and begin at an even
    /// address: floats as they are, blocks turned to f32. `None` when the format is not supported.
    pub(crate) fn decode(
        &self,
        bytes: &[u8],
        shape: &[usize],
    ) -> Result<Option<Tensor>, ModelError> {
        debug_assert_eq!(self.size_of(shape), Some(bytes.len()));
        if let Some(dtype) = self.float() {
            return Ok(Some(Tensor::from_raw_buffer(bytes, dtype, shape, &Device::Cpu)?));
        }
        if !self.is_decoded() {
            return Ok(None);
        }
        let mut values = vec![0f32; bytes.len() / self.bytes * self.block];
        let chunks = bytes.par_chunks(CHUNK / self.block * self.bytes);
        values
            .par_chunks_mut(CHUNK)
            .zip(chunks)
            .try_for_each(|(values, bytes)| self.read(bytes, values))?;
        Ok(Some(Tensor::from_vec(values, shape, &Device::Cpu)?))
    }

    fn float(&self) -> Option<DType> {
        match self.name {
            "F32" => Some(DType::F32),
            "F16" => Some(DType::F16),
            "BF16" => Some(DType::BF16),
            _ => None,
        }
    }

    fn quantized(&self) -> Option<GgmlDType> {
        match self.name {
            "Q4_0" => Some(GgmlDType::Q4_0),
            "Q4_1" => Some(GgmlDType::Q4_1),
            "Q5_0" => Some(GgmlDType::Q5_0),
            "Q5_1" => Some(GgmlDType::Q5_1),
            "Q8_0" => Some(GgmlDType::Q8_0),
            "Q2_K" => Some(GgmlDType::Q2K),
            "Q3_K" => Some(GgmlDType::Q3K),
            "Q4_K" => Some(GgmlDType::Q4K),
            "Q5_K" => Some(GgmlDType::Q5K),
            "Q6_K" => Some(GgmlDType::Q6K),
            _ => None,
        }
    }
}

fn each<const N: usize>(bytes: &[u8], out: &mut [f32], value: impl Fn([u8; N]) -> f32) {
    out.iter_mut().zip(bytes.as_chunks().0).for_each(|(out, x)| *out = value(*x));
}

const fn format(code: u32, name: &'static str, block: usize, bytes: usize) -> Format {
    Format { code, name, block, bytes }
}

/// The types of ggml.h; sizes as in gguf-py's `GGML_QUANT_SIZES`.
static FORMATS: [Format; 35] = [
    format(0, "F32", 1, 4),
    format(1, "F16", 1, 2),
    format(2, "Q4_0", 32, 18),
    format(3, "Q4_1", 32, 20),
    format(6, "Q5_0", 32, 22),
    format(7, "Q5_1", 32, 24),
    format(8, "Q8_0", 32, 34),
    format(9, "Q8_1", 32, 36),
    format(10, "Q2_K", 256, 84),
    format(11, "Q3_K", 256, 110),
    format(12, "Q4_K", 256, 144),
    format(13, "Q5_K", 256, 176),
    format(14, "Q6_K", 256, 210),
    format(15, "Q8_K", 256, 292),
    format(16, "IQ2_XXS", 256, 66),
    format(17, "IQ2_XS", 256, 74),
    format(18, "IQ3_XXS", 256, 98),
    format(19, "IQ1_S", 256, 50),
    format(20, "IQ4_NL", 32, 18),
    format(21, "IQ3_S", 256, 110),
    format(22, "IQ2_S", 256, 82),
    format(23, "IQ4_XS", 256, 136),
    format(24, "I8", 1, 1),
    format(25, "I16", 1, 2),
    format(26, "I32", 1, 4),
    format(27, "I64", 1, 8),
    format(28, "F64", 1, 8),
    format(29, "IQ1_M", 256, 56),
    format(30, "BF16", 1, 2),
    format(34, "TQ1_0", 256, 54),
    format(35, "TQ2_0", 256, 66),
    format(39, "MXFP4", 32, 17),
    format(40, "NVFP4", 64, 36),
    format(41, "Q1_0", 128, 18),
    format(42, "Q2_0", 64, 18),
];
