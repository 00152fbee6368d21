//! The engine's parser recurses without bound into chains of operators and of `elif`, so that a
//! hostile template could exhaust the stack. Published templates have some 30 operators in a tag.

/// The most operators in one tag, and the most `elif` in a template.
const MAX_CHAIN: usize = 256;

/// The line of the first chain that is too long to be parsed.
pub(super) fn overlong_chain(source: &str) -> Option<usize> {
    let (mut rest, mut elifs) = (source, 0);
    while let Some(start) = rest.find('{') {
        let (tag, after) = match &rest[start + 1..] {
            tag if tag.starts_with(['{', '%']) => tag.split_at(tag_len(tag)),
            tag if tag.starts_with('#') => ("", &tag[tag.find("#}").unwrap_or(tag.len())..]),
            tag => ("", tag),
        };
        let (mut operators, mut code) = (0, tag);
        while let Some((token, tail)) = next_token(code) {
            elifs += usize::from(token == "elif");
            operators += usize::from(is_operator(token));
            if operators > MAX_CHAIN || elifs > MAX_CHAIN {
                let read = source.len() - after.len() - tail.len();
                return Some(1 + source[..read].matches('\n').count());
            }
            code = tail;
        }
        rest = after;
    }
    None
}

/// How far the tag reaches whose second character comes first, its end not included.
fn tag_len(tag: &str) -> usize {
    let (end, mut code, mut open) = (if tag.starts_with('{') { "}}" } else { "%}" }, &tag[1..], 0);
    while let Some((token, tail)) = next_token(code) {
        if open == 0 && code.starts_with(end) {
            break;
        }
        match token {
            "(" | "[" | "{" => open += 1,
            ")" | "]" | "}" => open -= 1,
            _ => {}
        }
        code = tail;
    }
    tag.len() - code.len()
}

/// A word, a whole string or a single character.
fn next_token(code: &str) -> Option<(&str, &str)> {
    let first = code.chars().next()?;
    let len = match first {
        '"' | '\'' => string_len(code, first),
        _ => code.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(code.len()),
    };
    Some(code.split_at(len.max(first.len_utf8())))
}

fn string_len(code: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = code.char_indices().skip(1).find(|&(_, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map_or(code.len(), |(at, _)| at + 1)
}

fn is_operator(token: &str) -> bool {
    const CHARS: &str = "+-*/%~<>=!|.[(";
    matches!(token, "not" | "and" | "or" | "in" | "is" | "if") || CHARS.contains(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_chains_are_found_on_their_line() {
        let chain = |n| "1 + ".repeat(n) + "1";
        let tag = |code: &str| format!("a\n{{{{ '}}}}' + {{'k': {{'l': 1}}}}\n {code} }}}}");
        assert_eq!(overlong_chain(&tag(&chain(200))), None);
        assert_eq!(overlong_chain(&tag(&chain(300))), Some(3));
        assert_eq!(overlong_chain(&tag(&"not ".repeat(300))), Some(3));
        assert_eq!(
            overlong_chain(&("{% if a %}".to_owned() + &"{% elif a %}".repeat(300))),
            Some(1)
        );
    }

    #[test]
    fn text_strings_comments_and_neighbours_are_no_chain() {
        let dots = ".".repeat(999);
        let source = format!("{dots}{{# {dots} #}}{{{{ '{dots}\\'{dots}' }}}}");
        assert_eq!(overlong_chain(&source), None);
        assert_eq!(overlong_chain(&"{{ a + b }}{% if a.b %}{% endif %}".repeat(300)), None);
        assert_eq!(overlong_chain("{{ 'open"), None);
    }
}
