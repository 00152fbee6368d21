//! A whole module of the parts of an answer.

use crate::answer::{Found, is_body};
use crate::entry::position_of;
use crate::item::{Code, Item};
use crate::keep::{Candidate, WHOLE, kept};
use crate::syntax::Syntax;
use crate::{Problem, body};
use std::collections::{HashMap, HashSet};

/// The module of what was found.
pub(crate) fn assemble(problem: &Problem, found: &Found<'_>, syntax: &mut Syntax) -> String {
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

    /// What may be kept: nothing that the preamble has, no stub and no torn copy of a function that is there,
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
        let mut best: HashMap<&str, u8> = HashMap::new();
        for found in main.iter().filter(|found| found.item.is_definition()) {
            for name in &found.names.bound {
                let rank = best.entry(name).or_default();
                *rank = found.rank.max(*rank);
            }
        }
        let is_outdone = |found: &Candidate<'_, '_>| {
            let given = found.names.bound.iter().any(|name| self.bound.contains(*name));
            let best = found.names.bound.iter().filter_map(|name| best.get(name)).max();
            let best = if given { Some(&WHOLE) } else { best };
            found.item.is_definition() && best.is_some_and(|best| found.rank < *best)
        };
        let mut new = |items: &[Item<'c, 't>]| -> Vec<Candidate<'c, 't>> {
            let found = items.iter().map(|item| Candidate::new(*item, false)).filter(usable);
            let (mut fresh, mut dropped) = (Vec::new(), HashSet::new());
            for found in found {
                let names = &found.names.bound;
                if found.names.changed.iter().any(|name| dropped.contains(name)) {
                    dropped.extend(names.iter().copied());
                } else if names.is_empty() || names.iter().any(|name| !known.contains(name)) {
                    if found.item.is_definition() {
                        known.extend(names);
                    }
                    fresh.push(found);
                } else if !found.item.is_definition() {
                    dropped.extend(names.iter().copied());
                }
            }
            fresh
        };
        let (before, after) = (new(before), new(after));
        let main = main.into_iter().filter(|found| !is_outdone(found));
        before.into_iter().chain(main).chain(after).collect()
    }
}
