//! Markdown code fences in model text.

use std::ops::Range;

/// Text cut at its fences.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fenced<'a> {
    /// What stands before the first fence.
    pub(crate) before: &'a str,
    /// Contents of the blocks, in order; the last may lack its closing fence.
    pub(crate) blocks: Vec<Block<'a>>,
}

/// What stands between two fences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    pub(crate) text: &'a str,
    /// The opening fence names no other language.
    pub(crate) is_python: bool,
}

/// A line with a fence.
struct Fence {
    mark: char,
    /// How often the mark stands there.
    count: usize,
    /// Where the fence begins and what follows it begins, in the line.
    span: Range<usize>,
    /// Nothing follows it.
    is_bare: bool,
    is_python: bool,
}

/// Finds fenced blocks (three or more of `` ` `` or `~`); `None` when there is no fence.
///
/// A fence stands on a line of its own; but an opening one that names Python may end a line of prose
/// or be followed by code, and a closing one may end the last line of code. Lines that start inside
/// one of the `strings`, which are in order, have no fences.
pub(crate) fn split<'a>(text: &'a str, strings: &[Range<usize>]) -> Option<Fenced<'a>> {
    let mut before = None;
    let mut blocks = Vec::new();
    let mut open: Option<(Fence, usize)> = None; // and where the content starts
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let after = strings.partition_point(|string| string.start < start);
        let is_text = after > 0 && start < strings[after - 1].end;
        if let Some((opening, content)) = open.take() {
            let close = closing(line).filter(|close| {
                !is_text && close.mark == opening.mark && close.count >= opening.count
            });
            if let Some(close) = close {
                let content_end = start + close.span.start;
                blocks.push(Block {
                    text: &text[content..content_end],
                    is_python: opening.is_python,
                });
            } else {
                open = Some((opening, content));
            }
        } else if let Some(fence) = opening(line).filter(|_| !is_text) {
            before = before.or(Some(&text[..start + fence.span.start]));
            let content = if fence.is_bare { end } else { start + fence.span.end };
            let rest = &text[content..end.max(content)];
            if let Some(close) =
                closing(rest).filter(|close| !fence.is_bare && close.mark == fence.mark)
            {
                let text = &rest[..close.span.start];
                blocks.push(Block { text, is_python: fence.is_python });
            } else {
                open = Some((fence, content));
            }
        } else if let Some(close) = closing(line).filter(|close| !is_text && is_end(line, close)) {
            before = before.or(Some(&text[..start + close.span.start]));
        }
        start = end;
    }
    if let Some((opening, content)) = open {
        blocks.push(Block { text: &text[content..], is_python: opening.is_python });
    }
    before.map(|before| Fenced { before, blocks })
}

/// The fence that opens a block on this line, where there is one.
fn opening(line: &str) -> Option<Fence> {
    let at = ["```", "~~~"].into_iter().filter_map(|marks| line.find(marks)).min()?;
    let mark = line[at..].chars().next()?;
    let info = line[at..].trim_start_matches(mark);
    let count = line.len() - at - info.len();
    let word = info.trim_start().split(|c: char| c.is_whitespace()).next().unwrap_or_default();
    let language = word.trim_matches(['{', '}', '.']).to_ascii_lowercase();
    let names_python =
        matches!(language.as_str(), "python" | "py" | "python3" | "python2" | "code");
    let after_word = info.trim_start()[word.len()..].trim();
    let begins_line = line[..at].trim().is_empty();
    let span = |code: &str| at..line.len() - code.len();
    let fence = |span, is_bare, is_python| Some(Fence { mark, count, span, is_bare, is_python });
    // `text ```python` and `text ```python def f():`.
    let code =
        if names_python { info.trim_start()[word.len()..].trim_start() } else { info.trim_start() };
    if is_code(code) && (begins_line || names_python) {
        return fence(span(code), false, true);
    }
    if !begins_line {
        let is_alone = names_python && after_word.is_empty() && !line[..at].contains(['#', '`']);
        return if is_alone { fence(at..line.len(), true, true) } else { None };
    }
    let is_plain = !word.contains(['(', '`'])
        && (after_word.is_empty() || names_python || word.starts_with('{'));
    let is_python = names_python || language.is_empty();
    if is_plain && !after_word.contains('`') {
        fence(at..line.len(), true, is_python)
    } else {
        None
    }
}

/// True for a fence behind the last line of code that no fence opened.
fn is_end(line: &str, close: &Fence) -> bool {
    let before = &line[..close.span.start];
    close.mark == '`' && !before.trim().is_empty() && !before.contains('`')
}

/// True for text that begins as Python code begins.
fn is_code(text: &str) -> bool {
    ["def ", "import ", "from ", "class ", "async def ", "return ", "@"]
        .iter()
        .any(|start| text.starts_with(start))
}

/// The fence that closes a block on this line, where there is one.
fn closing(line: &str) -> Option<Fence> {
    let code = line.trim_end();
    let mark = code.chars().next_back().filter(|c| matches!(c, '`' | '~'))?;
    let before = code.trim_end_matches(mark);
    let count = code.len() - before.len();
    let is_comment = before.contains('#');
    let span = if before.trim().is_empty() { 0..line.len() } else { before.len()..line.len() };
    (count >= 3 && !is_comment).then_some(Fence {
        mark,
        count,
        span,
        is_bare: true,
        is_python: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &str) -> Vec<&str> {
        split(text, &[]).map_or(Vec::new(), |fenced| fenced.blocks.iter().map(|b| b.text).collect())
    }

    #[test]
    fn blocks_are_found() {
        let text = "Hi:\n```python\na = 1\n```\nthen\n~~~~\nb\n~~~\n```\n~~~~\n```py\nc";
        assert_eq!(split(text, &[]).map(|fenced| fenced.before), Some("Hi:\n"));
        assert_eq!(blocks(text), ["a = 1\n", "b\n~~~\n```\n", "c"]);
        assert_eq!(split("no ``` fence\n```in line``` code\n", &[]), None);
        assert_eq!(split("x = '```'\n", &[]), None);
    }

    #[test]
    fn fences_share_lines_with_text() {
        assert_eq!(blocks("So: ```python\na = 1```\nDone"), ["a = 1"]);
        assert_eq!(blocks("```python def f():\n    pass\n```"), ["def f():\n    pass\n"]);
        assert_eq!(blocks("```def f(): return 1```\n"), ["def f(): return 1"]);
        assert_eq!(blocks("``` python title=\"a\"\nb\n```"), ["b\n"]);
        assert_eq!(blocks("```{.python}\nb # ```\nc\n```"), ["b # ```\nc\n"]);
    }

    #[test]
    fn languages_are_told_apart() {
        let text = "```bash\nls\n```\n```Python\nx\n```\n```\ny\n```\n";
        let fenced = split(text, &[]).map(|fenced| fenced.blocks).unwrap_or_default();
        assert_eq!(
            fenced.iter().map(|block| block.is_python).collect::<Vec<_>>(),
            [false, true, true]
        );
    }
}
