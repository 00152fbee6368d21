use std::fmt::Display;

use super::VectorFileError;

/// Reads a file's bytes in order; what goes beyond their end is an error.
#[derive(Debug)]
pub(super) struct Bytes<'a> {
    pub(super) file: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(file: &'a str, bytes: &'a [u8]) -> Self {
        Self { file, bytes, at: 0 }
    }

    /// Bytes read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next bytes, so many that they need not fit into the memory.
    pub(super) fn take(
        &mut self,
        what: &'static str,
        len: u64,
    ) -> Result<&'a [u8], VectorFileError> {
        let rest = &self.bytes[self.at..];
        let taken = usize::try_from(len).ok().and_then(|len| rest.get(..len));
        let taken = taken.ok_or_else(|| VectorFileError::Length {
            file: self.file.to_owned(),
            what,
            needed: len,
            left: rest.len() as u64,
        })?;
        self.at += taken.len();
        Ok(taken)
    }

    /// The next bytes as an array.
    pub(super) fn array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], VectorFileError> {
        let taken = self.take(what, N as u64)?;
        Ok(*taken.first_chunk().expect("as many were taken"))
    }

    /// That all bytes were read.
    pub(super) fn end(&self) -> Result<(), VectorFileError> {
        let left = (self.bytes.len() - self.at) as u64;
        if left > 0 {
            let (file, what) = (self.file.to_owned(), "the end of the file");
            return Err(VectorFileError::Length { file, what, needed: 0, left });
        }
        Ok(())
    }

    /// The error of a field.
    pub(super) fn fault(
        &self,
        field: &'static str,
        value: &dyn Display,
        expected: &'static str,
    ) -> VectorFileError {
        let (file, value) = (self.file.to_owned(), value.to_string());
        VectorFileError::Field { file, field, value, expected }
    }
}
