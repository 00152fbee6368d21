//! What every index asks of vectors before it takes them in or searches for them.

#[cfg(any(feature = "faiss", feature = "pgvector", test))]
use std::collections::HashSet;

use ndarray::ArrayView2;

use crate::IndexError;

/// Refuses what [`VectorIndex::add`](crate::VectorIndex::add) must not take in; `is_held` knows the numbers taken.
#[cfg(any(feature = "faiss", feature = "pgvector", test))]
pub(crate) fn check_added(
    dimension: usize,
    ids: &[i64],
    vectors: &ArrayView2<'_, f32>,
    is_held: impl Fn(i64) -> bool,
) -> Result<(), IndexError> {
    check_rows(dimension, vectors)?;
    if ids.len() != vectors.nrows() {
        return Err(IndexError::Ids { ids: ids.len(), vectors: vectors.nrows() });
    }
    let mut given = HashSet::with_capacity(ids.len());
    match ids.iter().find(|id| !given.insert(**id) || is_held(**id)) {
        Some(&id) => Err(IndexError::DuplicateId { id }),
        None => Ok(()),
    }
}

/// Refuses what [`VectorIndex::search`](crate::VectorIndex::search) must not answer.
pub(crate) fn check_queries(
    dimension: usize,
    queries: &ArrayView2<'_, f32>,
    top_k: usize,
) -> Result<(), IndexError> {
    if top_k == 0 {
        return Err(IndexError::ZeroTopK);
    }
    check_rows(dimension, queries)
}

/// Refuses vectors of another length, and those that hold a NaN or an infinity.
pub(crate) fn check_rows(dimension: usize, rows: &ArrayView2<'_, f32>) -> Result<(), IndexError> {
    if rows.ncols() != dimension {
        return Err(IndexError::Dimension { index: dimension, given: rows.ncols() });
    }
    for (row, values) in rows.rows().into_iter().enumerate() {
        if let Some(&value) = values.iter().find(|value| !value.is_finite()) {
            return Err(IndexError::NotFinite { row, value });
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn each_fault_is_named() {
        let two = array![[1.0, 0.0], [0.0, 1.0]];
        let added =
            |ids: &[i64], rows: &Array2<f32>| check_added(2, ids, &rows.view(), |id| id == 7);
        assert!(added(&[1, 2], &two).is_ok());
        let error = |ids: &[i64], rows: &Array2<f32>| added(ids, rows).unwrap_err();
        assert!(matches!(error(&[1], &two), IndexError::Ids { ids: 1, vectors: 2 }));
        assert!(matches!(error(&[1, 1], &two), IndexError::DuplicateId { id: 1 }));
        assert!(matches!(error(&[1, 7], &two), IndexError::DuplicateId { id: 7 }));
        let wide = Array2::zeros((1, 3));
        assert!(matches!(error(&[1], &wide), IndexError::Dimension { index: 2, given: 3 }));
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let rows = array![[0.0, 1.0], [0.0, value]];
            assert!(matches!(error(&[1, 2], &rows), IndexError::NotFinite { row: 1, .. }));
            let searched = check_queries(2, &rows.view(), 1);
            assert!(matches!(searched, Err(IndexError::NotFinite { row: 1, .. })));
        }
        assert!(matches!(check_queries(2, &two.view(), 0), Err(IndexError::ZeroTopK)));
    }
}
