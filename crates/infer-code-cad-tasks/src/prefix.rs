//! Whether a text that goes on can still become Python.

mod blocks;
mod expression;
mod lexer;
mod literal;
mod parser;
mod pattern;
mod statement;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use blocks::{Blocks, Indent};
use lexer::Lexer;
use parser::Parser;

/// Reads a Python program line by line and says after which line no text that follows can make it parse.
///
/// The rule is that of `ast.parse`, for what any of Python 3.8 to 3.13 takes, and of what only the compiler refuses,
/// two parameters or keyword arguments of one name; a `return` outside of a function passes. It is judged where a physical line ends outside of
/// brackets and strings; up to there a decorator, an open bracket or a header without its block are
/// unfinished, not wrong. Of names in `\N{..}` it takes any, of letters in names almost any, and of what only
/// a tree would tell (`{a := 1: 2}`, `(yield, 1)`, the f-string of a pattern) it errs on the side of taking it.
/// It refuses three oddities: what Python 3.8 or 3.9 alone takes, such as `(*a)` and `del *a`, a line break in the
/// format of an f-string in single quotes, which Python 3.12 takes, and more than 750 lambdas in the defaults of one another.
/// What else it refuses CPython refuses: the tests hold it against `ast.parse` on mutated functions of the standard
/// library.
///
/// The grammar is our own, and no parser's crate: `rustpython-parser` is superseded, brings some twenty crates and
/// the licence Unicode-DFS-2016, and reads no f-string of Python 3.12; `ruff_python_parser` wants a newer compiler
/// than we do; tree-sitter takes what Python does not.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::PythonPrefix;
///
/// let mut text = PythonPrefix::default();
/// assert_eq!(text.push_line("def f(x):\n"), Ok(true));
/// assert_eq!(text.push_line("    return g(\n"), Ok(false));
/// assert_eq!(text.push_line("        x)\n"), Ok(true));
/// let error = text.push_line("  print(x)\n").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "nothing that follows makes Python of line 4: its indentation is that of no open block"
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct PythonPrefix {
    blocks: Blocks,
    lexer: Lexer,
    indent: Indent,
    lines: usize,
}

/// A line after which no text can become Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing that follows makes Python of line {line}: {reason}")]
pub struct DeadLine {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl PythonPrefix {
    /// Reads the next line, whether or not its newline stands at its end. True where it ends outside of brackets
    /// and strings, so that the next one begins a logical line.
    ///
    /// # Errors
    /// [`DeadLine`]; the lines before it were in order, and what is read after it is not judged rightly.
    pub fn push_line(&mut self, line: &str) -> Result<bool, DeadLine> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut ended = true;
        // As CPython does, which reads a carriage return as the end of a line.
        for physical in line.split('\r') {
            self.lines += 1;
            ended =
                self.physical(physical).map_err(|reason| DeadLine { line: self.lines, reason })?;
        }
        Ok(ended)
    }

    /// Whether the text may end here: no string, bracket or header without its block is open, and no decorator or `try`
    /// waits for what it needs.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad_tasks::PythonPrefix;
    ///
    /// let mut text = PythonPrefix::default();
    /// text.push_line("def f(x):\n")?;
    /// assert!(!text.is_whole());
    /// text.push_line("    return x\n")?;
    /// assert!(text.is_whole());
    /// # Ok::<(), infer_code_cad_tasks::DeadLine>(())
    /// ```
    pub fn is_whole(&self) -> bool {
        self.lexer.is_empty() && self.blocks.are_whole()
    }

    /// Whether the text so far ends within a string of several lines.
    pub fn in_string(&self) -> bool {
        self.lexer.in_string()
    }

    /// The column of the innermost function that is open.
    pub fn open_function(&self) -> Option<usize> {
        self.blocks.function()
    }

    /// Whether a line that begins with `beginning` ends the block of a header at this column: a statement that is
    /// not indented more, where a statement may begin. A blank line, or one with only a comment, ends nothing.
    pub fn leaves(&self, column: usize, beginning: &str) -> bool {
        let (indent, rest) = Indent::of(beginning);
        let is_code = !rest.is_empty() && !rest.starts_with(['#', '\n', '\r']);
        let may_begin = self.lexer.is_empty() && self.blocks.pending.is_none();
        may_begin && is_code && indent.wide <= column
    }

    fn physical(&mut self, line: &str) -> Result<bool, &'static str> {
        if line.contains('\0') {
            return Err("it has a null byte");
        }
        if self.lexer.is_empty() {
            let (indent, rest) = Indent::of(line);
            if rest.is_empty() || rest.starts_with('#') {
                return Ok(true);
            }
            self.indent = indent;
        } else if self.lexer.is_only_continued() && self.indent.wide == 0 {
            // From Python 3.10 on; before, a line that a backslash begins had no indentation.
            let indent = Indent::of(line).0;
            self.indent = if self.blocks.has(indent) { indent } else { self.indent };
        }
        let is_whole = self.lexer.push(line).ok_or("it does not split into tokens")?;
        if !is_whole {
            return Ok(false);
        }
        let Lexer { text, tokens, .. } = &self.lexer;
        // A line of nothing but a continuation has no statement.
        if !tokens.is_empty() {
            let in_match = self.blocks.indent(self.indent)?;
            let parsed = Parser { text, tokens, at: 0, lambdas: 0 }.line(in_match);
            self.blocks.take(parsed.ok_or("no statement reads so")?)?;
        }
        self.lexer.clear();
        Ok(true)
    }
}
