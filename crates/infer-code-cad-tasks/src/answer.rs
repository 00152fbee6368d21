//! Which part of a model's text is the answer: no thinking, no end marks, one of several fenced blocks.

use crate::body::base_indent;
use crate::fence;
use crate::item::{binding, items, position_of};
use crate::python::{Line, first_word, logical_lines};
use crate::statement::is_statement;
use std::ops::Range;

/// What models write when they are done, where the text was decoded with its special tokens.
const END_MARKS: &[&str] = &[
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|EOT|>",
    "<|endofmask|>",
    "<|file_separator|>",
    "<end_of_turn>",
    "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>",
    "<eos>",
    "</s>",
];

/// Where the function stands and what other code the text has.
pub(crate) struct Found<'t> {
    /// The text, or the part of it, that has the function.
    pub(crate) code: &'t str,
    /// The fenced blocks that have it not.
    pub(crate) others: Vec<&'t str>,
}

impl<'t> Found<'t> {
    /// Finds the function `name` or its body in model text with `\n` as line ends.
    pub(crate) fn find(text: &'t str, name: &str) -> Self {
        let text = without_end_mark(without_thinking(text));
        let Some(fenced) = fence::split(text, &strings(text)) else {
            // A closing fence may follow the last statement on its line.
            return Self::whole(text.trim_end().strip_suffix("```").unwrap_or(text), name);
        };
        let (before, mut blocks) = (fenced.before, fenced.blocks);
        if continues(before, name) || answers(before, name) {
            return Self { others: blocks, ..Self::whole(before, name) };
        }
        let answering = blocks.iter().position(|block| answers(block, name));
        if answering.is_none() && from_definition(before, name).is_some() {
            return Self { others: blocks, ..Self::whole(before, name) };
        }
        let defining = || blocks.iter().position(|block| from_definition(block, name).is_some());
        let filled = || blocks.iter().position(|block| !block.trim().is_empty());
        let Some(chosen) = answering.or_else(defining).or_else(filled) else {
            return Self::whole(text, name);
        };
        let code = blocks.remove(chosen);
        Self { others: blocks, ..Self::whole(code, name) }
    }

    fn whole(text: &'t str, name: &str) -> Self {
        let code = without_swallowing_prose(text, name);
        Self { code, others: Vec::new() }
    }
}

/// What follows the thinking of a reasoning model; all of the text where nothing does.
fn without_thinking(text: &str) -> &str {
    let ends = ["</think>", "</thinking>", "[/THINK]"];
    let (mut start, mut answer) = (0, text);
    for line in text.split_inclusive('\n') {
        let code = line.trim();
        let is_end = |end: &&str| code.starts_with(end) || code.ends_with(end);
        if let Some((_, after)) = ends.iter().find(|e| is_end(e)).and_then(|e| line.rsplit_once(e))
        {
            answer = &text[start + line.len() - after.len()..];
        }
        start += line.len();
    }
    if answer.trim().is_empty() { text } else { answer }
}

/// The text before the first end mark that follows something and stands in no string of its line.
fn without_end_mark(text: &str) -> &str {
    let text = leading_marks(text);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let marks = END_MARKS.iter().filter_map(|mark| line.find(mark).map(|at| (at, mark.len())));
        let outside = marks.filter(|(at, length)| !is_quoted(&line[..*at], &line[at + length..]));
        if let Some(at) = outside.map(|(at, _)| at).min() {
            return &text[..start + at];
        }
        start += line.len();
    }
    text
}

fn leading_marks(mut text: &str) -> &str {
    while let Some(rest) = END_MARKS.iter().find_map(|mark| text.trim_start().strip_prefix(mark)) {
        text = rest;
    }
    text
}

/// True between two quotation marks of the same kind.
fn is_quoted(before: &str, after: &str) -> bool {
    ['"', '\'']
        .iter()
        .any(|quote| before.matches(*quote).count() % 2 == 1 && after.contains(*quote))
}

/// Statements of several lines: their strings may have lines that look like fences.
fn strings(text: &str) -> Vec<Range<usize>> {
    let lines = logical_lines(text);
    let strings = lines.iter().filter(|line| line.text.contains('\n') && is_statement(line));
    strings.map(|line| line.start..line.end()).collect()
}

/// True when the text begins with statements of the function's body.
fn continues(text: &str, name: &str) -> bool {
    let lines = logical_lines(text);
    lines.first().is_some_and(is_statement) && is_body(&lines, name)
}

/// True when the text has the function with something in it.
fn answers(text: &str, name: &str) -> bool {
    let code = without_swallowing_prose(text, name);
    let lines = logical_lines(code);
    let items = items(code, &lines);
    position_of(&items, name).is_some_and(|at| items[at].without_torn_end().has_body())
}

/// Drops the beginning when it holds an unclosed quote that hides the line that defines `name`.
fn without_swallowing_prose<'t>(code: &'t str, name: &str) -> &'t str {
    let lines = logical_lines(code);
    if lines.iter().any(|line| line.defined_name() == Some(name)) {
        return code;
    }
    let hidden = lines.iter().filter(|line| !line.complete).find_map(|line| {
        let tail = from_definition(line.text, name)?;
        (tail.len() < line.text.len()).then(|| line.end() - tail.len())
    });
    &code[hidden.unwrap_or(0)..]
}

/// The text from the first physical line that reads `def name`.
fn from_definition<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let code = line.trim_start().trim_start_matches("async ").trim_start();
        if code.strip_prefix("def ").is_some_and(|rest| first_word(rest.trim_start()) == name) {
            return Some(&text[start..]);
        }
        start += line.len();
    }
    None
}

/// True when the text starts inside the function rather than before its definition.
pub(crate) fn is_body(lines: &[Line<'_>], name: &str) -> bool {
    let Some(definition) = lines.iter().position(|line| line.defined_name() == Some(name)) else {
        let items = items("", lines);
        let assigns = items.iter().any(|item| item.indent() == 0 && item.defines(name));
        return !assigns && binding(&items, name).is_none();
    };
    let Some(first) = lines[..definition].first().filter(|line| is_statement(line)) else {
        return false;
    };
    if first.indent >= lines[definition].indent + 2 || first.first_word() == "return" {
        return true;
    }
    let module_like = ["import", "from", "def", "class", "async", "if", "try", ""];
    !module_like.contains(&first.first_word()) && base_indent(&lines[..definition]) > first.indent
}
