//! A file that is replaced as a whole.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file so that its path leads to the old one or to the whole new one, even if the power fails.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    replace_by(path, io::Error::from, |part| {
        let mut out = BufWriter::new(File::create(part)?);
        write(&mut out)?;
        out.into_inner()?.sync_all()
    })
}

/// The same for what writes by a path and says its own errors; it sees to it that the bytes are on the disk.
pub(crate) fn replace_by<E>(
    path: &Path,
    io: impl Fn(io::Error) -> E,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let part = part_of(path);
    let written = write(&part).and_then(|()| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let renamed = fs::rename(&part, path);
        renamed.and_then(|()| sync_directory(parent.unwrap_or(Path::new(".")))).map_err(io)
    });
    if written.is_err() {
        // What is left of it helps nobody; where it is not even there, the error says why.
        let _ = fs::remove_file(&part);
    }
    written
}

/// Makes renames within a directory last; where directories cannot be opened the system sees to it.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// A name beside the path that nobody else writes to.
fn part_of(path: &Path) -> PathBuf {
    static PARTS: AtomicU64 = AtomicU64::new(0);
    let number = PARTS.fetch_add(1, Ordering::Relaxed);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{number}.part", std::process::id()));
    name.into()
}
