use std::collections::{HashMap, HashSet};

use super::vectors::remove_rows;
use crate::index::file::VectorFileError;

/// The numbers of the vectors, by place, and the place of each number.
#[derive(Debug, Default)]
pub(super) struct Ids {
    list: Vec<i64>,
    /// Kept where the list does not ascend; one that does is searched by halves.
    places: Option<HashMap<i64, usize>>,
}

impl Ids {
    /// Those that a file gives, or 0, 1, 2 and so on.
    pub(super) fn of_file(
        file: &str,
        ids: Option<Vec<i64>>,
        n_vectors: usize,
    ) -> Result<Self, VectorFileError> {
        let list = ids.unwrap_or_else(|| (0..n_vectors as i64).collect());
        let mut ids = Self::default();
        let added = ids.extend(&list);
        added.map_err(|id| VectorFileError::DuplicateId { file: file.to_owned(), id })?;
        Ok(ids)
    }

    pub(super) fn as_slice(&self) -> &[i64] {
        &self.list
    }

    /// Whether they are 0, 1, 2 and so on.
    pub(super) fn count_from_zero(&self) -> bool {
        self.list.iter().copied().eq(0..self.list.len() as i64)
    }

    pub(super) fn place(&self, id: i64) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(&id).copied(),
            None => self.list.binary_search(&id).ok(),
        }
    }

    /// Adds all, or none if one is held or comes twice, which it returns.
    pub(super) fn extend(&mut self, ids: &[i64]) -> Result<(), i64> {
        let ascend = self.places.is_none()
            && ids.is_sorted_by(|a, b| a < b)
            && self.list.last().zip(ids.first()).is_none_or(|(last, first)| last < first);
        if !ascend {
            let mut given = HashSet::with_capacity(ids.len());
            let taken = ids.iter().find(|&&id| self.place(id).is_some() || !given.insert(id));
            if let Some(&id) = taken {
                return Err(id);
            }
        }
        self.list.extend(ids);
        if !ascend {
            self.index();
        }
        Ok(())
    }

    /// Takes out those at some places, which ascend.
    pub(super) fn remove(&mut self, places: &[usize]) {
        remove_rows(&mut self.list, 1, places);
        if self.places.is_some() {
            self.index();
        }
    }

    fn index(&mut self) {
        self.places = Some(self.list.iter().enumerate().map(|(place, &id)| (id, place)).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_any_order() {
        let mut ids = Ids::default();
        for (given, outcome) in [
            (&[0, 1, 2][..], Ok(())),
            (&[2], Err(2)),
            (&[9, 9], Err(9)),
            (&[9, 5], Ok(())),
            (&[10, 5], Err(5)),
            (&[-3], Ok(())),
        ] {
            assert_eq!(ids.extend(given), outcome);
        }
        assert_eq!(ids.as_slice(), [0, 1, 2, 9, 5, -3]);
        ids.remove(&[0, 3]);
        assert_eq!(ids.as_slice(), [1, 2, 5, -3]);
        assert_eq!([9, 1, 5, -3].map(|id| ids.place(id)), [None, Some(0), Some(2), Some(3)]);
    }
}
