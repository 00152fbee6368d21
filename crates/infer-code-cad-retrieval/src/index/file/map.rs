#![allow(unsafe_code, reason = "a file is mapped into memory")]

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

use super::VectorFileError;

/// A file as memory: the system reads what is looked at.
#[derive(Debug)]
pub(in crate::index) struct MappedFile {
    name: String,
    file: File,
    map: Mmap,
}

impl MappedFile {
    pub(in crate::index) fn open(path: &Path) -> Result<Self, VectorFileError> {
        let name = path.display().to_string();
        let io_error = |source: io::Error| VectorFileError::Io { file: name.clone(), source };
        let file = File::open(path).map_err(io_error)?;
        // SAFETY: `bytes` is the only way to the memory, and looks first that the file still has its
        // length. That nobody shortens the file during a search, or writes into it, is what
        // `FlatIndex::open` asks for; this crate replaces files by renaming, which leaves the mapped
        // one as it is.
        let map = unsafe { Mmap::map(&file) }.map_err(io_error)?;
        Ok(Self { name, file, map })
    }

    /// Path as given.
    pub(in crate::index) fn name(&self) -> &str {
        &self.name
    }

    /// The bytes, if there are as many as when it was opened.
    pub(in crate::index) fn bytes(&self) -> Result<&[u8], VectorFileError> {
        let metadata = self.file.metadata();
        let metadata =
            metadata.map_err(|source| VectorFileError::Io { file: self.name.clone(), source })?;
        let (opened, now) = (self.map.len() as u64, metadata.len());
        if now != opened {
            return Err(VectorFileError::Changed { file: self.name.clone(), opened, now });
        }
        Ok(&self.map)
    }
}
