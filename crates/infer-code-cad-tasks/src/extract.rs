use crate::Problem;
use crate::answer::{Found, answer, is_body};
use crate::body;
use crate::entry::position_of;
use crate::item::{Code, Item};
use crate::keep::{Candidate, kept};
use crate::marks::with_plain_space;
use crate::syntax::Syntax;
use std::collections::HashSet;

/// Cuts the program out of model text: a whole module that defines the entry point.
///
/// Two forms are understood, inside Markdown fences or bare, with prose before and after:
/// * a function *body*, which continues a prompt that ended with the signature or the docstring:
///   the result is preamble, signature, body; a first line whose indentation was lost or is off by
///   a space is set right;
/// * a *module* that repeats the signature, or gives the name to a method or another function: the
///   result is the problem's preamble and the module.
///
/// Every top-level definition is kept, and of other code what a kept definition needs: tests may use
/// more than the entry point, and an extraction sees no tests. Of several definitions of a name without
/// prose between them the last one counts, as in Python; an empty one (the task restated) and one cut off
/// never do where there is another. Other fenced blocks add the definitions that are missing, with what
/// those need. Prints, asserts, calls of the entry point, code that reads input, prose, the thinking
/// before `</think>`, end marks such as `<|im_end|>` and what the token limit cut off are dropped.
/// `from __future__` imports come first.
///
/// Each logical line is parsed by itself, so that prose beside code is told from it. Newlines become
/// `\n`. Takes linear time and never fails: text without code gives a program that does not compile.
/// Extracting from an extracted program changes nothing, unless it is no Python.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::{Problem, extract_program};
///
/// let problem = Problem::from_prompt("mine", "def f(x):\n    \"\"\"Double x.\"\"\"\n")?;
/// let text = "Sure!\n```python\nTWO = 2\n\ndef f(x):\n    return TWO * x\n\nprint(f(1))\n```\nDone.";
/// let program = extract_program(&problem, text);
/// assert_eq!(program, "TWO = 2\n\ndef f(x):\n    return TWO * x\n");
/// assert_eq!(extract_program(&problem, &program), program);
/// # Ok::<(), infer_code_cad_tasks::TaskError>(())
/// ```
pub fn extract_program(problem: &Problem, completion: &str) -> String {
    let mut syntax = Syntax::new();
    let text = with_plain_space(completion);
    let (text, is_python) = answer(&text, &problem.signature, &mut syntax);
    let found = if is_python {
        Found::whole(&text, &mut syntax)
    } else {
        Found::among(&text, &problem.entry_point, &mut syntax)
    };
    assemble(problem, &found, &mut syntax)
}

fn assemble(problem: &Problem, found: &Found<'_>, syntax: &mut Syntax) -> String {
    let (code, entry) = (&found.code, problem.entry_point.as_str());
    let items = code.items();
    let position = if is_body(code, entry) { None } else { position_of(&items, entry) };
    let [before, after] = &found.others;
    let before: Vec<_> = before.iter().flat_map(Code::items).collect();
    let after: Vec<_> = after.iter().flat_map(Code::items).collect();
    let Some(position) = position else {
        let (body, length) = body::cut(code, entry);
        let function = format!("{}\n{body}", problem.signature);
        let function = Code::read(&function, syntax);
        let function = function.items();
        let rest = if body.is_empty() { Vec::new() } else { code.items_from(length) };
        let (rest, behind) = rest.split_at(prose_from(&rest, found.is_python));
        let main = [&function, rest].concat();
        let groups = [&before, main.as_slice(), &[behind, &after].concat()];
        return Assembly::new(problem, syntax).program(groups, &function[0]);
    };
    let first = items[..position].iter().rposition(|item| item.is_prose() && !found.is_python);
    let first = first.map_or(0, |prose| prose + 1);
    let last = position + prose_from(&items[position..], found.is_python);
    let before = [&before, &items[..first]].concat();
    let after = [&items[last..], &after].concat();
    let groups = [before.as_slice(), &items[first..last], &after];
    Assembly::new(problem, syntax).program(groups, &items[position])
}

/// Where the first prose is.
fn prose_from(items: &[Item<'_, '_>], is_python: bool) -> usize {
    let prose = items.iter().position(|item| item.is_prose() && !is_python);
    prose.unwrap_or(items.len())
}

/// A program in the making.
struct Assembly<'p> {
    problem: &'p Problem,
    /// Items of the preamble, which need not be repeated.
    given: HashSet<String>,
    /// Names that the preamble binds.
    bound: HashSet<String>,
}

impl<'p> Assembly<'p> {
    fn new(problem: &'p Problem, syntax: &mut Syntax) -> Self {
        let preamble = Code::read(&problem.preamble, syntax);
        let items = preamble.items();
        let names = items.iter().flat_map(|item| item.names().bound);
        Self {
            problem,
            given: items.iter().map(Item::render).collect(),
            bound: names.map(str::to_owned).collect(),
        }
    }

    /// Preamble, then what is kept of the blocks before the entry point's, of that one, and of those after
    /// it. A `function` with a fault in it stands alone: the judge has the last word.
    fn program(&self, groups: [&[Item<'_, '_>]; 3], function: &Item<'_, '_>) -> String {
        if !function.whole().is_complete() {
            return format!("{}{}\n", self.problem.preamble, function.render().trim_end());
        }
        let candidates = self.candidates(groups);
        let entry = self.problem.entry_point.as_str();
        let kept = kept(&candidates, &self.bound, entry);
        let kept: Vec<&Candidate<'_, '_>> =
            candidates.iter().zip(kept).filter_map(|(found, kept)| kept.then_some(found)).collect();
        let end = kept.iter().rposition(|found| found.is_main).map_or(0, |last| last + 1);
        let (kept, after) = kept.split_at(end);
        let start = kept.iter().position(|found| found.is_main).unwrap_or(end);
        let (before, main) = kept.split_at(start);
        // A block behind the function may have what loading the function needs.
        let of_main: HashSet<&str> =
            main.iter().flat_map(|found| &found.names.bound).copied().collect();
        let (after, early): (Vec<_>, Vec<_>) = after
            .iter()
            .copied()
            .partition(|found| found.at_load().any(|name| of_main.contains(name)));
        let (future, code): (Vec<_>, Vec<_>) = [before, &early, main, &after]
            .concat()
            .into_iter()
            .partition(|found| found.item.is_future());
        let mut program: String = future.iter().map(|found| found.item.render()).collect();
        program.push_str(&self.problem.preamble);
        for (at, found) in code.iter().enumerate() {
            let gap = at.checked_sub(1).and_then(|before| found.item.gap_after(&code[before].item));
            program.push_str(gap.unwrap_or_default());
            program.push_str(&found.item.render());
        }
        program
    }

    /// What may be kept: nothing torn, nothing that the preamble has, no stub of a function that is there,
    /// and of other blocks only what is new.
    fn candidates<'c, 't>(
        &self,
        [before, main, after]: [&[Item<'c, 't>]; 3],
    ) -> Vec<Candidate<'c, 't>> {
        let entry = self.problem.entry_point.as_str();
        let usable = |found: &Candidate<'_, '_>| {
            found.item.is_complete() && !self.given.contains(&found.item.render())
        };
        let main: Vec<_> =
            main.iter().map(|item| Candidate::new(*item, true)).filter(usable).collect();
        let mut known: HashSet<&str> =
            self.bound.iter().map(String::as_str).chain([entry]).collect();
        known.extend(main.iter().flat_map(|found| &found.names.bound));
        let full = main.iter().filter(|found| found.item.is_definition() && found.item.has_body());
        let full: HashSet<&str> = full.flat_map(|found| &found.names.bound).copied().collect();
        let is_stub = |found: &Candidate<'_, '_>| {
            !found.item.has_body() && found.names.bound.iter().any(|name| full.contains(name))
        };
        let mut new = |items: &[Item<'c, 't>]| -> Vec<Candidate<'c, 't>> {
            let found = items.iter().map(|item| Candidate::new(*item, false)).filter(usable);
            let mut fresh = Vec::new();
            for found in found {
                let names = &found.names.bound;
                if names.is_empty() || names.iter().any(|name| !known.contains(name)) {
                    if found.item.is_definition() {
                        known.extend(names);
                    }
                    fresh.push(found);
                }
            }
            fresh
        };
        let (before, after) = (new(before), new(after));
        let main = main.into_iter().filter(|found| !is_stub(found));
        before.into_iter().chain(main).chain(after).collect()
    }
}
