//! Whether a path and what lies there may be taken for a result file.

use std::fs::{self, FileType};
use std::io;
use std::path::Path;

use serde::Deserialize;

use super::JournalError;
use super::file::io_error;
use crate::header::VERSION;

/// Every journal begins with this.
pub(crate) const RUN: &[u8] = b"{\"run\":";
/// And every file derived from one with this.
pub(crate) const RESULTS: &[u8] = b"{\"results\":";

/// How many bytes [`check_beginning`] looks at.
pub(super) const BEGINNING: u64 = 16;

/// Refuses what is there and no regular file, before it is opened: that would block on a pipe without a
/// reader, and a device swallows what is written.
///
/// # Errors
/// [`JournalError::NotAFile`], [`JournalError::Io`] when it cannot be asked.
pub(crate) fn check_path(path: &Path) -> Result<(), JournalError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(found) => {
            Err(JournalError::NotAFile { path: path.to_owned(), kind: kind(found.file_type()) })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => check_directory(path),
        Err(source) => Err(io_error(path, "look at it", source)),
    }
}

/// A new file needs a directory to be in.
fn check_directory(path: &Path) -> Result<(), JournalError> {
    let directory = match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    match fs::metadata(directory) {
        Ok(_) => Ok(()),
        Err(source) => Err(io_error(path, "create it: make its directory first", source)),
    }
}

#[cfg(unix)]
fn kind(file: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    match file {
        file if file.is_dir() => "directory",
        file if file.is_fifo() => "named pipe",
        file if file.is_char_device() || file.is_block_device() => "device",
        file if file.is_socket() => "socket",
        _ => "special file",
    }
}

#[cfg(not(unix))]
fn kind(file: FileType) -> &'static str {
    if file.is_dir() { "directory" } else { "special file" }
}

/// Refuses a file that does not begin as a journal does. An empty one, and one whose first bytes a kill cut
/// short, are journals that hold nothing yet.
pub(super) fn check_beginning(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    if bytes.starts_with(RUN) || RUN.starts_with(bytes) {
        return Ok(());
    }
    let mark = |mark: &[u8]| bytes.starts_with(mark);
    let (found, remedy) = if mark(b"\xef\xbb\xbf") {
        let remedy = "save it as UTF-8 without the mark, or name another file";
        ("it begins with a byte order mark, as some editors write it", remedy)
    } else if mark(b"\xff\xfe") || mark(b"\xfe\xff") {
        ("it is UTF-16", "save it as UTF-8, or name another file")
    } else if mark(RESULTS) {
        let remedy = "name the journal itself, without .results.jsonl";
        ("it is what was derived from a journal", remedy)
    } else if mark(b"\x1f\x8b") {
        ("it is compressed", "unpack it, or name another file")
    } else {
        ("its first line is not the settings of a run", "name another file")
    };
    Err(JournalError::Foreign { path: path.to_owned(), found, remedy })
}

/// Refuses the first line of another release, whose other fields mean other things.
pub(super) fn check_version(path: &Path, line: &[u8]) -> Result<(), JournalError> {
    #[derive(Deserialize)]
    struct Run {
        run: Version,
    }
    #[derive(Deserialize)]
    struct Version {
        version: Option<u64>,
    }
    match serde_json::from_slice(line) {
        Ok(Run { run: Version { version: Some(VERSION) } }) => Ok(()),
        Ok(Run { run: Version { version: found } }) => {
            Err(JournalError::Version { path: path.to_owned(), found })
        }
        Err(error) => {
            Err(JournalError::Line { path: path.to_owned(), line: 1, reason: error.to_string() })
        }
    }
}
