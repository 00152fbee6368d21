//! Top-level items of a module: what stands beside the function that is wanted.

use crate::names::{names, targets};
use crate::python::{Line, first_word};
use crate::statement::{KEYWORDS, is_statement};
use std::collections::HashSet;

/// Consecutive logical lines: a statement, or a header with its block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'t, 'l> {
    text: &'t str,
    lines: &'l [Line<'t>], // never empty
}

/// What an item is, as far as keeping or dropping it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `def`, `class`, with decorators.
    Definition,
    /// `import` or `from .. import`.
    Import,
    /// `name = ..`.
    Assignment,
    /// `sys.setrecursionlimit(..)`, `try: import ..`: code that prepares what follows it.
    Preparation,
    /// Prints, asserts, loops, `if __name__ == ..`: tests and demonstrations.
    Demonstration,
    /// Not Python.
    Prose,
}

/// Where function `name` is defined: the last time before prose follows, else anyhow, else by a value
/// of the text's own making.
pub(crate) fn position_of(items: &[Item<'_, '_>], name: &str) -> Option<usize> {
    let defining: Vec<usize> = (0..items.len()).filter(|at| items[*at].defines(name)).collect();
    let is_whole = |at: &usize| items[*at].is_complete() && items[*at].has_body();
    if let Some(first) = defining.iter().copied().find(is_whole) {
        let prose = items[first..].iter().position(|item| item.kind() == Kind::Prose);
        let end = prose.map_or(items.len(), |length| first + length);
        return defining.into_iter().filter(is_whole).rfind(|at| *at < end);
    }
    let torn = |at: &usize| items[*at].without_torn_end().has_body();
    let first = defining.first().copied();
    defining.into_iter().find(torn).or(first).or_else(|| binding(items, name))
}

/// Where a module without function `name` gives the name to something made by its definitions.
pub(crate) fn binding(items: &[Item<'_, '_>], name: &str) -> Option<usize> {
    let outermost = || items.iter().enumerate().filter(|(_, item)| item.indent() == 0);
    if outermost().any(|(_, item)| matches!(item.head().first_word(), "return" | "yield")) {
        return None;
    }
    let mut defined = HashSet::new();
    for (at, item) in outermost() {
        let uses = || names(item.head().text).iter().any(|found| defined.contains(found.word));
        if item.kind() == Kind::Assignment && item.name() == Some(name) && uses() {
            return Some(at);
        }
        defined
            .extend(item.head().defined_name().filter(|_| item.without_torn_end().is_complete()));
    }
    None
}

/// Groups logical lines of `text` into items.
pub(crate) fn items<'t, 'l>(text: &'t str, lines: &'l [Line<'t>]) -> Vec<Item<'t, 'l>> {
    let mut items = Vec::new();
    let mut rest = lines;
    while !rest.is_empty() {
        let (lines, tail) = rest.split_at(item_length(rest));
        items.push(Item { text, lines });
        rest = tail;
    }
    items
}

fn item_length(lines: &[Line<'_>]) -> usize {
    let is_decorator = |line: &Line<'_>| line.code().starts_with('@') && is_statement(line);
    let decorators = lines[..lines.len() - 1].iter().take_while(|line| is_decorator(line)).count();
    let lines = &lines[decorators..];
    let level = lines[0].indent;
    if !lines[0].opens_block || !is_statement(&lines[0]) {
        return decorators + 1;
    }
    let belongs = |line: &Line<'_>| {
        let clause = matches!(line.first_word(), "else" | "elif" | "except" | "finally");
        line.indent > level || (line.indent == level && clause && is_statement(line))
    };
    decorators + 1 + lines[1..].iter().take_while(|line| belongs(line)).count()
}

impl<'t, 'l> Item<'t, 'l> {
    pub(crate) fn kind(&self) -> Kind {
        let line = self.head();
        if !is_statement(line) {
            return Kind::Prose;
        }
        match line.first_word() {
            "def" | "class" | "async" => Kind::Definition,
            "import" | "from" => Kind::Import,
            "try" | "with" => Kind::Preparation,
            "if" if !line.code().contains("__name__") => Kind::Preparation,
            word if !word.is_empty() && assigned(line).is_some() => Kind::Assignment,
            word if !word.is_empty() && line.code()[word.len()..].starts_with('.') => {
                Kind::Preparation
            }
            _ => Kind::Demonstration,
        }
    }

    /// Name that the item binds by `def`, `class` or a plain assignment.
    fn name(&self) -> Option<&'t str> {
        self.head().defined_name().or_else(|| assigned(self.head()))
    }

    /// Names that the item binds in the module.
    pub(crate) fn binds(&self) -> Vec<&'t str> {
        match self.kind() {
            Kind::Import | Kind::Assignment => targets(self.head()),
            _ => self.name().into_iter().collect(),
        }
    }

    /// True for `def name`, `class name` and `name = lambda ..`.
    pub(crate) fn defines(&self, name: &str) -> bool {
        let is_lambda = || self.head().code().contains("lambda");
        self.name() == Some(name) && (self.kind() == Kind::Definition || is_lambda())
    }

    /// True when the code uses `name`.
    fn mentions(&self, name: &str) -> bool {
        self.lines.iter().flat_map(|line| names(line.text)).any(|found| found.word == name)
    }

    /// True for an assignment whose value is made of function `name` without calling it.
    pub(crate) fn refers_to(&self, name: &str) -> bool {
        let value = self.head().code().split_once('=').map_or("", |(_, value)| value);
        let uses = || names(value).into_iter().filter(|found| found.word == name);
        self.kind() == Kind::Assignment
            && uses().next().is_some()
            && uses().all(|use_| !use_.is_called)
    }

    /// True for `name = decorator(name)`.
    pub(crate) fn rebinds(&self, name: &str) -> bool {
        self.name() == Some(name) && self.refers_to(name)
    }

    /// True when the code shows or tests function `name`, or waits for input.
    pub(crate) fn demonstrates(&self, name: &str) -> bool {
        let reads = |line: &Line<'_>| {
            line.text.contains("sys.stdin")
                || names(line.text).iter().any(|name| name.word == "input" && name.is_called)
        };
        self.mentions(name) || self.mentions("__name__") || self.lines.iter().any(reads)
    }

    /// True when a loop, a call or the like, standing before function `name`, may fill its tables.
    pub(crate) fn prepares(&self, name: &str, is_known: impl Fn(&str) -> bool) -> bool {
        let shows = ["print", "assert", "return", "yield", "raise", "break", "continue"];
        let word = self.head().first_word();
        let can_run = word.is_empty() || KEYWORDS.contains(&word) || is_known(word);
        can_run && !shows.contains(&word) && !self.demonstrates(name)
    }

    /// True for what other code may need, unless it demonstrates function `name`.
    pub(crate) fn is_helper(&self, name: &str) -> bool {
        match self.kind() {
            Kind::Import | Kind::Definition => true,
            Kind::Assignment => !self.demonstrates(name),
            _ => false,
        }
    }

    /// True for a class that is no test of function `name`.
    pub(crate) fn is_class_without(&self, name: &str) -> bool {
        self.kind() == Kind::Definition
            && self.head().first_word() == "class"
            && !self.mentions(name)
    }

    /// True for `from .. import *`.
    pub(crate) fn imports_all(&self) -> bool {
        self.kind() == Kind::Import && self.head().text.contains('*')
    }

    /// True for `from __future__ import ..`.
    pub(crate) fn is_future(&self) -> bool {
        self.kind() == Kind::Import
            && self.head().code()[4..].trim_start().starts_with("__future__")
    }

    pub(crate) fn lines(&self) -> &'l [Line<'t>] {
        self.lines
    }

    /// Byte offset of the item in the scanned text.
    pub(crate) fn start(&self) -> usize {
        self.lines[0].start
    }

    /// Indentation of the item's first line.
    pub(crate) fn indent(&self) -> usize {
        self.lines[0].indent
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.lines.iter().all(|line| line.complete) && !self.lines[self.lines.len() - 1].opens_block
    }

    /// True unless it is a definition with nothing but a docstring, `pass` or `...`.
    pub(crate) fn has_body(&self) -> bool {
        if self.kind() == Kind::Assignment {
            return true;
        }
        let header = self.head().header().len();
        let inline = self.head().code()[header..].trim();
        let is_filler = |code: &str| {
            code.starts_with(['"', '\''])
                || matches!(first_word(code), "pass")
                || code.starts_with("...")
        };
        let block = self.lines.iter().skip_while(|line| line.start <= self.head().start);
        (!inline.is_empty() && !inline.starts_with('#') && !is_filler(inline))
            || block.into_iter().any(|line| !is_filler(line.code()))
    }

    /// The item without the lines at its end that were cut off in the middle.
    pub(crate) fn without_torn_end(self) -> Self {
        let head = self.lines.iter().take_while(|line| line.start < self.head().start).count();
        let length =
            self.lines.iter().rposition(Line::is_whole).map_or(head, |last| last.max(head)) + 1;
        Self { lines: &self.lines[..length], ..self }
    }

    /// Module text of the item, its headers moved to column 0; ends with a newline.
    pub(crate) fn render(&self) -> String {
        let (first, last) = (&self.lines[0], &self.lines[self.lines.len() - 1]);
        let source = &self.text[first.start..last.end()];
        if first.indent == 0 {
            return format!("{source}\n");
        }
        let mut out = String::with_capacity(source.len() + 1);
        let mut at = first.start;
        for line in self.lines.iter().filter(|line| line.indent <= first.indent) {
            out.push_str(&self.text[at..line.start]);
            at = line.start + line.margin().len();
        }
        out.push_str(&self.text[at..last.end()]);
        out.push('\n');
        out
    }

    /// The first line that is no decorator.
    fn head(&self) -> &Line<'t> {
        let head = self.lines.iter().find(|line| !line.code().starts_with('@'));
        head.unwrap_or(&self.lines[0])
    }
}

/// `name` of `name = ..` or `name: type = ..`.
fn assigned<'t>(line: &Line<'t>) -> Option<&'t str> {
    let name = line.first_word();
    let rest = line.code()[name.len()..].trim_start();
    let plain = rest.starts_with('=') && !rest.starts_with("==");
    let annotated = rest.starts_with(':') && rest.contains('=');
    let several = rest.starts_with(',') && rest.contains('=');
    (!name.is_empty() && (plain || annotated || several)).then_some(name)
}
