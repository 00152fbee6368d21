//! Texts of values in which numbers that Python calls equal, or that differ by rounding alone, read
//! the same.

/// A value's text with its floats at 9 significant digits, whole ones as integers and zero without
/// a sign. Quoted texts stay as they are.
pub(super) fn rounded(text: &str) -> String {
    let (mut written, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => quoted(rest),
            c if c.is_ascii_digit() => {
                let length = number(rest);
                write_number(&rest[..length], &mut written);
                rest = &rest[length..];
                continue;
            }
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        written.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    written
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the quoted text at the beginning.
fn quoted(text: &str) -> usize {
    let quote = text.chars().next();
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if Some(c) == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of the number at the beginning, with its point and exponent.
fn number(text: &str) -> usize {
    let mut previous = ' ';
    let end = text.find(|c: char| {
        let inside = is_word(c) || c == '.' || (matches!(c, '+' | '-') && previous == 'e');
        previous = c;
        !inside
    });
    end.unwrap_or(text.len())
}

fn write_number(text: &str, written: &mut String) {
    let value = match text.parse::<f64>() {
        Ok(value) if text.contains(['.', 'e']) => value,
        _ => return written.push_str(text), // an integer, or a word such as 3j
    };
    let nearest =
        if is_whole(value) { value } else { format!("{value:.8e}").parse().unwrap_or(value) };
    if nearest == 0.0 && written.ends_with('-') {
        written.pop();
    }
    // Below 2^53 every whole number is its own text.
    written.push_str(&if is_whole(nearest) {
        format!("{nearest:.0}")
    } else {
        format!("{nearest:?}")
    });
}

fn is_whole(value: f64) -> bool {
    value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_equal_to_nine_digits_read_the_same() {
        for (a, b) in [
            ("0.30000000000000004", "0.3"),
            ("[1.0, -2.0]", "[1, -2]"),
            ("-0.0", "0.0"),
            ("(-0.0, 2.0000000000000004)", "(0, 2)"),
            ("1e-05", "1.0000000000001e-05"),
            ("{'a': 0.1}", "{'a': 0.10000000000000002}"),
            ("None, and its arguments are ([1.0])", "None, and its arguments are ([1])"),
            ("float64([0.5, 1.0])", "float64([0.5, 1])"),
            ("12345678901.0", "12345678901"),
        ] {
            assert_eq!(rounded(a), rounded(b), "{a}");
        }
    }

    #[test]
    fn all_others_stay_apart() {
        for (a, b) in [
            ("0.3", "0.30000001"),
            ("1", "True"),
            ("-1.0", "1.0"),
            ("12345678901.0", "12345678902.0"),
            ("'1.0'", "'1'"),
            ("1e+20", "1e+21"),
            ("'it\\'s 1.0'", "'it\\'s 1'"),
            ("123456789012345678901", "123456789012345678902"),
            ("1e-05", "1e-06"),
        ] {
            assert_ne!(rounded(a), rounded(b), "{a}");
        }
        for text in
            ["", "nan", "inf", "3j", "'open 1.0", "<Point x1.0>", "é\u{1f600}", "x1", "\"a'1.0\""]
        {
            assert_eq!(rounded(text), text);
        }
    }
}
