use std::cell::RefCell;
use std::collections::HashSet;

use crate::CheckpointError;
use crate::tensors::{NamedTensors, RawMatrix};
use crate::weights::TensorSource;

/// Lets a backend read the tensors it needs, and sees that none is left over but those that `is_redundant` knows.
///
/// # Errors
/// Those of `build`, and [`CheckpointError::UnexpectedTensor`].
pub(crate) fn build_from<M, E: From<CheckpointError>>(
    source: &dyn TensorSource,
    build: impl FnOnce(&dyn NamedTensors) -> Result<M, E>,
    is_redundant: &dyn Fn(&str) -> bool,
) -> Result<M, E> {
    let recorded = Recorded { source, read: RefCell::default() };
    let model = build(&recorded)?;
    source.check_all_read(&recorded.read.into_inner(), is_redundant)?;
    Ok(model)
}

/// Notes which tensors are read.
struct Recorded<'a> {
    source: &'a dyn TensorSource,
    read: RefCell<HashSet<String>>,
}

impl NamedTensors for Recorded<'_> {
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        self.read.borrow_mut().insert(name.to_owned());
        self.source.values(name, shape)
    }

    fn raw(&self, name: &str, shape: &[usize]) -> Result<Option<RawMatrix<'_>>, CheckpointError> {
        self.read.borrow_mut().insert(name.to_owned());
        self.source.raw(name, shape)
    }
}
