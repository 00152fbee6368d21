use std::collections::HashMap;

use crate::source::{Document, DocumentKind, unique};

/// A heading, and where its text begins and ends in lines.
struct Heading {
    level: usize,
    title: String,
    line: usize,
    body: usize,
}

/// Sections by `#` and underlined headings, none of them within a fence.
pub(super) fn markdown(file: &str, text: &str) -> Vec<Document> {
    let lines: Vec<&str> = text.lines().collect();
    let mut headings = Vec::new();
    let mut fence = None;
    for (at, line) in lines.iter().enumerate() {
        let mark = fence_mark(line);
        match (fence, mark) {
            (None, Some(_)) => fence = mark,
            (Some((open, least)), Some((close, length))) if open == close && length >= least => {
                fence = None
            }
            _ => {}
        }
        if fence.is_some() {
            continue;
        }
        if let Some((level, title)) = hashes(line) {
            headings.push(Heading { level, title: title.to_owned(), line: at, body: at + 1 });
        } else if let Some(level) = at.checked_sub(1).and_then(|above| setext(lines[above], line)) {
            let title = lines[at - 1].trim().to_owned();
            headings.push(Heading { level, title, line: at - 1, body: at + 1 });
        }
    }
    documents(file, &lines, headings)
}

/// The mark of a fence and its length.
fn fence_mark(line: &str) -> Option<(char, usize)> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.len() - line.trim_start_matches(mark).len();
    (length >= 3).then_some((mark, length))
}

/// `## Title ##`
fn hashes(line: &str) -> Option<(usize, &str)> {
    let after = line.trim_start_matches('#');
    let level = line.len() - after.len();
    let title = after.trim().trim_end_matches('#').trim();
    ((1..=6).contains(&level) && after.starts_with([' ', '\t']) && !title.is_empty())
        .then_some((level, title))
}

/// A line of `=` or `-` below a line of text.
fn setext(above: &str, line: &str) -> Option<usize> {
    let mark = line.chars().next()?;
    let level = match mark {
        '=' => 1,
        '-' => 2,
        _ => return None,
    };
    let rule = line.trim_end();
    let text = above.chars().next().is_some_and(char::is_alphanumeric);
    (rule.len() >= 3 && rule.chars().all(|c| c == mark) && text).then_some(level)
}

/// Sections by underlined titles, perhaps with a line above too; the marks rank in the order they appear in.
pub(super) fn restructured(file: &str, text: &str) -> Vec<Document> {
    let lines: Vec<&str> = text.lines().collect();
    let mut ranks: Vec<(char, bool)> = Vec::new();
    let mut headings = Vec::new();
    for at in 1..lines.len() {
        let above =
            at >= 2 && rule(lines[at - 2]).is_some() && rule(lines[at - 2]) == rule(lines[at]);
        let Some(mark) = underline(lines[at - 1], lines[at], above) else { continue };
        let rank = ranks.iter().position(|known| *known == (mark, above)).unwrap_or(ranks.len());
        if rank == ranks.len() {
            ranks.push((mark, above));
        }
        let title = lines[at - 1].trim().to_owned();
        let line = if above { at - 2 } else { at - 1 };
        headings.push(Heading { level: rank + 1, title, line, body: at + 1 });
    }
    documents(file, &lines, headings)
}

/// The mark of a line that is one punctuation mark over and over.
fn rule(line: &str) -> Option<char> {
    let line = line.trim_end();
    let mark = line.chars().next().filter(char::is_ascii_punctuation)?;
    line.chars().all(|c| c == mark).then_some(mark)
}

/// The mark under a title: at least as long as the title, which is itself no rule, nor a row of a table, and indented
/// between two rules alone.
fn underline(title: &str, line: &str, above: bool) -> Option<char> {
    let mark = rule(line)?;
    let length = title.trim_end().chars().count();
    let whole = line.trim_end().chars().count() >= length.max(2);
    let begins = title.chars().any(char::is_alphanumeric) && rule(title).is_none();
    let indented = title.starts_with([' ', '\t']);
    (whole && begins && (above || !indented) && !title.starts_with(['>', '|'])).then_some(mark)
}

/// The file as one section.
pub(super) fn plain(file: &str, text: &str) -> Vec<Document> {
    documents(file, &text.lines().collect::<Vec<_>>(), Vec::new())
}

/// One document per heading that has a text, and one for what stands before the first.
fn documents(file: &str, lines: &[&str], headings: Vec<Heading>) -> Vec<Document> {
    let mut documents = Vec::new();
    let mut seen = HashMap::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut push = |title: String, anchor: Option<&str>, line: usize, body: &[&str]| {
        if let Some(text) = solid(body) {
            let id = unique(
                &mut seen,
                anchor.map_or_else(|| file.to_owned(), |anchor| format!("{file}#{anchor}")),
            );
            let location = format!("{file}:{}", line + 1);
            documents.push(Document {
                location,
                kind: DocumentKind::Section,
                ..Document::new(id, title, text)
            });
        }
    };
    push(
        file.to_owned(),
        None,
        0,
        &lines[..headings.first().map_or(lines.len(), |first| first.line)],
    );
    let ends =
        headings.iter().skip(1).map(|next| next.line).chain([lines.len()]).collect::<Vec<_>>();
    for (heading, end) in headings.into_iter().zip(ends) {
        path.retain(|(level, _)| *level < heading.level);
        path.push((heading.level, heading.title));
        let titles: Vec<&str> = path.iter().map(|(_, title)| title.as_str()).collect();
        let title = format!("{file} > {}", titles.join(" > "));
        push(title, Some(&titles.join("/")), heading.line, &lines[heading.body.min(end)..end]);
    }
    documents
}

/// The lines without blank ones around them, if anything is left.
fn solid(lines: &[&str]) -> Option<String> {
    let first = lines.iter().position(|line| !line.trim().is_empty())?;
    let last = lines.iter().rposition(|line| !line.trim().is_empty())?;
    Some(lines[first..=last].join("\n"))
}
