use std::fmt;

use tree_sitter::Node;

use crate::python::logical_lines;
use crate::syntax::Syntax;

/// What a test asks a function for: the side of its assert that calls it, with the call's arguments
/// apart.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::TestCall;
///
/// let test = "assert round(f(1.25, digits=1), 3) == 1.2";
/// let mut call = TestCall::in_test(test, "f").expect("it calls f");
/// assert_eq!(call.to_string(), "round(f(1.25, digits=1), 3)");
/// call.arguments[0].value = "2.5".to_owned();
/// assert_eq!(call.to_string(), "round(f(2.5, digits=1), 3)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TestCall {
    /// The expression up to the arguments, such as `round(f(`.
    pub before: String,
    /// In their order; none where some are unpacked by `*`, which are then a part of `before`.
    pub arguments: Vec<Argument>,
    /// The rest of the expression.
    pub after: String,
}

/// An argument of a call, in Python.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Argument {
    /// The parameter's name, where the call says it.
    pub name: Option<String>,
    /// The value's expression.
    pub value: String,
}

impl TestCall {
    /// A plain call with these expressions.
    pub fn new(function: &str, values: impl IntoIterator<Item = String>) -> Self {
        let arguments = values.into_iter().map(|value| Argument { name: None, value }).collect();
        Self { before: format!("{function}("), arguments, after: ")".to_owned() }
    }

    /// The first operand of an assert's comparison that calls the function, or all that it asserts
    /// where it compares nothing; `not` and brackets around it are left out. `None` for what is no
    /// assert, or calls it nowhere.
    pub fn in_test(test: &str, function: &str) -> Option<Self> {
        let tree = Syntax::new().parse(test)?;
        let statement = tree.root_node().named_child(0)?;
        let asserted =
            statement.named_child(0).filter(|_| statement.kind() == "assert_statement")?;
        let side = compared(asserted, function, test);
        let call = call_of(side, function, test)?;
        let arguments = call.child_by_field_name("arguments")?;
        let text = |from: usize, to: usize| test[from..to].trim().to_owned();
        let Some(read) = read_arguments(arguments, test) else {
            let before = text(side.start_byte(), side.end_byte());
            return Some(Self { before, arguments: vec![], after: String::new() });
        };
        let before = text(side.start_byte(), arguments.start_byte()) + "(";
        let after = text(arguments.end_byte() - 1, side.end_byte());
        Some(Self { before, arguments: read, after })
    }
}

impl fmt::Display for TestCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments: Vec<_> = self.arguments.iter().map(ToString::to_string).collect();
        write!(f, "{}{}{}", self.before, arguments.join(", "), self.after)
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}={}", self.value),
            None => f.write_str(&self.value),
        }
    }
}

/// The asserts of a text that name a function: of what stands between one `assert` and the next the
/// first statement, where it is whole and Python. Comments behind it are left out.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::written_asserts;
///
/// let text = "assert f(1) == 2  # twice\nassert g(1)\nassert f([3,\n  4]) == 5\nassert f(";
/// assert_eq!(written_asserts(text, "f"), ["assert f(1) == 2", "assert f([3,\n  4]) == 5"]);
/// ```
pub fn written_asserts(text: &str, function: &str) -> Vec<String> {
    let mut syntax = Syntax::new();
    let mut found = Vec::new();
    for part in text.split("assert ").skip(1) {
        let part = format!("assert {part}");
        let Some(line) = logical_lines(&part).first().copied().filter(|line| line.complete) else {
            continue;
        };
        let Some(tree) = syntax.parse(line.text) else { continue };
        let statement = tree.root_node().named_child(0);
        let asserts = statement.filter(|statement| statement.kind() == "assert_statement");
        if let Some(asserts) = asserts.filter(|node| names(*node, function, line.text)) {
            found.push(line.text[asserts.byte_range()].trim_end().to_owned());
        }
    }
    found
}

/// The part of what is asserted that is looked at.
fn compared<'t>(asserted: Node<'t>, function: &str, source: &str) -> Node<'t> {
    let mut node = asserted;
    loop {
        let mut cursor = node.walk();
        let inner = match node.kind() {
            "comparison_operator" => node
                .named_children(&mut cursor)
                .find(|operand| call_of(*operand, function, source).is_some()),
            "not_operator" => node.child_by_field_name("argument"),
            "boolean_operator" => node.child_by_field_name("left"),
            "parenthesized_expression" => node.named_child(0),
            _ => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => return node,
        }
    }
}

/// All nodes below and with a node, outer ones first and in the order of the text.
fn nodes(root: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let mut waiting = vec![root];
    std::iter::from_fn(move || {
        let node = waiting.pop()?;
        let mut cursor = node.walk();
        let children: Vec<_> = node.named_children(&mut cursor).collect();
        waiting.extend(children.into_iter().rev());
        Some(node)
    })
}

fn call_of<'t>(root: Node<'t>, function: &str, source: &str) -> Option<Node<'t>> {
    let is_it =
        |node: Node<'_>| node.kind() == "identifier" && &source[node.byte_range()] == function;
    nodes(root).find(|node| {
        node.kind() == "call" && node.child_by_field_name("function").is_some_and(is_it)
    })
}

fn names(root: Node<'_>, function: &str, source: &str) -> bool {
    nodes(root).any(|node| node.kind() == "identifier" && &source[node.byte_range()] == function)
}

/// The arguments of a call; `None` where one is unpacked or they are a generator.
fn read_arguments(list: Node<'_>, source: &str) -> Option<Vec<Argument>> {
    (list.kind() == "argument_list").then_some(())?;
    let text = |node: Node<'_>| source[node.byte_range()].to_owned();
    let mut cursor = list.walk();
    let arguments = list.named_children(&mut cursor).filter(|node| node.kind() != "comment");
    let read = |node: Node<'_>| match node.kind() {
        "list_splat" | "dictionary_splat" => None,
        "keyword_argument" => Some(Argument {
            name: Some(text(node.child_by_field_name("name")?)),
            value: text(node.child_by_field_name("value")?),
        }),
        _ => Some(Argument { name: None, value: text(node) }),
    };
    arguments.map(read).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn read(test: &str) -> Option<(String, Vec<String>)> {
        let call = TestCall::in_test(test, "f")?;
        let arguments = call.arguments.iter().map(ToString::to_string).collect();
        Some((call.to_string(), arguments))
    }

    #[test]
    fn the_side_that_calls_the_function_is_found() {
        for (test, call, arguments) in [
            ("assert f(1, 'a') == 2", "f(1, 'a')", &["1", "'a'"][..]),
            ("assert 2 == f( [1,\n 2], k = 3 )  # why", "f([1,\n 2], k=3)", &["[1,\n 2]", "k=3"]),
            ("assert abs(f(1) - 2) < 1e-6, 'near'", "abs(f(1) - 2)", &["1"]),
            ("assert not f(())", "f(())", &["()"]),
            ("assert (f({}) is None)", "f({})", &["{}"]),
            ("assert f(1) == 1 and f(2) == 2", "f(1)", &["1"]),
            ("assert f(f(1)).x[0] == 1", "f(f(1)).x[0]", &["f(1)"]),
            ("assert f()", "f()", &[]),
            ("assert f(*a) == 1", "f(*a)", &[]),
            ("assert sorted(f(x for x in y)) == 1", "sorted(f(x for x in y))", &[]),
        ] {
            let (found, values) = read(test).unwrap();
            assert_eq!(
                (found.as_str(), values.as_slice()),
                (call, &arguments.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
                "{test}"
            );
        }
    }

    #[test]
    fn what_calls_it_nowhere_is_none() {
        for test in [
            "",
            "assert g(1) == 2",
            "f(1) == 2",
            "assert f == 2",
            "assert f(1) ==",
            "assert x.f(1)",
        ] {
            assert_eq!(read(test), None, "{test}");
        }
    }

    #[test]
    fn asserts_are_cut_out_of_what_a_model_wrote() {
        let text = " f(1) == 2\n    assert f(2) == 4 # x\n\nassert g(f) == 1\nassert fg(1) == 2\n\
                    assert f(3) == \nassert f(4) == 8; x = 1";
        let found = written_asserts(&format!("assert{text}"), "f");
        assert_eq!(
            found,
            ["assert f(1) == 2", "assert f(2) == 4", "assert g(f) == 1", "assert f(4) == 8"]
        );
        assert!(written_asserts("no test", "f").is_empty());
        assert!(written_asserts("assert f('a\nassert f(", "f").is_empty());
    }
}
