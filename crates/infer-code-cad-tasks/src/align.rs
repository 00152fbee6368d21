//! A function under another name than the one that was asked for.

use crate::answer::{Found, starts_inside};
use crate::entry::position_of;
use crate::item::{Code, Item};
use crate::syntax::{Arity, Kind, Syntax};

/// What could be the entry point.
struct Target<'t> {
    name: &'t str,
    /// How the module calls it: `name`, `Class().name` or `Class.name`.
    value: String,
    /// Of the part of the text, and of the item in it.
    place: (usize, usize),
}

/// The number of the part of the text and the same part with `entry = ..` behind the function that is
/// meant, where the text has no entry point but exactly one function that takes as many arguments, or no
/// function but exactly one such method of a class that is made without arguments. Of several the one
/// counts whose name differs in case, underscores or digits at its end alone.
pub(crate) fn aligned(
    found: &Found<'_>,
    entry: &str,
    signature: &str,
    syntax: &mut Syntax,
) -> Option<(usize, String)> {
    let parts: Vec<&Code<'_>> = found.parts().collect();
    let is_there = parts.iter().any(|code| position_of(&code.items(), entry).is_some());
    if is_there || starts_inside(&found.code) {
        return None;
    }
    let stub = format!("{signature}\n    pass\n");
    let count = Code::read(&stub, syntax).items().first()?.head().arity()?.most?;
    let functions = targets(&parts, |item| function(item, count).into_iter().collect());
    let targets =
        if functions.is_empty() { targets(&parts, |item| methods(item, count)) } else { functions };
    let same: Vec<&Target<'_>> =
        targets.iter().filter(|target| plain(target.name) == plain(entry)).collect();
    let target = match (targets.as_slice(), same.as_slice()) {
        ([target], _) => target,
        (_, [target]) => *target,
        _ => return None,
    };
    let (part, at) = target.place;
    let code = parts[part];
    let end = code.items()[at].end();
    let (before, after) = code.text.split_at(end);
    Some((part, format!("{before}\n\n{entry} = {}\n{after}", target.value)))
}

fn targets<'t>(
    parts: &[&Code<'t>],
    of: impl for<'c> Fn(&Item<'c, 't>) -> Vec<(&'t str, String)>,
) -> Vec<Target<'t>> {
    let mut targets: Vec<Target<'t>> = Vec::new();
    for (part, code) in parts.iter().enumerate() {
        for (at, item) in code.items().iter().enumerate() {
            let usable = item.indent() == 0 && item.is_complete() && item.has_body();
            for (name, value) in of(item).into_iter().filter(|_| usable) {
                targets.retain(|known| known.value != value || known.place.0 != part);
                if targets.iter().all(|known| known.value != value) {
                    targets.push(Target { name, value, place: (part, at) });
                }
            }
        }
    }
    targets
}

/// A function that takes `count` arguments and is no test.
fn function<'t>(item: &Item<'_, 't>, count: usize) -> Option<(&'t str, String)> {
    let head = item.head();
    let name = head.line.defined_name().filter(|_| item.kind() == Kind::Function)?;
    let is_meant = head.arity()?.takes(count) && !name.starts_with("test") && name != "main";
    is_meant.then(|| (name, name.to_owned()))
}

/// The public methods that take `count` arguments, of a class that is made without any.
fn methods<'t>(item: &Item<'_, 't>, count: usize) -> Vec<(&'t str, String)> {
    let Some(class) = item.head().line.defined_name().filter(|_| item.kind() == Kind::Class) else {
        return Vec::new();
    };
    let methods: Vec<_> = item.methods().collect();
    let makes = |(name, arity, _): &(&str, Arity, bool)| *name != "__init__" || arity.takes(1);
    let is_made = methods.iter().all(makes);
    let meant = methods.into_iter().filter(|(name, arity, is_static)| {
        !name.starts_with('_') && arity.takes(count + usize::from(!is_static))
    });
    let value = |(name, _, is_static)| {
        (name, if is_static { format!("{class}.{name}") } else { format!("{class}().{name}") })
    };
    meant.filter(|(_, _, is_static)| is_made || *is_static).map(value).collect()
}

/// A name without case, underscores and digits at its end.
fn plain(name: &str) -> String {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}
