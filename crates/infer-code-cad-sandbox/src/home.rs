//! The directories of workers whose tier needs one, and those that killed runs left.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

const PREFIX: &str = "infer-code-cad-sandbox-";
const LOCK: &str = "lock";
/// How old a directory without a lock has to be: a younger one may be about to get it.
const SETTLED: Duration = Duration::from_secs(60);

/// A directory that candidates may pass through but not list or write to; theirs is within. While this
/// lives it is locked, so that it is not taken for a leftover.
#[derive(Debug)]
pub(crate) struct Home {
    directory: TempDir,
    within: PathBuf,
    _lock: File,
}

impl Home {
    pub(crate) fn make(scratch: &Path) -> io::Result<Self> {
        remove_leftovers(scratch)?;
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(scratch)?;
        let lock = File::create(directory.path().join(LOCK))?;
        lock.lock()?;
        let within = directory.path().join("work");
        fs::create_dir(&within)?;
        #[cfg(unix)]
        for path in [directory.path(), &within] {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(path, fs::Permissions::from_mode(0o711))?;
        }
        Ok(Self { directory, within, _lock: lock })
    }

    /// What the worker may use.
    pub(crate) fn path(&self) -> &Path {
        &self.within
    }
}

impl Drop for Home {
    /// The worker removes what is within; this is for one that was killed.
    fn drop(&mut self) {
        let _reported_by_nobody = remove(self.directory.path());
    }
}

/// Removes what runs left that were killed together with their workers: their locks are free.
fn remove_leftovers(scratch: &Path) -> io::Result<()> {
    for entry in fs::read_dir(scratch)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && is_left(&entry.path()) {
            let path = entry.path();
            tracing::info!(path = %path.display(), "removing what a killed run left");
            let _another_user_s_or_removed_already = remove(&path);
        }
    }
    Ok(())
}

fn is_left(directory: &Path) -> bool {
    match File::open(directory.join(LOCK)) {
        Ok(lock) => match lock.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let age =
                fs::metadata(directory).and_then(|data| data.modified()).map(|at| at.elapsed());
            matches!(age, Ok(Ok(age)) if age > SETTLED)
        }
        Err(_) => false,
    }
}

/// Removes a directory whatever the modes in it.
fn remove(directory: &Path) -> io::Result<()> {
    if fs::remove_dir_all(directory).is_ok() || !directory.exists() {
        return Ok(());
    }
    #[cfg(unix)]
    open_up(directory)?;
    fs::remove_dir_all(directory)
}

#[cfg(unix)]
fn open_up(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut rest = vec![directory.to_owned()];
    while let Some(path) = rest.pop() {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&path)?.flatten() {
            if entry.file_type()?.is_dir() {
                rest.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn leftovers_go_and_what_is_in_use_or_young_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let used = Home::make(scratch.path()).unwrap();
        let left = scratch.path().join(format!("{PREFIX}left"));
        let closed = left.join("work/candidate/closed");
        fs::create_dir_all(closed.join("below")).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o100)).unwrap();
        File::create(left.join(LOCK)).unwrap();
        let young = scratch.path().join(format!("{PREFIX}young"));
        fs::create_dir(&young).unwrap();
        let other = scratch.path().join("other");
        fs::create_dir(&other).unwrap();
        let new = Home::make(scratch.path()).unwrap();
        assert!(used.path().exists() && new.path().exists() && young.exists() && other.exists());
        assert!(!left.exists());
        let path = new.path().to_owned();
        drop(new);
        assert!(!path.exists());
    }
}
