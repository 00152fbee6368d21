//! What drafts are called with.

use std::collections::BTreeSet;
use std::fmt;

use infer_code_cad_tasks::{Problem, TestCall};

use super::{mutation, sketch};

/// An expression that calls the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::selection) struct Input {
    pub(in crate::selection) call: String,
    pub(in crate::selection) origin: Origin,
}

/// Where an input is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::selection) enum Origin {
    /// A test that the prompt shows.
    Visible,
    /// One of these with another argument.
    Mutated,
    /// The model's sketch.
    Sketched,
    /// A test that the model wrote.
    Written,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Visible => "visible",
            Self::Mutated => "mutated",
            Self::Sketched => "sketched",
            Self::Written => "written by the model",
        })
    }
}

/// Visible calls first, then the sketch's and mutated ones by turns, each text once and `most` in
/// all.
pub(in crate::selection) fn inputs(
    problem: &Problem,
    written: Option<&str>,
    most: usize,
) -> Vec<Input> {
    let function = &problem.entry_point;
    let visible: Vec<TestCall> =
        problem.visible_tests.iter().filter_map(|test| TestCall::in_test(test, function)).collect();
    let sketched = written.map_or_else(Vec::new, |written| sketch::calls(written, function));
    let mut sketched = of(Origin::Sketched, sketched);
    let mut mutated = of(Origin::Mutated, mutation::mutated(&visible));
    let by_turns = std::iter::from_fn(|| {
        let turn: Vec<Input> = sketched.next().into_iter().chain(mutated.next()).collect();
        (!turn.is_empty()).then_some(turn)
    });
    distinct(of(Origin::Visible, visible).chain(by_turns.flatten()), most)
}

/// The calls of tests that the model wrote.
pub(in crate::selection) fn calls_of<'a>(
    tests: impl Iterator<Item = &'a String>,
    function: &str,
    most: usize,
) -> Vec<Input> {
    distinct(of(Origin::Written, tests.filter_map(|test| TestCall::in_test(test, function))), most)
}

fn of<C: ToString>(
    origin: Origin,
    calls: impl IntoIterator<Item = C>,
) -> impl Iterator<Item = Input> {
    calls.into_iter().map(move |call| Input { call: call.to_string(), origin })
}

/// The first of each text.
fn distinct(inputs: impl Iterator<Item = Input>, most: usize) -> Vec<Input> {
    let mut known = BTreeSet::new();
    inputs.filter(|input| known.insert(input.call.clone())).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selection::trial::problem;

    #[test]
    fn visible_calls_come_first_and_the_others_by_turns() {
        let shown = problem(&["assert f([1]) == 1", "assert f([1]) is not None"]);
        let found = inputs(&shown, Some("([1],), ([7],), ([8],)]"), 5);
        let found: Vec<_> = found.iter().map(|one| (one.call.as_str(), one.origin)).collect();
        use Origin::{Mutated, Sketched, Visible};
        let expected = [
            ("f([1])", Visible),
            ("f([])", Mutated),
            ("f([7])", Sketched),
            ("f([8])", Sketched),
            ("f([1, 1])", Mutated),
        ];
        assert_eq!(found, expected);
        assert_eq!(inputs(&shown, None, 12).len(), 5, "each text once");
        assert!(inputs(&problem(&[]), None, 12).is_empty());
    }
}
