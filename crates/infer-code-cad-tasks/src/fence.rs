//! Markdown code fences in model text.

use std::ops::Range;

use crate::marks::thinking_end;

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    pub(crate) text: &'a str,
    pub(crate) kind: BlockKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// Fenced, and the fence names no other language.
    Python,
    /// Fenced as another language.
    Other,
    /// Between two fences.
    Text,
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
    language: Language,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Python,
    Unnamed,
    Other,
}

impl Fence {
    /// Whether it closes a block that so many of a mark have opened.
    fn closes(&self, mark: char, count: usize) -> bool {
        self.mark == mark && self.count >= count
    }

    fn block<'a>(&self, text: &'a str) -> Block<'a> {
        let kind = match self.language {
            Language::Python | Language::Unnamed => BlockKind::Python,
            Language::Other => BlockKind::Other,
        };
        Block { text, kind }
    }
}

/// How [`extract_program`](crate::extract_program) reads a line outside of fenced blocks, for readers of a text that is
/// being written.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::AnswerLine;
///
/// let AnswerLine::Python(fence, "") = AnswerLine::read("So: ```Python\n") else { panic!() };
/// assert_eq!(fence.closed_by("    return 1```\n"), Some("    return 1"));
/// assert!(matches!(AnswerLine::read("```\n"), AnswerLine::Unnamed(_)));
/// assert_eq!(AnswerLine::read("Here it is:\n"), AnswerLine::Prose);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerLine<'a> {
    /// It opens a block of Python, with the code that follows on the line.
    Python(OpenFence, &'a str),
    /// A fence that names no language. Behind code that stands in no block it closes that.
    Unnamed(OpenFence),
    /// It opens a block of something else.
    Other(OpenFence),
    /// It ends the thinking: the answer begins behind it.
    ThinkingEnd,
    /// It begins as Python code does.
    Code,
    /// Anything else.
    Prose,
}

impl<'a> AnswerLine<'a> {
    /// Reads a line, whether or not its newline stands at its end.
    pub fn read(line: &'a str) -> Self {
        let Some(Fence { mark, count, span, language, .. }) = opening(line) else {
            return match thinking_end(line) {
                Some(_) => Self::ThinkingEnd,
                None if is_code(line.trim_start()) => Self::Code,
                None => Self::Prose,
            };
        };
        let before = &line[..span.start];
        let begins_line = before.trim_start_matches(MARGIN).is_empty();
        let margin = if begins_line { before.len() } else { 0 };
        let open = OpenFence { mark, count, margin, is_quoted: before.contains('>') };
        match language {
            Language::Python => Self::Python(open, &line[span.end..]),
            Language::Unnamed => Self::Unnamed(open),
            Language::Other => Self::Other(open),
        }
    }
}

/// The fence of a block that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFence {
    mark: char,
    count: usize,
    /// The bytes before it on its line, where they are but blanks and marks of quotation.
    margin: usize,
    is_quoted: bool,
}

impl OpenFence {
    /// What stands before the fence that closes the block on this line; `None` where it goes on.
    pub fn closed_by<'a>(&self, line: &'a str) -> Option<&'a str> {
        let close = closing(line)?;
        close.closes(self.mark, self.count).then(|| &line[..close.span.start])
    }

    /// Whether a line begins with such a fence, whatever follows it.
    pub fn begins(&self, line: &str) -> bool {
        let rest = line.trim_start();
        rest.len() - rest.trim_start_matches(self.mark).len() >= self.count
    }

    /// A line of the block without the blanks and the marks of quotation that the fence has before it too.
    pub fn within_margin<'a>(&self, line: &'a str) -> &'a str {
        &line[self.margin_of(line)..]
    }

    /// The same fence for a block of which this is the first line: it has a margin no wider than that.
    #[must_use]
    pub fn with_margin_of(self, line: &str) -> Self {
        Self { margin: self.margin_of(line), ..self }
    }

    fn margin_of(&self, line: &str) -> usize {
        let rest = line.trim_start_matches(|c| MARGIN.contains(&c) && (c != '>' || self.is_quoted));
        (line.len() - rest.len()).min(self.margin)
    }
}

/// What a block in a list or a quotation has before its lines.
const MARGIN: [char; 3] = [' ', '\t', '>'];

/// Cuts a text at its fences (three or more of `` ` `` or `~`): text and fenced blocks in order, the first
/// of them text, the last perhaps without its closing fence; `None` when there is no fence.
///
/// A fence stands on a line of its own; but an opening one that names Python may end a line of prose
/// or be followed by code, and a closing one may end the last line of code. Lines that start inside
/// one of the `strings`, which are in order, have no fences.
pub(crate) fn split<'a>(text: &'a str, strings: &[Range<usize>]) -> Option<Vec<Block<'a>>> {
    let mut blocks = Vec::new();
    let mut open: Option<(Fence, usize)> = None; // and where the content starts
    let (mut start, mut closed) = (0, 0); // of the line; where the last block ended
    let outside = |range: Range<usize>| Block { text: &text[range], kind: BlockKind::Text };
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let after = strings.partition_point(|string| string.start < start);
        let is_text = after > 0 && start < strings[after - 1].end;
        if let Some((opening, content)) = open.take() {
            let is_close = |close: &Fence| !is_text && close.closes(opening.mark, opening.count);
            if let Some(close) = closing(line).filter(is_close) {
                blocks.push(opening.block(&text[content..start + close.span.start]));
                closed = end;
            } else {
                open = Some((opening, content));
            }
        } else if let Some(fence) = opening(line).filter(|_| !is_text) {
            blocks.push(outside(closed..start + fence.span.start));
            let content = if fence.is_bare { end } else { start + fence.span.end };
            let is_close = |close: &Fence| !fence.is_bare && close.mark == fence.mark;
            if let Some(close) = closing(&text[content..end]).filter(is_close) {
                blocks.push(fence.block(&text[content..content + close.span.start]));
                closed = end;
            } else {
                open = Some((fence, content));
            }
        } else if let Some(close) = closing(line).filter(|close| !is_text && is_end(line, close)) {
            blocks.push(outside(closed..start + close.span.start));
            closed = end;
        }
        start = end;
    }
    match open {
        Some((opening, content)) => blocks.push(opening.block(&text[content..])),
        None => blocks.push(outside(closed..text.len())),
    }
    (blocks.len() > 1).then_some(blocks)
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
    let fence = |span, is_bare, language| Some(Fence { mark, count, span, is_bare, language });
    // `text ```python` and `text ```python def f():`.
    let code =
        if names_python { info.trim_start()[word.len()..].trim_start() } else { info.trim_start() };
    if is_code(code) && (begins_line || names_python) {
        return fence(span(code), false, Language::Python);
    }
    if !begins_line {
        let is_alone = names_python && after_word.is_empty() && !line[..at].contains(['#', '`']);
        return if is_alone { fence(at..line.len(), true, Language::Python) } else { None };
    }
    let is_plain = !word.contains(['(', '`'])
        && (after_word.is_empty() || names_python || word.starts_with('{'));
    let language = match language.as_str() {
        _ if names_python => Language::Python,
        "" => Language::Unnamed,
        _ => Language::Other,
    };
    if is_plain && !after_word.contains('`') { fence(at..line.len(), true, language) } else { None }
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
        language: Language::Unnamed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &str) -> Vec<&str> {
        let blocks = split(text, &[]).unwrap_or_default();
        let fenced = blocks.iter().filter(|block| block.kind != BlockKind::Text);
        fenced.map(|block| block.text).collect()
    }

    #[test]
    fn blocks_are_found() {
        let text = "Hi:\n```python\na = 1\n```\nthen\n~~~~\nb\n~~~\n```\n~~~~\n```py\nc";
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
    fn parts_are_told_apart() {
        use BlockKind::{Other, Python, Text};
        let parts = |text| {
            let blocks = split(text, &[]).unwrap_or_default();
            blocks.iter().map(|block| (block.text, block.kind)).collect::<Vec<_>>()
        };
        let text = "a\n```bash\nls\n```\nb\n```Python\nx\n```\n```\ny\n```\nc\n";
        let code = [
            ("a\n", Text),
            ("ls\n", Other),
            ("b\n", Text),
            ("x\n", Python),
            ("", Text),
            ("y\n", Python),
        ];
        assert_eq!(parts(text), [&code[..], &[("c\n", Text)]].concat());
        assert_eq!(parts("    return 1```\nDone\n"), [("    return 1", Text), ("Done\n", Text)]);
    }
}
