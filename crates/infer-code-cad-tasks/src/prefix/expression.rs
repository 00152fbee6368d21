//! Expressions.

use std::ops::BitAnd;

use super::lexer::Kind;
use super::parser::{Parse, Parser};

/// What an expression may be used as, besides a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape(u8);

impl Shape {
    const VALUE: Self = Self(0);
    /// It may be assigned to.
    pub(super) const TARGET: Self = Self(1);
    /// It may be annotated, or assigned to by an operator.
    pub(super) const SINGLE: Self = Self(2);
    /// It may be deleted.
    pub(super) const DELETES: Self = Self(4);
    const PLACE: Self = Self(1 | 2 | 4);
    /// What the items of a tuple or a list hand on to the whole.
    const SEQUENCE: Self = Self(1 | 4);

    pub(super) fn may(self, use_as: Self) -> Parse {
        (self.0 & use_as.0 != 0).then_some(())
    }
}

impl BitAnd for Shape {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Parser<'_> {
    /// `star_expressions`: a tuple without brackets, or one expression.
    pub(super) fn star_expressions(&mut self) -> Parse<Shape> {
        let mut shape = self.star_expression()?;
        if self.peek() == "," {
            shape = shape & Shape::SEQUENCE;
        }
        while self.eat(",") && self.begins_expression() {
            shape = shape & self.star_expression()?;
        }
        Some(shape)
    }

    fn star_expression(&mut self) -> Parse<Shape> {
        if self.peek() == "*" { self.starred() } else { self.expression() }
    }

    fn starred(&mut self) -> Parse<Shape> {
        self.expect("*")?;
        Some(self.bitwise_or()? & Shape::TARGET)
    }

    pub(super) fn star_named(&mut self) -> Parse<Shape> {
        if self.peek() == "*" { self.starred() } else { self.named_expression() }
    }

    /// `yield_expr | star_expressions`
    pub(super) fn yield_or_expressions(&mut self) -> Parse<Shape> {
        if !self.eat("yield") {
            return self.star_expressions();
        }
        if self.eat("from") {
            self.expression()?;
        } else if self.begins_expression() {
            self.star_expressions()?;
        }
        Some(Shape::VALUE)
    }

    /// An expression, or one that is given a name by `:=`.
    pub(super) fn named_expression(&mut self) -> Parse<Shape> {
        if self.kind() == Some(Kind::Name) && self.peek_at(1) == ":=" {
            self.at += 2;
            self.expression()?;
            return Some(Shape::VALUE);
        }
        self.expression()
    }

    /// What ends it is an expression again in both a condition and a `lambda`, so it is a loop.
    pub(super) fn expression(&mut self) -> Parse<Shape> {
        let mut is_value = false;
        loop {
            if self.eat("lambda") {
                self.lambdas += 1;
                (self.lambdas <= MAX_LAMBDAS).then_some(())?;
                self.parameters(":", false)?;
                self.lambdas -= 1;
            } else {
                let shape = self.disjunction()?;
                if !self.eat("if") {
                    return Some(if is_value { Shape::VALUE } else { shape });
                }
                self.disjunction()?;
                self.expect("else")?;
            }
            is_value = true;
        }
    }

    fn disjunction(&mut self) -> Parse<Shape> {
        let mut shape = self.inversion()?;
        while self.eat("and") || self.eat("or") {
            self.inversion()?;
            shape = Shape::VALUE;
        }
        Some(shape)
    }

    fn inversion(&mut self) -> Parse<Shape> {
        let before = self.at;
        while self.eat("not") {}
        let is_plain = self.at == before;
        let mut shape = self.bitwise_or()?;
        while self.compares() {
            self.bitwise_or()?;
            shape = Shape::VALUE;
        }
        Some(if is_plain { shape } else { Shape::VALUE })
    }

    fn compares(&mut self) -> bool {
        let len = match (self.peek(), self.peek_at(1)) {
            ("not", "in") | ("is", "not") => 2,
            ("<" | ">" | "<=" | ">=" | "==" | "!=" | "in" | "is", _) => 1,
            _ => 0,
        };
        self.at += len;
        len > 0
    }

    /// What binds more tightly than a comparison; all of its operators may stand beside one another.
    fn bitwise_or(&mut self) -> Parse<Shape> {
        let mut shape = self.operand()?;
        while matches!(
            self.peek(),
            "|" | "^" | "&" | "<<" | ">>" | "+" | "-" | "*" | "/" | "//" | "%" | "@" | "**"
        ) {
            self.at += 1;
            self.operand()?;
            shape = Shape::VALUE;
        }
        Some(shape)
    }

    fn operand(&mut self) -> Parse<Shape> {
        let before = self.at;
        while matches!(self.peek(), "+" | "-" | "~") {
            self.at += 1;
        }
        let is_plain = self.at == before;
        let shape = self.primary()?;
        Some(if is_plain { shape } else { Shape::VALUE })
    }

    /// An atom with its attributes, calls and subscripts.
    pub(super) fn primary(&mut self) -> Parse<Shape> {
        let awaits = self.eat("await");
        let mut shape = self.atom()?;
        loop {
            shape = match self.peek() {
                "." => {
                    self.at += 1;
                    self.name()?;
                    Shape::PLACE
                }
                "[" => {
                    self.subscript()?;
                    Shape::PLACE
                }
                "(" => {
                    self.arguments(true)?;
                    Shape::VALUE
                }
                _ => return Some(if awaits { Shape::VALUE } else { shape }),
            };
        }
    }

    fn atom(&mut self) -> Parse<Shape> {
        match (self.kind()?, self.peek()) {
            (Kind::Name, _) => {
                self.at += 1;
                return Some(Shape::PLACE);
            }
            (Kind::Number, _) | (_, "True" | "False" | "None" | "...") => self.at += 1,
            (Kind::Text | Kind::Bytes | Kind::FormatStart, _) => self.strings()?,
            (_, "(") => return self.parenthesised(),
            (_, "[") => return self.list(),
            (_, "{") => self.braces()?,
            _ => return None,
        }
        Some(Shape::VALUE)
    }

    /// Strings beside one another, all of bytes or none.
    pub(super) fn strings(&mut self) -> Parse {
        let is_bytes = self.kind() == Some(Kind::Bytes);
        while let Some(kind @ (Kind::Text | Kind::Bytes | Kind::FormatStart)) = self.kind() {
            (is_bytes == (kind == Kind::Bytes)).then_some(())?;
            self.at += 1;
            if kind == Kind::FormatStart {
                self.fields()?;
                self.at += 1; // its end: the lexer leaves no other token there
            }
        }
        Some(())
    }

    /// `{expression=!r:format}`, as often as there are fields.
    fn fields(&mut self) -> Parse {
        while self.eat("{") {
            self.yield_or_expressions()?;
            self.comprehension()?; // up to Python 3.11
            self.eat("=");
            if self.peek() == "!" {
                let mark = self.tokens[self.at];
                self.at += 1;
                let is_beside = self.tokens.get(self.at).is_some_and(|name| name.start == mark.end);
                (is_beside && matches!(self.peek(), "s" | "r" | "a")).then_some(())?;
                self.at += 1;
            }
            if self.eat(":") {
                self.fields()?;
            }
            self.expect("}")?;
        }
        Some(())
    }

    /// A tuple, a generator, or an expression in brackets.
    fn parenthesised(&mut self) -> Parse<Shape> {
        self.expect("(")?;
        if self.eat(")") {
            return Some(Shape::SEQUENCE);
        }
        let is_starred = self.peek() == "*";
        let first =
            if self.peek() == "yield" { self.yield_or_expressions()? } else { self.star_named()? };
        if self.eat(",") {
            return self.items(first, ")");
        }
        (!is_starred).then_some(())?;
        let is_generator = self.comprehension()?;
        self.expect(")")?;
        Some(if is_generator { Shape::VALUE } else { first })
    }

    fn list(&mut self) -> Parse<Shape> {
        self.expect("[")?;
        if self.eat("]") {
            return Some(Shape::SEQUENCE);
        }
        let is_starred = self.peek() == "*";
        let first = self.star_named()?;
        if !is_starred && self.comprehension()? {
            self.expect("]")?;
            return Some(Shape::VALUE);
        }
        if self.eat(",") {
            return self.items(first, "]");
        }
        self.expect("]")?;
        Some(first & Shape::SEQUENCE)
    }

    /// The items behind the first and its comma.
    fn items(&mut self, first: Shape, close: &str) -> Parse<Shape> {
        let mut shape = first & Shape::SEQUENCE;
        self.list_to(close, |parser| {
            shape = shape & parser.star_named()?;
            Some(())
        })?;
        Some(shape)
    }

    /// A dictionary, a set, or a comprehension of either.
    fn braces(&mut self) -> Parse {
        self.expect("{")?;
        if self.eat("}") {
            return Some(());
        }
        let is_starred = self.peek() == "*";
        let may_comprehend = !is_starred && self.peek() != "**";
        let is_set = self.peek() != "**" && {
            self.star_named()?;
            is_starred || self.peek() != ":"
        };
        if !is_set {
            self.value_of_entry()?;
        }
        if may_comprehend && self.comprehension()? {
            return self.expect("}");
        }
        if !self.eat(",") {
            return self.expect("}");
        }
        self.list_to("}", |parser| {
            if is_set {
                return parser.star_named().map(drop);
            }
            if parser.peek() != "**" {
                parser.expression()?;
            }
            parser.value_of_entry()
        })
    }

    /// `: value` or `**mapping`
    fn value_of_entry(&mut self) -> Parse {
        if self.eat("**") {
            return self.bitwise_or().map(drop);
        }
        self.expect(":")?;
        self.expression().map(drop)
    }

    /// `for .. in .. if ..`, as often as it stands here. False where it does not.
    fn comprehension(&mut self) -> Parse<bool> {
        let before = self.at;
        while self.peek() == "for" || (self.peek() == "async" && self.peek_at(1) == "for") {
            self.eat("async");
            self.expect("for")?;
            self.targets(Shape::TARGET)?;
            self.expect("in")?;
            self.disjunction()?;
            while self.eat("if") {
                self.disjunction()?;
            }
        }
        Some(self.at > before)
    }

    /// What is assigned to by `for`, or deleted.
    pub(super) fn targets(&mut self, use_as: Shape) -> Parse {
        loop {
            self.target()?.may(use_as)?;
            if !self.eat(",") || !self.begins_expression() {
                return Some(());
            }
        }
    }

    pub(super) fn target(&mut self) -> Parse<Shape> {
        if self.peek() == "*" { self.starred() } else { self.primary() }
    }

    fn subscript(&mut self) -> Parse {
        self.expect("[")?;
        (self.peek() != "]").then_some(())?;
        self.list_to("]", Self::slice)
    }

    fn slice(&mut self) -> Parse {
        if self.eat("*") {
            return self.expression().map(drop);
        }
        if self.peek_at(1) == ":=" {
            return self.named_expression().map(drop);
        }
        if self.peek() != ":" {
            self.expression()?;
        }
        for _ in 0..2 {
            if self.eat(":") && self.begins_expression() {
                self.expression()?;
            }
        }
        Some(())
    }

    /// The arguments of a call or a class, in both brackets. Of a call they may be a generator.
    pub(super) fn arguments(&mut self, is_call: bool) -> Parse {
        self.expect("(")?;
        let start = self.at;
        let (mut names, mut mapped) = (Vec::new(), false);
        self.list_to(")", |parser| {
            let is_first = parser.at == start;
            if parser.eat("**") {
                mapped = true;
                parser.expression()?;
            } else if parser.eat("*") {
                (!mapped).then_some(())?;
                parser.expression()?;
            } else if parser.kind() == Some(Kind::Name) && parser.peek_at(1) == "=" {
                (!names.contains(&parser.peek())).then_some(())?;
                names.push(parser.peek());
                parser.at += 2;
                parser.expression()?;
            } else {
                (names.is_empty() && !mapped).then_some(())?;
                parser.named_expression()?;
                // A generator without brackets of its own is the only argument.
                let is_generator = parser.comprehension()?;
                (!is_generator || (is_call && is_first && parser.peek() == ")")).then_some(())?;
            }
            Some(())
        })
    }

    /// The parameters of a function up to the closing text, which is read.
    pub(super) fn parameters(&mut self, close: &str, annotated: bool) -> Parse {
        let start = self.at;
        let (mut slash, mut star, mut bare, mut default, mut last) =
            (false, false, false, false, false);
        let mut names = Vec::new();
        let mut parameter = |parser: &mut Self, annotation: Annotation| {
            (!names.contains(&parser.peek())).then_some(())?;
            names.push(parser.peek());
            parser.parameter(annotation)
        };
        let plain = if annotated { Annotation::Plain } else { Annotation::None };
        self.list_to(close, |parser| {
            (!last).then_some(())?;
            if parser.eat("/") {
                (!slash && !star && parser.at > start + 1).then_some(())?;
                slash = true;
            } else if parser.eat("**") {
                last = true;
                parameter(parser, plain)?;
                (!bare).then_some(())?;
            } else if parser.eat("*") {
                (!star).then_some(())?;
                star = true;
                bare = parser.peek() == ",";
                if !bare {
                    parameter(parser, if annotated { Annotation::Starred } else { plain })?;
                }
            } else {
                parameter(parser, plain)?;
                bare = false;
                let has_default = parser.eat("=");
                if has_default {
                    parser.expression()?;
                }
                (has_default || !default || star).then_some(())?;
                default |= has_default;
            }
            Some(())
        })?;
        (!bare).then_some(())
    }

    fn parameter(&mut self, annotation: Annotation) -> Parse {
        self.name()?;
        if annotation != Annotation::None && self.eat(":") {
            let is_starred = annotation == Annotation::Starred;
            if is_starred {
                self.star_expression()?
            } else {
                self.expression()?
            };
        }
        Some(())
    }
}

/// What may stand behind the name of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Annotation {
    None,
    Plain,
    /// That of `*args`.
    Starred,
}

/// How many lambdas may stand in the defaults of one another. Python 3.11 takes 746.
const MAX_LAMBDAS: usize = 750;
