//! A cursor over the tokens of a logical line.

use super::lexer::{Kind, Token};

/// `None` where the line is no Python.
pub(super) type Parse<T = ()> = Option<T>;

/// Reads a line by CPython's grammar, the union of those of Python 3.8 to 3.13. Recursion is as deep as brackets are,
/// which the lexer bounds, and as lambdas in defaults of lambdas.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token],
    pub(super) at: usize,
    /// Lambdas whose parameters are being read.
    pub(super) lambdas: usize,
}

impl<'a> Parser<'a> {
    /// The text of the next token; `""` at the end of the line.
    pub(super) fn peek(&self) -> &'a str {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> &'a str {
        let token = self.tokens.get(self.at + ahead);
        token.map_or("", |token| &self.text[token.start..token.end])
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        self.kind_at(0)
    }

    pub(super) fn kind_at(&self, ahead: usize) -> Option<Kind> {
        self.tokens.get(self.at + ahead).map(|token| token.kind)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let eats = self.peek() == text;
        self.at += usize::from(eats);
        eats
    }

    pub(super) fn expect(&mut self, text: &str) -> Parse {
        self.eat(text).then_some(())
    }

    pub(super) fn name(&mut self) -> Parse {
        let is_name = self.kind() == Some(Kind::Name);
        self.at += usize::from(is_name);
        is_name.then_some(())
    }

    /// Items with commas between them, at least one, and no comma after the last.
    pub(super) fn separated(&mut self, item: fn(&mut Self) -> Parse) -> Parse {
        item(self)?;
        while self.eat(",") {
            item(self)?;
        }
        Some(())
    }

    /// Items with commas between them and perhaps after them, up to the closing text, which is read.
    pub(super) fn list_to(
        &mut self,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Parse,
    ) -> Parse {
        while !self.eat(close) {
            item(self)?;
            if !self.eat(",") {
                return self.expect(close);
            }
        }
        Some(())
    }

    /// Whether an expression, or a starred one, can begin here.
    pub(super) fn begins_expression(&self) -> bool {
        match self.kind() {
            None | Some(Kind::FormatEnd) => false,
            Some(Kind::Keyword) => {
                matches!(self.peek(), "True" | "False" | "None" | "not" | "lambda" | "await")
            }
            Some(Kind::Operator) => {
                matches!(self.peek(), "(" | "[" | "{" | "+" | "-" | "~" | "*" | "...")
            }
            Some(_) => true,
        }
    }
}
