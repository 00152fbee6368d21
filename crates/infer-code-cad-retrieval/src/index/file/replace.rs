use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::VectorFileError;

/// Writes a file so that its path leads to the old one or to the whole new one, even if the power fails.
pub(in crate::index) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), VectorFileError> {
    let part = part_of(path);
    let written = write_part(&part, write)
        .and_then(|()| fs::rename(&part, path))
        .and_then(|()| sync_directory(path));
    written.map_err(|source| {
        // What is left of it helps nobody; where it is not even there, the error above says why.
        let _ = fs::remove_file(&part);
        VectorFileError::Io { file: path.display().to_string(), source }
    })
}

/// A name beside the path that nobody else writes to.
fn part_of(path: &Path) -> PathBuf {
    static PARTS: AtomicU64 = AtomicU64::new(0);
    let number = PARTS.fetch_add(1, Ordering::Relaxed);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{number}.part", std::process::id()));
    name.into()
}

fn write_part(
    part: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(part)?;
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.into_inner()?.sync_all()
}

/// Makes the renaming last.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}
