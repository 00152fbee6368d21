//! Which blocks are open, and what may stand in them next.

use super::statement::{Clause, Parsed};

/// The width of an indentation, with tabs to multiples of 8 and with tabs of 1: Python wants both to agree on
/// which of two indentations is deeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Indent {
    pub(super) wide: usize,
    narrow: usize,
}

impl Indent {
    /// The indentation of a line, and the rest of the line.
    pub(super) fn of(line: &str) -> (Self, &str) {
        let mut indent = Self::default();
        for (at, byte) in line.bytes().enumerate() {
            match byte {
                b' ' => indent = Self { wide: indent.wide + 1, narrow: indent.narrow + 1 },
                b'\t' => {
                    indent = Self { wide: (indent.wide / 8 + 1) * 8, narrow: indent.narrow + 1 }
                }
                b'\x0c' => indent = Self::default(),
                _ => return (indent, &line[at..]),
            }
        }
        (indent, "")
    }
}

/// Why a line cannot stand where it does.
type Place<T = ()> = Result<T, &'static str>;

/// An open block.
#[derive(Debug, Clone, Copy)]
struct Level {
    indent: Indent,
    /// The line whose statement the next line of this level may go on with.
    after: Clause,
    /// The header that opened it; a module has none.
    header: Option<Clause>,
}

/// The open blocks, the module first.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    levels: Vec<Level>,
    /// The header whose block has no line yet.
    pub(super) pending: Option<Clause>,
}

impl Default for Blocks {
    fn default() -> Self {
        let module = Level { indent: Indent::default(), after: Clause::Simple, header: None };
        Self { levels: vec![module], pending: None }
    }
}

impl Blocks {
    fn top(&mut self) -> &mut Level {
        self.levels.last_mut().expect("the module's level is never closed")
    }

    /// Whether a line of this indentation stands in an open block or opens one.
    pub(super) fn has(&self, indent: Indent) -> bool {
        self.pending.is_some() || self.levels.iter().any(|level| level.indent == indent)
    }

    /// Opens and closes blocks as the indentation of a line says. True where the line must be a `case`.
    pub(super) fn indent(&mut self, indent: Indent) -> Place<bool> {
        let top = self.top().indent;
        if let Some(header) = self.pending.take() {
            if indent.wide <= top.wide {
                return Err("the line before it needs an indented block");
            }
            if indent.narrow <= top.narrow {
                return Err(TABS);
            }
            self.levels.push(Level { indent, after: Clause::Simple, header: Some(header) });
        } else if indent.wide > top.wide {
            return Err("it is indented, and no block begins there");
        } else {
            self.close_to(indent)?;
        }
        Ok(self.top().header == Some(Clause::Match))
    }

    fn close_to(&mut self, indent: Indent) -> Place {
        while self.top().indent.wide > indent.wide {
            may_close(self.top().after)?;
            self.levels.pop();
        }
        let top = self.top().indent;
        if top.wide != indent.wide {
            return Err("its indentation is that of no open block");
        }
        if top.narrow == indent.narrow { Ok(()) } else { Err(TABS) }
    }

    /// Whether the text may end here.
    pub(super) fn are_whole(&self) -> bool {
        self.pending.is_none() && self.levels.iter().all(|level| may_close(level.after).is_ok())
    }

    /// Takes a line that is Python by itself into the innermost block.
    pub(super) fn take(&mut self, line: Parsed) -> Place {
        let before = self.top().after;
        self.top().after = match (line.clause, before) {
            (Clause::Elif, Clause::If) => Clause::If,
            (Clause::Else, Clause::If | Clause::Loop) => Clause::Simple,
            // Behind it only `finally` may come.
            (Clause::Else, Clause::Except | Clause::ExceptGroup) => Clause::Else,
            (Clause::Except, Clause::Try | Clause::Except) => Clause::Except,
            (Clause::ExceptGroup, Clause::Try | Clause::ExceptGroup) => Clause::ExceptGroup,
            (
                Clause::Finally,
                Clause::Try | Clause::Except | Clause::ExceptGroup | Clause::Else,
            ) => Clause::Simple,
            (
                Clause::Elif
                | Clause::Else
                | Clause::Except
                | Clause::ExceptGroup
                | Clause::Finally,
                _,
            ) => return Err("it goes on with a statement that is not there"),
            (
                clause @ (Clause::Decorator | Clause::Function | Clause::Class),
                Clause::Decorator,
            ) => clause,
            (clause, _) => {
                may_close(before)?;
                clause
            }
        };
        self.pending = line.opens.then_some(line.clause);
        Ok(())
    }

    /// The width of the indentation of the innermost function that is open.
    pub(super) fn function(&self) -> Option<usize> {
        let is_function = |header: Option<Clause>| header == Some(Clause::Function);
        if is_function(self.pending) {
            return self.levels.last().map(|level| level.indent.wide);
        }
        let inside = self.levels.iter().rposition(|level| is_function(level.header))?;
        Some(self.levels[inside - 1].indent.wide)
    }
}

/// Whether a block may end behind this line.
fn may_close(after: Clause) -> Place {
    match after {
        Clause::Try => Err("a `try` before it has neither `except` nor `finally`"),
        Clause::Decorator => Err("a decorator before it has no function or class"),
        _ => Ok(()),
    }
}

const TABS: &str = "its tabs and spaces do not agree with those of the lines before";
