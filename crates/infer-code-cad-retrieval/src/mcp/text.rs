//! Answers in the form that Context7 gives them.

use super::docs::Library;
use crate::Passage;

/// Bytes of a token, about.
const TOKEN_BYTES: usize = 4;

const BETWEEN_LIBRARIES: &str = "\n----------\n";
const BETWEEN_PASSAGES: &str = "\n\n--------------------------------\n\n";

pub(super) fn libraries<'a>(libraries: impl Iterator<Item = &'a Library>) -> String {
    let blocks: Vec<String> = libraries.map(library).collect();
    format!("Available Libraries:\n\n{}", blocks.join(BETWEEN_LIBRARIES))
}

fn library(library: &Library) -> String {
    let Library { name, passages, examples, titles, versions } = library;
    let mut text = format!(
        "- Title: {name}\n- Context7-compatible library ID: {}\n- Description: {passages} passages on this machine, such \
         as {}\n- Code Snippets: {examples}",
        library.id(),
        titles.join("; ")
    );
    if !versions.is_empty() {
        let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
        text += &format!("\n- Versions: {}", versions.join(", "));
    }
    text
}

pub(super) fn no_library(name: &str, libraries: &[Library], most: usize) -> String {
    let mut largest: Vec<&Library> = libraries.iter().collect();
    largest.sort_by_key(|library| std::cmp::Reverse(library.passages));
    let largest: Vec<&str> =
        largest.iter().take(most).map(|library| library.name.as_str()).collect();
    format!(
        "No library here is called {name:?}. The largest of {} are: {}",
        libraries.len(),
        largest.join(", ")
    )
}

/// Passages in their order while they fit; the first is cut to the budget.
pub(super) fn passages<'a>(
    mut passages: impl Iterator<Item = &'a Passage>,
    library_id: &str,
    max_tokens: usize,
) -> String {
    let budget = max_tokens.saturating_mul(TOKEN_BYTES);
    let Some(first) = passages.next() else {
        return cut(
            format!("Nothing in {library_id} fits the query; ask with other words"),
            budget,
        );
    };
    let mut text = cut(passage(first), budget);
    for next in passages.map(passage) {
        if text.len() + BETWEEN_PASSAGES.len() + next.len() <= budget {
            text += BETWEEN_PASSAGES;
            text += &next;
        }
    }
    text
}

fn passage(passage: &Passage) -> String {
    let Passage { id, title, text, origin, version, location } = passage;
    let mut source = if location.is_empty() { id.clone() } else { location.clone() };
    if !origin.is_empty() {
        source += &format!(" ({})", format!("{origin} {version}").trim_end());
    }
    format!("### {title}\n\nSource: {source}\n\n{}", text.trim_end())
}

/// The first bytes of a text, up to a character and, if there is one in the second half, up to the end of a line.
fn cut(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        match text.rfind('\n') {
            Some(line) if line >= bytes / 2 => text.truncate(line),
            _ => {}
        }
    }
    text
}
