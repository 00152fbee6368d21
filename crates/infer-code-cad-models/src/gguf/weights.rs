use std::collections::HashSet;
use std::sync::Arc;

use candle_core::{DType, Tensor};

use super::Gguf;
use super::names::{Change, Stored, stored};
use crate::ModelError;
use crate::config::TransformerConfig;
use crate::loader::{Fetch, RawMatrix};
use crate::weights::{TensorInfo, TensorSource};

/// The tensors of a GGUF file under the names and in the layout of the Hugging Face checkpoint it
/// was converted from.
#[derive(Debug)]
pub(crate) struct GgufWeights {
    pub(crate) gguf: Arc<Gguf>,
    pub(crate) config: TransformerConfig,
}

impl GgufWeights {
    /// What is stored for a tensor of the model, once it is known to be there in this shape.
    fn find(&self, name: &str, shape: &[usize]) -> Result<Stored, ModelError> {
        let missing = || ModelError::MissingTensor {
            tensor: match stored(&self.config, name) {
                Some(stored) => format!("{} ({name})", stored.name),
                None => name.into(),
            },
            files: self.gguf.files().collect::<Vec<_>>().join(", "),
        };
        let stored = stored(&self.config, name).ok_or_else(missing)?;
        let actual = self.gguf.shape(&stored.name).ok_or_else(missing)?;
        if actual != shape {
            return Err(ModelError::TensorShape {
                tensor: stored.name.clone(),
                file: self.gguf.file_of(&stored.name).unwrap_or_default().into(),
                expected: shape.to_vec(),
                actual: actual.to_vec(),
            });
        }
        Ok(stored)
    }
}

impl Fetch for GgufWeights {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let found = self.find(name, shape)?;
        Ok(undo(found.change, self.stored(&found.name)?)?)
    }

    fn raw(&self, name: &str, shape: &[usize]) -> Result<Option<RawMatrix<'_>>, ModelError> {
        let found = self.find(name, shape)?;
        let Some((format, bytes)) = self.gguf.raw(&found.name) else {
            return Ok(None);
        };
        Ok(match found.change {
            Change::None => Some(RawMatrix { format, bytes: Box::new(bytes) }),
            Change::PlusOne => None,
            Change::PairedRows { n_heads } => {
                Some(RawMatrix { format, bytes: Box::new(halves(&bytes, shape[0], n_heads)) })
            }
        })
    }
}

/// The rows of each head, whatever their format, from pairs to halves: see [`undo`].
fn halves(bytes: &[u8], rows: usize, n_heads: usize) -> Vec<u8> {
    let row = bytes.len() / rows;
    let head = rows / n_heads;
    let mut out = Vec::with_capacity(bytes.len());
    for bytes in bytes.chunks(head * row) {
        for start in [0, row] {
            bytes[start..].chunks(2 * row).for_each(|pair| out.extend_from_slice(&pair[..row]));
        }
    }
    out
}

impl TensorSource for GgufWeights {
    fn check_all_read(
        &self,
        read: &HashSet<String>,
        _is_redundant: &dyn Fn(&str) -> bool,
    ) -> Result<(), ModelError> {
        let read: HashSet<String> = read
            .iter()
            .filter_map(|name| Some(stored(&self.config, name)?.name))
            .chain([super::config::ROPE_FREQS.into()])
            .collect();
        match self.gguf.tensors().find(|tensor| !read.contains(&tensor.name)) {
            None => Ok(()),
            Some(TensorInfo { name, .. }) => {
                let file = self.gguf.file_of(&name).unwrap_or_default().into();
                Err(ModelError::UnexpectedTensor { tensor: name, file })
            }
        }
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        self.gguf.tensors().collect()
    }

    fn stored(&self, name: &str) -> Result<Tensor, ModelError> {
        self.gguf.tensor(name)?.ok_or_else(|| ModelError::MissingTensor {
            tensor: name.into(),
            files: self.gguf.files().collect::<Vec<_>>().join(", "),
        })
    }
}

fn undo(change: Change, tensor: Tensor) -> candle_core::Result<Tensor> {
    match change {
        Change::None => Ok(tensor),
        Change::PlusOne => tensor.to_dtype(DType::F32)?.affine(1.0, -1.0),
        Change::PairedRows { n_heads } => {
            let rows = tensor.dim(0)?;
            let pairs = tensor.reshape((n_heads, rows / n_heads / 2, 2, ()))?;
            pairs.transpose(1, 2)?.reshape(tensor.shape())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn pairs_of_each_head_become_halves() {
        // Two heads of four rows: row 2 i + s of a head was row i + 2 s.
        let rows = Tensor::new(&[0f32, 2., 1., 3., 4., 6., 5., 7.], &Device::Cpu).unwrap();
        let change = Change::PairedRows { n_heads: 2 };
        let rows_of_bytes = [0, 2, 1, 3, 4, 6, 5, 7].map(|row| [row, 10 + row]).concat();
        let expected: Vec<u8> = (0..8).flat_map(|row| [row, 10 + row]).collect();
        assert_eq!(halves(&rows_of_bytes, 8, 2), expected);
        let bias = undo(change, rows.clone()).unwrap();
        assert_eq!(bias.to_vec1::<f32>().unwrap(), [0., 1., 2., 3., 4., 5., 6., 7.]);
        let columns = Tensor::stack(&[&rows, &rows], 1).unwrap();
        let weight = undo(change, columns).unwrap();
        assert_eq!(weight.dims(), [8, 2]);
        let column = weight.t().unwrap().contiguous().unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(column[1], [0., 1., 2., 3., 4., 5., 6., 7.]);
    }
}
