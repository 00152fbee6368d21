use std::fmt;

use tree_sitter::Node;

use crate::syntax::Syntax;

/// Nesting that no argument of a test reaches.
const MAX_DEPTH: usize = 40;

/// A value that Python's source says literally: what tests hand to functions.
///
/// It is read from source and written as source. Integers beyond 128 bits, bytes, complex numbers,
/// `f` strings and everything that is computed are no literals here.
///
/// # Examples
/// ```
/// use infer_code_cad_tasks::Literal;
///
/// let literal = Literal::parse("[1, (-2.5,), {'a': None}]").expect("it is one");
/// assert_eq!(literal.to_string(), "[1, (-2.5,), {'a': None}]");
/// assert_eq!(Literal::parse("[len('a')]"), None);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A finite number with a point or an exponent.
    Float(f64),
    /// A text.
    Str(String),
    /// `[..]`
    List(Vec<Self>),
    /// `(..)`
    Tuple(Vec<Self>),
    /// `{..}`, or `set()`.
    Set(Vec<Self>),
    /// `{..: ..}`
    Dict(Vec<(Self, Self)>),
}

impl Literal {
    /// Reads the whole text; `None` where it is anything else than a literal.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let tree = Syntax::new().parse(text)?;
        let statement = only_child(tree.root_node())?;
        let expression = only_child(statement)?;
        (statement.kind() == "expression_statement").then_some(())?;
        Reader(text).read(expression, 0)
    }
}

/// The one named child of a node.
fn only_child(node: Node<'_>) -> Option<Node<'_>> {
    node.named_child(0).filter(|_| node.named_child_count() == 1)
}

struct Reader<'t>(&'t str);

impl<'t> Reader<'t> {
    fn text(&self, node: Node<'_>) -> &'t str {
        &self.0[node.byte_range()]
    }

    fn read(&self, node: Node<'_>, depth: usize) -> Option<Literal> {
        (depth <= MAX_DEPTH).then_some(())?;
        Some(match node.kind() {
            "none" => Literal::None,
            "true" => Literal::Bool(true),
            "false" => Literal::Bool(false),
            "integer" => Literal::Int(integer(self.text(node))?),
            "float" => Literal::Float(float(self.text(node))?),
            "string" => Literal::Str(self.string(node)?),
            "concatenated_string" => Literal::Str(self.strings(node)?),
            "list" => Literal::List(self.parts(node, depth)?),
            "tuple" => Literal::Tuple(self.parts(node, depth)?),
            "set" => Literal::Set(self.parts(node, depth)?),
            "dictionary" => Literal::Dict(self.pairs(node, depth)?),
            "call" if self.text(node) == "set()" => Literal::Set(vec![]),
            "parenthesized_expression" => self.read(only_child(node)?, depth + 1)?,
            "unary_operator" => self.signed(node, depth)?,
            _ => return None,
        })
    }

    fn parts(&self, node: Node<'_>, depth: usize) -> Option<Vec<Literal>> {
        let mut cursor = node.walk();
        let parts = node.named_children(&mut cursor).filter(|part| part.kind() != "comment");
        parts.map(|part| self.read(part, depth + 1)).collect()
    }

    fn pairs(&self, node: Node<'_>, depth: usize) -> Option<Vec<(Literal, Literal)>> {
        let mut cursor = node.walk();
        let pairs = node.named_children(&mut cursor).filter(|part| part.kind() != "comment");
        let field = |pair: Node<'_>, name| self.read(pair.child_by_field_name(name)?, depth + 1);
        pairs.map(|pair| Some((field(pair, "key")?, field(pair, "value")?))).collect()
    }

    fn signed(&self, node: Node<'_>, depth: usize) -> Option<Literal> {
        let value = self.read(node.child_by_field_name("argument")?, depth + 1)?;
        match (self.text(node.child(0)?), value) {
            ("-", Literal::Int(value)) => Some(Literal::Int(value.checked_neg()?)),
            ("-", Literal::Float(value)) => Some(Literal::Float(-value)),
            ("+", value @ (Literal::Int(_) | Literal::Float(_))) => Some(value),
            _ => None,
        }
    }

    fn strings(&self, node: Node<'_>) -> Option<String> {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).map(|part| self.string(part)).collect()
    }

    fn string(&self, node: Node<'_>) -> Option<String> {
        let (first, last) =
            (node.child(0)?, node.child(u32::try_from(node.child_count()).ok()? - 1)?);
        let opening = self.text(first).to_ascii_lowercase();
        let content = &self.0[first.end_byte()..last.start_byte()];
        match opening.trim_end_matches(['"', '\'']) {
            "" | "u" => unescaped(content),
            "r" => Some(content.to_owned()),
            _ => None,
        }
    }
}

fn integer(text: &str) -> Option<i128> {
    let digits = text.replace('_', "").to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return i128::from_str_radix(digits, radix).ok();
        }
    }
    digits.parse().ok()
}

fn float(text: &str) -> Option<f64> {
    text.replace('_', "").parse().ok().filter(|value: &f64| value.is_finite())
}

/// A string's content, with the escapes that tests have; `None` for an octal or named one.
fn unescaped(content: &str) -> Option<String> {
    let (mut text, mut rest) = (String::new(), content);
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let escape = after.chars().next()?;
        rest = &after[escape.len_utf8()..];
        let digits = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        match escape {
            '\n' => {}
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            '\\' | '\'' | '"' => text.push(escape),
            _ if digits > 0 => {
                text.push(char::from_u32(u32::from_str_radix(rest.get(..digits)?, 16).ok()?)?);
                rest = &rest[digits..];
            }
            '0'..='7' | 'N' | 'a' | 'b' | 'f' | 'v' => return None,
            _ => text.extend(['\\', escape]), // which Python leaves as it is
        }
    }
    Some(text + rest)
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Str(text) => write!(f, "{}", Quoted(text)),
            Self::List(parts) => write!(f, "[{}]", joined(parts)),
            Self::Tuple(parts) if parts.len() == 1 => write!(f, "({},)", parts[0]),
            Self::Tuple(parts) => write!(f, "({})", joined(parts)),
            Self::Set(parts) if parts.is_empty() => f.write_str("set()"),
            Self::Set(parts) => write!(f, "{{{}}}", joined(parts)),
            Self::Dict(pairs) => {
                let pairs: Vec<_> =
                    pairs.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                write!(f, "{{{}}}", pairs.join(", "))
            }
        }
    }
}

fn joined(parts: &[Literal]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A text between single quotes, on one line.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("'")?;
        for c in self.0.chars() {
            match c {
                '\\' | '\'' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("'")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_way_to_write_a_literal_is_read() {
        for (text, written) in [
            (" 1_000 ", "1000"),
            ("0xFF", "255"),
            ("-3", "-3"),
            ("- +2.50", "-2.5"),
            ("1e-7", "1e-7"),
            ("1e16", "1e16"),
            ("'it\\'s' \"\\x41\\u00e9\\n\"", "'it\\'sAé\\n'"),
            ("r'\\d'", "'\\\\d'"),
            ("'''a\nb'''", "'a\\nb'"),
            ("'\\d'", "'\\\\d'"),
            ("((1))", "1"),
            ("(1,)", "(1,)"),
            ("()", "()"),
            ("[1, # one\n [],]", "[1, []]"),
            ("{3, 1}", "{3, 1}"),
            ("set()", "set()"),
            ("{}", "{}"),
            ("{'k': [True, False], 2: None}", "{'k': [True, False], 2: None}"),
        ] {
            assert_eq!(Literal::parse(text).unwrap().to_string(), written, "{text}");
        }
    }

    #[test]
    fn what_is_computed_or_unknown_is_none() {
        for text in [
            "",
            "x",
            "f(1)",
            "1 + 1",
            "1, 2",
            "1; 2",
            "x = 1",
            "[x]",
            "b'a'",
            "f'a'",
            "f'{1}'",
            "1j",
            "1e999",
            "'\\N{BULLET}'",
            "'\\033'",
            "'\\ud800'",
            "-'a'",
            "~1",
            "[*a]",
            "{**a}",
            "[1",
            "[x for x in y]",
            "0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
            "not True",
        ] {
            assert_eq!(Literal::parse(text), None, "{text}");
        }
        assert_eq!(Literal::parse(&format!("{}1{}", "[".repeat(99), "]".repeat(99))), None);
    }

    fn literals() -> impl Strategy<Value = Literal> {
        let leaf = prop_oneof![
            Just(Literal::None),
            any::<bool>().prop_map(Literal::Bool),
            any::<i64>().prop_map(|value| Literal::Int(value.into())),
            any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(Literal::Float),
            "[a'\"\\\\\n\u{1}é😀]{0,5}".prop_map(Literal::Str),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            let parts = || prop::collection::vec(inner.clone(), 0..3);
            prop_oneof![
                parts().prop_map(Literal::List),
                parts().prop_map(Literal::Tuple),
                parts().prop_map(Literal::Set),
                prop::collection::vec((inner.clone(), inner.clone()), 0..3).prop_map(Literal::Dict),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(literal in literals()) {
            prop_assert_eq!(Literal::parse(&literal.to_string()), Some(literal));
        }
    }
}
