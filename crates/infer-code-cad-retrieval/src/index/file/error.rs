use std::io;

/// Why a file of vectors could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VectorFileError {
    /// The system refused.
    #[error("{file}: {source}; check the path, its permissions and the space left")]
    Io {
        /// Path as given.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file is shorter or longer than it says of itself.
    #[error(
        "{file} is damaged: {what} needs {needed} bytes where {left} are left; \
         copy or write the file again"
    )]
    Length {
        /// Path as given.
        file: String,
        /// Part of the file.
        what: &'static str,
        /// Bytes of that part.
        needed: u64,
        /// Bytes that the file has from there on.
        left: u64,
    },
    /// The file is of no kind that is read.
    #[error(
        "{file} begins with {found:?}; a flat index of FAISS (IxFI, IxF2, IxMp, IxM2) or a .npy is read; \
         other indexes of FAISS need the feature faiss"
    )]
    Kind {
        /// Path as given.
        file: String,
        /// Its first bytes.
        found: String,
    },
    /// A field holds what does not belong there.
    #[error("{file}: {field} is {value}, expected {expected}; write the file again")]
    Field {
        /// Path as given.
        file: String,
        /// Field of the header.
        field: &'static str,
        /// What it holds.
        value: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// Two vectors have one number.
    #[error("{file} has two vectors under the number {id}; numbers must be unique")]
    DuplicateId {
        /// Path as given.
        file: String,
        /// The number.
        id: i64,
    },
    /// A vector that cannot be searched.
    #[error("{file}: vector {row}, from 0, has no finite length; embed its text again")]
    NotFinite {
        /// Path as given.
        file: String,
        /// Its place in the file, from 0.
        row: usize,
    },
    /// The file has another length than when it was opened.
    #[error(
        "{file} had {opened} bytes when it was opened and has {now} now; open it again, \
         and replace a file by renaming a new one"
    )]
    Changed {
        /// Path as given.
        file: String,
        /// Length when it was mapped.
        opened: u64,
        /// Length now.
        now: u64,
    },
}
