use std::collections::HashSet;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use crate::source::{Skipped, SourceError};

const NOT_OURS: [&str; 4] = ["__pycache__", "node_modules", "site-packages", "vendor"];
/// A file in a folder that says that the folder is a virtual environment or a cache.
const MARKS: [&str; 2] = ["CACHEDIR.TAG", "pyvenv.cfg"];

/// The files below a folder with one of these endings, relative to it, in the order of their names.
///
/// Hidden ones are left out, and folders with other people's code or caches. Links within the folder are followed once,
/// those that lead out of it are reported: one to `/` would be the whole machine.
pub(super) fn files(
    folder: &Path,
    endings: &'static [&'static str],
) -> Result<impl Iterator<Item = Result<PathBuf, Skipped>> + Send + use<>, SourceError> {
    let error = |source| SourceError::io(folder, source);
    let root = folder.canonicalize().map_err(error)?;
    fs::read_dir(folder).map_err(error)?;
    let (folder, seen) = (folder.to_owned(), HashSet::from([root.clone()]));
    let walk = Walk { folder, root, waiting: vec![PathBuf::new()], seen, endings };
    Ok(walk)
}

/// The path with `/` between its parts on every system.
pub(super) fn slashes(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// What Python calls a file: the folders with an `__init__.py` right above it, and its own name.
pub(super) fn module(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let packages =
        path.ancestors().skip(1).take_while(|folder| folder.join("__init__.py").exists());
    let mut parts: Vec<_> = packages
        .filter_map(|folder| folder.file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    parts.reverse();
    if stem != "__init__" || parts.is_empty() {
        parts.push(stem.into_owned());
    }
    parts.join(".")
}

struct Walk {
    folder: PathBuf,
    /// The folder without links.
    root: PathBuf,
    /// Files and folders still to come, the next one last.
    waiting: Vec<PathBuf>,
    /// Folders entered, without links.
    seen: HashSet<PathBuf>,
    endings: &'static [&'static str],
}

impl Iterator for Walk {
    type Item = Result<PathBuf, Skipped>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(path) = self.waiting.pop() {
            let whole = self.folder.join(&path);
            let skipped =
                |why: &dyn Display| Some(Err(Skipped::new(whole.display().to_string(), why)));
            match fs::metadata(&whole) {
                Err(why) if self.reads(&path) => return skipped(&why),
                Err(_) => {}
                Ok(metadata)
                    if (metadata.is_dir() || self.reads(&path)) && self.leads_out(&path) =>
                {
                    return skipped(&"a link out of the folder; give what it leads to as well");
                }
                Ok(metadata) if metadata.is_file() && self.reads(&path) => return Some(Ok(path)),
                Ok(metadata) if metadata.is_dir() => {
                    if let Err(why) = self.enter(&path, &whole) {
                        return skipped(&why);
                    }
                }
                // Another ending; or a pipe or device, which would never end.
                Ok(_) => {}
            }
        }
        None
    }
}

impl Walk {
    fn enter(&mut self, path: &Path, whole: &Path) -> std::io::Result<()> {
        let root = path.as_os_str().is_empty();
        let seen = !root && !self.seen.insert(whole.canonicalize()?);
        if seen || !root && MARKS.iter().any(|mark| whole.join(mark).exists()) {
            return Ok(());
        }
        let mut inside = Vec::new();
        for entry in fs::read_dir(whole)? {
            inside.push(entry?.file_name());
        }
        inside.retain(|name| wanted(&name.to_string_lossy()));
        inside.sort_by(|a, b| b.cmp(a));
        self.waiting.extend(inside.into_iter().map(|name| path.join(name)));
        Ok(())
    }

    fn leads_out(&self, path: &Path) -> bool {
        let whole = self.folder.join(path);
        let inside = || whole.canonicalize().is_ok_and(|target| target.starts_with(&self.root));
        !path.as_os_str().is_empty() && whole.is_symlink() && !inside()
    }

    fn reads(&self, path: &Path) -> bool {
        path.extension().is_some_and(|ending| self.endings.iter().any(|known| ending == *known))
    }
}

fn wanted(name: &str) -> bool {
    !name.starts_with('.') && !NOT_OURS.contains(&name)
}
