//! Text that starts inside the function.

use crate::python::Line;
use crate::statement::is_statement;

/// The body, indented, of text that starts inside function `name`, and how many of the lines it took.
pub(crate) fn cut(code: &str, lines: &[Line<'_>], name: &str) -> (String, usize) {
    let skipped = lines.iter().position(is_statement).unwrap_or(lines.len());
    let comments_from = lines[..skipped].last().map_or(0, Line::end);
    let lines = &lines[skipped..];
    let base = base_indent(lines);
    let length = length(lines, base, name);
    let kept = lines[..length].iter().rposition(Line::is_whole).map_or(0, |last| last + 1);
    let body = if base > 0 {
        with_margin(code, comments_from, &lines[..kept], base)
    } else {
        lines[..kept].iter().map(|line| format!("    {}\n", line.text)).collect()
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
pub(crate) fn base_indent(lines: &[Line<'_>]) -> usize {
    let Some(first) = lines.first() else { return 0 };
    let inner = || lines[1..].iter().map(|line| line.indent).take_while(|indent| *indent > 0);
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
        && !lines[0].margin().contains('\t')
        && lines[1].margin().starts_with("        ")
    {
        return 4;
    }
    if least < first.indent { least } else { first.indent }
}

/// How many of the lines belong to the body.
fn length(lines: &[Line<'_>], base: usize, name: &str) -> usize {
    if base > 0 {
        let dedent = lines.iter().skip(1).position(|line| line.indent < base);
        return dedent.map_or(lines.len(), |i| i + 1);
    }
    // A body at column 0: it ends after `return`, or where something else plainly begins.
    for (i, line) in lines.iter().enumerate().filter(|(_, line)| line.indent == 0) {
        if matches!(line.first_word(), "return" | "raise") {
            return i + 1;
        }
        let demonstration =
            ["print", "assert"].contains(&line.first_word()) || line.code().contains("__name__");
        if !is_statement(line) || demonstration || line.defined_name() == Some(name) {
            return i;
        }
    }
    lines.len()
}
