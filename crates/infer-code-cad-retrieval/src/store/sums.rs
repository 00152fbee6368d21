use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use super::StoreError;
use super::error::{damaged, unreadable, unwritable};

/// Bytes under one sum: small enough to say where a file is damaged, large enough to keep the manifest short.
const BLOCK: usize = 4 << 20;

/// What a file of the index must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FileSums {
    /// Its length.
    pub bytes: u64,
    /// XXH3-128 of every 4 MiB, in hexadecimal; the last block may be shorter.
    pub blocks: Vec<String>,
}

impl FileSums {
    /// Of some bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, blocks: bytes.chunks(BLOCK).map(sum).collect() }
    }

    /// Reads a file to its end and compares.
    pub(super) fn check(&self, path: &Path) -> Result<(), StoreError> {
        self.check_length(path)?;
        let file = File::open(path).map_err(unreadable(path))?;
        let mut block = Vec::with_capacity(BLOCK);
        for (number, expected) in self.blocks.iter().enumerate() {
            block.clear();
            let read = (&file).take(BLOCK as u64).read_to_end(&mut block);
            read.map_err(unreadable(path))?;
            if sum(&block) != *expected {
                return Err(self.wrong_block(path, number));
            }
        }
        Ok(())
    }

    /// Compares the length alone, before anything is read into memory.
    pub(super) fn check_length(&self, path: &Path) -> Result<(), StoreError> {
        let given = std::fs::metadata(path).map_err(unreadable(path))?.len();
        if given == self.bytes { Ok(()) } else { Err(self.wrong_length(path, given)) }
    }

    /// Compares with what was read of a file.
    pub(super) fn check_bytes(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let given = Self::of(bytes);
        if given.bytes != self.bytes {
            return Err(self.wrong_length(path, given.bytes));
        }
        let differs = given.blocks.iter().zip(&self.blocks).position(|(a, b)| a != b);
        differs.map_or(Ok(()), |number| Err(self.wrong_block(path, number)))
    }

    fn wrong_length(&self, path: &Path, given: u64) -> StoreError {
        let how = if given < self.bytes { "cut short" } else { "too long" };
        damaged(path, format!("it is {how}: {given} bytes, the manifest says {}", self.bytes))
    }

    fn wrong_block(&self, path: &Path, number: usize) -> StoreError {
        let from = (number * BLOCK) as u64;
        let to = (from + BLOCK as u64).min(self.bytes);
        damaged(path, format!("bytes {from} to {to} are not those that were written"))
    }

    /// Whether there are as many sums as the length needs; a manifest from elsewhere may say anything.
    pub(super) fn is_consistent(&self) -> bool {
        self.blocks.len() as u64 == self.bytes.div_ceil(BLOCK as u64)
    }
}

fn sum(block: &[u8]) -> String {
    format!("{:032x}", XxHash3_128::oneshot(block))
}

/// A file that is summed while it is written.
pub(super) struct SummedFile {
    path: PathBuf,
    file: File,
    /// What is not written yet: less than a block.
    block: Vec<u8>,
    sums: FileSums,
}

impl SummedFile {
    /// A new file, in the place of an old one.
    pub(super) fn create(path: &Path) -> Result<Self, StoreError> {
        let file = File::create(path).map_err(unwritable(path))?;
        let sums = FileSums { bytes: 0, blocks: Vec::new() };
        Ok(Self { path: path.to_owned(), file, block: Vec::with_capacity(BLOCK), sums })
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), StoreError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(now);
            if self.block.len() == BLOCK {
                self.write_block()?;
            }
            bytes = later;
        }
        Ok(())
    }

    /// Everything is on the disk afterwards.
    pub(super) fn finish(mut self) -> Result<FileSums, StoreError> {
        if !self.block.is_empty() {
            self.write_block()?;
        }
        self.file.sync_all().map_err(unwritable(&self.path))?;
        Ok(self.sums)
    }

    fn write_block(&mut self) -> Result<(), StoreError> {
        self.file.write_all(&self.block).map_err(unwritable(&self.path))?;
        self.sums.bytes += self.block.len() as u64;
        self.sums.blocks.push(sum(&self.block));
        self.block.clear();
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn a_file_written_in_pieces_has_the_sums_of_its_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let mut bytes: Vec<u8> = (0..2 * BLOCK + 3).map(|i| (i % 251) as u8).collect();
        let mut file = SummedFile::create(&path).unwrap();
        bytes.chunks(999_983).for_each(|piece| file.write(piece).unwrap());
        let sums = file.finish().unwrap();
        assert!(sums == FileSums::of(&bytes) && sums.is_consistent() && sums.blocks.len() == 3);
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        sums.check(&path).unwrap();
        bytes[BLOCK + 5] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let errors = [sums.check(&path), sums.check_bytes(&path, &bytes)];
        for error in errors.map(|checked| checked.unwrap_err().to_string()) {
            assert!(error.contains(": bytes 4194304 to 8388608 are not those"), "{error}");
        }
    }

    #[test]
    fn an_empty_file_has_no_block() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let sums = SummedFile::create(&path).unwrap().finish().unwrap();
        sums.check(&path).unwrap();
        assert!(sums.is_consistent() && sums.blocks.is_empty());
    }
}
