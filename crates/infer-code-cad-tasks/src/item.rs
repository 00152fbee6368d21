//! Statements of a text with their blocks: what stands beside the function that is wanted.

use crate::python::{Line, first_word, logical_lines};
use crate::syntax::{Arity, Kind, Statement, Syntax, Use};
use std::collections::HashSet;

/// A text with its logical lines read.
#[derive(Debug)]
pub(crate) struct Code<'t> {
    pub(crate) text: &'t str,
    pub(crate) lines: Vec<Parsed<'t>>,
}

/// A logical line and what it does, if it is Python.
#[derive(Debug)]
pub(crate) struct Parsed<'t> {
    pub(crate) line: Line<'t>,
    statement: Option<Statement<'t>>,
}

/// Consecutive logical lines: a statement, or a header with its block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'c, 't> {
    text: &'t str,
    lines: &'c [Parsed<'t>], // never empty
}

/// What an item does with the names of its module.
#[derive(Debug, Default)]
pub(crate) struct Names<'t> {
    /// Given values.
    pub(crate) bound: Vec<&'t str>,
    /// Taken from outside.
    pub(crate) free: Vec<Use<'t>>,
    /// Changed in place, perhaps by a call.
    pub(crate) changed: Vec<&'t str>,
}

impl<'t> Code<'t> {
    pub(crate) fn read(text: &'t str, syntax: &mut Syntax) -> Self {
        let lines = logical_lines(text);
        let statements = syntax.statements(text, &lines);
        let parsed = lines.into_iter().zip(statements);
        Self { text, lines: parsed.map(|(line, statement)| Parsed { line, statement }).collect() }
    }

    pub(crate) fn items(&self) -> Vec<Item<'_, 't>> {
        self.items_from(0)
    }

    /// Groups the logical lines from the `first` on.
    pub(crate) fn items_from(&self, first: usize) -> Vec<Item<'_, 't>> {
        let mut items = Vec::new();
        let mut rest = &self.lines[first..];
        while !rest.is_empty() {
            let (lines, tail) = rest.split_at(item_length(rest));
            items.push(Item { text: self.text, lines });
            rest = tail;
        }
        items
    }
}

impl<'t> Parsed<'t> {
    /// True when the line is Python and no prose that happens to be.
    pub(crate) fn is_statement(&self) -> bool {
        self.kind().is_some_and(|kind| kind != Kind::Inert)
    }

    pub(crate) fn kind(&self) -> Option<Kind> {
        self.statement.as_ref().map(|statement| statement.kind)
    }

    /// True for a line that the next one must go on: a header or a decorator.
    fn opens(&self) -> bool {
        self.line.opens_block || self.kind() == Some(Kind::Decorator)
    }

    /// A statement that nothing has to follow.
    pub(crate) fn is_whole(&self) -> bool {
        self.statement.is_some() && !self.opens()
    }

    /// What a `def` takes, where all may come by position.
    pub(crate) fn arity(&self) -> Option<Arity> {
        self.statement.as_ref().and_then(|statement| statement.arity)
    }

    fn is(&self, kind: Kind) -> bool {
        self.kind() == Some(kind)
    }
}

fn item_length(lines: &[Parsed<'_>]) -> usize {
    let decorators = lines[..lines.len() - 1].iter().take_while(|line| line.is(Kind::Decorator));
    let decorators = decorators.count();
    let lines = &lines[decorators..];
    if decorators > 0 && !lines[0].is(Kind::Function) && !lines[0].is(Kind::Class) {
        return 1;
    }
    if !lines[0].line.opens_block && lines[0].line.first_word() != "try" || !lines[0].is_statement()
    {
        return decorators + 1;
    }
    let level = lines[0].line.indent;
    let belongs = |line: &Parsed<'_>| {
        line.line.indent > level || (line.line.indent == level && line.is(Kind::Clause))
    };
    decorators + 1 + lines[1..].iter().take_while(|line| belongs(line)).count()
}

impl<'t> Item<'_, 't> {
    /// What the item is; prose that is no Python is as inert as prose that is.
    pub(crate) fn kind(&self) -> Kind {
        self.head().kind().unwrap_or(Kind::Inert)
    }

    pub(crate) fn is_prose(&self) -> bool {
        matches!(self.kind(), Kind::Inert | Kind::Clause | Kind::Decorator)
    }

    pub(crate) fn is_definition(&self) -> bool {
        matches!(self.kind(), Kind::Function | Kind::Class)
    }

    /// True for `def name`, `class name` and `name = lambda ..`, and for `if ..:` with one of them in it.
    pub(crate) fn defines(&self, name: &str) -> bool {
        let defines = |parsed: &Parsed<'_>| {
            let is_function = matches!(parsed.kind(), Some(Kind::Function | Kind::Class));
            let statement = parsed.statement.as_ref();
            statement.is_some_and(|statement| {
                statement.binds.contains(&name) && (is_function || statement.is_lambda)
            })
        };
        match self.kind() {
            Kind::Effect => self.lines.iter().any(defines),
            _ => defines(self.head()),
        }
    }

    /// True for `name = lambda ..`, `name = other` and `name = other.attribute`.
    pub(crate) fn is_reference(&self) -> bool {
        self.head().statement.as_ref().is_some_and(|statement| statement.is_reference)
    }

    /// What the item does with names: those of its functions' own are left out.
    pub(crate) fn names(&self) -> Names<'t> {
        let mut names = Names::default();
        let (mut local, mut global): (HashSet<&str>, HashSet<&str>) = Default::default();
        let mut function: Option<usize> = None; // indentation of the outermost one that is open
        let head = self.head_at();
        for (at, parsed) in self.lines.iter().enumerate() {
            let Some(statement) = &parsed.statement else { continue };
            function = function.filter(|indent| parsed.line.indent > *indent);
            let inside = function.is_some();
            local.extend(&statement.locals);
            global.extend(&statement.globals);
            if inside {
                local.extend(&statement.binds);
            } else if !self.is_definition() || at == head {
                names.bound.extend(&statement.binds);
            }
            if !inside {
                names.changed.extend(&statement.changes);
            }
            let uses = statement.uses.iter();
            names.free.extend(uses.map(|used| Use { deferred: used.deferred || inside, ..*used }));
            if !inside && parsed.is(Kind::Function) {
                function = Some(parsed.line.indent);
            }
        }
        local.retain(|name| !global.contains(name));
        names.free.retain(|used| !local.contains(used.name));
        names
    }

    /// Of a class, each method with what it takes and whether it takes no instance.
    pub(crate) fn methods(&self) -> impl Iterator<Item = (&'t str, Arity, bool)> {
        let block = &self.lines[self.head_at() + 1..];
        let level = block.first().map_or(0, |parsed| parsed.line.indent);
        block.iter().enumerate().filter_map(move |(at, parsed)| {
            let (name, arity) = (parsed.line.defined_name()?, parsed.arity()?);
            let above = at.checked_sub(1).map_or("", |above| block[above].line.code());
            (parsed.line.indent == level).then_some((name, arity, above == "@staticmethod"))
        })
    }

    /// True when the text has a word of Python's that the trees do not tell apart.
    pub(crate) fn has_text(&self, part: &str) -> bool {
        self.lines.iter().any(|parsed| parsed.line.text.contains(part))
    }

    /// True for `from .. import *`.
    pub(crate) fn imports_all(&self) -> bool {
        self.head().statement.as_ref().is_some_and(|statement| statement.imports_all)
    }

    /// True for `from __future__ import ..`.
    pub(crate) fn is_future(&self) -> bool {
        self.head().statement.as_ref().is_some_and(|statement| statement.is_future)
    }

    /// Indentation of the item's first line.
    pub(crate) fn indent(&self) -> usize {
        self.lines[0].line.indent
    }

    /// Byte offset of the item in its text.
    pub(crate) fn start(&self) -> usize {
        self.lines[0].line.start
    }

    pub(crate) fn end(&self) -> usize {
        self.lines[self.lines.len() - 1].line.end()
    }

    /// True when nothing of it was cut off and all of it is Python.
    pub(crate) fn is_complete(&self) -> bool {
        !self.is_prose()
            && self.lines.iter().all(|parsed| parsed.statement.is_some())
            && self.lines[self.lines.len() - 1].is_whole()
            && open_try(self.lines).is_none()
    }

    /// True unless it is a definition with nothing but a docstring, `pass`, `...`, `return None` or
    /// `raise NotImplementedError`.
    pub(crate) fn has_body(&self) -> bool {
        if !self.is_definition() {
            return true;
        }
        let head = &self.head().line;
        let inline = head.code()[head.header().len()..].trim();
        let is_filler = |code: &str| {
            code.starts_with(['"', '\'', '.'])
                || first_word(code) == "pass"
                || code.starts_with("raise NotImplementedError")
                || matches!(code, "return" | "return None" | "return ..." | "return NotImplemented")
        };
        let block = &self.lines[self.head_at() + 1..];
        (!inline.is_empty() && !inline.starts_with('#') && !is_filler(inline))
            || block.iter().any(|parsed| !is_filler(parsed.line.code()))
    }

    /// The item without what the token limit cut off at its end, and without prose behind it.
    pub(crate) fn whole(self) -> Self {
        let head = self.head_at();
        let mut length = head + 1 + python_length(&self.lines[head + 1..]);
        loop {
            while length > head + 1 && self.lines[length - 1].opens() {
                length -= 1;
            }
            match open_try(&self.lines[..length]).filter(|at| *at > head) {
                Some(at) => length = at,
                None => return Self { lines: &self.lines[..length], ..self },
            }
        }
    }

    /// Module text of the item, its headers moved to column 0; ends with a newline.
    pub(crate) fn render(&self) -> String {
        let first = &self.lines[0].line;
        let source = &self.text[first.start..self.end()];
        if first.indent == 0 {
            return format!("{source}\n");
        }
        let mut out = String::with_capacity(source.len() + 1);
        let mut at = first.start;
        let lines = self.lines.iter().map(|parsed| &parsed.line);
        for line in lines.filter(|line| line.indent <= first.indent) {
            out.push_str(&self.text[at..line.start]);
            at = line.start + line.margin().len();
        }
        out.push_str(&self.text[at..self.end()]);
        out.push('\n');
        out
    }

    /// Blank lines and comments between another item of the same text and this one, if nothing else is.
    pub(crate) fn gap_after(&self, other: &Self) -> Option<&'t str> {
        let same = std::ptr::eq(self.text, other.text) && self.indent() == 0;
        let gap = self.text.get(other.end()..self.start()).filter(|_| same)?;
        let is_gap = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        gap.lines().all(is_gap).then(|| gap.strip_prefix('\n').unwrap_or(gap))
    }

    fn head_at(&self) -> usize {
        let head = self.lines.iter().position(|parsed| !parsed.is(Kind::Decorator));
        head.unwrap_or(0)
    }

    /// The first line that is no decorator.
    pub(crate) fn head(&self) -> &Parsed<'t> {
        &self.lines[self.head_at()]
    }
}

/// How many lines precede those at the end that are no Python; all where Python follows such lines: a
/// program with a fault in its middle stays at fault.
pub(crate) fn python_length(lines: &[Parsed<'_>]) -> usize {
    let Some(first) = lines.iter().position(|parsed| parsed.statement.is_none()) else {
        return lines.len();
    };
    let goes_on = lines[first..].iter().any(Parsed::is_statement);
    if goes_on { lines.len() } else { first }
}

/// The first `try` that the text ends in, without an `except` or a `finally`.
fn open_try(lines: &[Parsed<'_>]) -> Option<usize> {
    let mut open: Vec<(usize, usize)> = Vec::new(); // indentation and position
    for (at, parsed) in lines.iter().enumerate() {
        let line = &parsed.line;
        open.truncate(open.partition_point(|(indent, _)| *indent < line.indent));
        if line.first_word() == "try" && parsed.statement.is_some() {
            open.push((line.indent, at));
        }
    }
    open.first().map(|(_, at)| *at)
}
