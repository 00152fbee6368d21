use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::ops::{Deref, Range};
use std::path::Path;

use memmap2::{Mmap, MmapMut};

use crate::CheckpointError;

/// The contents of a file of weights.
pub(crate) enum FileBytes {
    /// A read-only map of the file.
    Mapped(Mmap),
    /// A copy that begins at a page, so that tensors are aligned as they are in a file.
    Copied(Mmap),
    /// What the program holds anyway.
    Held(Cow<'static, [u8]>),
}

impl FileBytes {
    #[allow(unsafe_code, reason = "memory mapping; see the SAFETY line")]
    pub(crate) fn map(path: &Path) -> Result<Self, CheckpointError> {
        let io = |source| CheckpointError::Io { path: path.into(), source };
        let file = File::open(path).map_err(io)?;
        // SAFETY: the mapping is read-only and private to this value; `Checkpoint::open` documents
        // that the files must not change while the checkpoint lives.
        unsafe { Mmap::map(&file) }.map(Self::Mapped).map_err(io)
    }

    pub(crate) fn copy(bytes: &[u8]) -> std::io::Result<Self> {
        let mut map = MmapMut::map_anon(bytes.len().max(1))?;
        map[..bytes.len()].copy_from_slice(bytes);
        map.make_read_only().map(Self::Copied)
    }

    /// A part that leaves memory again when it has been read.
    ///
    /// # Panics
    /// When the range is not inside the file.
    pub(crate) fn read(&self, range: Range<usize>) -> Reading<'_> {
        Reading { file: self, bytes: &self[range.clone()], range }
    }

    #[cfg(unix)]
    #[allow(unsafe_code, reason = "memory mapping; see the SAFETY line")]
    fn release(&self, range: &Range<usize>) {
        if let Self::Mapped(map) = self {
            let advice = memmap2::UncheckedAdvice::DontNeed;
            // SAFETY: the map is of a file and was never written to, so that the pages come back
            // from the file with what they held; that the file does not change is documented by
            // `Checkpoint::open`. A refusal leaves them in memory, which is only a cost.
            let _ = unsafe { map.unchecked_advise_range(advice, range.start, range.len()) };
        }
    }

    #[cfg(not(unix))]
    fn release(&self, _: &Range<usize>) {}
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) | Self::Copied(map) => map,
            Self::Held(bytes) => bytes,
        }
    }
}

impl fmt::Debug for FileBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileBytes").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Bytes of a file in use. Once dropped, those of a map no longer count as memory of the process;
/// the system may keep them for the next reader.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    file: &'a FileBytes,
    bytes: &'a [u8],
    range: Range<usize>,
}

impl Deref for Reading<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.file.release(&self.range);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_was_released_can_be_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights");
        let bytes: Vec<u8> = (0..100_000u32).map(|i| (i % 251) as u8).collect();
        fs::write(&path, &bytes).unwrap();
        let copies = [FileBytes::map(&path), FileBytes::copy(&bytes).map_err(|_| unreachable!())];
        for file in copies.into_iter().map(Result::unwrap) {
            for range in [0..100_000, 5000..90_001, 4096..8192, 99_999..100_000, 7..7] {
                assert_eq!(*file.read(range.clone()), bytes[range]);
            }
            assert_eq!(file[..bytes.len()], bytes);
        }
    }

    #[test]
    fn an_empty_file_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights");
        fs::write(&path, "").unwrap();
        assert!(FileBytes::map(&path).unwrap().is_empty());
    }
}
