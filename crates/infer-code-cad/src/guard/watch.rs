//! Finds the Python in an answer, as it is written.

use infer_code_cad_tasks::{AnswerLine, OpenFence, PythonPrefix};

/// Where an answer's text has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first fence of Python; `introduced` where the answer begins, or behind an empty line or a colon.
    Prose { introduced: bool },
    /// Behind code that no fence opened: a fence without a language closes it.
    Unfenced,
    /// In a fence without a language, before its first line that is not empty.
    Unnamed(OpenFence),
    /// In a fence of something else.
    Other(OpenFence),
    /// In a fence of Python, before its first line that is not empty.
    Python(OpenFence),
    /// In code. What no fence opened, because it was written before the answer, has none.
    Code(Option<OpenFence>),
    /// Behind the code.
    After,
}

/// Reads an answer byte by byte and judges the lines of its code.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    place: Place,
    /// Of the code; before it, of the lines outside of fences, whose strings may have lines that look like fences.
    prefix: PythonPrefix,
    /// The physical line that goes on.
    line: Vec<u8>,
}

/// What bytes did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seen {
    /// A line ended outside of brackets and strings.
    pub(super) ended: bool,
    /// It did so after a line that nothing mends; what follows was not read.
    pub(super) dead: bool,
}

impl Watch {
    /// For an answer of which this much is written already. Without any, and where it has a fence, code begins in a
    /// fence of Python.
    pub(super) fn new(written: &str) -> (Self, Seen) {
        let begin = |place| {
            let mut watch = Self { place, prefix: PythonPrefix::default(), line: Vec::new() };
            let seen = watch.feed(written.as_bytes());
            (watch, seen)
        };
        let (watch, seen) = begin(Place::Prose { introduced: true });
        let has_fence = !matches!(watch.place, Place::Prose { .. } | Place::Unfenced)
            || matches!(
                watch.read(&String::from_utf8_lossy(&watch.line)),
                AnswerLine::Python(..) | AnswerLine::Unnamed(_) | AnswerLine::Other(_)
            );
        if written.is_empty() || has_fence { (watch, seen) } else { begin(Place::Code(None)) }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Seen {
        let mut seen = Seen::default();
        for &byte in bytes {
            self.line.push(byte);
            if byte == b'\n' && !seen.dead {
                let line = std::mem::take(&mut self.line);
                // Cut at newlines it is whole; what is no UTF-8 stands in a string or is dead.
                match self.end_line(&String::from_utf8_lossy(&line)) {
                    Some(ended) => seen.ended |= ended,
                    None => seen.dead = true,
                }
            }
        }
        seen
    }

    pub(super) fn is_after_code(&self) -> bool {
        self.place == Place::After
    }

    /// Whether code has begun.
    pub(super) fn has_code(&self) -> bool {
        matches!(self.place, Place::Python(_) | Place::Code(_) | Place::After)
    }

    /// The column of the innermost function that is open.
    pub(super) fn function(&self) -> Option<usize> {
        self.prefix.open_function().filter(|_| self.is_in_code())
    }

    /// Whether the line that goes on ends a function at this column.
    pub(super) fn leaves(&self, column: usize) -> bool {
        self.is_in_code() && self.prefix.leaves(column, &String::from_utf8_lossy(&self.line))
    }

    /// What a line outside of code is: one that begins in a string is prose.
    fn read<'a>(&self, line: &'a str) -> AnswerLine<'a> {
        if self.prefix.in_string() { AnswerLine::Prose } else { AnswerLine::read(line) }
    }

    fn is_in_code(&self) -> bool {
        matches!(self.place, Place::Code(_))
    }

    /// Whether the line ended outside of brackets and strings; `None` for a dead one.
    fn end_line(&mut self, line: &str) -> Option<bool> {
        if self.read(line) == AnswerLine::ThinkingEnd {
            self.leave_for(Place::Prose { introduced: true });
            return Some(true);
        }
        match self.place {
            Place::Prose { .. } | Place::Unfenced => return self.end_prose(line),
            Place::Unnamed(fence) => return self.begin_unnamed(fence, line),
            Place::Python(fence) if is_empty(fence.within_margin(line)) => {}
            Place::Python(fence) => return self.begin_code(fence.with_margin_of(line), line),
            Place::Code(fence) => return self.end_code(fence, line),
            Place::Other(fence) => match AnswerLine::read(line) {
                AnswerLine::Python(fence, code) => return self.begin_code(fence, code),
                _ if fence.begins(fence.within_margin(line)) => {
                    self.leave_for(Place::Prose { introduced: false });
                }
                _ => {}
            },
            Place::After => {}
        }
        Some(true)
    }

    fn leave_for(&mut self, place: Place) {
        self.place = place;
        self.prefix = PythonPrefix::default();
    }

    fn end_prose(&mut self, line: &str) -> Option<bool> {
        let is_unfenced = self.place == Place::Unfenced;
        let is_introduced = self.place == Place::Prose { introduced: true };
        let text = line.trim();
        let (kind, in_string) = (self.read(line), self.prefix.in_string());
        match kind {
            AnswerLine::Python(fence, code) => return self.begin_code(fence, code),
            AnswerLine::Unnamed(fence) if is_introduced => self.leave_for(Place::Unnamed(fence)),
            AnswerLine::Other(fence) => self.leave_for(Place::Other(fence)),
            _ => {
                let is_code = is_unfenced || kind == AnswerLine::Code;
                let is_python = self.prefix.push_line(line).is_ok();
                let opens_string = self.prefix.in_string() && !in_string;
                if !is_python || (opens_string && !is_code && !may_open_string(text)) {
                    self.prefix = PythonPrefix::default();
                }
                let introduced = text.is_empty() || text.ends_with(':');
                self.place = if is_code { Place::Unfenced } else { Place::Prose { introduced } };
            }
        }
        Some(true)
    }

    /// The first lines of a fence without a language, which is one of Python where they begin as Python code does.
    fn begin_unnamed(&mut self, fence: OpenFence, line: &str) -> Option<bool> {
        match AnswerLine::read(line) {
            AnswerLine::Python(fence, code) => return self.begin_code(fence, code),
            AnswerLine::Code => return self.begin_code(fence.with_margin_of(line), line),
            _ if fence.begins(line) => self.place = Place::Prose { introduced: false },
            _ if is_empty(line) => {}
            _ => self.place = Place::Other(fence),
        }
        Some(true)
    }

    /// The first lines in a fence of Python. Where they are indented they go on with the function of the prompt.
    fn begin_code(&mut self, fence: OpenFence, line: &str) -> Option<bool> {
        self.leave_for(Place::Python(fence));
        let content = fence.within_margin(line);
        if is_empty(content) {
            return Some(true);
        }
        self.place = Place::Code(Some(fence));
        if content.starts_with([' ', '\t']) && !fence.begins(content) {
            self.prefix.push_line("def answer():\n").ok()?;
        }
        self.end_code(Some(fence), line)
    }

    fn end_code(&mut self, fence: Option<OpenFence>, line: &str) -> Option<bool> {
        let Some(fence) = fence else {
            // A fence that closes the code may follow the last statement on its line.
            let is_fence = ["```", "~~~"].iter().any(|fence| line.trim_start().starts_with(fence));
            if (is_fence || line.trim_end().ends_with("```")) && !self.prefix.in_string() {
                self.place = Place::After;
                return Some(true);
            }
            return self.prefix.push_line(line).ok();
        };
        let line = fence.within_margin(line);
        if self.prefix.in_string() {
            return self.prefix.push_line(line).ok();
        }
        let Some(last) = fence.closed_by(line) else {
            if fence.begins(line) {
                self.place = Place::After;
                return Some(true);
            }
            return self.prefix.push_line(line).ok();
        };
        if !last.trim().is_empty() {
            let mut whole = self.prefix.clone();
            if let Ok(ended) = whole.push_line(line) {
                self.prefix = whole; // it is in a string
                return Some(ended);
            }
            self.prefix.push_line(last).ok()?;
        }
        self.place = Place::After;
        self.prefix.is_whole().then_some(true)
    }
}

/// Whether a line that does not begin as code may open a string all the same: a docstring, or a value.
fn may_open_string(line: &str) -> bool {
    line.starts_with(['"', '\'']) || line.contains(" = ")
}

/// Whether a line has nothing, or only a comment.
fn is_empty(line: &str) -> bool {
    let text = line.trim();
    text.is_empty() || text.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(written: &str, text: &str) -> bool {
        let (mut watch, seen) = Watch::new(written);
        assert!(!seen.dead, "{written:?}");
        watch.feed(text.as_bytes()).dead
    }

    #[test]
    fn only_code_is_judged() {
        for (written, text, expected) in [
            ("", "Here is it:\n\nno python at all\n", false),
            ("", "Here:\n```python\nprint 'x'\n", true),
            ("", "Here:\n```Py title=\"a\"\nx y\n", true),
            ("", "```\ndef f(x) return x\n", true),
            ("", "\n ```\n# A comment.\n\nimport x\nprint 'x'\n", true),
            ("", "No python at all.\n\n```\nfrom x import y\nprint 'x'\n", true),
            ("", "Here:\n``` \nimport x\nprint 'x'\n```\n", true),
            // What does not begin as code does is output, as small models show it.
            ("", "Example output:\n```\n3 2 5\n```\n\n```python\nx = 1\n```\n", false),
            ("", "Example output:\n```\n3 2 5\n```\n\n```python\nx y\n", true),
            ("", "```\n>>> f(1)\n2\n```\n", false),
            ("", "```\n\nSo:\n\n```python\ndef f(x):\n    return x\n```\nx y\n", false),
            ("", "```\n\n```python\nx y\n", true),
            ("", "```bash\nls -l x\n```python\nx y\n", true),
            ("", "Here:\n~~~PY\nx = 1\n~~~\nx y\n", false),
            ("", "It is ```python\nprint 'x'\n", true),
            ("", "```python def f(x) return x\n", true),
            ("", "```\nx = 1\n```\nAnd so on\n", false),
            // A fence that no introduction stands before closes what no fence opened.
            ("", "x = 1\n```\nThis is it.\n", false),
            ("", "def f(x):\n    return x\n\n```\nThis is it.\n", false),
            ("", "def f(x):\n    return x\n```\nThis is it:\n```python\nx y\n", true),
            ("", "```bash\nls -l x\n```\nThis is it.\n", false),
            ("", "```text\nx y\n```\n\n```\nimport x\nx y\n", true),
            ("", "```bash\nls -l x\n```\n```python3\nx y\n", true),
            ("", "```python\nx = 1\n```\nAnd so on:\n```python\nx y\n", false),
            ("", "```python\nx = '''\n```\n'''\ny z\n", true),
            ("", "```python\nreturn 1```\ny z\n", false),
            ("", "```def f(): return 1```\ny z\n", false),
            ("", "```python\nx = '''```\n'''\n```\ny z\n", false),
            ("", "```python\nx = 1 # ```\ny z\n", true),
            ("", "````python\nx = '''\n```\n'''\n````\ny z\n", false),
            ("", "````python\nx = 1\n```\n", true),
            ("", "```python\nx = 1\n~~~x\ny z\n", true),
            ("", "<think>\n```python\nx = 1\n</think>\n\n```python\nx y\n", true),
            ("", "<think>\n```python\nx = 1\n</think>\nHere it is.\n", false),
            // A fence ends the program.
            ("", "```python\nx = [\n```\n", true),
            ("", "```python\ndef f(x):\n```\n", true),
            ("", "```python\ndef f(x):\n    # TODO\n```\n", true),
            ("", "```python\n@a\n```\n", true),
            ("", "```python\ntry:\n    x\n```\n", true),
            ("", "```python\nif x:\n    try:\n        x\n    except y:\n        z\n```\n", false),
            ("", "```python\n```\n", false),
            ("", "```python\n    ```\n", false),
            // Blocks in lists and quotations, and bodies.
            ("", "1. So:\n   ```python\n   def f(x):\n       return x\n   ```\ny z\n", false),
            ("", "1. So:\n   ```python\n   def f(x):\n   return x\n", true),
            ("", "- ```python\n  def f(x):\n      return x\n  ```\ny z\n", false),
            ("", "> ```python\n> def f(x):\n>\n>     return x\n> ```\ny z\n", false),
            ("", "> ```python\n> def f(x):\n> return x\n", true),
            ("", "```python\n    return x\n```\ny z\n", false),
            ("", "```python\n    y = x\n    return y\n\ndef g():\n    pass\n```\ny z\n", false),
            ("", "```python\n    y = x\n  return y\n", true),
            ("", "1. So:\n    ```python\ndef f(x):\n    return x\n    ```\ny z\n", false),
            ("", "1. So:\n   ```python\n  def f(x):\n      return x\n   ```\ny z\n", false),
            ("", "1. So:\n    ```python\n\tdef f(x):\n\t\treturn x\n    ```\ny z\n", false),
            ("", "   ```python\n   x = (a\n   >= b)\n   ```\ny z\n", false),
            // A string has no fences.
            ("", "Put the docstring between \"\"\" marks:\n\n```python\nx y\n", true),
            (
                "",
                "def f(x):\n    \"\"\"F.\n\n    ```python\n    f 2\n    ```\n    \"\"\"\n    x y\n",
                false,
            ),
            ("", "\"\"\"Examples:\n```\n>>> f(1)\n```\n\"\"\"\ndef f(x):\n", false),
            ("", "x = '''\n\n```\nimport any text\n```\n'''\n```python\nx y\n", true),
            ("", "It's (or isn't) a \"string\":\n```python\nx y\n", true),
            ("def f(x):\n    \"\"\"F.\n    ```\n    f 2\n    ```\n    \"\"\"\n", "  x = 1\n", true),
            ("def f(x):\n", "    return x\n", false),
            ("def f(x):\n", "return x\n", true),
            ("def f(x):\n    ", "return x\n", false),
            ("def f(x):\n", "    return x\n```\nThis is it.\n", false),
            ("Here:\n```python\ndef f(x):\n", "return x\n", true),
            ("Here:\n```python", "\nx y\n", true),
            ("Here:\n```python", "\nx = 1\n", false),
            ("", "<think>\n```python\nx = 1\n```\n</think>\n```python\nx y\n", true),
        ] {
            assert_eq!(dead(written, text), expected, "{written:?} {text:?}");
        }
    }

    #[test]
    fn bytes_may_come_one_by_one() {
        let text = "```python\nx = 'é😀'\nyé = (1,\n2)\nz é\nw";
        let (mut watch, _) = Watch::new("");
        let ends = text.bytes().map(|byte| watch.feed(&[byte]));
        let ends: Vec<Seen> = ends.filter(|seen| seen.ended || seen.dead).collect();
        let dead = Seen { ended: false, dead: true };
        let ended = Seen { ended: true, dead: false };
        assert_eq!(ends, [ended, ended, ended, dead]);
    }
}
