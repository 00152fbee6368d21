//! Top-level items of a module: what stands beside the function that is wanted.

use crate::python::{Line, first_word, is_word};
use crate::statement::is_statement;
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

impl<'t> Item<'t, '_> {
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

    /// Names that the item binds in the module: a definition's, all targets, all imports.
    pub(crate) fn binds(&self) -> Vec<&'t str> {
        let code = self.head().code();
        match self.kind() {
            Kind::Import => {
                words(code.split_once("import").map_or("", |(_, names)| names)).collect()
            }
            Kind::Assignment => words(code.split('=').next().unwrap_or_default()).collect(),
            _ => self.name().into_iter().collect(),
        }
    }

    /// True for `def name`, `class name` and `name = lambda ..`.
    pub(crate) fn defines(&self, name: &str) -> bool {
        let is_lambda = || self.head().code().contains("lambda");
        self.name() == Some(name) && (self.kind() == Kind::Definition || is_lambda())
    }

    /// True when the code uses `name`.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        words(&self.render()).any(|word| word == name)
    }

    /// True when a loop, a call or the like, standing before function `name`, may fill its tables.
    pub(crate) fn prepares(&self, name: &str) -> bool {
        let shows = ["print", "assert", "return", "yield", "raise", "break", "continue"];
        let word = self.head().first_word();
        !shows.contains(&word) && !self.mentions(name) && !self.mentions("__name__")
    }

    /// Indentation of the item's first line.
    pub(crate) fn indent(&self) -> usize {
        self.lines[0].indent
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.lines.iter().all(|line| line.complete) && !self.lines[self.lines.len() - 1].opens_block
    }

    /// True unless the block holds nothing but a docstring, `pass` or `...`.
    pub(crate) fn has_body(&self) -> bool {
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
        let whole = |line: &Line<'_>| line.complete && !line.opens_block;
        let head = self.lines.iter().take_while(|line| line.start < self.head().start).count();
        let length = self.lines.iter().rposition(whole).map_or(head, |last| last.max(head)) + 1;
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

/// Of the `candidates`, those that `kept` code mentions, directly or through each other.
pub(crate) fn mentioned<'t, 'l>(candidates: Vec<Item<'t, 'l>>, kept: &str) -> Vec<Item<'t, 'l>> {
    let mut known: HashSet<String> = words(kept).map(str::to_owned).collect();
    let mut waiting: Vec<(usize, Item<'t, 'l>)> = candidates.into_iter().enumerate().collect();
    let mut chosen = Vec::new();
    loop {
        let (reached, rest): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, item)| is_mentioned(item, &known));
        waiting = rest;
        if reached.is_empty() {
            break;
        }
        for (_, item) in &reached {
            known.extend(words(&item.render()).map(str::to_owned));
        }
        chosen.extend(reached);
    }
    chosen.sort_by_key(|(position, _)| *position);
    chosen.into_iter().map(|(_, item)| item).collect()
}

fn is_mentioned(item: &Item<'_, '_>, known: &HashSet<String>) -> bool {
    if item.kind() != Kind::Import {
        return item.name().is_some_and(|name| known.contains(name));
    }
    let code = item.lines[0].code();
    let names = code.split_once("import").map_or("", |(_, names)| names);
    names.contains('*') || words(names).any(|name| name != "as" && known.contains(name))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word(c)).filter(|word| !word.is_empty())
}
