use crate::Problem;
use crate::answer::{Found, is_body};
use crate::body;
use crate::item::{Item, Kind, items, position_of};
use crate::names::needed;
use crate::python::{Line, logical_lines};
use std::collections::HashSet;

/// Cuts the program out of model text: a whole module that defines the entry point.
///
/// Two forms are understood, inside Markdown fences or bare, with prose before and after:
/// * a function *body*, which continues a prompt that ended with the signature or the docstring:
///   the result is preamble, signature, body; a first line whose indentation was lost or is off by
///   a space is set right;
/// * a *module* that repeats the signature: the result is the problem's preamble, the imports,
///   helpers and constants that the text puts before the function, and the function. Of several
///   definitions without prose between them the last one counts, as in Python; an empty one (the task
///   restated) and one cut off never do where there is another.
///
/// In both, of what follows the function and of other fenced blocks only those helpers are kept that
/// the kept code needs, and classes, which a judge may have to build values of. Tests, prints,
/// demonstrations, code that reads input, prose, the thinking before `</think>`, end marks such as
/// `<|im_end|>` and a line cut off by the token limit are dropped. `from __future__` imports come first.
///
/// Newlines become `\n`. Works by lines with a small scanner for strings and brackets, in linear
/// time, and never fails: text without code gives a program that does not compile. Extracting from
/// an extracted program changes nothing, unless it is no Python or has `</think>` in a docstring.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::{Problem, extract_program};
///
/// let problem = Problem::from_prompt("mine", "def f(x):\n    \"\"\"Double x.\"\"\"\n")?;
/// let text = "Sure!\n```python\nTWO = 2\n\ndef f(x):\n    return TWO * x\n\nprint(f(1))\n```\nDone.";
/// let program = extract_program(&problem, text);
/// assert_eq!(program, "TWO = 2\ndef f(x):\n    return TWO * x\n");
/// assert_eq!(extract_program(&problem, &program), program);
/// # Ok::<(), infer_code_cad_tasks::TaskError>(())
/// ```
pub fn extract_program(problem: &Problem, completion: &str) -> String {
    let text = completion.replace("\r\n", "\n").replace('\r', "\n");
    let found = Found::find(&text, &problem.entry_point);
    let lines = logical_lines(found.code);
    let mut module = Module::new(problem);
    if is_body(&lines, &problem.entry_point) || !module.add_module(found.code, &lines) {
        module.add_body(found.code, &lines);
    }
    module.add_blocks(&found.others);
    module.finish()
}

/// A program in the making.
struct Module<'p> {
    problem: &'p Problem,
    /// Items of the preamble, which need not be repeated.
    given: HashSet<String>,
    /// Imports from `__future__`, which must come first.
    future: String,
    /// What follows the preamble.
    code: String,
    /// Names that preamble and `code` bind.
    bound: HashSet<String>,
}

impl<'p> Module<'p> {
    fn new(problem: &'p Problem) -> Self {
        let lines = logical_lines(&problem.preamble);
        let preamble = items(&problem.preamble, &lines);
        Self {
            problem,
            given: preamble.iter().map(Item::render).collect(),
            future: String::new(),
            code: String::new(),
            bound: preamble.iter().flat_map(Item::binds).map(str::to_owned).collect(),
        }
    }

    /// Text that defines the function: what prepares it, the function, what it needs afterwards.
    fn add_module(&mut self, code: &str, lines: &[Line<'_>]) -> bool {
        let items = items(code, lines);
        let Some(chosen) = position_of(&items, &self.problem.entry_point) else { return false };
        self.add_leading(&items[..chosen]);
        self.code.push_str(&items[chosen].without_torn_end().render());
        self.bound.insert(self.problem.entry_point.clone());
        self.add_following(&items[chosen + 1..]);
        true
    }

    /// Text that starts inside the function: signature, body, and what they need.
    fn add_body(&mut self, code: &str, lines: &[Line<'_>]) {
        let (body, length) = body::cut(code, lines, &self.problem.entry_point);
        self.code = format!("{}\n{body}", self.problem.signature);
        self.add_following(&items(code, &lines[length..]));
    }

    fn add(&mut self, item: &Item<'_, '_>) {
        let text = item.render();
        if item.is_future() {
            self.future.push_str(&text);
        } else if !self.given.contains(&text) {
            self.bound.extend(item.binds().into_iter().map(str::to_owned));
            self.code.push_str(&text);
        }
    }

    /// Imports and definitions anywhere before the function; other code only when no prose follows it.
    fn add_leading(&mut self, before: &[Item<'_, '_>]) {
        let name = &self.problem.entry_point;
        let prose = before.iter().rfind(|item| item.kind() == Kind::Prose).map(Item::start);
        let whole = before.iter().map(|item| item.without_torn_end());
        let whole: Vec<_> = whole.filter(Item::is_complete).collect();
        // An earlier function of the name counts only where it is kept under another name.
        let first = whole.iter().position(|item| item.defines(name)).unwrap_or(whole.len());
        let alias = whole.iter().rposition(|item| item.refers_to(name)).unwrap_or(0);
        for (at, item) in whole.iter().enumerate() {
            let in_code = prose.is_none_or(|prose| item.start() > prose);
            let keep = match item.kind() {
                _ if item.defines(name) => at < alias,
                _ if item.refers_to(name) => at > first,
                Kind::Import | Kind::Definition => true,
                Kind::Assignment => in_code && !item.demonstrates(name),
                Kind::Preparation | Kind::Demonstration => {
                    in_code && item.prepares(name, |word| self.bound.contains(word))
                }
                Kind::Prose => false,
            };
            if keep {
                self.add(item);
            }
        }
    }

    /// What follows the function, up to the first prose or a second definition of it.
    fn add_following(&mut self, after: &[Item<'_, '_>]) {
        let name = &self.problem.entry_point;
        let candidates = after
            .iter()
            .take_while(|item| item.kind() != Kind::Prose && !item.defines(name))
            .map(|item| item.without_torn_end())
            .filter(|item| item.is_complete() && (item.is_helper(name) || item.rebinds(name)))
            .collect();
        let is_root = |item: &Item<'_, '_>| {
            item.rebinds(name) || item.is_class_without(name) || item.imports_all()
        };
        for item in needed(candidates, &self.code, is_root) {
            self.add(&item);
        }
    }

    /// Helpers that stand in other fenced blocks, put before the rest.
    fn add_blocks(&mut self, blocks: &[&str]) {
        let name = &self.problem.entry_point;
        let lines: Vec<_> = blocks.iter().map(|block| logical_lines(block)).collect();
        let all = blocks.iter().zip(&lines).flat_map(|(block, lines)| items(block, lines));
        let is_new =
            |item: &Item<'_, '_>| item.binds().iter().any(|name| !self.bound.contains(*name));
        let candidates = all
            .filter(|item| {
                item.is_complete() && item.is_helper(name) && !item.defines(name) && is_new(item)
            })
            .collect();
        let found = needed(candidates, &self.code, |_| false);
        let code = std::mem::take(&mut self.code);
        found.iter().for_each(|item| self.add(item));
        self.code.push_str(&code);
    }

    fn finish(self) -> String {
        [self.future.as_str(), &self.problem.preamble, &self.code].concat()
    }
}
