//! The tokens of one logical line, read physical line by physical line as CPython's tokenizer does.

use super::literal::{Literal, check_escape};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Keyword,
    Number,
    /// A string without fields, quotes included.
    Text,
    Bytes,
    /// The prefix and quote that begin an f-string; its fields follow as `{`, tokens, `}`.
    FormatStart,
    FormatEnd,
    Operator,
}

/// A token by its place in the logical line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What the end of the text so far is in.
#[derive(Debug, Clone, Copy)]
enum Mode {
    /// A bracket that is closed by this byte.
    Bracket(u8),
    /// A field of an f-string, before its format.
    Field(Literal),
    /// The characters of a string.
    Text(Literal),
    /// The format of a field, behind its colon.
    Format(Literal),
}

/// CPython's limit of brackets in brackets.
const MAX_DEPTH: usize = 200;

/// Reads a logical line as far as it goes. It can be stopped and copied between physical lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Lexer {
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
    at: usize,
    modes: Vec<Mode>,
}

/// `None` where no text that begins so is Python.
type Lex<T = ()> = Option<T>;

impl Lexer {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether the text so far is nothing but backslashes at the ends of lines, and blanks.
    pub(super) fn is_only_continued(&self) -> bool {
        self.tokens.is_empty() && self.modes.is_empty()
    }

    /// Whether the text so far ends within a string.
    pub(super) fn in_string(&self) -> bool {
        matches!(self.modes.last(), Some(Mode::Text(_) | Mode::Format(_)))
    }

    /// Forgets the line; its room is kept.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.tokens.clear();
        self.modes.clear();
        self.at = 0;
    }

    /// Reads a physical line, without its newline. True where the logical line ends with it.
    pub(super) fn push(&mut self, line: &str) -> Lex<bool> {
        self.text.push_str(line);
        self.text.push('\n');
        while self.at < self.text.len() {
            match self.modes.last().copied() {
                Some(Mode::Text(literal)) => self.characters(literal, false)?,
                Some(Mode::Format(literal)) => self.characters(literal, true)?,
                _ if self.token()? => return Some(true),
                _ => {}
            }
        }
        Some(false)
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn take(&mut self, kind: Kind, len: usize) {
        self.tokens.push(Token { kind, start: self.at, end: self.at + len });
        self.at += len;
    }

    /// One token outside strings, or what stands between tokens. True for the end of the line.
    fn token(&mut self) -> Lex<bool> {
        match self.byte(0) {
            b' ' | b'\t' | b'\x0c' => self.at += 1,
            b'\n' => {
                self.at += 1;
                return Some(self.modes.is_empty());
            }
            b'#' => self.at += self.text[self.at..].find('\n').unwrap_or(0),
            b'\\' => {
                (self.byte(1) == b'\n').then_some(())?;
                self.at += 2;
            }
            b'\'' | b'"' => self.open_string(0),
            b'.' if self.byte(1).is_ascii_digit() => self.number()?,
            byte if byte.is_ascii_digit() => self.number()?,
            byte if byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii() => {
                self.word()?
            }
            _ => self.operator()?,
        }
        Some(false)
    }

    fn word(&mut self) -> Lex {
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
        let word = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        if matches!(rest.as_bytes().get(word.len()), Some(b'\'' | b'"')) && is_prefix(word) {
            self.open_string(word.len());
            return Some(());
        }
        let is_digit = word.starts_with(|c: char| c.is_numeric() && !c.is_alphabetic());
        (!is_digit && word.chars().all(may_be_in_name)).then_some(())?;
        let kind = if is_keyword(word) { Kind::Keyword } else { Kind::Name };
        self.take(kind, word.len());
        Some(())
    }

    fn number(&mut self) -> Lex {
        let len = number_len(&self.text.as_bytes()[self.at..])?;
        self.take(Kind::Number, len);
        Some(())
    }

    fn operator(&mut self) -> Lex {
        let top = self.modes.last().copied();
        if let (Some(Mode::Field(literal)), b':') = (top, self.byte(0)) {
            self.take(Kind::Operator, 1);
            self.modes.push(Mode::Format(literal));
            return Some(());
        }
        let rest = &self.text[self.at..];
        let is_conversion = matches!(top, Some(Mode::Field(_))) && rest.starts_with('!');
        let known = OPERATORS.iter().find(|operator| rest.starts_with(**operator));
        let len = known.map(|operator| operator.len()).or(is_conversion.then_some(1))?;
        match self.byte(0) {
            b'(' => self.open_bracket(b')')?,
            b'[' => self.open_bracket(b']')?,
            b'{' => self.open_bracket(b'}')?,
            byte @ (b')' | b']' | b'}') => match self.modes.pop()? {
                Mode::Bracket(closing) if closing == byte => {}
                Mode::Field(_) if byte == b'}' => {}
                _ => return None,
            },
            _ => {}
        }
        self.take(Kind::Operator, len);
        Some(())
    }

    fn open_bracket(&mut self, closing: u8) -> Lex {
        self.modes.push(Mode::Bracket(closing));
        (self.modes.len() <= MAX_DEPTH).then_some(())
    }

    fn open_string(&mut self, prefix: usize) {
        let literal = Literal::open(&self.text[self.at..], self.at, prefix);
        let len = prefix + literal.quotes();
        if literal.formats {
            self.take(Kind::FormatStart, len);
        } else {
            self.at += len;
        }
        self.modes.push(Mode::Text(literal));
    }

    /// Reads characters of a string up to its end, a field or the end of the text.
    fn characters(&mut self, literal: Literal, is_format: bool) -> Lex {
        while self.at < self.text.len() {
            let byte = self.byte(0);
            match byte {
                b'\\' => self.escape(literal)?,
                b'\n' if !literal.triple => return None,
                _ if literal.is_closed_by(&self.text[self.at..]) => {
                    // A field must be closed before its string.
                    (!is_format).then_some(())?;
                    self.close_string(literal);
                    return Some(());
                }
                b'{' | b'}' if literal.formats => {
                    if !is_format && self.byte(1) == byte {
                        self.at += 2;
                        continue;
                    }
                    return self.brace(literal, is_format);
                }
                _ if literal.bytes && !byte.is_ascii() => return None,
                _ => self.at += self.text[self.at..].chars().next().map_or(1, char::len_utf8),
            }
        }
        Some(())
    }

    /// A brace of an f-string's field.
    fn brace(&mut self, literal: Literal, is_format: bool) -> Lex {
        if self.byte(0) == b'{' {
            self.modes.push(Mode::Field(literal));
            (self.modes.len() <= MAX_DEPTH).then_some(())?;
        } else {
            is_format.then_some(())?;
            self.modes.truncate(self.modes.len() - 2); // the format and its field
        }
        self.take(Kind::Operator, 1);
        Some(())
    }

    fn close_string(&mut self, literal: Literal) {
        self.modes.pop();
        if literal.formats {
            self.take(Kind::FormatEnd, literal.quotes());
            return;
        }
        self.at += literal.quotes();
        let kind = if literal.bytes { Kind::Bytes } else { Kind::Text };
        self.tokens.push(Token { kind, start: literal.start, end: self.at });
    }

    fn escape(&mut self, literal: Literal) -> Lex {
        let escaped = self.text[self.at + 1..].chars().next()?;
        if !literal.raw {
            check_escape(&self.text[self.at + 1..], literal.bytes)?;
            if literal.formats && self.text[self.at + 1..].starts_with("N{") {
                self.at += self.text[self.at..].find('}')? + 1;
                return Some(());
            }
        }
        (!literal.bytes || escaped.is_ascii()).then_some(())?;
        // A brace begins or ends a field behind a backslash too.
        let is_brace = literal.formats && matches!(escaped, '{' | '}');
        self.at += 1 + if is_brace { 0 } else { escaped.len_utf8() };
        Some(())
    }
}

/// Longer ones before those that they begin with.
const OPERATORS: &[&str] = &[
    "**=", "//=", ">>=", "<<=", "...", "**", "//", ">>", "<<", "<=", ">=", "==", "!=", "->", "+=",
    "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=", ":=", "+", "-", "*", "/", "%", "@", "&", "|",
    "^", "~", "<", ">", "=", ".", ",", ":", ";", "(", ")", "[", "]", "{", "}",
];

fn is_prefix(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    matches!(lower.as_str(), "r" | "u" | "b" | "f" | "br" | "rb" | "fr" | "rf")
}

/// What `keyword.kwlist` has in all of Python 3.8 to 3.13.
fn is_keyword(word: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class",
        "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global",
        "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return",
        "try", "while", "with", "yield",
    ];
    KEYWORDS.contains(&word)
}

/// False for characters that no identifier has: spaces, punctuation, arrows, boxes and pictures. Of others,
/// the letters and marks of all scripts, it says true without looking closely.
fn may_be_in_name(c: char) -> bool {
    match c {
        '\u{aa}' | '\u{b5}' | '\u{b7}' | '\u{ba}' | '\u{203f}' | '\u{2040}' | '\u{2054}' => true,
        '\u{200c}' | '\u{200d}' => true, // from Python 3.13 on
        '\u{80}'..='\u{bf}' | '×' | '÷' => false,
        '\u{2000}'..='\u{2070}' | '\u{20a0}'..='\u{20cf}' | '\u{2190}'..='\u{245f}' => false,
        '\u{2500}'..='\u{2bff}' | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' => false,
        '\u{fe30}'..='\u{fe32}' | '\u{ff01}'..='\u{ff0f}' | '\u{fff0}'..='\u{ffff}' => false,
        '\u{feff}' | '\u{e000}'..='\u{f8ff}' | '\u{1f000}'..='\u{1faff}' => false,
        _ => true,
    }
}

/// How long the number is that a text begins with; `None` for `012` and `0x`.
fn number_len(text: &[u8]) -> Lex<usize> {
    let at = |index: usize| text.get(index).copied().unwrap_or(0).to_ascii_lowercase();
    let based = |is_digit: fn(&u8) -> bool| digits(text, 2, is_digit);
    let based = match (at(0), at(1)) {
        (b'0', b'x') => Some(based(u8::is_ascii_hexdigit)),
        (b'0', b'o') => Some(based(|digit| (b'0'..=b'7').contains(digit))),
        (b'0', b'b') => Some(based(|digit| matches!(digit, b'0' | b'1'))),
        _ => None,
    };
    if let Some(end) = based {
        return (end > 2).then_some(end);
    }
    let whole = digits(text, 0, u8::is_ascii_digit);
    let mut end = whole;
    if at(end) == b'.' {
        end += 1;
        if at(end).is_ascii_digit() {
            end = digits(text, end, u8::is_ascii_digit);
        }
    }
    let sign = usize::from(matches!(at(end + 1), b'+' | b'-'));
    if at(end) == b'e' && at(end + 1 + sign).is_ascii_digit() {
        end = digits(text, end + 1 + sign, u8::is_ascii_digit);
    }
    if at(end) == b'j' {
        return Some(end + 1);
    }
    let is_octal =
        end == whole && at(0) == b'0' && text[..whole].iter().any(|b| *b > b'0' && *b != b'_');
    (!is_octal).then_some(end)
}

/// Where digits end, which single underscores may part.
fn digits(text: &[u8], mut at: usize, is_digit: fn(&u8) -> bool) -> usize {
    let digit = |at: usize| text.get(at).is_some_and(is_digit);
    // Only behind `0x` and its like may an underscore come first.
    while digit(at) || (at > 0 && text.get(at) == Some(&b'_') && digit(at + 1)) {
        at += 1;
    }
    at
}
