use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::text;
use crate::{Hit, Passage, Query, RetrievalError, Retriever};

/// The libraries that passages tell of, and a retriever that finds in them.
///
/// A library is an [origin](Passage::origin), such as `numpy`. Its id is `/local/numpy`, that of one
/// [version](Passage::version) `/local/numpy/2.4.6`; passages of unknown origin are `/local/docs`.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use infer_code_cad_retrieval::mcp::{Docs, DocsConfig};
/// use infer_code_cad_retrieval::{Bm25Config, Bm25Index, Passage};
///
/// let mut passage = Passage::new("heapq.heappush", "heapq.heappush(heap, item)", "Push item onto the heap.");
/// passage.origin = "heapq".into();
/// let passages = vec![Arc::new(passage)];
/// let retriever = Bm25Index::new(passages.clone(), Bm25Config::default())?;
/// let docs = Docs::new(&passages, Arc::new(retriever), DocsConfig::default());
/// assert!(docs.resolve("heap", "push an item")?.contains("ID: /local/heapq"));
/// assert!(docs.query("/local/heapq", "push an item")?.unwrap().contains("Push item onto the heap."));
/// # Ok::<(), infer_code_cad_retrieval::RetrievalError>(())
/// ```
#[derive(Debug)]
pub struct Docs {
    libraries: Vec<Library>,
    passages: usize,
    retriever: Arc<dyn Retriever>,
    config: DocsConfig,
}

/// How much an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocsConfig {
    /// Tokens of an answer of `query-docs`, counted as 4 bytes each, since the agent's tokenizer is not known here.
    pub max_tokens: usize,
    /// Passages of an answer of `query-docs`, and libraries of one of `resolve-library-id`.
    pub top_k: usize,
}

impl Default for DocsConfig {
    fn default() -> Self {
        Self { max_tokens: 5000, top_k: 10 }
    }
}

/// What is told of a library.
#[derive(Debug)]
pub(super) struct Library {
    pub(super) name: String,
    pub(super) versions: BTreeSet<String>,
    pub(super) passages: usize,
    pub(super) examples: usize,
    /// Some of its passages by title.
    pub(super) titles: Vec<String>,
}

impl Docs {
    /// The libraries of `passages`, which `retriever` finds in: give it the same ones.
    pub fn new(
        passages: &[Arc<Passage>],
        retriever: Arc<dyn Retriever>,
        config: DocsConfig,
    ) -> Self {
        let mut libraries: BTreeMap<&str, Library> = BTreeMap::new();
        for passage in passages {
            let name = name(passage);
            libraries.entry(name).or_insert_with(|| Library::new(name)).take_in(passage);
        }
        let libraries = libraries.into_values().collect();
        Self { libraries, passages: passages.len(), retriever, config }
    }

    /// The answer of `resolve-library-id`: libraries that go by a name, the likeliest first. Of two that are called
    /// alike the one comes first in which more is found for the query.
    ///
    /// # Errors
    /// Those of the retriever.
    pub fn resolve(&self, library_name: &str, query: &str) -> Result<String, RetrievalError> {
        let mut named: Vec<(u8, &Library)> = self
            .libraries
            .iter()
            .filter_map(|library| Some((likeness(&library.name, library_name)?, library)))
            .collect();
        if named.is_empty() {
            return Ok(text::no_library(library_name, &self.libraries, self.config.top_k));
        }
        let hits = self.search(query, 50)?;
        let found = |library: &Library| {
            hits.iter().filter(|hit| name(&hit.passage) == library.name).count()
        };
        // The sort is stable: what is left equal stays in the order of the names.
        named.sort_by_cached_key(|(likeness, library)| {
            std::cmp::Reverse((*likeness, found(library), library.passages))
        });
        let named = named.into_iter().map(|(_, library)| library).take(self.config.top_k);
        Ok(text::libraries(named))
    }

    /// The answer of `query-docs`: the best passages of a library, as many as the budget holds; the first one is cut
    /// where it alone is too long. `None` for an id that no library has.
    ///
    /// # Errors
    /// Those of the retriever.
    pub fn query(&self, library_id: &str, query: &str) -> Result<Option<String>, RetrievalError> {
        let known = |library: &Library| library.ids().any(|id| id == library_id);
        if !self.libraries.iter().any(known) {
            return Ok(None);
        }
        let hits = self.search_in(library_id, query)?;
        let passages = hits.iter().map(|hit| &*hit.passage);
        Ok(Some(text::passages(passages, library_id, self.config.max_tokens)))
    }

    /// The best hits that are of the library. A retriever knows no libraries, so more and more are asked for.
    fn search_in(&self, library_id: &str, query: &str) -> Result<Vec<Hit>, RetrievalError> {
        let mut asked = 64;
        loop {
            let mut hits = self.search(query, asked)?;
            let last = hits.len() < asked || asked >= self.passages;
            hits.retain(|hit| is_of(&hit.passage, library_id));
            if last || hits.len() >= self.config.top_k {
                hits.truncate(self.config.top_k);
                return Ok(hits);
            }
            asked = asked.saturating_mul(8).min(self.passages);
        }
    }

    fn search(&self, query: &str, top_k: usize) -> Result<Vec<Hit>, RetrievalError> {
        match self.retriever.search(&[Query::new(query)], top_k).pop() {
            Some(Err(RetrievalError::EmptyQuery { .. })) | None => Ok(Vec::new()),
            Some(found) => found,
        }
    }
}

impl Library {
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            versions: BTreeSet::new(),
            passages: 0,
            examples: 0,
            titles: Vec::new(),
        }
    }

    fn take_in(&mut self, passage: &Passage) {
        self.passages += 1;
        self.examples +=
            usize::from([">>> ", "```"].iter().any(|mark| passage.text.contains(mark)));
        if !passage.version.is_empty() {
            self.versions.insert(passage.version.clone());
        }
        if self.titles.len() < 3 && !self.titles.contains(&passage.title) {
            self.titles.push(passage.title.clone());
        }
    }

    /// The id of all versions.
    pub(super) fn id(&self) -> String {
        id(&self.name)
    }

    fn ids(&self) -> impl Iterator<Item = String> {
        let all = self.id();
        let versions = self.versions.iter().map(|version| id_of_version(&self.name, version));
        std::iter::once(all).chain(versions)
    }
}

fn name(passage: &Passage) -> &str {
    if passage.origin.is_empty() { "docs" } else { &passage.origin }
}

fn id(name: &str) -> String {
    format!("/local/{name}")
}

fn id_of_version(name: &str, version: &str) -> String {
    format!("{}/{version}", id(name))
}

fn is_of(passage: &Passage, library_id: &str) -> bool {
    let name = name(passage);
    id(name) == library_id
        || !passage.version.is_empty() && id_of_version(name, &passage.version) == library_id
}

/// How well a library goes by a name: 3 it is the name, 2 one begins with the other, 1 one holds the other.
/// Letters and digits alone count, so `scikit-learn` is `scikit_learn`.
fn likeness(library: &str, name: &str) -> Option<u8> {
    let plain = |text: &str| {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    let (library, name) = (plain(library), plain(name));
    if library.is_empty() || name.is_empty() {
        return None;
    }
    if library == name {
        Some(3)
    } else if library.starts_with(&name) || name.starts_with(&library) {
        Some(2)
    } else if library.contains(&name) || name.contains(&library) {
        Some(1)
    } else {
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::{Bm25Config, Bm25Index};

    fn docs(config: DocsConfig) -> Docs {
        let mut passages = Vec::new();
        for (origin, version, count) in
            [("numpy", "1.26", 100), ("numpy", "2.4.6", 100), ("numpy-stl", "3", 1), ("", "", 2)]
        {
            for i in 0..count {
                let mut passage = Passage::new(
                    format!("{origin}{version}{i}"),
                    format!("{origin}.sort_{i}"),
                    format!("Sorts the array in way {i} of {version}.\n>>> sort({i})"),
                );
                (passage.origin, passage.version) = (origin.into(), version.into());
                passages.push(Arc::new(passage));
            }
        }
        let retriever = Bm25Index::new(passages.clone(), Bm25Config::default()).unwrap();
        Docs::new(&passages, Arc::new(retriever), config)
    }

    #[test]
    fn libraries_by_name() {
        let docs = docs(DocsConfig::default());
        let answer = docs.resolve("NumPy", "sort an array").unwrap();
        let first = "Available Libraries:\n\n- Title: numpy\n- Context7-compatible library ID: /local/numpy\n";
        assert!(answer.starts_with(first), "{answer}");
        assert!(
            answer.contains("- Code Snippets: 200\n- Versions: 1.26, 2.4.6\n----------\n"),
            "{answer}"
        );
        assert!(answer.contains("ID: /local/numpy-stl"), "{answer}");
        assert!(docs.resolve("docs", "").unwrap().contains("ID: /local/docs"));
        let none = docs.resolve("pandas", "sort").unwrap();
        assert!(
            none.starts_with("No library here is called \"pandas\"") && none.contains("numpy-stl"),
            "{none}"
        );
        assert!(docs.resolve("", "sort").unwrap().starts_with("No library here"));
    }

    #[test]
    fn passages_of_the_library_alone() {
        let docs = docs(DocsConfig::default());
        let ask = |id: &str, query: &str| docs.query(id, query).unwrap();
        let stl = ask("/local/numpy-stl", "sort array").unwrap();
        assert!(
            stl.contains("### numpy-stl.sort_0\n") && stl.matches("### ").count() == 1,
            "{stl}"
        );
        let old = ask("/local/numpy/1.26", "sort array way").unwrap();
        assert_eq!(
            (old.matches("### ").count(), old.matches("of 1.26.").count()),
            (10, 10),
            "{old}"
        );
        assert!(ask("/local/docs", "array").unwrap().contains("### .sort_0"));
        for unknown in ["/local/numpy/9", "/local/", "numpy", "", "/local/docs/"] {
            assert_eq!(ask(unknown, "array"), None, "{unknown}");
        }
        for nothing in ["", "?!", "zebra"] {
            let answer = ask("/local/numpy", nothing).unwrap();
            assert!(answer.starts_with("Nothing in /local/numpy"), "{answer}");
        }
    }

    #[test]
    fn the_budget_holds() {
        for max_tokens in [1, 20, 60, 200] {
            let docs = docs(DocsConfig { max_tokens, ..DocsConfig::default() });
            let answer = docs.query("/local/numpy", "sort array").unwrap().unwrap();
            assert!(answer.len() <= 4 * max_tokens, "{max_tokens}: {answer}");
            assert!(!answer.is_empty());
        }
    }
}
