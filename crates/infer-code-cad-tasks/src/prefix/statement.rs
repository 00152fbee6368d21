//! Simple statements and the headers of blocks.

use super::expression::Shape;
use super::lexer::Kind;
use super::parser::{Parse, Parser};

/// What a logical line is to the lines around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clause {
    Simple,
    Decorator,
    If,
    Elif,
    Else,
    Loop,
    With,
    Function,
    Class,
    Try,
    Except,
    ExceptGroup,
    Finally,
    Match,
    Case,
}

/// A line that is Python by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parsed {
    pub(super) clause: Clause,
    /// It ends with the colon of its header, so that a block must follow.
    pub(super) opens: bool,
}

impl Parser<'_> {
    /// The whole line; one of a `match` statement's block is a `case`.
    pub(super) fn line(&mut self, in_match: bool) -> Parse<Parsed> {
        if in_match {
            self.case()?;
            return self.block(Clause::Case);
        }
        if self.peek() == "match" && self.ends_with_colon() {
            self.at += 1;
            self.subject()?;
            return self.block(Clause::Match);
        }
        let Some(clause) = self.header()? else {
            self.simple_statements()?;
            return Some(Parsed { clause: Clause::Simple, opens: false });
        };
        if clause == Clause::Decorator {
            return self.is_at_end().then_some(Parsed { clause, opens: false });
        }
        self.block(clause)
    }

    fn ends_with_colon(&self) -> bool {
        self.tokens.last().is_some_and(|token| &self.text[token.start..token.end] == ":")
    }

    /// A colon, and what may follow it on its line.
    fn block(&mut self, clause: Clause) -> Parse<Parsed> {
        self.expect(":")?;
        let opens = self.is_at_end();
        if !opens {
            (clause != Clause::Match).then_some(())?;
            self.simple_statements()?;
        }
        Some(Parsed { clause, opens })
    }

    /// The header up to its colon; nothing of a line that is not one.
    fn header(&mut self) -> Parse<Option<Clause>> {
        let is_async = self.eat("async");
        let word = self.peek();
        (!is_async || matches!(word, "def" | "for" | "with")).then_some(())?;
        self.at += 1;
        let clause = match word {
            "if" | "elif" | "while" => {
                self.named_expression()?;
                match word {
                    "if" => Clause::If,
                    "elif" => Clause::Elif,
                    _ => Clause::Loop,
                }
            }
            "for" => {
                self.targets(Shape::TARGET)?;
                self.expect("in")?;
                self.star_expressions()?;
                Clause::Loop
            }
            "else" => Clause::Else,
            "try" => Clause::Try,
            "finally" => Clause::Finally,
            "except" => self.exception()?,
            "with" => {
                self.with_items()?;
                Clause::With
            }
            "def" => {
                self.function()?;
                Clause::Function
            }
            "class" => {
                self.class()?;
                Clause::Class
            }
            "@" => {
                self.named_expression()?;
                Clause::Decorator
            }
            _ => {
                self.at -= 1;
                return Some(None);
            }
        };
        Some(Some(clause))
    }

    fn exception(&mut self) -> Parse<Clause> {
        let is_group = self.eat("*");
        if is_group || self.peek() != ":" {
            self.expression()?;
            if self.eat("as") {
                self.name()?;
            }
        }
        Some(if is_group { Clause::ExceptGroup } else { Clause::Except })
    }

    /// With brackets around all items where the line reads so, else without.
    fn with_items(&mut self) -> Parse {
        let start = self.at;
        let in_brackets = self.eat("(")
            && self.peek() != ")"
            && self.list_to(")", Self::with_item).is_some()
            && self.peek() == ":";
        if in_brackets {
            return Some(());
        }
        (self.at, self.lambdas) = (start, 0);
        self.separated(Self::with_item)
    }

    fn with_item(&mut self) -> Parse {
        self.expression()?;
        if self.eat("as") {
            self.target()?.may(Shape::TARGET)?;
        }
        Some(())
    }

    fn function(&mut self) -> Parse {
        self.name()?;
        self.type_parameters()?;
        self.expect("(")?;
        self.parameters(")", true)?;
        if self.eat("->") {
            self.expression()?;
        }
        Some(())
    }

    fn class(&mut self) -> Parse {
        self.name()?;
        self.type_parameters()?;
        if self.peek() == "(" { self.arguments(false) } else { Some(()) }
    }

    /// `[T: int = bool, *Ts, **P]`, where it stands here.
    fn type_parameters(&mut self) -> Parse {
        if !self.eat("[") {
            return Some(());
        }
        (self.peek() != "]").then_some(())?;
        self.list_to("]", |parser| {
            let is_starred = parser.eat("*");
            let is_plain = !is_starred && !parser.eat("**");
            parser.name()?;
            if is_plain && parser.eat(":") {
                parser.expression()?;
            }
            if parser.eat("=") {
                let _ = is_starred && parser.eat("*");
                parser.expression()?;
            }
            Some(())
        })
    }

    fn simple_statements(&mut self) -> Parse {
        self.simple_statement()?;
        while self.eat(";") && !self.is_at_end() {
            self.simple_statement()?;
        }
        self.is_at_end().then_some(())
    }

    fn simple_statement(&mut self) -> Parse {
        let word = self.peek();
        if word == "type" && self.kind_at(1) == Some(Kind::Name) {
            self.at += 2;
            self.type_parameters()?;
            self.expect("=")?;
            return self.expression().map(drop);
        }
        self.at += 1;
        match word {
            "pass" | "break" | "continue" => Some(()),
            "return" if self.begins_expression() => self.star_expressions().map(drop),
            "return" => Some(()),
            "raise" => self.raise(),
            "global" | "nonlocal" => self.separated(Self::name),
            "del" => self.targets(Shape::DELETES),
            "assert" => {
                self.expression()?;
                if self.eat(",") { self.expression().map(drop) } else { Some(()) }
            }
            "import" => self.separated(|parser| {
                parser.dotted_name()?;
                parser.alias()
            }),
            "from" => self.import_from(),
            _ => {
                self.at -= 1;
                self.assignment()
            }
        }
    }

    fn raise(&mut self) -> Parse {
        if self.begins_expression() {
            self.expression()?;
            if self.eat("from") {
                self.expression()?;
            }
        }
        Some(())
    }

    pub(super) fn dotted_name(&mut self) -> Parse {
        self.name()?;
        while self.eat(".") {
            self.name()?;
        }
        Some(())
    }

    fn alias(&mut self) -> Parse {
        if self.eat("as") { self.name() } else { Some(()) }
    }

    fn import_from(&mut self) -> Parse {
        let start = self.at;
        while self.eat(".") || self.eat("...") {}
        if self.at == start || self.peek() != "import" {
            self.dotted_name()?;
        }
        self.expect("import")?;
        let item = |parser: &mut Self| {
            parser.name()?;
            parser.alias()
        };
        if self.eat("*") {
            return Some(());
        }
        if self.eat("(") {
            (self.peek() != ")").then_some(())?;
            return self.list_to(")", item);
        }
        self.separated(item)
    }

    /// An assignment of any kind, or an expression alone.
    fn assignment(&mut self) -> Parse {
        let mut shape = self.yield_or_expressions()?;
        if self.eat(":") {
            shape.may(Shape::SINGLE)?;
            self.expression()?;
            if self.eat("=") {
                self.yield_or_expressions()?;
            }
            return Some(());
        }
        if self.kind() == Some(Kind::Operator) && ASSIGNS.contains(&self.peek()) {
            shape.may(Shape::SINGLE)?;
            self.at += 1;
            return self.yield_or_expressions().map(drop);
        }
        while self.eat("=") {
            shape.may(Shape::TARGET)?;
            shape = self.yield_or_expressions()?;
        }
        Some(())
    }
}

/// Operators that assign.
const ASSIGNS: &[&str] =
    &["+=", "-=", "*=", "/=", "//=", "%=", "@=", "&=", "|=", "^=", ">>=", "<<=", "**="];
