//! Text that starts inside the function.

use crate::item::{Code, Parsed, python_length};
use crate::python::Line;

/// The body, indented, of text that starts inside function `name`, and how many of the lines it took.
pub(crate) fn cut(code: &Code<'_>, name: &str) -> (String, usize) {
    let is_statement = Parsed::is_statement;
    let skipped = code.lines.iter().position(is_statement).unwrap_or(code.lines.len());
    let comments_from = code.lines[..skipped].last().map_or(0, |parsed| parsed.line.end());
    let lines = &code.lines[skipped..];
    let base = base_indent(lines);
    let length = length(lines, base, name);
    let kept = lines[..length].iter().rposition(Parsed::is_whole).map_or(0, |last| last + 1);
    let kept: Vec<Line<'_>> = lines[..kept].iter().map(|parsed| parsed.line).collect();
    let body = if base > 0 {
        with_margin(code.text, comments_from, &kept, base)
    } else {
        kept.iter().map(|line| format!("    {}\n", line.text)).collect()
    };
    (body, skipped + length)
}

/// The body as written, comments included, with the first line at the indentation of the others.
fn with_margin(code: &str, from: usize, lines: &[Line<'_>], base: usize) -> String {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return String::new();
    };
    let spaces = " ".repeat(base);
    let model = lines.iter().find(|line| line.indent == base);
    let margin = model.map_or(spaces.as_str(), Line::margin);
    let comments = code[from..first.start].trim_start_matches(['\n', ' ', '\t']);
    let separator = if comments.is_empty() { "" } else { margin };
    format!("{separator}{comments}{margin}{}{}\n", first.code(), &code[first.end()..last.end()])
}

/// Indentation of a body's statements; differs from the first line's where that line is off.
pub(crate) fn base_indent(lines: &[Parsed<'_>]) -> usize {
    let Some(Parsed { line: first, .. }) = lines.first() else { return 0 };
    let inner =
        || lines[1..].iter().map(|parsed| parsed.line.indent).take_while(|indent| *indent > 0);
    let Some(next) = inner().next() else { return first.indent };
    if !first.opens_block {
        return next;
    }
    // The first line opens a block: the shallowest later line tells, if it is not that block's own.
    let least = inner().min().unwrap_or(next);
    if least < next && first.indent < next {
        return least;
    }
    if first.indent == 0
        && next >= 8
        && !first.margin().contains('\t')
        && lines[1].line.margin().starts_with("        ")
    {
        return 4;
    }
    if least < first.indent { least } else { first.indent }
}

/// How many of the lines belong to the body.
fn length(lines: &[Parsed<'_>], base: usize, name: &str) -> usize {
    if base > 0 {
        let dedent = lines.iter().skip(1).position(|parsed| parsed.line.indent < base);
        return python_length(&lines[..dedent.map_or(lines.len(), |i| i + 1)]);
    }
    // A body at column 0: it ends after `return`, or where something else plainly begins.
    for (i, parsed) in lines.iter().enumerate().filter(|(_, parsed)| parsed.line.indent == 0) {
        let line = &parsed.line;
        if matches!(line.first_word(), "return" | "raise") {
            return i + 1;
        }
        let demonstration =
            ["print", "assert"].contains(&line.first_word()) || line.code().contains("__name__");
        if !parsed.is_statement() || demonstration || line.defined_name() == Some(name) {
            return i;
        }
    }
    lines.len()
}
