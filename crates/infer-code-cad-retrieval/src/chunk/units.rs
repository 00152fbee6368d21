use std::ops::Range;

/// A part of a text that is kept together where it fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    /// Where it stands, with the blank lines after it.
    pub(super) range: Range<usize>,
    /// It is never cut.
    pub(super) example: bool,
}

/// Cuts a text into paragraphs and examples. Together they are the text.
pub(super) fn units(text: &str) -> Vec<Unit> {
    let lines = lines(text);
    let mut units: Vec<Unit> = Vec::new();
    let mut fences = Fences::default();
    let mut at = 0;
    while at < lines.len() {
        let (end, example) = match example(&lines, at, &mut fences) {
            Some(end) => (end, true),
            None => (paragraph(&lines, at), false),
        };
        let end = end + lines[end..].iter().take_while(|line| line.is_blank()).count();
        units.push(Unit { range: lines[at].start..lines[end - 1].end(), example });
        at = end;
    }
    units
}

#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    start: usize,
    /// With its line end.
    text: &'a str,
}

impl Line<'_> {
    fn end(self) -> usize {
        self.start + self.text.len()
    }

    fn is_blank(self) -> bool {
        self.text.trim().is_empty()
    }

    fn indent(self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }

    fn is_prompt(self) -> bool {
        let text = self.text.trim();
        text == ">>>" || text.starts_with(">>> ")
    }

    /// The mark and its length, where a fence opens.
    fn fence(self) -> Option<(char, usize)> {
        let text = self.text.trim();
        let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let length = text.len() - text.trim_start_matches(mark).len();
        // Inline code may stand at the begin of a line: "```x``` does .."
        (length >= 3 && !text[length..].contains('`')).then_some((mark, length))
    }

    fn closes(self, (mark, length): (char, usize)) -> bool {
        let text = self.text.trim();
        text.len() >= length && text.chars().all(|c| c == mark)
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    let line = |text: &'_ str| {
        start += text.len();
        start - text.len()
    };
    text.split_inclusive('\n')
        .map(line)
        .zip(text.split_inclusive('\n'))
        .map(|(start, text)| Line { start, text })
        .collect()
}

/// Fences that nothing closes in the rest of the text: they are prose, or all after them would be one example.
#[derive(Debug, Default)]
struct Fences {
    open: Vec<(char, usize)>,
}

impl Fences {
    /// Behind the line that closes the fence at `at`.
    fn end(&mut self, lines: &[Line<'_>], at: usize) -> Option<usize> {
        let (mark, length) = lines[at].fence()?;
        if self.open.iter().any(|(open, least)| *open == mark && length >= *least) {
            return None;
        }
        let close = lines[at + 1..].iter().position(|line| line.closes((mark, length)));
        if close.is_none() {
            self.open.push((mark, length));
        }
        close.map(|lines| at + 1 + lines + 1)
    }
}

/// Behind the last line of the example that begins at `at`, if one does.
fn example(lines: &[Line<'_>], at: usize, fences: &mut Fences) -> Option<usize> {
    if lines[at].is_prompt() {
        let length = lines[at..].iter().take_while(|line| !line.is_blank()).count();
        return Some(at + length);
    }
    literal(lines, at).or_else(|| fences.end(lines, at))
}

/// An indented block after a paragraph that ends in `::`.
fn literal(lines: &[Line<'_>], at: usize) -> Option<usize> {
    let before =
        lines[..at].iter().rposition(|line| !line.is_blank()).filter(|line| line + 1 < at)?;
    let opener = lines[before];
    let inside = |line: &Line<'_>| line.is_blank() || line.indent() > opener.indent();
    if !opener.text.trim_end().ends_with("::") || lines[at].is_blank() || !inside(&lines[at]) {
        return None;
    }
    let length = lines[at..].iter().take_while(|line| inside(line)).count();
    let blank = lines[at..at + length].iter().rev().take_while(|line| line.is_blank()).count();
    Some(at + length - blank)
}

/// Behind the last line of the paragraph at `at`: before a blank line, a doctest or a fence.
fn paragraph(lines: &[Line<'_>], at: usize) -> usize {
    let ends = |line: &Line<'_>| line.is_blank() || line.is_prompt() || line.fence().is_some();
    at + 1 + lines[at + 1..].iter().take_while(|line| !ends(line)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str) -> Vec<(&str, bool)> {
        units(text).into_iter().map(|unit| (&text[unit.range], unit.example)).collect()
    }

    #[test]
    fn doctests_fences_and_literal_blocks_are_examples() {
        let text = "One.\nTwo.\n\n    >>> f(1)\n    2\n\nRun::\n\n    a\n\n    b\n\nThen\n```python\nx\n\ny\n```\nend";
        let expected = [
            ("One.\nTwo.\n\n", false),
            ("    >>> f(1)\n    2\n\n", true),
            ("Run::\n\n", false),
            ("    a\n\n    b\n\n", true),
            ("Then\n", false),
            ("```python\nx\n\ny\n```\n", true),
            ("end", false),
        ];
        assert_eq!(cut(text), expected);
    }

    #[test]
    fn a_fence_that_nothing_closes_is_prose() {
        assert_eq!(cut("```\na\n\nb"), [("```\na\n\n", false), ("b", false)]);
        assert_eq!(cut("~~~~\na\n~~~\n\nb\n~~~~"), [("~~~~\na\n~~~\n\nb\n~~~~", true)]);
        assert_eq!(cut("```x``` is code"), [("```x``` is code", false)]);
        assert_eq!(cut("\n\na"), [("\n\n", false), ("a", false)]);
    }

    proptest! {
        #[test]
        fn units_are_the_text(text in "(>>> |```|::|  |a|\n|\r\n|é){0,60}") {
            let mut end = 0;
            for unit in units(&text) {
                prop_assert_eq!(unit.range.start, end);
                prop_assert!(unit.range.end > end);
                end = unit.range.end;
            }
            prop_assert_eq!(end, text.len());
        }
    }
}
