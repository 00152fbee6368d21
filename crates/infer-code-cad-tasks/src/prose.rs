//! Names in the text of a docstring.

use crate::python::is_word;
use crate::renaming::Names;
use std::ops::Range;

/// Words of English that are names of arguments too (of HumanEval's, all that their docstrings use), so that a
/// text need not mean the argument.
#[rustfmt::skip]
const ENGLISH: &[&str] = &[
    "array", "base", "brackets", "data", "date", "decimal", "extensions", "grades", "grid", "guess", "items",
    "key", "list", "message", "names", "need", "number", "numbers", "operand", "operations", "operator", "prefix",
    "remaining", "sentence", "shift", "string", "strings", "substring", "text", "threshold", "value", "values", "word",
    "words",
];

/// What stands between quotes that open and close around one word, for an argument.
const TICK: char = '`';

/// The words of a text: runs of letters, digits and underscores.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word(c)).filter(|word| !word.is_empty())
}

/// What changes in a docstring, with its quotes, by place.
///
/// A line with an example (`>>>`, or a call of the entry point) is code and data, in which only calls change.
pub(crate) fn edits(text: &str, names: &Names) -> Vec<(Range<usize>, String)> {
    let (mut edits, mut start) = (vec![], 0);
    for line in text.split_inclusive('\n') {
        let is_example = line.trim_start().starts_with(">>>");
        for word in words(line) {
            let at = word.as_ptr() as usize - line.as_ptr() as usize;
            let around = Around::of(line, at..at + word.len());
            if let Some(new) = renamed(word, &around, is_example, names) {
                edits.push((start + at..start + at + word.len(), new.to_owned()));
            }
        }
        start += line.len();
    }
    edits
}

/// What stands beside a word in its line.
struct Around<'t> {
    before: Option<char>,
    after: Option<char>,
    rest: &'t str,
}

impl<'t> Around<'t> {
    fn of(line: &'t str, word: Range<usize>) -> Self {
        let (before, rest) = (line[..word.start].chars().next_back(), &line[word.end..]);
        Self { before, after: rest.chars().next(), rest }
    }

    /// Whether `a` is an article here: at the end of a line, or before a word that no name would precede.
    fn is_before_noun(&self) -> bool {
        let next = self.rest.strip_prefix(' ').unwrap_or(self.rest);
        match words(next).next() {
            None => next.trim().is_empty(),
            Some(word) => next.starts_with(word) && !["and", "is", "or"].contains(&word),
        }
    }

    fn is_ticked(&self) -> bool {
        self.before == Some(TICK) && self.after == Some(TICK)
    }

    /// Part of a string that an example shows, as `n` in `"n"` or `'abc n'`; also of `don't`.
    fn is_quoted(&self) -> bool {
        let quote = |c: Option<char>| matches!(c, Some('"' | '\''));
        quote(self.before) || quote(self.after)
    }
}

fn renamed<'n>(
    word: &str,
    around: &Around<'_>,
    is_example: bool,
    names: &'n Names,
) -> Option<&'n str> {
    let (old, new) = &names.function;
    if word == old {
        let is_name =
            word.contains(|c: char| c == '_' || c.is_ascii_digit() || c.is_ascii_uppercase());
        let is_meant = around.after == Some('(') || around.is_ticked() || is_name;
        return is_meant.then_some(new.as_str());
    }
    if is_example {
        return None;
    }
    let is_english = ENGLISH.contains(&word) || (word == "a" && around.is_before_noun());
    let is_meant = around.is_ticked() || !(around.is_quoted() || is_english);
    names.argument(word).filter(|_| is_meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> String {
        let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
        let names = Names {
            function: pair("add", "FUN"),
            arguments: vec![pair("n", "ONE"), pair("string", "TWO"), pair("a", "THREE")],
        };
        let mut out = text.to_owned();
        for (range, new) in edits(text, &names).into_iter().rev() {
            out.replace_range(range, &new);
        }
        out
    }

    #[test]
    fn names_change_and_words_stay() {
        for (text, expected) in [
            ("add a string n times", "add a string ONE times"),
            ("add(n) and `string` of `a`", "FUN(ONE) and `TWO` of `THREE`"),
            (">>> add('n', n)\nn == 1", ">>> FUN('n', n)\nONE == 1"),
            ("for \"n\" it doesn't add", "for \"n\" it doesn't add"),
            ("n-th é n", "ONE-th é ONE"),
            (
                "a list, a\nset; a and n (a) a + n",
                "a list, a\nset; THREE and ONE (THREE) THREE + ONE",
            ),
        ] {
            assert_eq!(rewritten(text), expected);
        }
    }
}
