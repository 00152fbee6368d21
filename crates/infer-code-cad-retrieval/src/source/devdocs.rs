use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use infer_code_cad_decode::Settings;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::source::html::{Extent, Page};
use crate::source::{Document, DocumentKind, Documents, Skipped, Source, SourceError, unique};

/// A folder of [DevDocs](https://devdocs.io): `index.json` with its entries `{name, path, type}`, `db.json` with its
/// pages by path and, where it is there, `meta.json` with name and version.
///
/// One document per entry. With an anchor it is the definition, or all below the heading that the anchor names; without,
/// the page except for what other entries take of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevDocs {
    /// The folder.
    pub folder: PathBuf,
}

impl DevDocs {
    /// The documentation in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

#[derive(Deserialize)]
struct Index {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    path: String,
}

#[derive(Deserialize, Default)]
struct Meta {
    name: Option<String>,
    release: Option<String>,
    version: Option<String>,
}

impl Source for DevDocs {
    fn documents(&self) -> Result<Documents<'_>, SourceError> {
        let Index { entries } = json(&self.folder.join("index.json"))?;
        let mut html: BTreeMap<String, String> = json(&self.folder.join("db.json"))?;
        let meta = self.folder.join("meta.json");
        let meta: Meta = if meta.exists() { json(&meta)? } else { Meta::default() };
        let folder =
            || self.folder.file_name().map_or_else(String::new, |name| name.display().to_string());
        let origin = meta.name.unwrap_or_else(folder);
        let version =
            meta.release.filter(|release| !release.is_empty()).or(meta.version).unwrap_or_default();
        let mut pages: Vec<(String, Vec<Entry>)> = Vec::new();
        let mut places = HashMap::new();
        for entry in entries {
            let page = entry.path.split('#').next().unwrap_or_default().to_owned();
            let place = *places.entry(page.clone()).or_insert(pages.len());
            if place == pages.len() {
                pages.push((page, Vec::new()));
            }
            pages[place].1.push(entry);
        }
        let own = move |document: Document| Document {
            id: format!("{origin}:{}", document.id),
            origin: origin.clone(),
            version: version.clone(),
            ..document
        };
        Ok(Box::new(pages.into_iter().flat_map(move |(page, entries)| {
            let read: Vec<_> = match html.remove(&page) {
                Some(html) => documents(&Page::parse(&html), &page, &entries),
                None => vec![Err(Skipped::new(page, "is in index.json but not in db.json"))],
            };
            read.into_iter().map(|item| item.map(&own)).collect::<Vec<_>>()
        })))
    }

    fn settings(&self) -> Settings {
        Settings::new("devdocs").with("folder", self.folder.display())
    }
}

fn json<T: DeserializeOwned>(file: &Path) -> Result<T, SourceError> {
    let bytes = fs::read(file).map_err(|source| SourceError::io(file, source))?;
    serde_json::from_slice(&bytes).map_err(|error| SourceError::Json {
        file: file.display().to_string(),
        source: Box::new(error),
    })
}

/// The documents of a page's entries, in their order.
fn documents(page: &Page, path: &str, entries: &[Entry]) -> Vec<Result<Document, Skipped>> {
    let mut items = Vec::new();
    let mut found = Vec::new();
    for entry in entries {
        match extent(page, entry) {
            Some(extent) => found.push((entry, extent)),
            None => {
                let why = format!("the page {path} has no element with this anchor");
                items.push(Err(Skipped::new(&entry.path, why)));
            }
        }
    }
    let (entries, extents): (Vec<&Entry>, Vec<Extent>) = found.into_iter().unzip();
    let mut seen = HashMap::new();
    for ((entry, extent), text) in entries.iter().zip(&extents).zip(page.texts(&extents)) {
        let id = unique(&mut seen, entry.path.clone());
        let document = Document::new(id, title(page, entry, extent), text);
        items.push(Ok(Document {
            location: entry.path.clone(),
            kind: DocumentKind::Object,
            ..document
        }));
    }
    items
}

/// Of a path without an anchor the page.
fn extent(page: &Page, entry: &Entry) -> Option<Extent> {
    let Some((_, anchor)) = entry.path.split_once('#') else {
        return Some(Extent { head: 0, body: page.nodes[0].children.clone() });
    };
    page.extent(page.anchor(anchor)?)
}

/// The signature where it is one of this entry.
fn title(page: &Page, entry: &Entry, extent: &Extent) -> String {
    let name = entry.name.trim_end_matches("()");
    let head = page.line(extent.head);
    let term = page.nodes[extent.head].name == "dt";
    if term && head.contains(name) { head } else { entry.name.clone() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    fn folder(index: &str, db: &str, meta: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in [("index.json", index), ("db.json", db), ("meta.json", meta)] {
            if !text.is_empty() {
                fs::write(folder.path().join(file), text).unwrap();
            }
        }
        folder
    }

    #[test]
    fn entries_by_anchor_and_as_pages() {
        let index = r#"{"entries": [
            {"name": "Lists", "path": "lists", "type": "t"}, {"name": "list.sort()", "path": "lists#list.sort", "type": "t"},
            {"name": "Why", "path": "lists#why", "type": "t"}, {"name": "gone()", "path": "lists#gone", "type": "t"},
            {"name": "Other", "path": "other", "type": "t"}], "types": []}"#;
        let db = r#"{"lists": "<h1>Lists</h1><p>In order.</p><dl><dt id=\"list.sort\">list.sort(*, key=None)</dt><dd>Sorts.<pre>x.sort()</pre></dd></dl><h2 id=\"why\">Why</h2><p>Because.</p>"}"#;
        let folder =
            folder(index, db, r#"{"name": "Python", "slug": "python", "release": "3.11.2"}"#);
        let items: Vec<_> = DevDocs::new(folder.path()).documents().unwrap().collect();
        let (documents, skipped): (Vec<_>, Vec<_>) = items.into_iter().partition(Result::is_ok);
        let documents: Vec<Document> = documents.into_iter().map(Result::unwrap).collect();
        let told: Vec<(&str, &str)> = documents
            .iter()
            .map(|document| (document.title.as_str(), document.text.trim_start()))
            .collect();
        let sort = "Sorts.\n\n    ```\n    x.sort()\n    ```";
        assert_eq!(
            told,
            [
                ("Lists", "Lists\n\nIn order."),
                ("list.sort(*, key=None)", sort),
                ("Why", "Because.")
            ]
        );
        assert_eq!(documents[1].id, "Python:lists#list.sort");
        assert_eq!(
            (documents[1].version.as_str(), documents[1].location.as_str()),
            ("3.11.2", "lists#list.sort")
        );
        let skipped: Vec<String> =
            skipped.into_iter().map(|skipped| skipped.unwrap_err().to_string()).collect();
        assert_eq!(
            skipped,
            [
                "lists#gone: the page lists has no element with this anchor",
                "other: is in index.json but not in db.json"
            ]
        );
    }

    #[test]
    fn what_is_no_devdocs_is_named() {
        let error = |folder: &tempfile::TempDir| {
            DevDocs::new(folder.path()).documents().err().unwrap().to_string()
        };
        assert!(error(&folder("{}", "{}", "")).contains("index.json: missing field `entries`"));
        assert!(error(&folder("", "{}", "")).contains("index.json: No such file"));
        let cut = folder("{\"entries\": []}", "{\"a\": ", "");
        assert!(error(&cut).contains("db.json: EOF while parsing"));
        let named = folder("{\"entries\": []}", "{}", "");
        assert_eq!(DevDocs::new(named.path()).documents().unwrap().count(), 0);
    }
}
