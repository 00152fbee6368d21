//! Finds the Python in an answer, as it is written.

use infer_code_cad_tasks::{AnswerLine, PythonPrefix};

/// Where an answer's text has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first fence of Python; `introduced` where the answer begins, or behind an empty line or a colon.
    Prose {
        introduced: bool,
    },
    /// Behind code that no fence opened: a fence without a language closes it.
    Unfenced,
    /// In a fence of something else.
    Other,
    Code,
    /// Behind the code.
    After,
}

/// Reads an answer byte by byte and judges the lines of its code.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    place: Place,
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
        let is_code = !written.is_empty() && !written.contains(FENCE);
        let place = if is_code { Place::Code } else { Place::Prose { introduced: true } };
        let mut watch = Self { place, prefix: PythonPrefix::default(), line: Vec::new() };
        let seen = watch.feed(written.as_bytes());
        (watch, seen)
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

    /// The column of the innermost function that is open.
    pub(super) fn function(&self) -> Option<usize> {
        self.prefix.open_function().filter(|_| self.place == Place::Code)
    }

    /// Whether the line that goes on ends a function at this column.
    pub(super) fn leaves(&self, column: usize) -> bool {
        self.place == Place::Code
            && self.prefix.leaves(column, &String::from_utf8_lossy(&self.line))
    }

    /// Whether the line ended outside of brackets and strings; `None` for a dead one.
    fn end_line(&mut self, line: &str) -> Option<bool> {
        match self.place {
            Place::Prose { .. } | Place::Unfenced => return self.end_prose(line),
            Place::Other if is_fence(line) => self.place = Place::Prose { introduced: false },
            Place::Code if self.closes(line) => self.place = Place::After,
            Place::Code => return self.prefix.push_line(line).ok(),
            Place::Other | Place::After => {}
        }
        Some(true)
    }

    fn end_prose(&mut self, line: &str) -> Option<bool> {
        let text = line.trim();
        self.place = match (AnswerLine::read(line), self.place) {
            (AnswerLine::Python(code), _) => {
                self.place = Place::Code;
                return self.prefix.push_line(code).ok();
            }
            (AnswerLine::Unnamed, Place::Prose { introduced: true }) => Place::Code,
            (AnswerLine::Other, _) => Place::Other,
            (AnswerLine::Code, _) | (_, Place::Unfenced) => Place::Unfenced,
            _ => Place::Prose { introduced: text.is_empty() || text.ends_with(':') },
        };
        Some(true)
    }

    /// A fence that closes the code may follow the last statement on its line.
    fn closes(&self, line: &str) -> bool {
        (is_fence(line) || line.trim_end().ends_with(FENCE)) && !self.prefix.in_string()
    }
}

/// Whether a line begins with a fence.
fn is_fence(line: &str) -> bool {
    [FENCE, "~~~"].iter().any(|fence| line.trim_start().starts_with(fence))
}

const FENCE: &str = "```";

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
            ("", "Here:\n```Py title=\"a\"\n  x\n", true),
            ("", "```\nprint 'x'\n", true),
            ("", "\n ```\nx = 1\nprint 'x'\n", true),
            ("", "No python at all.\n\n```\nprint 'x'\n", true),
            ("", "Here:\n``` \nprint 'x'\n```\n", true),
            ("", "Here:\n~~~PY\nx = 1\n~~~\nx y\n", false),
            ("", "It is ```python\nprint 'x'\n", true),
            ("", "```python def f(x) return x\n", true),
            ("", "```\nx = 1\n```\nAnd so on\n", false),
            // A fence that no introduction stands before closes what no fence opened.
            ("", "x = 1\n```\nThis is it.\n", false),
            ("", "def f(x):\n    return x\n\n```\nThis is it.\n", false),
            ("", "def f(x):\n    return x\n```\nThis is it:\n```python\nx y\n", true),
            ("", "```bash\nls -l x\n```\nThis is it.\n", false),
            ("", "```text\nx y\n```\n\n```\nx y\n", true),
            ("", "```bash\nls -l x\n```\n```python3\nx y\n", true),
            ("", "```python\nx = 1\n```\nAnd so on:\n```python\nx y\n", false),
            ("", "```python\nx = '''\n```\n'''\ny z\n", true),
            ("", "```python\nx = [\n```\ny z\n", false),
            ("", "```python\nreturn 1```\ny z\n", false),
            ("def f(x):\n", "    return x\n", false),
            ("def f(x):\n", "return x\n", true),
            ("def f(x):\n    ", "return x\n", false),
            ("def f(x):\n", "    return x\n```\nThis is it.\n", false),
            ("Here:\n```python\ndef f(x):\n", "return x\n", true),
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
