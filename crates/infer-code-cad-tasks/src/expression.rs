//! Python expressions of the simple kind: calls, displays, literals, arithmetic.

use crate::builtins::is_reserved;
use crate::python::{first_word, is_word};

/// Nesting that no example of a docstring reaches.
const MAX_DEPTH: usize = 40;

/// Longer ones come first, so that `**` is not read as `*`.
const OPERATORS: &[&str] = &["**", "//", "<<", ">>", "+", "-", "*", "/", "%", "&", "|", "^"];

/// A text that is one expression without comparisons, comprehensions, conditions and functions.
#[derive(Debug)]
pub(crate) struct Expression<'a> {
    text: &'a str,
    /// Variables and functions that it takes from outside, in order; neither attributes nor keywords.
    pub(crate) names: Vec<&'a str>,
    called: Vec<&'a str>,
}

impl<'a> Expression<'a> {
    /// Reads the whole text but for a comment at its end.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (expression, rest) = Self::prefix(text)?;
        let rest = rest.trim_start_matches([' ', '\t']);
        let ends = rest.is_empty() || (rest.starts_with('#') && !rest.contains('\n'));
        ends.then_some(expression)
    }

    /// Reads the expression that a text begins with, and gives the rest.
    pub(crate) fn prefix(text: &'a str) -> Option<(Self, &'a str)> {
        Self::begin(text, Parser::expression)
    }

    /// Reads the operand that a text begins with, such as `f(1)[0]`, and gives the rest.
    pub(crate) fn operand(text: &'a str) -> Option<(Self, &'a str)> {
        Self::begin(text, Parser::operand)
    }

    fn begin(text: &'a str, read: fn(&mut Parser<'a>) -> Option<()>) -> Option<(Self, &'a str)> {
        let mut parser = Parser { text, at: 0, depth: 0, names: Vec::new(), called: Vec::new() };
        read(&mut parser)?;
        let (text, rest) = text.split_at(parser.at);
        Some((Self { text, names: parser.names, called: parser.called }, rest))
    }

    /// True when it calls the function of that name.
    pub(crate) fn calls(&self, name: &str) -> bool {
        self.called.contains(&name)
    }

    /// The expression on one line.
    pub(crate) fn source(&self) -> String {
        self.text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
    }
}

/// Each method reads one construct at `at`, or gives `None`, after which nothing else is read.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize, // open brackets
    names: Vec<&'a str>,
    called: Vec<&'a str>,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Skips blank space; line ends only inside brackets.
    fn skip_blanks(&mut self) {
        let blank = |c: char| matches!(c, ' ' | '\t') || (c == '\n' && self.depth > 0);
        self.at += self.rest().len() - self.rest().trim_start_matches(blank).len();
    }

    fn takes(&mut self, token: &str) -> bool {
        let before = self.at;
        self.skip_blanks();
        let found = self.rest().starts_with(token);
        self.at = if found { self.at + token.len() } else { before };
        found
    }

    fn expression(&mut self) -> Option<()> {
        self.operand()?;
        while OPERATORS.iter().any(|operator| self.takes(operator)) {
            self.operand()?;
        }
        Some(())
    }

    fn operand(&mut self) -> Option<()> {
        while ["+", "-", "~"].iter().any(|sign| self.takes(sign)) {}
        self.skip_blanks();
        let name = self.atom()?;
        if let Some(name) = name.filter(|_| self.rest().starts_with('(')) {
            self.called.push(name);
        }
        loop {
            if self.takes("(") {
                self.list(")", Self::argument)?;
            } else if self.takes("[") {
                self.list("]", Self::expression)?;
            } else if self.takes(".") {
                self.word().filter(|word| !is_reserved(word))?;
            } else {
                return Some(());
            }
        }
    }

    /// A name, which is returned, or a literal or display.
    fn atom(&mut self) -> Option<Option<&'a str>> {
        let first = self.rest().chars().next()?;
        if first.is_ascii_digit() || first == '.' {
            return self.number().map(|()| None);
        }
        if self.string() {
            while self.takes_string() {}
            return Some(None);
        }
        for (open, close) in [("(", ")"), ("[", "]")] {
            if self.takes(open) {
                return self.list(close, Self::expression).map(|()| None);
            }
        }
        if self.takes("{") {
            return self.list("}", Self::entry).map(|()| None);
        }
        let name = self.word()?;
        if matches!(name, "True" | "False" | "None") {
            return Some(None);
        }
        let is_name = !is_reserved(name);
        is_name.then(|| self.names.push(name))?;
        Some(Some(name))
    }

    /// Parts with commas between them and perhaps after them, up to the closing bracket.
    fn list(&mut self, close: &str, part: fn(&mut Self) -> Option<()>) -> Option<()> {
        self.depth += 1;
        let mut separated = self.depth <= MAX_DEPTH;
        while !self.takes(close) {
            separated.then_some(())?;
            part(self)?;
            separated = self.takes(",");
        }
        self.depth -= 1;
        Some(())
    }

    /// `value` or `name=value`.
    fn argument(&mut self) -> Option<()> {
        self.skip_blanks();
        let start = self.at;
        let is_named = self.word().is_some() && self.takes("=") && !self.rest().starts_with('=');
        if !is_named {
            self.at = start;
        }
        self.expression()
    }

    /// `value` or `key: value`.
    fn entry(&mut self) -> Option<()> {
        self.expression()?;
        if self.takes(":") { self.expression() } else { Some(()) }
    }

    fn word(&mut self) -> Option<&'a str> {
        let word = first_word(self.rest());
        self.at += word.len();
        (!word.is_empty() && !word.starts_with(|c: char| c.is_ascii_digit())).then_some(word)
    }

    fn number(&mut self) -> Option<()> {
        let mut previous = ' ';
        let exponent = |previous: char, c| matches!(previous, 'e' | 'E') && matches!(c, '+' | '-');
        let end = self.rest().find(|c: char| {
            let inside = is_word(c) || c == '.' || exponent(previous, c);
            previous = c;
            !inside
        });
        let number = &self.rest()[..end.unwrap_or(self.rest().len())];
        self.at += number.len();
        is_number(number).then_some(())
    }

    fn takes_string(&mut self) -> bool {
        let before = self.at;
        self.skip_blanks();
        let found = self.string();
        if !found {
            self.at = before;
        }
        found
    }

    /// A string of one line, `f` strings excepted.
    fn string(&mut self) -> bool {
        let rest = self.rest();
        let literal = rest.trim_start_matches(['r', 'R', 'b', 'B', 'u', 'U']);
        let prefix = rest.len() - literal.len();
        let Some(quote) = literal.chars().next().filter(|c| prefix <= 2 && matches!(c, '"' | '\''))
        else {
            return false;
        };
        let mut escaped = false;
        for (at, c) in literal.char_indices().skip(1) {
            match c {
                '\n' => return false,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == quote => {
                    self.at += prefix + at + 1;
                    return true;
                }
                _ => {}
            }
        }
        false
    }
}

/// Decimal numbers as Python writes them; no leading zeros, no other base.
fn is_number(text: &str) -> bool {
    let digits = text.replace('_', "");
    let is_plain =
        digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    let is_whole = digits.chars().all(|c| c.is_ascii_digit());
    let padded = is_whole && digits.len() > 1 && digits.starts_with('0');
    is_plain
        && !padded
        && !text.contains("__")
        && !text.ends_with('_')
        && digits.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parses(text: &str) -> bool {
        Expression::parse(text).is_some()
    }

    #[test]
    fn simple_expressions_are_read_whole() {
        for text in [
            "1",
            "-1.5",
            ".5",
            "1e-3",
            "1_000",
            "'a'",
            "''",
            "r'\\d' \"b\"",
            "b'x'",
            "x",
            "[]",
            "()",
            "(1,)",
            "(1)",
            "{}",
            "{1: [2], 'k': None,}",
            "{1, 2}",
            "f(1)",
            "f(a=1, b='x',)",
            "a.b(c)[0](d)",
            "2 ** -1 // 3",
            "~x & y | z",
            "f(\n  1,\n  2)",
            "1  # one",
            "É",
        ] {
            assert!(parses(text), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            " ",
            "#",
            "1 2",
            "x y",
            "x == 1",
            "x < 1",
            "not x",
            "x and y",
            "x if y else z",
            "lambda: x",
            "[x for x in y]",
            "f(x for x in y)",
            "f(*a)",
            "x[1:2]",
            "f'{x}'",
            "'a",
            "'a\nb'",
            "\"a'",
            "(1",
            "1)",
            "[1}",
            "f(,)",
            "[1,,2]",
            "x = 1",
            "x\ny",
            "1\n# one",
            "012",
            "1__0",
            "4n",
            "0x1",
            "1.2.3",
            "...",
            "x.",
            "x.if",
            "yield x",
            "print x",
            "a := 1",
            "f(a==1)",
            "a,",
            "x!",
            "bbb''",
        ] {
            assert!(!parses(text), "{text}");
        }
        assert!(!parses(&"(".repeat(100_000)) && !parses(&"[[".repeat(MAX_DEPTH)));
        assert!(parses(&format!("{}1", "-".repeat(100_000))));
    }

    #[test]
    fn names_are_those_from_outside() {
        let parsed = Expression::parse("f(a, k=b.c)[d] + g ('e') * True");
        let names = parsed.as_ref().map(|parsed| parsed.names.as_slice());
        assert_eq!(names, Some(["f", "a", "b", "d", "g"].as_slice()));
        assert!(parsed.is_some_and(|parsed| parsed.calls("f") && !parsed.calls("b")));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a1('\"\\[\\]{}:,. \n#\\\\é+*=-]{0,40}") {
            if let Some(parsed) = Expression::parse(&text) {
                prop_assert!(Expression::parse(&parsed.source()).is_some());
            }
        }
    }
}
