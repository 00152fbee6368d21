use super::text::text;
use crate::CheckpointError;

/// Reads little-endian fields one after another, each checked against the end of the file.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    file: &'a str,
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    /// Begins at `position`, which may be anywhere.
    pub(crate) fn new(file: &'a str, bytes: &'a [u8], position: usize) -> Self {
        Self { file, bytes, position }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The next `len` bytes, however large the file says `len` is.
    pub(crate) fn take(
        &mut self,
        len: u64,
        what: &'static str,
    ) -> Result<&'a [u8], CheckpointError> {
        let end = usize::try_from(len).ok().and_then(|len| self.position.checked_add(len));
        let taken = end.and_then(|end| self.bytes.get(self.position..end));
        let taken = taken.ok_or_else(|| self.damaged(what))?;
        self.position += taken.len();
        Ok(taken)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, CheckpointError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, CheckpointError> {
        self.array(what).map(u64::from_le_bytes)
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], CheckpointError> {
        let bytes = self.take(N as u64, what)?;
        Ok(bytes.try_into().expect("take gives the length asked for"))
    }

    /// A length, then so many bytes.
    pub(crate) fn bytes(&mut self, what: &'static str) -> Result<&'a [u8], CheckpointError> {
        let len = self.u64(what)?;
        self.take(len, what)
    }

    /// A string of whatever encoding.
    pub(crate) fn string(&mut self, what: &'static str) -> Result<String, CheckpointError> {
        self.bytes(what).map(text)
    }

    /// `what`, which should be at this position, is not.
    pub(crate) fn damaged(&self, what: &'static str) -> CheckpointError {
        CheckpointError::GgufDamaged {
            file: self.file.into(),
            what,
            position: self.position as u64,
        }
    }
}
