use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::unwritable;
use super::{Manifest, StoreError};
use crate::replace::sync_directory;

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const PASSAGES: &str = "passages.jsonl";
pub(super) const VECTORS: &str = "vectors.faiss";

/// The directory of an index, and how new files take the place of old ones in it.
///
/// New files are written into `building/`, the manifest last and by a rename: from then on the new index is decided.
/// Its files are moved into place one by one, again the manifest last. Where a process ends in between, readers find
/// each file in either place, and the next writer moves the rest.
#[derive(Debug, Clone)]
pub(super) struct Place {
    directory: PathBuf,
}

impl Place {
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A file that is not in its place yet.
    pub(super) fn new_file(&self, name: &str) -> PathBuf {
        self.directory.join("building").join(name)
    }

    /// A file that a writer has decided on: not in its place yet, or already there.
    pub(super) fn either(&self, name: &str) -> PathBuf {
        let new = self.new_file(name);
        if new.exists() { new } else { self.file(name) }
    }

    /// What the manifests are by now, the one in its place and the one decided on.
    pub(super) fn manifests(&self) -> [Option<Vec<u8>>; 2] {
        [self.file(MANIFEST), self.new_file(MANIFEST)].map(|file| fs::read(file).ok())
    }

    /// Makes the directories of a writer.
    pub(super) fn create(&self) -> Result<(), StoreError> {
        let building = self.new_file("");
        fs::create_dir_all(&building).map_err(unwritable(&building))
    }

    /// Refuses a directory whose files may be someone else's.
    pub(super) fn check_is_ours(&self) -> Result<(), StoreError> {
        if self.file(MANIFEST).exists() || self.new_file(MANIFEST).exists() {
            return Ok(());
        }
        match [PASSAGES, VECTORS].map(|name| self.file(name)).into_iter().find(|file| file.exists())
        {
            None => Ok(()),
            Some(file) => Err(StoreError::InTheWay {
                directory: self.directory.display().to_string(),
                file: file.display().to_string(),
            }),
        }
    }

    /// Puts the files that were written into `building/` in their places, under their manifest.
    pub(super) fn commit(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let (part, decided) = (self.new_file("manifest.part"), self.new_file(MANIFEST));
        let write = || -> io::Result<()> {
            let mut file = File::create(&part)?;
            file.write_all(manifest.text().as_bytes())?;
            file.sync_all()?;
            fs::rename(&part, &decided)?;
            sync_directory(&self.new_file(""))
        };
        write().map_err(unwritable(&decided))?;
        self.roll_forward(manifest)
    }

    /// Ends the commit of a process that ended within it.
    pub(super) fn recover(&self) -> Result<(), StoreError> {
        let decided = self.new_file(MANIFEST);
        if !decided.exists() {
            return Ok(());
        }
        let manifest = match Manifest::read(&decided) {
            Err(error @ StoreError::Damaged { .. }) => {
                tracing::warn!(%error, "a new index is given up");
                return remove_if_there(&decided);
            }
            read => read?,
        };
        tracing::info!(directory = %self.directory.display(), "an index was decided but not in its place");
        self.roll_forward(&manifest)
    }

    /// Moves what is not in its place yet, and drops what the new index does not need.
    fn roll_forward(&self, manifest: &Manifest) -> Result<(), StoreError> {
        for name in [PASSAGES, VECTORS, MANIFEST] {
            let (from, to) = (self.new_file(name), self.file(name));
            let is_part = name != VECTORS || manifest.vectors_file.is_some();
            if is_part && from.exists() {
                fs::rename(&from, &to).map_err(unwritable(&to))?;
            }
        }
        sync_directory(&self.directory).map_err(unwritable(&self.directory))?;
        if manifest.vectors_file.is_none() {
            remove_if_there(&self.file(VECTORS))?;
        }
        let building = self.new_file("");
        fs::remove_dir_all(&building).map_err(unwritable(&building))
    }

    /// Makes room after a failed run; vectors made so far stay.
    pub(super) fn drop_new_files(&self) {
        for name in [PASSAGES, VECTORS, "manifest.part"] {
            if let Err(error) = remove_if_there(&self.new_file(name)) {
                tracing::warn!(%error, "a file of a failed run stays");
            }
        }
    }
}

fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(path)(error)),
        _ => Ok(()),
    }
}
