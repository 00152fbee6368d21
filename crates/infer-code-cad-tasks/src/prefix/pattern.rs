//! The subject and the patterns of a `match` statement.

use super::lexer::Kind;
use super::parser::{Parse, Parser};

impl Parser<'_> {
    /// What is matched; more than one value is a tuple.
    pub(super) fn subject(&mut self) -> Parse {
        let is_starred = self.peek() == "*";
        self.star_named()?;
        (!is_starred || self.peek() == ",").then_some(())?;
        while self.eat(",") && self.begins_expression() {
            self.star_named()?;
        }
        Some(())
    }

    /// `case patterns if guard`, up to its colon.
    pub(super) fn case(&mut self) -> Parse {
        self.expect("case")?;
        let is_starred = self.peek() == "*";
        self.star_pattern()?;
        (!is_starred || self.peek() == ",").then_some(())?;
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
        if self.eat("as") { self.capture() } else { Some(()) }
    }

    /// A name that is bound, as `_` is not.
    fn capture(&mut self) -> Parse {
        (self.peek() != "_").then_some(())?;
        self.name()
    }

    fn closed_pattern(&mut self) -> Parse {
        match (self.kind()?, self.peek()) {
            (Kind::Name, "_") => self.name(),
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
                let is_starred = self.peek() == "*";
                if self.eat(")") {
                    return Some(());
                }
                self.star_pattern()?;
                if self.eat(",") {
                    return self.list_to(")", Self::star_pattern);
                }
                (!is_starred).then_some(())?;
                self.expect(")")
            }
            (_, "[") => {
                self.at += 1;
                self.list_to("]", Self::star_pattern)
            }
            (_, "{") => {
                self.at += 1;
                self.entries()
            }
            _ => None,
        }
    }

    /// `-1`, or a complex number such as `1 - 2j`.
    fn number_pattern(&mut self) -> Parse {
        self.eat("-");
        let is_imaginary = self.number()?;
        if self.eat("+") || self.eat("-") {
            (!is_imaginary && self.number()?).then_some(())?;
        }
        Some(())
    }

    /// A number; whether it is imaginary.
    fn number(&mut self) -> Parse<bool> {
        let text = self.peek();
        (self.kind() == Some(Kind::Number)).then_some(())?;
        self.at += 1;
        Some(text.ends_with(['j', 'J']))
    }

    /// The entries of a mapping, the rest of it last.
    fn entries(&mut self) -> Parse {
        let mut has_rest = false;
        self.list_to("}", |parser| {
            (!has_rest).then_some(())?;
            has_rest = parser.eat("**");
            if has_rest {
                return parser.capture();
            }
            let (before, kind) = (parser.at, parser.kind()?);
            match kind {
                Kind::Name => {
                    parser.dotted_name()?;
                    (parser.at > before + 1).then_some(())?;
                }
                Kind::Operator if parser.peek() != "-" => return None,
                _ => parser.closed_pattern()?,
            }
            parser.expect(":")?;
            parser.pattern()
        })
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
