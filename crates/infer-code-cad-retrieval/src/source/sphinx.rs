mod inventory;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use infer_code_cad_decode::Settings;

use crate::source::html::{Extent, NodeId, Page};
use crate::source::{
    Document, DocumentKind, Documents, Skipped, Source, SourceError, text, unique, walk,
};
use inventory::{Inventory, Object};

/// Pages that list what others say.
const LISTS: [&str; 4] = ["genindex", "modindex", "py-modindex", "search"];

/// A folder of HTML that Sphinx has built, with its `objects.inv`.
///
/// One document per object that the inventory names and a page defines: a function, a class, a method, an option, a
/// term. Its title is the qualified name with the parameters, its text the definition without those of objects in it,
/// code between fences. The rest of the pages is one document per section, titled by the headings from the page's down.
/// Project and version are the inventory's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SphinxSite {
    /// The folder with `objects.inv`.
    pub folder: PathBuf,
    /// The largest page that is read, in bytes; 16 MiB.
    pub max_bytes: u64,
}

impl SphinxSite {
    /// The site in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), max_bytes: text::FILE_LIMIT }
    }
}

impl Source for SphinxSite {
    fn documents(&self) -> Result<Documents<'_>, SourceError> {
        let Inventory { project, version, mut pages } =
            Inventory::load(&self.folder.join("objects.inv"))?;
        let mut files = Vec::new();
        let mut skipped = Vec::new();
        for file in walk::files(&self.folder, &["html"])? {
            match file {
                Ok(file) => files.push(walk::slashes(&file)),
                Err(file) => skipped.push(Err(file)),
            }
        }
        files.retain(|file| is_page(file));
        let mut objects: Vec<Vec<Object>> = Vec::new();
        for file in &files {
            // The builder dirhtml calls the page of `lib/box/index.html` `lib/box/`.
            let folder = file.strip_suffix("index.html");
            let own = pages.remove(file).or_else(|| pages.remove(folder?));
            objects.push(own.unwrap_or_default());
        }
        let gone = pages.into_iter().filter(|(page, _)| is_page(page)).map(|(page, objects)| {
            let why = format!("is not there, so {} objects have no text", objects.len());
            Err(Skipped::new(self.folder.join(page).display().to_string(), why))
        });
        skipped.extend(gone);
        let read = files.into_iter().zip(objects);
        let read =
            read.flat_map(move |(file, objects)| self.read(&project, &version, &file, objects));
        Ok(Box::new(skipped.into_iter().chain(read)))
    }

    fn settings(&self) -> Settings {
        Settings::new("sphinx").with("folder", self.folder.display())
    }
}

/// Sphinx keeps scripts, sources and code listings in folders that begin with `_`; a page may, as `__main__.html`.
fn is_page(file: &str) -> bool {
    let (folders, name) = file.rsplit_once('/').unwrap_or(("", file));
    let name = name.trim_end_matches(".html");
    let list = LISTS.contains(&name) || name.starts_with("genindex-");
    !list && !folders.split('/').any(|folder| folder.starts_with('_'))
}

impl SphinxSite {
    fn read(
        &self,
        project: &str,
        version: &str,
        file: &str,
        objects: Vec<Object>,
    ) -> Vec<Result<Document, Skipped>> {
        let what = self.folder.join(file).display().to_string();
        let text = match text::read(&self.folder.join(file), self.max_bytes) {
            Ok(text) => text,
            Err(why) => return vec![Err(Skipped::new(what, why))],
        };
        let (documents, lost) = documents(&Page::parse(&text.text), file, objects);
        let lost = (lost > 0).then(|| format!("does not hold {lost} of the inventory's objects"));
        let notes = text.note.map(str::to_owned).into_iter().chain(lost);
        let notes: Vec<_> = notes.map(|why| Err(Skipped::new(what.clone(), why))).collect();
        let own = |document: Document| Document {
            id: format!("{project}:{}", document.id),
            origin: project.to_owned(),
            version: version.to_owned(),
            ..document
        };
        notes.into_iter().chain(documents.into_iter().map(|document| Ok(own(document)))).collect()
    }
}

/// The documents of a page in its order, and how many objects have no element.
fn documents(page: &Page, file: &str, objects: Vec<Object>) -> (Vec<Document>, usize) {
    let mut lost = 0;
    let mut defined: BTreeMap<NodeId, Object> = BTreeMap::new();
    for object in objects {
        match page.anchor(&object.anchor) {
            None => lost += usize::from(!object.anchor.is_empty()),
            // Labels, modules and tokens name a place within a section, which has its own document.
            Some(node) => {
                let around = std::iter::once(node).chain(page.ancestors(node));
                if let Some(term) = around.take(4).find(|node| page.nodes[*node].name == "dt") {
                    defined.entry(term).or_insert(object);
                }
            }
        }
    }
    let mut extents: Vec<Extent> = defined.keys().map(|term| page.definition(*term)).collect();
    extents.extend(page.sections());
    extents.sort_by_key(|extent| extent.head);
    let mut seen = HashMap::new();
    let mut documents = Vec::new();
    for (Extent { head, .. }, text) in extents.iter().zip(page.texts(&extents)) {
        let document = match defined.get(head) {
            Some(object) => describe(page, file, *head, object, text),
            None if text.is_empty() => continue,
            None => section(page, file, *head, text),
        };
        let id = unique(&mut seen, document.id.clone());
        documents.push(Document { id, ..document });
    }
    (documents, lost)
}

fn describe(page: &Page, file: &str, term: NodeId, object: &Object, text: String) -> Document {
    let location = format!("{file}#{}", object.anchor);
    let title = title(object, &page.line(term));
    let id = format!("{}:{}", object.role, object.name);
    Document { location, kind: DocumentKind::Object, ..Document::new(id, title, text) }
}

/// `collections.Counter` and `class collections.Counter([iterable])` give `collections.Counter([iterable])`.
fn title(object: &Object, signature: &str) -> String {
    let name = &object.name;
    let own = name.rsplit(['.', ':']).next().unwrap_or(name);
    if !object.role.starts_with("py:") {
        return if signature.contains(name.as_str()) {
            signature.to_owned()
        } else {
            format!("{name}: {signature}")
        };
    }
    let before = signature.split('(').next().unwrap_or(signature);
    match before.rfind(own) {
        Some(at) => format!("{name}{}", &signature[at + own.len()..]),
        None => name.clone(),
    }
}

fn section(page: &Page, file: &str, head: NodeId, text: String) -> Document {
    let around = std::iter::once(head).chain(page.ancestors(head));
    let anchor = around
        .into_iter()
        .find(|node| page.nodes[*node].is_section())
        .map(|node| page.nodes[node].id.as_str());
    let place = match anchor {
        Some(anchor) if !anchor.is_empty() => format!("{file}#{anchor}"),
        _ => file.to_owned(),
    };
    let headings = page.headings(head);
    let title = if headings.is_empty() { file.to_owned() } else { headings.join(" > ") };
    Document {
        location: place.clone(),
        kind: DocumentKind::Section,
        ..Document::new(place, title, text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests;
