//! Which parts of a model's text make up the answer: no thinking, no end marks, one of several fenced blocks.

use crate::body::base_indent;
use crate::entry::{binding, position_of};
use crate::fence::{self, Block, BlockKind};
use crate::item::{Code, Item, Parsed};
use crate::marks::{leading_marks, without_end_mark, without_quotation, without_thinking};
use crate::python::{first_word, logical_lines};
use crate::syntax::{Kind, Syntax};
use std::borrow::Cow;
use std::ops::Range;

/// Where the function stands and what other code the text has.
pub(crate) struct Found<'t> {
    /// The text, or the part of it, that has the function.
    pub(crate) code: Code<'t>,
    /// All of the text is Python: nothing in it is prose.
    pub(crate) is_python: bool,
    /// The parts before that one, and those after it: fenced blocks and the text between them.
    pub(crate) others: [Vec<Code<'t>>; 2],
}

/// Model text without what surrounds an answer, unless all of it is Python already.
pub(crate) fn answer<'t>(
    text: &'t str,
    signature: &str,
    syntax: &mut Syntax,
) -> (Cow<'t, str>, bool) {
    let is_indented = text.trim_start_matches('\n').starts_with([' ', '\t']);
    let is_python = if is_indented {
        syntax.accepts(&[signature, "\n", text].concat())
    } else {
        syntax.accepts(text)
    };
    if is_python {
        return (Cow::Borrowed(text), true);
    }
    let text = leading_marks(without_thinking(text, &strings(text, syntax)));
    (without_quotation(without_end_mark(text, &strings(text, syntax))), false)
}

impl<'t> Found<'t> {
    /// Takes all of a text that is Python.
    pub(crate) fn whole(text: &'t str, syntax: &mut Syntax) -> Self {
        Self { code: Code::read(text, syntax), is_python: true, others: [Vec::new(), Vec::new()] }
    }

    /// All parts, in the order of the text.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Code<'t>> {
        let [before, after] = &self.others;
        before.iter().chain([&self.code]).chain(after)
    }

    /// The same with another part as the one that has the function.
    pub(crate) fn with_part<'s>(self, part: usize, code: Code<'s>) -> Found<'s>
    where
        't: 's,
    {
        let [before, after] = self.others;
        let mut before: Vec<Code<'s>> =
            before.into_iter().chain([self.code]).chain(after).collect();
        let after = before.split_off(part + 1);
        before.pop();
        Found { code, is_python: self.is_python, others: [before, after] }
    }

    /// Finds the function `name` or its body among prose and fences.
    pub(crate) fn among(text: &'t str, name: &str, syntax: &mut Syntax) -> Self {
        let Some(blocks) = fence::split(text, &strings(text, syntax)) else {
            // A closing fence may follow the last statement on its line.
            let bare = text.trim_end().strip_suffix("```").unwrap_or(text);
            return Self::only(without_swallowing_prose(Code::read(bare, syntax), name, syntax));
        };
        let read = |block: &Block<'t>| {
            let code = Code::read(block.text, syntax);
            without_swallowing_prose(code, name, syntax)
        };
        let mut codes: Vec<Code<'t>> = blocks.iter().map(read).collect();
        let Some(chosen) = chosen(&blocks, &codes, name) else {
            return Self::only(without_swallowing_prose(Code::read(text, syntax), name, syntax));
        };
        let after = codes.split_off(chosen + 1);
        let code = codes.swap_remove(chosen);
        Self { others: [codes, after], ..Self::only(code) }
    }

    fn only(code: Code<'t>) -> Self {
        Self { code, is_python: false, others: [Vec::new(), Vec::new()] }
    }
}

/// The part that has the function: the first text where it has it or its body, else a block that has it,
/// else any text; else a block with a body, else a stub, else code.
fn chosen(blocks: &[Block<'_>], codes: &[Code<'_>], name: &str) -> Option<usize> {
    let find = |is_meant: &dyn Fn(&Block<'_>, &Code<'_>) -> bool| {
        blocks.iter().zip(codes).position(|(block, code)| is_meant(block, code))
    };
    if continues(&codes[0], name) || answers(&codes[0], name) {
        return Some(0);
    }
    let is_fenced = |block: &Block<'_>| block.kind != BlockKind::Text;
    let has_statement = |code: &Code<'_>| code.lines.iter().any(Parsed::is_statement);
    find(&|block, code| is_fenced(block) && answers(code, name))
        .or_else(|| find(&|_, code| answers(code, name)))
        .or_else(|| find(&|block, code| is_fenced(block) && continues(code, name)))
        .or_else(|| find(&|_, code| continues(code, name)))
        .or_else(|| find(&|_, code| position_of(&code.items(), name).is_some()))
        .or_else(|| find(&|_, code| defined_in(code, name)))
        .or_else(|| find(&|block, code| block.kind == BlockKind::Python && has_statement(code)))
        .or_else(|| find(&|block, _| is_fenced(block) && !block.text.trim().is_empty()))
}

/// Statements of several lines: their strings may have lines that look like fences and end marks.
fn strings(text: &str, syntax: &mut Syntax) -> Vec<Range<usize>> {
    let mut lines = logical_lines(text);
    lines.retain(|line| line.text.contains('\n') && syntax.statement(line).is_some());
    lines.iter().map(|line| line.start..line.end()).collect()
}

/// True when the text begins with statements that only a function's body has.
fn continues(code: &Code<'_>, name: &str) -> bool {
    code.lines.first().is_some_and(Parsed::is_statement)
        && starts_inside(code)
        && is_body(code, name)
}

/// True when the first statement is indented, or one returns outside of functions.
pub(crate) fn starts_inside(code: &Code<'_>) -> bool {
    let Some(first) = code.lines.iter().find(|parsed| parsed.is_statement()) else { return false };
    let mut function = None; // indentation of one that is open
    let returns = code.lines.iter().any(|parsed| {
        function = function.filter(|indent| parsed.line.indent > *indent);
        if function.is_none() && parsed.kind() == Some(Kind::Function) {
            function = Some(parsed.line.indent);
        }
        function.is_none() && matches!(parsed.line.first_word(), "return" | "yield" | "raise")
    });
    first.line.indent > 0 || returns
}

/// True when the text has the function with something in it and does not import it.
fn answers(code: &Code<'_>, name: &str) -> bool {
    let items = code.items();
    let is_answer = |item: &Item<'_, '_>| item.whole().has_body() && item.kind() != Kind::Import;
    position_of(&items, name).is_some_and(|at| is_answer(&items[at]))
}

fn defined_in(code: &Code<'_>, name: &str) -> bool {
    from_definition(code.text, name).is_some()
}

/// Drops the beginning when it holds a stray quote that hides the line that defines `name`.
fn without_swallowing_prose<'t>(code: Code<'t>, name: &str, syntax: &mut Syntax) -> Code<'t> {
    if code.lines.iter().any(|parsed| parsed.line.defined_name() == Some(name)) {
        return code;
    }
    let torn = code.lines.iter().filter(|parsed| parsed.kind().is_none());
    let hidden = torn.map(|parsed| parsed.line).find_map(|line| {
        let tail = from_definition(line.text, name)?;
        (tail.len() < line.text.len()).then(|| line.end() - tail.len())
    });
    match hidden {
        Some(start) => Code::read(&code.text[start..], syntax),
        None => code,
    }
}

/// The text from the first physical line that reads `def name`.
fn from_definition<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let code = line.trim_start().trim_start_matches("async ").trim_start();
        if code.strip_prefix("def ").is_some_and(|rest| first_word(rest.trim_start()) == name) {
            return Some(&text[start..]);
        }
        start += line.len();
    }
    None
}

/// True when the text starts inside the function rather than before its definition.
pub(crate) fn is_body(code: &Code<'_>, name: &str) -> bool {
    let lines = &code.lines;
    let Some(definition) = lines.iter().position(|parsed| parsed.line.defined_name() == Some(name))
    else {
        let items = code.items();
        let assigns = items.iter().any(|item| item.indent() == 0 && item.defines(name));
        return !assigns && binding(&items, name).is_none();
    };
    let Some(first) = lines[..definition].first().filter(|parsed| parsed.is_statement()) else {
        return false;
    };
    let indent = first.line.indent;
    if indent >= lines[definition].line.indent + 2 || first.line.first_word() == "return" {
        return true;
    }
    let is_module_like =
        matches!(first.kind(), Some(Kind::Import | Kind::Function | Kind::Class | Kind::Decorator))
            || matches!(first.line.first_word(), "if" | "try" | "");
    !is_module_like && base_indent(&lines[..definition]) > indent
}
