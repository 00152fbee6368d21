//! Which names a piece of code takes from outside, and which other code it therefore needs.

use crate::item::{Item, Kind, items};
use crate::python::{Line, is_word, logical_lines};
use crate::statement::token_length;
use std::collections::{HashMap, HashSet};

/// An identifier or keyword of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    pub(crate) word: &'a str,
    /// An opening parenthesis follows.
    pub(crate) is_called: bool,
}

/// The names in code, attributes (`x.name`) left out, as are strings and comments; `f` strings count.
pub(crate) fn names(code: &str) -> Vec<Name<'_>> {
    let mut names = Vec::new();
    let mut rest = code;
    let mut previous = ' ';
    while let Some(first) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest, first));
        let is_string = after.starts_with(['"', '\'']) && token.len() <= 2;
        if first == '#' {
            rest = &after[after.find('\n').unwrap_or(after.len())..];
            continue;
        }
        rest = after;
        if is_word(first) && is_string {
            if token.contains(['f', 'F']) {
                let string = token_length(after, '"');
                names.extend(words(&after[..string]).map(|word| Name { word, is_called: false }));
            }
        } else if is_word(first) && previous != '.' {
            names.push(Name { word: token, is_called: after.trim_start().starts_with('(') });
        }
        if !first.is_whitespace() {
            previous = first;
        }
    }
    names
}

/// Runs of letters, digits and underscores.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word(c)).filter(|word| !word.is_empty())
}

/// Of the `candidates`, in order, the roots and those that they or `kept` code need, directly or
/// through each other.
pub(crate) fn needed<'t, 'l>(
    candidates: Vec<Item<'t, 'l>>,
    kept: &str,
    is_root: impl Fn(&Item<'t, 'l>) -> bool,
) -> Vec<Item<'t, 'l>> {
    let mut binders: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, item) in candidates.iter().enumerate() {
        item.binds().into_iter().for_each(|name| binders.entry(name).or_default().push(at));
    }
    let mut binders_of = |names: HashSet<&str>| -> Vec<usize> {
        names.into_iter().filter_map(|name| binders.remove(name)).flatten().collect()
    };
    let mut reached: Vec<usize> =
        (0..candidates.len()).filter(|at| is_root(&candidates[*at])).collect();
    reached.extend(binders_of(free(kept)));
    let mut chosen = vec![false; candidates.len()];
    while let Some(at) = reached.pop() {
        if !std::mem::replace(&mut chosen[at], true) {
            reached.extend(binders_of(free_of(&candidates[at])));
        }
    }
    candidates
        .into_iter()
        .zip(chosen)
        .filter_map(|(item, is_chosen)| is_chosen.then_some(item))
        .collect()
}

/// Names in a module's text but those that a function or class binds itself.
fn free(text: &str) -> HashSet<&str> {
    let lines = logical_lines(text);
    items(text, &lines).iter().flat_map(free_of).collect()
}

fn free_of<'t>(item: &Item<'t, '_>) -> HashSet<&'t str> {
    let is_definition = item.kind() == Kind::Definition;
    let local = if is_definition { local(item.lines()) } else { HashSet::new() };
    let all = item.lines().iter().flat_map(|line| names(line.text)).map(|name| name.word);
    all.filter(|word| !local.contains(word)).collect()
}

/// Names that a definition binds inside: parameters, targets of assignments and loops.
fn local<'t>(lines: &[Line<'t>]) -> HashSet<&'t str> {
    let mut local = HashSet::new();
    let mut global = HashSet::new();
    let outermost = lines.iter().map(|line| line.indent).min().unwrap_or(0);
    for line in lines {
        match line.first_word() {
            "def" | "async" => local.extend(parameters(line.header())),
            "global" | "nonlocal" => global.extend(words(line.code()).skip(1)),
            _ if line.indent > outermost => local.extend(targets(line)),
            _ => {}
        }
        local.extend(loop_targets(line.text));
    }
    local.retain(|name| !global.contains(name));
    local
}

/// Names that a statement binds: targets of an assignment, of an import, after `as`.
pub(crate) fn targets<'t>(line: &Line<'t>) -> Vec<&'t str> {
    let code = line.code();
    if matches!(line.first_word(), "import" | "from") {
        return words(code.split_once("import").map_or("", |(_, names)| names)).collect();
    }
    if matches!(line.first_word(), "with" | "except") {
        return words(code).skip_while(|word| *word != "as").skip(1).take(1).collect();
    }
    let Some((left, right)) = code.split_once('=') else {
        return line.defined_name().into_iter().collect();
    };
    if right.starts_with('=') || left.ends_with(['<', '>', '!']) {
        return Vec::new();
    }
    let plain = |part: &'t str| {
        let part = part.trim_matches(|c: char| c.is_whitespace() || "*()[]+-/%&|^@".contains(c));
        (!part.is_empty() && part.chars().all(is_word)).then_some(part)
    };
    let annotated = left.split(':').next().unwrap_or_default();
    annotated.split(',').filter_map(plain).collect()
}

/// Names of the parameters in `def f(a, b: int = c, *d):`.
fn parameters(header: &str) -> impl Iterator<Item = &str> {
    let list = header.split_once('(').map_or("", |(_, list)| list);
    let mut depth = 0;
    let parts = list.split(move |c| {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.filter_map(|part| words(part).next())
}

/// Names between `for` and `in`, of statements and comprehensions alike.
fn loop_targets(text: &str) -> impl Iterator<Item = &str> {
    let mut words = words(text);
    let mut inside = false;
    std::iter::from_fn(move || {
        loop {
            match words.next()? {
                "for" => inside = true,
                "in" => inside = false,
                word if inside => return Some(word),
                _ => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_function_binds_is_not_free() {
        let code = "def f(xs, k: K = D, *rest, g=h(1, a)):\n    total: int = xs[0]\n    i, j = q\n    for x, y in zip(xs, T):\n        total += x\n    global n\n    n = [z for z in W]\n    return total\n";
        let free = free(code);
        for name in ["K", "D", "h", "a", "q", "zip", "T", "n", "W", "int"] {
            assert!(free.contains(name), "{name}");
        }
        for name in ["xs", "k", "rest", "g", "total", "i", "j", "x", "y", "z"] {
            assert!(!free.contains(name), "{name}");
        }
        assert!(super::free("i = 1\nprint(i)").contains("i"));
    }

    #[test]
    fn need_is_followed_through_other_candidates() {
        let text = "A = B\nB = 1\nC = 2\nimport os as B2, re\ndef g():\n    return A\nC = C + 1\n";
        let lines = logical_lines(text);
        let needed = |kept: &str| -> String {
            super::needed(items(text, &lines), kept, |_| false).iter().map(Item::render).collect()
        };
        assert_eq!(needed("def f():\n    return g()"), "A = B\nB = 1\ndef g():\n    return A\n");
        assert_eq!(needed("f = C, re"), "C = 2\nimport os as B2, re\nC = C + 1\n");
        assert_eq!(needed("def f(g):\n    C = 1\n    return C + g"), "");
        let all = super::needed(items(text, &lines), "", |item| item.binds() == ["g"]);
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn names_are_neither_attributes_nor_words_of_strings() {
        let code = "x.y(z (1), 'a', rb\"b\", f'{c}d') # e\nif g: h = i";
        let words: Vec<&str> = names(code).iter().map(|name| name.word).collect();
        assert_eq!(words, ["x", "z", "1", "c", "d", "if", "g", "h", "i"]);
        assert!(names(code)[1].is_called && !names(code)[0].is_called);
    }

    #[test]
    fn targets_are_plain_names() {
        for (code, expected) in [
            ("a, (b, *c) = 1", vec!["a", "b", "c"]),
            ("x: Dict[a, b] = {}", vec!["x"]),
            ("x += 1", vec!["x"]),
            ("x[i] = y.z = 1", vec![]),
            ("x == 1", vec![]),
            ("f(x <= 1)", vec![]),
            ("f(a=1)", vec![]),
            ("with f(x) as g:", vec!["g"]),
            ("from a import b as c", vec!["b", "as", "c"]),
            ("def f(a=1):", vec![]),
            ("class A:", vec!["A"]),
        ] {
            let lines = logical_lines(code);
            assert_eq!(targets(&lines[0]), expected, "{code}");
        }
    }
}
