//! Telling Python statements from prose without parsing Python.

use crate::python::{Line, first_word, is_word};

/// Python's hard keywords.
pub(crate) const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// True when the line reads as a Python statement rather than as prose.
///
/// Prose gives itself away by two words in a row that are no keywords, by an unclosed apostrophe,
/// by punctuation that Python lacks, or by doing nothing (no keyword, no `=`, no call).
pub(crate) fn is_statement(line: &Line<'_>) -> bool {
    let code = line.code();
    if !line.complete || !words_can_be_code(code) {
        return false;
    }
    let word = line.first_word();
    let after = code[word.len()..].trim_start();
    if matches!(word, "match" | "case") && after.starts_with(['=', '.']) {
        return does_something(line, code); // a soft keyword as a name
    }
    if is_heading(&code[word.len()..], word) {
        return false;
    }
    let alone = || code.split('#').next().is_some_and(|c| c.trim_end() == word);
    match word {
        "pass" | "break" | "continue" => alone() || code[word.len()..].starts_with(';'),
        "if" | "for" | "while" | "with" | "try" | "else" | "elif" | "except" | "finally"
        | "class" | "match" | "case" => has_block(line) || (word == "match" && code.contains('=')),
        "def" | "async" => has_block(line) && code.contains('('),
        "from" => code.contains(" import "),
        "return" | "raise" | "yield" | "import" | "global" | "nonlocal" | "del" | "assert"
        | "await" => true,
        "and" | "or" | "is" | "in" | "as" => false,
        _ => does_something(line, code),
    }
}

/// `Time: O(1)` and `Solution (direct)`: an annotation is no call, and a capital, a space and brackets
/// have no effect.
fn is_heading(after: &str, word: &str) -> bool {
    if KEYWORDS.contains(&word) {
        return false;
    }
    if let Some(annotation) = after.trim_start().strip_prefix(':') {
        return annotation.split('=').next().unwrap_or_default().contains('(');
    }
    word.starts_with(char::is_uppercase)
        && after
            .strip_prefix(" (")
            .and_then(|rest| rest.strip_suffix(')'))
            .is_some_and(|inner| !inner.contains(['=', '(']))
}

fn has_block(line: &Line<'_>) -> bool {
    line.header().ends_with(':')
}

/// An assignment, a call, a decorator or a string: anything else without a keyword has no effect.
fn does_something(line: &Line<'_>, code: &str) -> bool {
    let quoted = code.trim_start_matches(['r', 'u', 'b', 'f', 'R', 'U', 'B', 'F']);
    if quoted.starts_with(['"', '\'']) || code == "..." {
        return true;
    }
    if let Some(decorator) = code.strip_prefix('@') {
        return decorator.starts_with(is_word);
    }
    let starred = code.strip_prefix('*').is_some_and(|rest| {
        let name = first_word(rest);
        !name.is_empty() && rest[name.len()..].trim_start().starts_with(['=', ','])
    });
    let leads = starred || code.starts_with(|c: char| is_word(c) || matches!(c, '(' | '[' | '{'));
    let numbered = code.starts_with(|c: char| c.is_ascii_digit());
    leads && !numbered && !line.opens_block && code.contains(['=', '('])
}

/// False when two neighbouring words, or a character outside strings, cannot occur in Python.
fn words_can_be_code(code: &str) -> bool {
    let mut rest = code;
    let mut comment = None; // its byte offset
    let mut left = None; // word, string or closing bracket before the current position
    while let Some(c) = rest.chars().next() {
        let length = token_length(rest, c);
        let token = &rest[..length];
        rest = &rest[length..];
        match c {
            '#' => {
                comment = Some(code.len() - rest.len() - length);
                break;
            }
            '!' if !rest.starts_with('=') => return false,
            '?' | '$' | '`' => return false,
            _ if c.is_whitespace() => {
                left = left.filter(|_| c != '\n').map(|(word, _)| (word, true));
                continue;
            }
            _ if is_word(c) || c == '"' || c == '\'' => {
                if left.is_some_and(|(word, spaced)| spaced && !may_neighbour(word, token)) {
                    return is_soft_keyword_line(code, token);
                }
                left = Some((token, false));
                continue;
            }
            _ if !c.is_ascii() => return false,
            _ => {}
        }
        left = matches!(c, ')' | ']' | '}').then_some((token, false));
    }
    let code = code[..comment.unwrap_or(code.len())].trim_end();
    !code.ends_with('.')
        || code.ends_with("...")
        || code[..code.len() - 1].ends_with(|c: char| c.is_ascii_digit())
}

fn may_neighbour(left: &str, right: &str) -> bool {
    let is_string = |token: &str| token.ends_with(['"', '\'']);
    KEYWORDS.contains(&left)
        || KEYWORDS.contains(&right)
        || (is_string(left) && is_prefixed_string(right))
}

fn is_prefixed_string(token: &str) -> bool {
    token.starts_with(['"', '\''])
        || matches!(
            token,
            "r" | "f" | "b" | "u" | "R" | "F" | "B" | "U" | "rb" | "br" | "fr" | "rf"
        )
}

/// `match x:`, `case x:` and `type X = ..` put a name before a name.
fn is_soft_keyword_line(code: &str, second: &str) -> bool {
    let mut words = code.split_whitespace();
    matches!(words.next(), Some("match" | "case" | "type"))
        && words.next().is_some_and(|word| word.starts_with(second))
        && code.contains([':', '='])
}

/// Bytes of the token at the start of `rest`, whose first character is `first`.
pub(crate) fn token_length(rest: &str, first: char) -> usize {
    if is_word(first) {
        return rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    }
    if first != '"' && first != '\'' {
        return first.len_utf8();
    }
    let quote = &rest[..1];
    let closing =
        if rest[1..].starts_with(&quote.repeat(2)) { quote.repeat(3) } else { quote.to_owned() };
    let mut at = closing.len();
    while at < rest.len() && !rest[at..].starts_with(&closing) {
        let c = rest[at..].chars().next().map_or(1, char::len_utf8);
        let escaped = rest[at + c..].chars().next().map_or(0, char::len_utf8);
        at += if rest[at..].starts_with('\\') { c + escaped } else { c };
    }
    (at + closing.len()).min(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::logical_lines;

    fn judge(text: &str) -> bool {
        logical_lines(text).first().is_some_and(is_statement)
    }

    #[test]
    fn python_is_python() {
        for code in [
            "return x",
            "total = 0  # The running total.",
            "import math  # For fsum.",
            "def helper(a, b):  # Adds.",
            "return sum(xs)  # done.",
            "case = len(xs)",
            "*rest, last = xs",
            "x = 1",
            "a, b = b, a",
            "x[i] += 1",
            "for i in range(n): s += i",
            "if not x or (y is None and z):",
            "import os, sys",
            "from a.b import c as d",
            "pass",
            "print('a' 'b', f\"{d[\"k\"]}\")",
            "\"\"\"doc string here\"\"\"",
            "yield from g(x)",
            "async def f(x):",
            "with open(p) as f:",
            "@lru_cache(maxsize=None)",
            "match point:",
            "x = y if a else b",
            "return 1.",
            "return lambda a: a",
            "assert x != 1",
            "x: int = 3",
            "return [x for x in xs if x > 0]",
            "(a, b) = f()",
            "else:",
            "s = 'it''s' # fine really",
            "return (a and\n  b)",
            "global count",
            "except ValueError:",
        ] {
            assert!(judge(code), "{code}");
        }
    }

    #[test]
    fn prose_is_prose() {
        for text in [
            "Here is the code:",
            "Here's the solution",
            "Explanation:",
            "1. Sort the list",
            "Done.",
            "Note: x",
            "- use f(x)",
            "* loop",
            "if the list is empty, return 0",
            "it is so",
            "This function returns x.",
            "for each element in the list:",
            "while true",
            "Sure!",
            "What now?",
            "import the module (math)",
            "f(x) returns y = 2",
            "**Approach**",
            "```",
            "Solution (Python):",
            "from the list",
            "Time: O(1)",
            "Space: O(n) = O(1)",
            "Solution (direct)",
            "“quoted”",
            "class of functions",
            "pass the value",
        ] {
            assert!(!judge(text), "{text}");
        }
    }
}
