//! As much of Python's lexical structure as cutting code out of text needs: logical lines, strings,
//! brackets, comments. The input may be prose, so every construct ends somewhere.

/// A logical line: one statement or block header, possibly over several physical lines.
///
/// Blank lines and lines with only a comment belong to no logical line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// From the first column to the end, without the final newline.
    pub(crate) text: &'a str,
    /// Byte offset of `text` in the scanned text.
    pub(crate) start: usize,
    /// Width of the indentation, tabs to multiples of 8 as in Python.
    pub(crate) indent: usize,
    /// All strings and brackets are closed.
    pub(crate) complete: bool,
    /// Length of `text` up to and including the first colon outside brackets.
    header: Option<usize>,
    /// The last significant character is a colon.
    pub(crate) opens_block: bool,
}

impl<'a> Line<'a> {
    /// Byte offset just after the line.
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// The line without its indentation.
    pub(crate) fn code(&self) -> &'a str {
        self.text.trim_start()
    }

    /// The line without its indentation, as it stands at another place.
    pub(crate) fn unindented_at(&self, start: usize) -> Self {
        let margin = self.margin().len();
        Self { text: self.code(), start, header: self.header.map(|end| end - margin), ..*self }
    }

    /// The literal indentation.
    pub(crate) fn margin(&self) -> &'a str {
        &self.text[..self.text.len() - self.code().len()]
    }

    /// First identifier or keyword; `""` when the line starts with something else.
    pub(crate) fn first_word(&self) -> &'a str {
        first_word(self.code())
    }

    /// `def f(..):` without indentation and without what follows the colon.
    pub(crate) fn header(&self) -> &'a str {
        self.text[..self.header.unwrap_or(self.text.len())].trim()
    }

    /// Name that a `def` or `class` line binds.
    pub(crate) fn defined_name(&self) -> Option<&'a str> {
        let code = self.code();
        let rest = code.strip_prefix("async ").map_or(code, str::trim_start);
        let rest = rest.strip_prefix("def ").or_else(|| rest.strip_prefix("class "))?;
        let name = first_word(rest.trim_start());
        (!name.is_empty() && self.header.is_some()).then_some(name)
    }
}

/// Splits text into logical lines.
pub(crate) fn logical_lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let physical = text[start..].split('\n').next().unwrap_or_default();
        let code = physical.trim_start();
        if code.is_empty() || code.starts_with('#') {
            start += physical.len() + 1;
            continue;
        }
        let line = scan_line(text, start, physical.len() - code.len());
        start = line.end() + 1;
        lines.push(line);
    }
    lines
}

/// True when `name` is defined by a `def` or `class` at the outermost level of `code`.
pub(crate) fn defines(code: &str, name: &str) -> bool {
    logical_lines(code).iter().any(|line| line.indent == 0 && line.defined_name() == Some(name))
}

/// The leading identifier of a text.
pub(crate) fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !is_word(c)).unwrap_or(text.len());
    &text[..end]
}

/// True for characters of identifiers and numbers.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn scan_line(text: &str, start: usize, margin: usize) -> Line<'_> {
    let mut scan = Scan { bytes: text.as_bytes(), at: start + margin, depth: 0, complete: true };
    let mut header = None;
    let mut last = start + margin;
    while let Some(&byte) = scan.bytes.get(scan.at) {
        match byte {
            b'\n' if scan.depth == 0 || starts_statement(&text[scan.at + 1..]) => break,
            b'#' => {
                scan.skip_comment();
                continue;
            }
            b'\'' | b'"' => scan.skip_string(byte),
            b'\\' if scan.joins_next_line(text) => scan.at += 1,
            b'(' | b'[' | b'{' => scan.depth += 1,
            b')' | b']' | b'}' => scan.close(),
            b':' if scan.depth == 0 => {
                header = header.or(Some(scan.at + 1 - start));
            }
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            last = scan.at;
        }
        scan.at += 1;
    }
    let end = scan.at.min(text.len());
    let code = &text.as_bytes()[start + margin..=last];
    Line {
        text: &text[start..end],
        start,
        indent: width(&text[start..start + margin]),
        complete: scan.complete && scan.depth == 0,
        header,
        opens_block: code.ends_with(b":"),
    }
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    complete: bool,
}

impl Scan<'_> {
    fn close(&mut self) {
        self.complete &= self.depth > 0;
        self.depth = self.depth.saturating_sub(1);
    }

    /// Moves to the newline that ends the comment.
    fn skip_comment(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    }

    fn joins_next_line(&self, text: &str) -> bool {
        self.bytes.get(self.at + 1) == Some(&b'\n') && !starts_statement(&text[self.at + 2..])
    }

    /// Moves to the last byte of the string, or before the newline that cuts it off.
    fn skip_string(&mut self, quote: u8) {
        let triple = self.bytes[self.at..].starts_with(&[quote; 3]);
        let closing = &[quote; 3][..if triple { 3 } else { 1 }];
        self.at += closing.len();
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 1,
                b'\n' if !triple => break,
                _ if self.bytes[self.at..].starts_with(closing) => {
                    self.at += closing.len() - 1;
                    return;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.complete = false;
        self.at = self.at.min(self.bytes.len()) - 1;
    }
}

/// Text that can only begin a new statement: an open bracket before it is a slip of the writer's.
fn starts_statement(text: &str) -> bool {
    let code = text.trim_start_matches([' ', '\t']);
    ["def ", "class ", "return ", "import ", "while ", "assert ", "raise ", "async def "]
        .iter()
        .any(|start| code.starts_with(start))
}

fn width(margin: &str) -> usize {
    margin.chars().fold(0, |width, c| if c == '\t' { (width / 8 + 1) * 8 } else { width + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<&str> {
        logical_lines(text).iter().map(|line| line.text).collect()
    }

    #[test]
    fn strings_and_brackets_join_lines() {
        let text = "def f(a,\n      b=']'):\n    '''\ndef g():\n'''\n    # x(\n\n    return (a\n  # )\n)\n";
        let lines = texts(text);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[1].contains("def g"));
        assert!(logical_lines(text).iter().all(|line| line.complete));
        assert_eq!(texts("a = 1 + \\\n  2\nb"), ["a = 1 + \\\n  2", "b"]);
        assert_eq!(texts("a = 'x\\\ny'\nb"), ["a = 'x\\\ny'", "b"]);
    }

    #[test]
    fn prose_recovers() {
        let lines = logical_lines("Here's how (see below\n:)\ndef f(x):\n\treturn x");
        assert_eq!(lines.last().map(|line| (line.code(), line.indent)), Some(("return x", 8)));
        assert!(!lines[0].complete);
        assert!(lines.iter().any(|line| line.defined_name() == Some("f")));
    }

    #[test]
    fn headers() {
        let lines =
            logical_lines("  async def f(x={1: 2}) -> int : # c\nclass A: pass\ndefault: x");
        assert_eq!(lines[0].header(), "async def f(x={1: 2}) -> int :");
        assert!(lines[0].opens_block && !lines[1].opens_block);
        let names: Vec<_> = lines.iter().map(Line::defined_name).collect();
        assert_eq!(names, [Some("f"), Some("A"), None]);
    }

    proptest! {
        #[test]
        fn lines_are_in_order_and_disjoint(text in "[a(:'\"\\\\#\\n é\\[\\)]{0,60}") {
            let lines = logical_lines(&text);
            prop_assert!(lines.windows(2).all(|pair| pair[0].end() < pair[1].start));
            prop_assert!(lines.iter().all(|line| text[line.start..].starts_with(line.text)));
        }
    }
}
