mod notebook;
mod python;
mod sections;

use std::path::{Path, PathBuf};

use infer_code_cad_decode::Settings;

use crate::source::text::{self, Text};
use crate::source::walk;
use crate::source::{Document, Documents, Skipped, Source, SourceError};

const ENDINGS: [&str; 5] = ["ipynb", "md", "py", "rst", "txt"];

/// A folder of `.md`, `.rst`, `.txt`, `.ipynb` and `.py` files with all below it.
///
/// Prose is one document per section, titled `file > heading > heading below`; a notebook is read as Markdown with its
/// code between fences, without outputs. Python is one document per function, method and class, titled by its signature,
/// `package.module.Class.method(args)`, and one with the module's docstring. Nothing is imported or run.
///
/// Left out are hidden files and folders, those that hold other people's code or caches (`node_modules`, `__pycache__`,
/// `site-packages`, `vendor`, virtual environments, folders with a `CACHEDIR.TAG`), and files above the limit, which are
/// reported. Links are followed once, so that a circle of them ends; one that leads out of the folder is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Folder {
    /// The folder.
    pub folder: PathBuf,
    /// What its documents belong to: the folder's name, or one of your choice.
    pub origin: String,
    /// The version of it; empty where unknown.
    pub version: String,
    /// The largest file that is read, in bytes; 16 MiB.
    pub max_bytes: u64,
}

impl Folder {
    /// The files of `folder`, which gives its name as the origin.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        let origin = whole.file_name().map_or_else(String::new, |name| name.display().to_string());
        Self { folder, origin, version: String::new(), max_bytes: text::FILE_LIMIT }
    }
}

impl Source for Folder {
    fn documents(&self) -> Result<Documents<'_>, SourceError> {
        let files = walk::files(&self.folder, &ENDINGS)?;
        Ok(Box::new(files.flat_map(|file| match file {
            Ok(file) => self.read(&file),
            Err(skipped) => vec![Err(skipped)],
        })))
    }

    fn settings(&self) -> Settings {
        Settings::new("folder")
            .with("folder", self.folder.display())
            .with("origin", &self.origin)
            .with("version", &self.version)
    }
}

impl Folder {
    /// The documents of one file, given relative to the folder.
    fn read(&self, file: &Path) -> Vec<Result<Document, Skipped>> {
        let name = walk::slashes(file);
        let skipped =
            |why: &str| Err(Skipped::new(self.folder.join(file).display().to_string(), why));
        let Text { text, note } = match text::read(&self.folder.join(file), self.max_bytes) {
            Ok(text) => text,
            Err(why) => return vec![skipped(&why)],
        };
        let read = match file.extension().and_then(|ending| ending.to_str()) {
            Some("py") => python::documents(&name, &walk::module(&self.folder.join(file)), &text),
            Some("ipynb") => notebook::markdown(&text).map(|text| sections::markdown(&name, &text)),
            Some("md") => Ok(sections::markdown(&name, &text)),
            Some("rst") => Ok(sections::restructured(&name, &text)),
            _ => Ok(sections::plain(&name, &text)),
        };
        let documents = match read {
            Ok(documents) => documents,
            Err(why) => return vec![skipped(&why)],
        };
        let whole = documents.into_iter().map(|document| Ok(self.own(document)));
        note.map(skipped).into_iter().chain(whole).collect()
    }

    fn own(&self, document: Document) -> Document {
        let id = format!("{}:{}", self.origin, document.id);
        Document { id, origin: self.origin.clone(), version: self.version.clone(), ..document }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests;
