use std::collections::HashSet;
use std::sync::Arc;

use super::Gguf;
use super::names::{Change, Stored, stored};
use crate::CheckpointError;
use crate::config::TransformerConfig;
use crate::file_bytes::Reading;
use crate::tensors::{NamedTensors, RawMatrix};
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
    fn find(&self, name: &str, shape: &[usize]) -> Result<Stored, CheckpointError> {
        let missing = || CheckpointError::MissingTensor {
            tensor: match stored(&self.config, name) {
                Some(stored) => format!("{} ({name})", stored.name),
                None => name.into(),
            },
            files: self.gguf.files().collect::<Vec<_>>().join(", "),
        };
        let stored = stored(&self.config, name).ok_or_else(missing)?;
        let actual = self.gguf.shape(&stored.name).ok_or_else(missing)?;
        if actual != shape {
            return Err(CheckpointError::TensorShape {
                tensor: stored.name.clone(),
                file: self.gguf.file_of(&stored.name).unwrap_or_default().into(),
                expected: shape.to_vec(),
                actual: actual.to_vec(),
            });
        }
        Ok(stored)
    }
}

impl NamedTensors for GgufWeights {
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let found = self.find(name, shape)?;
        Ok(undo(found.change, self.stored(&found.name)?, shape[0]))
    }

    fn raw(&self, name: &str, shape: &[usize]) -> Result<Option<RawMatrix<'_>>, CheckpointError> {
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

/// The rows of each head, whatever their format, from pairs to halves: see [`Change`].
fn halves<T: Copy>(bytes: &[T], rows: usize, n_heads: usize) -> Vec<T> {
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
    ) -> Result<(), CheckpointError> {
        let read: HashSet<String> = read
            .iter()
            .filter_map(|name| Some(stored(&self.config, name)?.name))
            .chain(super::rope::TENSORS.map(Into::into))
            .collect();
        match self.gguf.tensors().find(|tensor| !read.contains(&tensor.name)) {
            None => Ok(()),
            Some(TensorInfo { name, .. }) => {
                let file = self.gguf.file_of(&name).unwrap_or_default().into();
                Err(CheckpointError::UnexpectedTensor { tensor: name, file })
            }
        }
    }

    fn tensors(&self) -> Vec<TensorInfo> {
        self.gguf.tensors().collect()
    }

    fn blocks(&self, name: &str) -> Option<Reading<'_>> {
        self.gguf.raw(name).map(|(_, blocks)| blocks)
    }

    fn stored(&self, name: &str) -> Result<Vec<f32>, CheckpointError> {
        self.gguf.values(name)?.ok_or_else(|| CheckpointError::MissingTensor {
            tensor: name.into(),
            files: self.gguf.files().collect::<Vec<_>>().join(", "),
        })
    }
}

/// What the conversion changed, changed back.
fn undo(change: Change, values: Vec<f32>, rows: usize) -> Vec<f32> {
    match change {
        Change::None => values,
        Change::PlusOne => values.into_iter().map(|x| x - 1.0).collect(),
        Change::PairedRows { n_heads } => halves(&values, rows, n_heads),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_each_head_become_halves() {
        // Two heads of four rows: row 2 i + s of a head was row i + 2 s.
        let pairs = [0, 2, 1, 3, 4, 6, 5, 7];
        let rows_of_bytes = pairs.map(|row| [row, 10 + row]).concat();
        let expected: Vec<u8> = (0..8).flat_map(|row| [row, 10 + row]).collect();
        assert_eq!(halves(&rows_of_bytes, 8, 2), expected);
        let bias = undo(Change::PairedRows { n_heads: 2 }, pairs.map(f32::from).into(), 8);
        assert_eq!(bias, [0., 1., 2., 3., 4., 5., 6., 7.]);
    }
}
