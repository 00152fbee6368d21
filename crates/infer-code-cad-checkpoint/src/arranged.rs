use crate::CheckpointError;
use crate::config::{Architecture, TransformerConfig};
use crate::tensors::{NamedTensors, RawMatrix};

/// Tensors in the order of rows that attention takes: all queries, all keys, all values.
///
/// GPTBigCode without multi-query attention stores the query, the key and the value of a head together, head after
/// head. All other tensors are as they were.
pub struct Arranged<'a> {
    tensors: &'a dyn NamedTensors,
    /// Heads in a joined projection whose rows are to be moved.
    n_heads: Option<usize>,
}

impl std::fmt::Debug for Arranged<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arranged").field("n_heads", &self.n_heads).finish_non_exhaustive()
    }
}

impl<'a> Arranged<'a> {
    /// Those of a model of this configuration.
    pub fn new(config: &TransformerConfig, tensors: &'a dyn NamedTensors) -> Self {
        let is_by_head =
            config.architecture == Architecture::GptBigCode && config.num_key_value_heads > 1;
        Self { tensors, n_heads: is_by_head.then_some(config.num_attention_heads) }
    }

    /// How many heads the rows of a tensor are to be moved by.
    fn heads_of(&self, name: &str) -> Option<usize> {
        self.n_heads.filter(|_| name.contains(".attn.c_attn."))
    }
}

impl NamedTensors for Arranged<'_> {
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let values = self.tensors.values(name, shape)?;
        Ok(match self.heads_of(name) {
            None => values,
            Some(n_heads) => by_kind(&values, n_heads),
        })
    }

    fn raw(&self, name: &str, shape: &[usize]) -> Result<Option<RawMatrix<'_>>, CheckpointError> {
        let raw = self.tensors.raw(name, shape)?;
        Ok(match (self.heads_of(name), raw) {
            (Some(n_heads), Some(RawMatrix { format, bytes })) => {
                Some(RawMatrix { format, bytes: Box::new(by_kind(&bytes, n_heads)) })
            }
            (_, raw) => raw,
        })
    }
}

/// Rows of any format from (heads, kinds, width) to (kinds, heads, width).
fn by_kind<T: Copy>(rows: &[T], n_heads: usize) -> Vec<T> {
    let part = rows.len() / (3 * n_heads);
    let parts = (0..3).flat_map(|kind| (0..n_heads).map(move |head| 3 * head + kind));
    parts.flat_map(|at| &rows[at * part..][..part]).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_taken_apart() {
        // Two heads of two rows for each kind; tens tell the kind, ones the head and the row.
        let by_head = [0, 1, 10, 11, 20, 21, 2, 3, 12, 13, 22, 23];
        assert_eq!(by_kind(&by_head, 2), [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]);
    }
}
