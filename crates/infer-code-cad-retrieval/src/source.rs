//! Where passages come from: what a team already has, as documents.

#[cfg(feature = "sources")]
mod devdocs;
mod error;
#[cfg(feature = "sources")]
mod folder;
#[cfg(feature = "sources")]
mod html;
mod jsonl;
#[cfg(feature = "parquet")]
mod parquet;
mod python;
#[cfg(feature = "sources")]
mod sphinx;
#[cfg(feature = "sources")]
mod text;
#[cfg(feature = "sources")]
mod walk;

#[cfg(feature = "parquet")]
pub use self::parquet::ParquetFile;
#[cfg(feature = "sources")]
pub use devdocs::DevDocs;
pub use error::SourceError;
#[cfg(feature = "sources")]
pub use folder::Folder;
pub use jsonl::JsonLines;
pub use python::PythonEnvironment;
#[cfg(feature = "sources")]
pub use sphinx::SphinxSite;

use std::fmt::{self, Debug, Display};

use infer_code_cad_decode::Settings;

/// Documents in a fixed order, each in its place or the reason why it is missing.
pub type Documents<'a> = Box<dyn Iterator<Item = Result<Document, Skipped>> + Send + 'a>;

/// Something that holds documents.
///
/// One broken file takes nothing from the others: it comes as [`Skipped`], and the rest goes on. The same files give
/// the same documents in the same order.
///
/// # Examples
/// A source of one's own, which knows one fact:
/// ```
/// use infer_code_cad_retrieval::{Document, Documents, Settings, Source, SourceError};
///
/// #[derive(Debug)]
/// struct Fact;
///
/// impl Source for Fact {
///     fn documents(&self) -> Result<Documents<'_>, SourceError> {
///         let document = Document::new("fact", "Fact", "Water boils at 100 degrees Celsius.");
///         Ok(Box::new(std::iter::once(Ok(document))))
///     }
///
///     fn settings(&self) -> Settings {
///         Settings::new("fact")
///     }
/// }
///
/// assert_eq!(Fact.documents()?.flatten().count(), 1);
/// # Ok::<(), SourceError>(())
/// ```
pub trait Source: Debug + Send + Sync {
    /// Reads the documents one after the other.
    ///
    /// # Errors
    /// [`SourceError`] where nothing can be read at all, such as a folder that does not exist.
    fn documents(&self) -> Result<Documents<'_>, SourceError>;

    /// What manifests and reports call this source: its kind and where it is.
    fn settings(&self) -> Settings;
}

/// A text of a source as a whole, before it is cut into [`Passage`](crate::Passage)s.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// Names the document among those of its source. It says where the text stands, not what it says, so that a
    /// changed text keeps it.
    pub id: String,
    /// What the text is about, such as a signature or headings.
    pub title: String,
    /// The text. Examples are doctests, blocks between fences, or indented blocks after `::`.
    pub text: String,
    /// What it belongs to, such as the package `numpy` or a folder's name; empty where unknown.
    pub origin: String,
    /// The version of what it belongs to; empty where unknown.
    pub version: String,
    /// Where in it: a file and line, a page and anchor; empty where unknown.
    pub location: String,
    /// What the text is.
    pub kind: DocumentKind,
}

impl Document {
    /// A record of unknown origin.
    pub fn new(id: impl Into<String>, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { id: id.into(), title: title.into(), text: text.into(), ..Self::default() }
    }
}

/// What the text of a document is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DocumentKind {
    /// Documentation of one function, class or value. Its title says what it is about, so two objects with one text
    /// are two documents.
    Object,
    /// Source code of one function, class or file.
    Code,
    /// A section or page of prose.
    Section,
    /// An entry of a file of records.
    #[default]
    Record,
}

/// Something that a source could not read, or not as what it claims to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Skipped {
    /// The file, page, module or line.
    pub what: String,
    /// What is wrong with it.
    pub why: String,
}

impl Skipped {
    /// `what` was left out because of `why`.
    pub fn new(what: impl Into<String>, why: impl Display) -> Self {
        Self { what: what.into(), why: why.to_string() }
    }
}

impl Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

/// The id, or with the number of times it has been used.
fn unique(seen: &mut std::collections::HashMap<String, usize>, id: String) -> String {
    let count = seen.entry(id.clone()).or_default();
    *count += 1;
    if *count == 1 { id } else { format!("{id}~{count}") }
}

macro_rules! through_pointer {
    ($($pointer:ty),*) => { $(
        impl<S: Source + ?Sized> Source for $pointer {
            fn documents(&self) -> Result<Documents<'_>, SourceError> {
                (**self).documents()
            }

            fn settings(&self) -> Settings {
                (**self).settings()
            }
        }
    )* };
}
through_pointer!(Box<S>, std::sync::Arc<S>);
