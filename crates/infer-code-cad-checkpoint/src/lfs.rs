use crate::CheckpointError;

/// What the text begins with that Git LFS leaves in place of a large file:
/// [the specification](https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";

/// Refuses the text that stands for a file in a clone without Git LFS.
///
/// # Errors
/// [`CheckpointError::LfsPointer`].
pub(crate) fn refuse_pointer(file: &str, bytes: &[u8]) -> Result<(), CheckpointError> {
    if bytes.starts_with(POINTER) {
        return Err(CheckpointError::LfsPointer { file: file.into() });
    }
    Ok(())
}
