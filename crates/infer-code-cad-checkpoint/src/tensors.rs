use std::fmt;
use std::ops::Deref;

use infer_code_cad_kernels::StoredFormat;

use crate::CheckpointError;

/// Where a backend finds tensors, by Hugging Face name and shape.
///
/// A [`Checkpoint`](crate::Checkpoint) has those of its files; [`RandomWeights`](crate::RandomWeights) draws
/// them. A source of your own may read another kind of file, or change the tensors of a checkpoint on their
/// way to the backend.
///
/// # Examples
/// Tensors that a program computes, and what a backend is told of one that it did not:
/// ```
/// use std::collections::HashMap;
/// use infer_code_cad_checkpoint::{CheckpointError, NamedTensors};
///
/// #[derive(Debug)]
/// struct Computed(HashMap<String, (Vec<usize>, Vec<f32>)>);
///
/// impl NamedTensors for Computed {
///     fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
///         let (actual, values) = self.0.get(name).ok_or_else(|| {
///             CheckpointError::other(format!("{name} was not computed"))
///         })?;
///         if actual != shape {
///             return Err(CheckpointError::TensorShape {
///                 tensor: name.into(),
///                 file: "what was computed".into(),
///                 expected: shape.to_vec(),
///                 actual: actual.clone(),
///             });
///         }
///         Ok(values.clone())
///     }
/// }
///
/// let norm = ("model.norm.weight".to_owned(), (vec![2], vec![0.5, 2.0]));
/// let tensors: &dyn NamedTensors = &Computed(HashMap::from([norm]));
/// assert_eq!(tensors.values("model.norm.weight", &[2])?, [0.5, 2.0]);
/// assert!(tensors.raw("model.norm.weight", &[2])?.is_none());
/// let message = tensors.values("lm_head.weight", &[9, 2]).unwrap_err().to_string();
/// assert_eq!(message, "the source of the tensors failed: lm_head.weight was not computed");
/// # Ok::<(), CheckpointError>(())
/// ```
pub trait NamedTensors {
    /// The values of one, row-major, in f32.
    ///
    /// # Errors
    /// The tensor is not there, has another shape, or is stored in a format that is not decoded;
    /// [`CheckpointError::Other`] for what only the implementation knows.
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError>;

    /// A matrix as it is stored, where [`StoredFormat::decode`] can read it; none, which is the default,
    /// where values are made only when they are asked for.
    ///
    /// # Errors
    /// As [`NamedTensors::values`].
    fn raw(&self, name: &str, shape: &[usize]) -> Result<Option<RawMatrix<'_>>, CheckpointError> {
        let _ = (name, shape);
        Ok(None)
    }
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
