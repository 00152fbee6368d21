use std::fmt;
use std::ops::Deref;

use infer_code_cad_kernels::StoredFormat;

use crate::CheckpointError;

/// Where a backend finds tensors, by Hugging Face name and shape.
pub trait NamedTensors {
    /// The values of one, row-major, in f32.
    ///
    /// # Errors
    /// The tensor is not there, has another shape, or is stored in a format that is not decoded.
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError>;

    /// A matrix as it is stored, where [`StoredFormat::decode`] can read it; none where values are
    /// made only when they are asked for.
    ///
    /// # Errors
    /// As [`NamedTensors::values`].
    fn raw(&self, name: &str, shape: &[usize]) -> Result<Option<RawMatrix<'_>>, CheckpointError>;
}

/// A matrix in the blocks of its format, row after row. While it lives, the file's pages may be in
/// memory.
pub struct RawMatrix<'a> {
    /// How its elements are stored.
    pub format: StoredFormat,
    /// The blocks.
    pub bytes: Box<dyn Deref<Target = [u8]> + Sync + 'a>,
}

impl fmt::Debug for RawMatrix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawMatrix").field("format", &self.format).finish_non_exhaustive()
    }
}

/// All blocks of a tensor as floats.
pub(crate) fn decode(format: StoredFormat, bytes: &[u8]) -> Result<Vec<f32>, CheckpointError> {
    let mut values = vec![0.0; bytes.len() / format.block_bytes() * format.block_len()];
    format.decode(bytes, &mut values)?;
    Ok(values)
}
