//! The same problems under other names, so that a model cannot answer from memory.

use crate::builtins::{is_builtin, is_reserved};
use crate::humaneval::split_prompt;
use crate::syntax::Syntax;
use crate::{Task, TaskError, prose, python};
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use tree_sitter::Node;

/// Gives the entry point and its arguments made-up names, in prompt, tests and reference solution alike.
///
/// Names are drawn from the seed, the task's id and the old name, so the same seed always gives the same
/// problems. A result file says it as the benchmark's name: `humaneval renamed(seed=7)`.
///
/// Code is changed token by token (tree-sitter): attributes, keywords of other calls and strings stay. In the
/// docstring of the entry point a call of it and its name where that is no word of English are changed, and
/// so are arguments, but for those whose names are words that the text may mean as such: "the given string"
/// stays. Identifiers, tests and answers are otherwise those of the benchmark, so its figures may be compared.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::{Hidden, Problem, Renaming, Task};
///
/// let prompt = "def double(n):\n    \"\"\"Double n.\n\n    >>> double(2)\n    4\n    \"\"\"\n";
/// let hidden = Hidden {
///     asserts: "assert double(n=3) == 6\n".to_owned(),
///     reference: Some("    return n + n\n".to_owned()),
///     ..Hidden::default()
/// };
/// let task = Renaming { seed: 7 }.task(&Task::new(Problem::from_prompt("mine", prompt)?, hidden))?;
/// let (function, program) = (&task.problem.entry_point, task.canonical_program().unwrap_or_default());
/// assert!(!program.contains("double") && program.contains(&format!(">>> {function}(2)")));
/// assert!(task.hidden.asserts.starts_with(&format!("assert {function}(")));
/// # Ok::<(), infer_code_cad_tasks::TaskError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Renaming {
    /// Chooses the names.
    pub seed: u64,
}

impl fmt::Display for Renaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("renamed(seed={})", self.seed))
    }
}

impl Renaming {
    /// The task under its new names.
    ///
    /// # Errors
    /// [`TaskError::Renaming`] where prompt and reference solution are not Python, or the prompt does not define
    /// the entry point.
    pub fn task(self, task: &Task) -> Result<Task, TaskError> {
        let Task { problem, hidden } = task;
        let refused = |reason| TaskError::Renaming { task_id: problem.task_id.clone(), reason };
        let names = self.names(task).ok_or_else(|| refused("does not define its entry point"))?;
        let mut renamed = hidden.clone();
        let (prompt, reference) = match &hidden.reference {
            Some(body) if !python::defines(body, &problem.entry_point) => {
                let (whole, at) = (format!("{}{body}", problem.prompt), problem.prompt.len());
                let whole = Edits::of(&whole, &names).ok_or_else(|| refused("is no Python"))?;
                (whole.apply(0..at), Some(whole.apply(at..whole.text.len())))
            }
            reference => {
                let prompt = Edits::of(&problem.prompt, &names);
                let prompt = prompt.ok_or_else(|| refused("is no Python"))?.whole();
                (prompt, reference.as_ref().map(|text| names.apply(text)))
            }
        };
        renamed.reference = reference;
        for text in [&mut renamed.asserts, &mut renamed.helpers, &mut renamed.setup] {
            *text = names.apply(text);
        }
        let entry_point = names.function.1;
        let parts = split_prompt(&prompt, &entry_point)
            .ok_or_else(|| refused("does not define its entry point"))?;
        let (embedded, had_tests) = (problem.embedded.clone(), !problem.visible_tests.is_empty());
        let mut problem = parts.into_problem(problem.task_id.clone(), prompt, entry_point);
        problem.embedded = embedded;
        if !had_tests {
            problem.visible_tests.clear();
        }
        Ok(Task::new(problem, renamed))
    }

    fn names(self, task: &Task) -> Option<Names> {
        let Task { problem, hidden } = task;
        let (entry, prompt) = (problem.entry_point.as_str(), problem.prompt.as_str());
        let tree = Syntax::new().parse(prompt)?;
        let arguments = arguments(entry_definition(tree.root_node(), prompt, entry)?, prompt);
        let texts = [prompt, &hidden.asserts, &hidden.helpers, &hidden.setup];
        let texts = texts.into_iter().chain(hidden.reference.as_deref());
        let mut taken: HashSet<String> = texts.flat_map(prose::words).map(str::to_owned).collect();
        let mut fresh = |old: &str, letters: usize| {
            let mut state = seed_of(self.seed, &problem.task_id, old);
            loop {
                let name = made_up(&mut state, letters);
                let is_free = !is_builtin(&name) && !is_reserved(&name);
                if is_free && taken.insert(name.clone()) {
                    return (old.to_owned(), name);
                }
            }
        };
        let function = fresh(entry, 7);
        Some(Names { function, arguments: arguments.iter().map(|old| fresh(old, 5)).collect() })
    }
}

/// Old and new names.
pub(crate) struct Names {
    pub(crate) function: (String, String),
    pub(crate) arguments: Vec<(String, String)>,
}

impl Names {
    /// Code that may use the entry point. What is no Python stays as it is.
    fn apply(&self, text: &str) -> String {
        Edits::of(text, self).map_or_else(|| text.to_owned(), |edits| edits.whole())
    }

    pub(crate) fn argument(&self, name: &str) -> Option<&str> {
        let found = self.arguments.iter().find(|(old, _)| old == name);
        found.map(|(_, new)| new.as_str())
    }

    fn function(&self, name: &str) -> Option<&str> {
        (name == self.function.0).then_some(self.function.1.as_str())
    }
}

/// Replacements in a text, in its order.
struct Edits<'t> {
    text: &'t str,
    edits: Vec<(Range<usize>, String)>,
}

impl<'t> Edits<'t> {
    fn of(text: &'t str, names: &Names) -> Option<Self> {
        let tree = Syntax::new().parse(text)?;
        let root = tree.root_node();
        let entry = entry_definition(root, text, &names.function.0);
        let docstring = entry.and_then(docstring);
        let mut edits = vec![];
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            if docstring == Some(node) {
                edits.extend(prose::edits(&text[node.byte_range()], names).into_iter().map(
                    |(range, new)| {
                        (node.start_byte() + range.start..node.start_byte() + range.end, new)
                    },
                ));
                continue;
            }
            if node.kind() == "identifier" {
                let inside = entry.is_some_and(|entry| contains(entry, node));
                if let Some(new) = renamed(node, text, inside, names) {
                    edits.push((node.byte_range(), new.to_owned()));
                }
            }
            let mut cursor = node.walk();
            open.extend(node.children(&mut cursor));
        }
        edits.sort_by_key(|(range, _)| range.start);
        Some(Self { text, edits })
    }

    fn whole(&self) -> String {
        self.apply(0..self.text.len())
    }

    /// The part of the text, which no edit straddles, with its edits.
    fn apply(&self, part: Range<usize>) -> String {
        let (mut out, mut at) = (String::new(), part.start);
        let within = |range: &Range<usize>| part.contains(&range.start);
        for (range, new) in self.edits.iter().filter(|(range, _)| within(range)) {
            out.push_str(&self.text[at..range.start]);
            out.push_str(new);
            at = range.end;
        }
        out.push_str(&self.text[at..part.end]);
        out
    }
}

/// What an identifier becomes; `inside` the entry point its arguments do too.
fn renamed<'n>(node: Node<'_>, text: &str, inside: bool, names: &'n Names) -> Option<&'n str> {
    let name = &text[node.byte_range()];
    let parent = node.parent()?;
    let is = |field| parent.child_by_field_name(field) == Some(node);
    match parent.kind() {
        "attribute" if is("attribute") => None,
        "keyword_argument" if is("name") => {
            let callee = parent.parent()?.parent()?.child_by_field_name("function")?;
            let callee = &text[callee.byte_range()];
            let is_entry = callee == names.function.0 || callee == "candidate";
            names.argument(name).filter(|_| is_entry)
        }
        _ => names.function(name).or_else(|| names.argument(name).filter(|_| inside)),
    }
}

fn contains(outer: Node<'_>, inner: Node<'_>) -> bool {
    outer.start_byte() <= inner.start_byte() && inner.end_byte() <= outer.end_byte()
}

/// The last function of that name at the top level.
pub(crate) fn entry_definition<'t>(root: Node<'t>, text: &str, name: &str) -> Option<Node<'t>> {
    let mut cursor = root.walk();
    let inner = |node: Node<'t>| match node.kind() {
        "decorated_definition" => node.child_by_field_name("definition").unwrap_or(node),
        _ => node,
    };
    let is_it = |node: &Node<'_>| {
        let named = node.child_by_field_name("name");
        node.kind() == "function_definition"
            && named.is_some_and(|named| &text[named.byte_range()] == name)
    };
    root.named_children(&mut cursor).map(inner).filter(is_it).last()
}

/// The names of a function's parameters.
pub(crate) fn arguments(function: Node<'_>, text: &str) -> Vec<String> {
    let Some(parameters) = function.child_by_field_name("parameters") else { return vec![] };
    let mut cursor = parameters.walk();
    let name = |parameter: Node<'_>| {
        let mut node = parameter.child_by_field_name("name").unwrap_or(parameter);
        while node.kind() != "identifier" {
            node = node.named_child(0)?;
        }
        Some(text[node.byte_range()].to_owned())
    };
    parameters.named_children(&mut cursor).filter_map(name).collect()
}

fn docstring(function: Node<'_>) -> Option<Node<'_>> {
    let first = function.child_by_field_name("body")?.named_child(0)?;
    let string = if first.kind() == "expression_statement" { first.named_child(0)? } else { first };
    (string.kind() == "string").then_some(string)
}

/// FNV-1a over what a name depends on.
fn seed_of(seed: u64, task_id: &str, old: &str) -> u64 {
    let bytes = seed.to_le_bytes().into_iter().chain(task_id.bytes()).chain([0]).chain(old.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A name that can be said and is no word: consonants and vowels in turn.
fn made_up(state: &mut u64, letters: usize) -> String {
    let letter = |place: usize| {
        // SplitMix64 (Steele, Lea, Flood 2014).
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let choices: &[u8] = if place.is_multiple_of(2) { b"bdfgjklmnprtvz" } else { b"aeiou" };
        char::from(choices[((mixed ^ (mixed >> 31)) % choices.len() as u64) as usize])
    };
    (0..letters).map(letter).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::{Hidden, Problem};

    fn task() -> Task {
        let prompt = "import re\n\ndef g(s):\n    return s\n\ndef f(s: str, k=2, *, key=None):\n    \
            \"\"\" Repeat s and the string; f(s) is `k` times.\n    >>> f('s', 3)\n    'sss'\n    \"\"\"\n";
        let reference = "    key = [s for s in sorted(s, key=key)]\n    t.s = f'{s} s {g(s)}'\n    return f(s, k=k)\n";
        let hidden = Hidden {
            helpers: "import re\n\ndef g(s):\n    return s\n".to_owned(),
            asserts: "def check(candidate):\n    s = 'f'\n    assert candidate(s, k=2) == x.f(k=1)\ncheck(f)\n".to_owned(),
            reference: Some(reference.to_owned()),
            ..Hidden::default()
        };
        Task::new(Problem::from_prompt("t", prompt).unwrap(), hidden)
    }

    #[test]
    fn names_change_where_they_are_those_names_and_nowhere_else() {
        let old = task();
        let new = Renaming { seed: 1 }.task(&old).unwrap();
        let names = Renaming { seed: 1 }.names(&old).unwrap();
        let (f, arguments) = (&names.function.1, &names.arguments);
        let [(_, s), (_, k), (_, key)] = &arguments[..] else { panic!("{}", arguments.len()) };
        let program = new.canonical_program().unwrap();
        let expected = format!(
            "import re\n\ndef g(s):\n    return s\n\ndef {f}({s}: str, {k}=2, *, {key}=None):\n    \
            \"\"\" Repeat {s} and the string; {f}({s}) is `{k}` times.\n    >>> {f}('s', 3)\n    'sss'\n    \"\"\"\n    \
            {key} = [{s} for {s} in sorted({s}, key={key})]\n    t.s = f'{{{s}}} s {{g({s})}}'\n    return {f}({s}, {k}={k})\n"
        );
        assert_eq!(program, expected);
        let asserts = format!(
            "def check(candidate):\n    s = 'f'\n    assert candidate(s, {k}=2) == x.f(k=1)\ncheck({f})\n"
        );
        assert_eq!((&new.hidden.asserts, &new.hidden.helpers), (&asserts, &old.hidden.helpers));
        assert_eq!(new.problem.visible_tests, [format!("assert {f}('s', 3) == 'sss'")]);
        assert_eq!((&new.problem.entry_point, &new.problem.preamble), (f, &old.problem.preamble));
    }

    #[test]
    fn a_seed_gives_the_same_names_again_and_another_one_others() {
        let [one, again, other] = [1, 1, 2].map(|seed| Renaming { seed }.task(&task()).unwrap());
        assert_eq!(one, again);
        assert_ne!(one.problem.entry_point, other.problem.entry_point);
        assert_eq!(Renaming { seed: 2 }.to_string(), "renamed(seed=2)");
    }

    #[test]
    fn what_is_no_python_is_refused() {
        let mut task = task();
        task.hidden.reference = Some("    return (\n".to_owned());
        let error = Renaming { seed: 1 }.task(&task).unwrap_err().to_string();
        assert!(error.contains("\"t\"") && error.contains("is no Python"), "{error}");
    }
}
