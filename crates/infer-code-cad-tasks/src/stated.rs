//! Examples that a docstring states otherwise than doctest does.

use crate::expression::Expression;
use crate::python::{first_word, is_word};
use crate::renaming::{arguments, entry_definition};
use crate::syntax::Syntax;

/// What stands between a call and its value; what begins like another comes before it.
const BETWEEN: &[&str] = &[
    "==>",
    "=>",
    "==",
    "=",
    "->",
    "➞",
    "→",
    "should return ",
    "should be ",
    "returns ",
    "return ",
];

/// What may stand before a call on its line, beside a text that ends with a colon.
const BEFORE: &[&str] = &["", "*", "-", "•", "for", "For", "assert"];

/// Calls of the entry point and their values, as they are written, in their order.
///
/// An example is one of
/// * a line with a call and a value: `f(1) == 2`, with `=`, `=>`, `==>`, `->`, `➞`, `returns` or `should return` as well,
///   also behind `>>>` where no result follows;
/// * `For x = 1, y = 2 the output should be 3`, or `For f(1, 2) the output should be 3`;
/// * `Input: x = 1, y = 2` or `Input: 1, 2`, and `Output: 3` after it: both over as many lines as they like, with as many
///   values as the function has parameters. Values that have the names of all parameters may stand in any order.
pub(crate) fn examples(
    docstring: &str,
    signature: &str,
    entry_point: &str,
) -> Vec<(String, String)> {
    let parameters = parameters(signature, entry_point);
    let call = |values: Vec<Value<'_>>| {
        let values = arranged(values, parameters.as_deref()?)?;
        Some(format!("{entry_point}({})", values.join(", ")))
    };
    let mut examples = Vec::new();
    for line in docstring.lines() {
        // A line with all that follows it, since a call may go over several.
        let start = line.as_ptr().addr() - docstring.as_ptr().addr();
        let rest = docstring[start..].trim_start_matches([' ', '\t']);
        let found = called(rest, entry_point)
            .or_else(|| for_values(line.trim()).and_then(|(given, v)| Some((call(given)?, v))))
            .or_else(|| input_output(rest).and_then(|(given, v)| Some((call(given)?, v))));
        examples.extend(found);
    }
    examples
}

/// The parameters that a function has.
fn parameters(signature: &str, entry_point: &str) -> Option<Vec<String>> {
    let function = format!("{signature}\n    pass\n");
    let tree = Syntax::new().parse(&function)?;
    let definition = entry_definition(tree.root_node(), &function, entry_point)?;
    Some(arguments(definition, &function))
}

/// A value, and the name it stands behind, or none: `""`.
type Value<'t> = (&'t str, String);

/// One value for each parameter: by names where they are the parameters', else as they stand.
fn arranged(values: Vec<Value<'_>>, parameters: &[String]) -> Option<Vec<String>> {
    (values.len() == parameters.len()).then_some(())?;
    let named = |name: &String| {
        let value = values.iter().find(|(known, _)| known == name);
        value.map(|(_, value)| value.clone())
    };
    let by_name: Option<Vec<String>> = parameters.iter().map(named).collect();
    Some(by_name.unwrap_or_else(|| values.into_iter().map(|(_, value)| value).collect()))
}

/// `f(1) == 2` at the start of a text.
fn called(text: &str, entry_point: &str) -> Option<(String, String)> {
    let line = text.lines().next()?;
    let starts = |at: usize| {
        !line[..at].ends_with(is_word) && line[at + entry_point.len()..].starts_with('(')
    };
    let at = line.match_indices(entry_point).map(|(at, _)| at).find(|at| starts(*at))?;
    let before = line[..at].trim();
    // A doctest with a result below it says by that what it is.
    let next = text.lines().nth(1).unwrap_or_default().trim();
    let is_alone = before == ">>>" && (next.is_empty() || next.starts_with(">>>"));
    if !BEFORE.contains(&before) && !before.ends_with(':') && !is_alone {
        return None;
    }
    let (call, rest) = Expression::operand(&text[at..])?;
    let rest = rest.trim_start_matches([' ', '\t', '#']);
    let value = BETWEEN.iter().find_map(|between| rest.strip_prefix(between));
    let value = value.or_else(|| {
        let (of, value) = rest.lines().next()?.split_once(" should be ")?;
        of.trim_start_matches([',', ' ']).starts_with("the ").then_some(value)
    })?;
    Some((call.source(), self::value(value)?))
}

/// `For x = 1, y = 2 ... should be 3`.
fn for_values(line: &str) -> Option<(Vec<Value<'_>>, String)> {
    let given = line.strip_prefix("For ").or_else(|| line.strip_prefix("for "))?;
    let (values, rest) = values(given, true);
    let (_, output) = rest.rsplit_once("should be ")?;
    Some((values, value(output)?))
}

/// `Input: 1, 2` and `Output: 3`.
fn input_output(text: &str) -> Option<(Vec<Value<'_>>, String)> {
    let (input, output) = text.strip_prefix("Input:")?.split_once("Output:")?;
    let (values, rest) = values(input, false);
    rest.is_empty().then_some((values, value(output)?))
}

/// Values with commas or line ends between them, each perhaps behind a name with `=` or `:`, and the rest.
fn values(mut text: &str, are_named: bool) -> (Vec<Value<'_>>, &str) {
    let mut values = Vec::new();
    loop {
        text = text.trim_start();
        let (name, after) = text.split_at(first_word(text).len());
        let after = after.trim_start_matches([' ', '\t']).strip_prefix(['=', ':']);
        let named = after.filter(|_| !name.is_empty()).map(|value| (name, value));
        let value = if are_named { named } else { named.or(Some(("", text))) };
        let read = value.and_then(|(name, value)| {
            Expression::prefix(value.trim_start()).map(|(value, rest)| (name, value, rest))
        });
        let Some((name, value, rest)) = read else { return (values, text) };
        values.push((name, value.source()));
        text = rest.trim_start_matches([' ', '\t']);
        match text.strip_prefix(',') {
            Some(rest) => text = rest,
            None if text.starts_with('\n') => {}
            None => return (values, text),
        }
    }
}

/// The value that a text begins with. Behind it may stand the end of the line or of the sentence, a comment, a remark in
/// brackets, or how it is computed. A `~` says that it is no more than near.
fn value(text: &str) -> Option<String> {
    let text = text.trim_start_matches([' ', '\t']);
    (!text.starts_with('~')).then_some(())?;
    let line = text.lines().next()?.trim_end();
    let source = |text| Some(Expression::parse(text)?.source());
    let over_lines = || {
        let (value, rest) = Expression::prefix(text)?;
        let rest = rest.trim_start_matches([' ', '\t']);
        (rest.is_empty() || rest.starts_with(['\n', '#'])).then(|| value.source())
    };
    let cut = || [" (", " = ", ". "].iter().find_map(|end| source(line.split_once(end)?.0));
    let value = line.strip_suffix('.').and_then(source).or_else(over_lines).or_else(cut)?;
    Some(match value.as_str() {
        "true" => "True".to_owned(),
        "false" => "False".to_owned(),
        _ => value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(docstring: &str) -> Vec<String> {
        let examples = examples(docstring, "def f(x, y=1) -> int:", "f");
        examples.into_iter().map(|(call, value)| format!("{call} is {value}")).collect()
    }

    #[test]
    fn examples_in_all_their_forms() {
        for (docstring, expected) in [
            ("f(1) == 2", "f(1) is 2"),
            ("f(1)==>True", "f(1) is True"),
            ("  f(1) ➞ []  # none", "f(1) is []"),
            ("f(2, 3)->2 - 1 = 1", "f(2, 3) is 2 - 1"),
            ("f(1) = -1", "f(1) is -1"),
            ("* f(1) => true", "f(1) is True"),
            ("f('a') returns 'b'", "f('a') is 'b'"),
            ("f(1) should return 16.", "f(1) is 16"),
            ("f(1) should return False. See above.", "f(1) is False"),
            ("f(1) # => 'No' (for it is one)", "f(1) is 'No'"),
            ("f(1)   # returns \"a\"", "f(1) is \"a\""),
            ("assert f([1]) => [\"a\"]", "f([1]) is [\"a\"]"),
            (">>> f(1) == 2\n>>> f", "f(1) is 2"),
            ("Example: f(1)[0] == 2", "f(1)[0] is 2"),
            (
                "f([\n  [1],\n  [2]\n], 1) == [(0, 0),\n (1, 1)]",
                "f([ [1], [2] ], 1) is [(0, 0), (1, 1)]",
            ),
            (
                "For a = \"x\", b = [1], the result should be ('x',False)",
                "f(\"x\", [1]) is ('x',False)",
            ),
            ("For x = 1, y=2, the sum should be 1 the output should be \"1\".", "f(1, 2) is \"1\""),
            ("For y = 1, x = 2 the output should be 3", "f(2, 1) is 3"),
            ("For a = 1, x = 2 the output should be 3", "f(1, 2) is 3"),
            ("For f([1, 2]) the output should be 3.", "f([1, 2]) is 3"),
            ("for f(1), the result should be [2]", "f(1) is [2]"),
            ("Input: y = 1, x = [2]\nOutput: 3", "f([2], 1) is 3"),
            ("Input: [1, 2], 3\nOutput: [2] # why\nMore.", "f([1, 2], 3) is [2]"),
            ("Input:\n  grid : [[0], [1]]\n  by : 1\nOutput: 6", "f([[0], [1]], 1) is 6"),
        ] {
            assert_eq!(read(docstring), [expected], "{docstring}");
        }
        assert_eq!(
            read("Input: x = 1, y = 2\nOutput: 3\nInput: x = 4, y = 5\nOutput: 6\nf(1) == 2").len(),
            3
        );
    }

    #[test]
    fn what_states_no_value_is_left_out() {
        for docstring in [
            "f(1)",
            "f(1) is great",
            "f(1) == ",
            "f(1) == 1 2",
            "f(1) returned 2",
            "f(1) = ~3",
            "f(1) the output should be near 3",
            "g(1) == 2",
            "ff(1) == 2",
            "2 * f(1) == 2",
            "g(f(1)) == 2",
            ">>> f(1) == 2\nTrue",
            "f(1) == \"\"a\"",
            "for every x the result should be 1",
            "For x = 1 the output should be 2",
            "Input: 1\nOutput: 2",
            "Input: some numbers\nOutput: 2",
            "Input: x = 1, y = 2\nNothing else.",
        ] {
            assert!(read(docstring).is_empty(), "{docstring}: {:?}", read(docstring));
        }
    }
}
