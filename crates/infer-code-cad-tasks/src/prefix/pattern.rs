//! The subject and the patterns of a `match` statement.

use super::lexer::Kind;
use super::parser::{Parse, Parser};

impl Parser<'_> {
    /// What is matched; more than one value is a tuple.
    pub(super) fn subject(&mut self) -> Parse {
        self.star_named()?;
        while self.eat(",") && self.begins_expression() {
            self.star_named()?;
        }
        Some(())
    }

    /// `case patterns if guard`, up to its colon.
    pub(super) fn case(&mut self) -> Parse {
        self.expect("case")?;
        self.star_pattern()?;
        while self.eat(",") && !matches!(self.peek(), ":" | "if") {
            self.star_pattern()?;
        }
        if self.eat("if") {
            self.named_expression()?;
        }
        Some(())
    }

    fn star_pattern(&mut self) -> Parse {
        if self.eat("*") { self.name() } else { self.pattern() }
    }

    fn pattern(&mut self) -> Parse {
        self.closed_pattern()?;
        while self.eat("|") {
            self.closed_pattern()?;
        }
        if self.eat("as") { self.name() } else { Some(()) }
    }

    fn closed_pattern(&mut self) -> Parse {
        match (self.kind()?, self.peek()) {
            (Kind::Name, _) => {
                self.dotted_name()?;
                if self.eat("(") { self.class_pattern() } else { Some(()) }
            }
            (Kind::Text | Kind::Bytes | Kind::FormatStart, _) => self.strings(),
            (Kind::Number, _) | (_, "-") => self.number_pattern(),
            (_, "None" | "True" | "False") => {
                self.at += 1;
                Some(())
            }
            (_, "(") => {
                self.at += 1;
                self.list_to(")", Self::star_pattern)
            }
            (_, "[") => {
                self.at += 1;
                self.list_to("]", Self::star_pattern)
            }
            (_, "{") => {
                self.at += 1;
                self.list_to("}", Self::entry_pattern)
            }
            _ => None,
        }
    }

    /// `-1`, or a complex number such as `1 - 2j`.
    fn number_pattern(&mut self) -> Parse {
        self.eat("-");
        let number = |parser: &mut Self| {
            let is_number = parser.kind() == Some(Kind::Number);
            parser.at += 1;
            is_number.then_some(())
        };
        number(self)?;
        if self.eat("+") || self.eat("-") { number(self) } else { Some(()) }
    }

    fn entry_pattern(&mut self) -> Parse {
        if self.eat("**") {
            return self.name();
        }
        self.closed_pattern()?;
        self.expect(":")?;
        self.pattern()
    }

    /// By position, then by name.
    fn class_pattern(&mut self) -> Parse {
        let mut named = false;
        self.list_to(")", |parser| {
            if parser.kind() == Some(Kind::Name) && parser.peek_at(1) == "=" {
                named = true;
                parser.at += 2;
            } else {
                (!named).then_some(())?;
            }
            parser.pattern()
        })
    }
}
