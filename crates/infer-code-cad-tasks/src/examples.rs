//! The examples of a docstring as asserts.

use crate::expression::Expression;
use crate::item::Code;
use crate::stated;
use crate::syntax::Syntax;

/// Functions that an example may call beside those of the prompt: they are built in and only compute.
const BUILT_IN: &[&str] = &[
    "abs",
    "all",
    "any",
    "bin",
    "bool",
    "bytes",
    "chr",
    "complex",
    "dict",
    "divmod",
    "enumerate",
    "float",
    "frozenset",
    "hex",
    "int",
    "isinstance",
    "len",
    "list",
    "map",
    "max",
    "min",
    "oct",
    "ord",
    "pow",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "sorted",
    "str",
    "sum",
    "tuple",
    "type",
    "zip",
];

/// One assert per example that calls the entry point and whose two sides are simple expressions.
///
/// As in Python's doctest, the result stands on the lines after the call, up to the next `>>>` or
/// an empty line; a comment after the call is dropped, but `SKIP` and `ELLIPSIS` count. A comparison by `==` that gives
/// `True`, and an assert of one, are an example too. Other statements, continued lines (`...`), calls without a result,
/// names that neither Python nor the `preamble` defines, and values that no call gives have no assert.
/// Behind these stand the examples that are [`stated`] without `>>>`.
pub(crate) fn asserts(
    docstring: &str,
    signature: &str,
    entry_point: &str,
    preamble: &str,
) -> Vec<String> {
    let preamble = Code::read(preamble, &mut Syntax::new());
    let bound: Vec<&str> = preamble.items().iter().flat_map(|item| item.names().bound).collect();
    let is_known = |name: &str| bound.contains(&name) || BUILT_IN.contains(&name);

    let doctests = doctests(docstring).map(|(call, result)| (call.to_owned(), result));
    let stated = stated::examples(docstring, signature, entry_point);
    let mut asserts = Vec::new();
    for (call, result) in doctests.chain(stated) {
        let (call, result) = compared(&call, &result).unwrap_or((&call, &result));
        let (Some(call), Some(result)) = (Expression::parse(call), Expression::parse(result))
        else {
            continue;
        };
        let names = call.names.iter().chain(&result.names);
        let mut others = names.filter(|name| **name != entry_point);
        let is_plain = !result.names.contains(&entry_point) && others.all(|n| is_known(n));
        let assert = format!("assert {} == {}", call.source(), result.source());
        if call.calls(entry_point) && is_plain && is_value(&result) && !asserts.contains(&assert) {
            asserts.push(assert);
        }
    }
    asserts
}

/// The sides of `f(1) == 2`, which gives `True`, and of an assert of it, which gives nothing.
fn compared<'a>(call: &'a str, result: &str) -> Option<(&'a str, &'a str)> {
    let asserted = call.strip_prefix("assert ");
    let is_true = if asserted.is_some() { result.is_empty() } else { result == "True" };
    if is_true { compared_sides(asserted.unwrap_or(call)) } else { None }
}

/// False for what no call gives: NaN equals nothing, `int` is said of a kind, and `True/False` of either.
fn is_value(value: &Expression<'_>) -> bool {
    let text = value.source();
    let is_either = |word: &&str| text.len() > word.len() && text.starts_with(*word);
    let lower = text.to_ascii_lowercase();
    let is_nan = lower.contains(".nan") || (value.calls("float") && lower.contains("nan"));
    let is_kind = BUILT_IN.contains(&text.as_str());
    !(is_nan || is_kind || ["True", "False", "None"].iter().any(is_either))
}

/// The two sides of a check such as `assert f(1) == 2`: what is called and what it should give. `None` where it does not
/// read as two simple expressions.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::sides;
///
/// assert_eq!(sides("assert f('a == b') == [1, 2]"), Some(("f('a == b')", "[1, 2]")));
/// assert_eq!(sides("assert f(1)"), None);
/// ```
pub fn sides(check: &str) -> Option<(&str, &str)> {
    compared_sides(check.trim().strip_prefix("assert ")?)
}

fn compared_sides(check: &str) -> Option<(&str, &str)> {
    let check = check.trim();
    let (_, rest) = Expression::prefix(check)?;
    let call = &check[..check.len() - rest.len()];
    let expected = rest.trim_start().strip_prefix("==")?.trim();
    Expression::parse(expected)?;
    Some((call, expected))
}

/// Whether the `...` of a result stands for any text, by a directive behind the call.
fn is_elided(call: &str, result: &str) -> bool {
    call.contains("+ELLIPSIS") && result.contains("...")
}

/// What follows each `>>>`, and the lines of its result.
fn doctests(docstring: &str) -> impl Iterator<Item = (&str, String)> {
    let mut lines = docstring.lines().map(str::trim).peekable();
    std::iter::from_fn(move || {
        let call = lines.by_ref().find_map(|line| line.strip_prefix(">>>"))?;
        let mut result = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.is_empty() && !line.starts_with(">>>")) {
            result.push(line);
        }
        Some((call.trim(), result.join("\n")))
    })
    .filter(|(call, result)| !(call.contains("+SKIP") || is_elided(call, result)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(docstring: &str) -> Vec<String> {
        let preamble =
            "import math\nfrom a import b as c\n\n\ndef g(x):\n    y = x\n    return y\nT = 2\n";
        asserts(docstring, "def f(x, y):", "f", preamble)
    }

    #[test]
    fn an_example_and_its_result_become_an_assert() {
        for (docstring, expected) in [
            (">>> f(1)\n2", "assert f(1) == 2"),
            (
                "Add.\n  >>> f( 'a b', x=[1, {}])  # why\n  (1,)\n\nMore.",
                "assert f( 'a b', x=[1, {}]) == (1,)",
            ),
            (">>> round(f([-1.5e-3]), 2) * T\n-0.5", "assert round(f([-1.5e-3]), 2) * T == -0.5"),
            (
                ">>> f(g(1))[0].real\n{'a': None, \"b\": b'\\''}",
                "assert f(g(1))[0].real == {'a': None, \"b\": b'\\''}",
            ),
            (">>> f(1)\n[\"a\",\n   \"b\"]\n>>> f(", "assert f(1) == [\"a\", \"b\"]"),
            (">>> f(1) == [2] # why\nTrue", "assert f(1) == [2]"),
            (">>> assert f(1) == 2", "assert f(1) == 2"),
            (">>> f(c.d, math.pi)\n{1, 2}", "assert f(c.d, math.pi) == {1, 2}"),
        ] {
            assert_eq!(read(docstring), [expected], "{docstring}");
        }
        assert_eq!(read(">>> f(1)\n1\n>>> f(2)\n>>> f(3)\n3\n").len(), 2);
    }

    #[test]
    fn what_is_no_call_with_a_plain_result_is_left_out() {
        for docstring in [
            ">>> f(1)",
            ">>> f(1)\n\n2",
            ">>> f(1) == 2\nFalse",
            ">>> f(1) == 2 == 2\nTrue",
            ">>> f(1) < 2\nTrue",
            ">>> assert f(1) == 2\n3",
            ">>> x = f(1)\n2",
            ">>> f(x)\n2",
            ">>> f(y)\n2",
            ">>> g(1)\n1",
            ">>> f\n1",
            ">>> f(1,\n...   2)\n2",
            ">>> f(1)\nTraceback (most recent call last):\n  ...\nValueError: no",
            ">>> f(1)\nhello",
            ">>> f(1)\nTwo lines\nof text",
            ">>> f(1)\n<object at 0x1>",
            ">>> f(1)\nf(2)",
            ">>> f([x for x in range(3)])\n1",
            ">>> f(lambda: 1)\n1",
            ">>> f(1) if T else 2\n1",
            ">>> f(open('a'))\n1",
            ">>> f(1)  # doctest: +SKIP\n2",
            ">>> f(1)  # doctest: +ELLIPSIS, +NORMALIZE_WHITESPACE\n'a...b'",
            ">>> f(1)\nfloat('NaN')",
            "f(1) == [1, float('-nan')]",
            "f(1) == math.nan",
            "f(1) -> int",
            "f(1) returns True/False",
        ] {
            assert!(read(docstring).is_empty(), "{docstring}: {:?}", read(docstring));
        }
    }
}
