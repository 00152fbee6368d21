use crate::kv_bytes::QueryBytes;
use crate::{Isa, KvFormat};

/// Queries in the form that the pages of a format are multiplied with.
///
/// Reuse one value: its buffers grow to the largest number of queries and are not allocated again.
#[derive(Debug)]
pub struct KvQueries {
    pub(crate) format: KvFormat,
    pub(crate) head_dim: usize,
    pub(crate) scale: f32,
    pub(crate) floats: Vec<f32>, // (queries, head_dim)
    pub(crate) bytes: QueryBytes,
}

impl Default for KvQueries {
    /// No queries.
    fn default() -> Self {
        Self {
            format: KvFormat::F32,
            head_dim: 1,
            scale: 1.0,
            floats: Vec::new(),
            bytes: QueryBytes::default(),
        }
    }
}

impl KvQueries {
    /// Takes in rows of `head_dim` values, `(rows, head_dim)` in all, whose products are to be multiplied by a
    /// number.
    ///
    /// # Panics
    /// When the values are not whole rows.
    pub fn set<'a>(
        &mut self,
        format: KvFormat,
        isa: Isa,
        head_dim: usize,
        scale: f32,
        rows: impl IntoIterator<Item = &'a [f32]>,
    ) {
        (self.format, self.head_dim, self.scale) = (format, head_dim, scale);
        self.floats.clear();
        rows.into_iter().for_each(|row| self.floats.extend_from_slice(row));
        assert!(self.floats.len().is_multiple_of(head_dim), "whole queries");
        if format == KvFormat::Int8 {
            self.bytes.set(isa, &self.floats, head_dim, scale);
        }
    }
}
