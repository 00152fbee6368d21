//! Markdown code fences in model text.

use std::ops::Range;

/// Text cut at its fences.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fenced<'a> {
    /// What stands before the first fence.
    pub(crate) before: &'a str,
    /// Contents of the blocks, in order; the last may lack its closing fence.
    pub(crate) blocks: Vec<&'a str>,
}

/// Finds fenced blocks (three or more of `` ` `` or `~`); `None` when there is no fence.
///
/// Lines that start inside one of the `strings`, which are in order, are no fences.
pub(crate) fn split<'a>(text: &'a str, strings: &[Range<usize>]) -> Option<Fenced<'a>> {
    let mut before = None;
    let mut blocks = Vec::new();
    let mut open: Option<(char, usize, usize)> = None; // character, length, start of content
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let after = strings.partition_point(|string| string.start < start);
        let is_text = after > 0 && start < strings[after - 1].end;
        match (open, fence(line).filter(|_| !is_text)) {
            (None, Some((mark, length, _))) => {
                before = before.or(Some(&text[..start]));
                open = Some((mark, length, end));
            }
            (Some((mark, length, content)), Some((c, n, bare)))
                if c == mark && n >= length && bare =>
            {
                blocks.push(&text[content..start]);
                open = None;
            }
            _ => {}
        }
        start = end;
    }
    if let Some((_, _, content)) = open {
        blocks.push(&text[content..]);
    }
    before.map(|before| Fenced { before, blocks })
}

/// Fence character, its count, and whether nothing follows it; an opening fence may carry one word.
fn fence(line: &str) -> Option<(char, usize, bool)> {
    let line = line.trim();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = line.trim_start_matches(mark);
    let length = line.len() - info.len();
    let plain = !info.trim().contains(|c: char| c.is_whitespace() || matches!(c, '(' | '`'));
    (length >= 3 && plain).then_some((mark, length, info.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found() {
        let text = "Hi:\n```python\na = 1\n```\nthen\n~~~~\nb\n~~~\n```\n~~~~\n```py\nc";
        let fenced = split(text, &[]);
        let blocks = vec!["a = 1\n", "b\n~~~\n```\n", "c"];
        assert_eq!(fenced, Some(Fenced { before: "Hi:\n", blocks }));
        assert_eq!(split("no ``` fence\n```in line``` code\n", &[]), None);
    }
}
