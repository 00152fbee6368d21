//! Where a module gives the entry point its meaning.

use crate::builtins::is_builtin;
use crate::item::Item;
use crate::syntax::{Kind, Use};
use std::collections::HashSet;

/// Where function `name` is defined: the last time before prose follows, else anyhow, else by a value
/// that the text makes.
pub(crate) fn position_of(items: &[Item<'_, '_>], name: &str) -> Option<usize> {
    let defining: Vec<usize> = (0..items.len()).filter(|at| items[*at].defines(name)).collect();
    let is_whole = |at: &usize| items[*at].is_complete() && items[*at].has_body();
    if let Some(first) = defining.iter().copied().find(is_whole) {
        let prose = items[first..].iter().position(Item::is_prose);
        let end = prose.map_or(items.len(), |length| first + length);
        return defining.into_iter().filter(is_whole).rfind(|at| *at < end);
    }
    let torn = |at: &usize| items[*at].whole().has_body();
    let first = defining.first().copied();
    defining.into_iter().find(torn).or(first).or_else(|| binding(items, name))
}

/// Where a module without function `name` gives the name to what it has made or imported.
pub(crate) fn binding(items: &[Item<'_, '_>], name: &str) -> Option<usize> {
    let outermost = || items.iter().filter(|item| item.indent() == 0);
    let returns = |item: &Item<'_, '_>| {
        matches!(item.head().line.first_word(), "return" | "yield") && item.kind() == Kind::Jump
    };
    if items.iter().any(returns) {
        return None;
    }
    let is_given = |item: &Item<'_, '_>| {
        item.is_complete() && (item.is_definition() || item.kind() == Kind::Import)
    };
    let given = outermost().filter(|item| is_given(item)).flat_map(|item| item.names().bound);
    let mut known: HashSet<&str> = given.collect(); // what the text imports, defines, and makes of that
    let mut found = None;
    for (at, item) in items.iter().enumerate() {
        if found.is_some() && item.is_prose() {
            break;
        }
        if item.indent() > 0 {
            continue;
        }
        let names = item.names();
        let is_known = |used: &Use<'_>| {
            let is_there = known.contains(used.name) || (is_builtin(used.name) && !used.called);
            is_there && used.name != name
        };
        let is_lambda = || names.bound.iter().any(|bound| item.defines(bound));
        let is_made = matches!(item.kind(), Kind::Assignment | Kind::Effect)
            && item.is_complete()
            && (is_lambda() || names.free.iter().any(is_known));
        if is_made || is_given(item) {
            found = if names.bound.contains(&name) { Some(at) } else { found };
            known.extend(names.bound);
        }
    }
    found
}
