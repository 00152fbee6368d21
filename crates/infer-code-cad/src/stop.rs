use std::str::FromStr as _;

use infer_code_cad_tasks::StopPreset;

/// Why a text says no stop strings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// A stop string without characters.
    #[error("an empty stop string would end every completion at once; leave it out")]
    Empty,
    /// A backslash before something that it does not escape.
    #[error(
        "{text:?} has the escape {escape:?}, which is none; there are \\n, \\r, \\t, \\\\ and \\xHH (two digits, \
         below 80)"
    )]
    Escape {
        /// The stop string as it was written.
        text: String,
        /// The escape in it.
        escape: String,
    },
    /// Almost the name of a preset.
    #[error(
        "{text:?} is read as a literal string, and is almost the preset {preset}; write {preset}, or begin the \
         literal with its first character as \\xHH"
    )]
    AlmostPreset {
        /// What was written.
        text: String,
        /// The preset.
        preset: StopPreset,
    },
    /// `none` beside something else.
    #[error("the preset none says that nothing ends a completion; leave out none or the others")]
    NoneAndOthers,
}

/// The stop strings that texts of a user say: names of presets, and literal strings.
///
/// A text that is the name of a [`StopPreset`] (`none`, `bigcode`, `lm-eval`, `evalplus`, `paper-code`) stands for
/// its strings. Every other text is one literal string, in which `\n`, `\r`, `\t`, `\\` and `\xHH` (ASCII) are
/// escapes. The literal string `none` is written `\x6eone`. Strings that are there already are left out.
///
/// # Errors
/// [`StopError`], whose message says what to write instead.
///
/// # Examples
/// ```
/// use infer_code_cad::stop_strings;
///
/// assert_eq!(stop_strings(&[r"\nclass", "# end"])?, ["\nclass", "# end"]);
/// assert_eq!(stop_strings(&["paper-code", "print", r"\x6eone"])?, ["\n\n", "print", "none"]);
/// assert!(stop_strings(&["none"])?.is_empty());
/// # Ok::<(), infer_code_cad::StopError>(())
/// ```
pub fn stop_strings(texts: &[impl AsRef<str>]) -> Result<Vec<String>, StopError> {
    let mut strings: Vec<String> = vec![];
    for text in texts.iter().map(AsRef::as_ref) {
        let said = match StopPreset::from_str(text) {
            Ok(StopPreset::None) if texts.len() > 1 => return Err(StopError::NoneAndOthers),
            Ok(preset) => preset.strings().iter().map(ToString::to_string).collect(),
            Err(_) => vec![literal(text)?],
        };
        for string in said {
            if !strings.contains(&string) {
                strings.push(string);
            }
        }
    }
    Ok(strings)
}

/// One string, its escapes read.
fn literal(text: &str) -> Result<String, StopError> {
    if text.is_empty() {
        return Err(StopError::Empty);
    }
    if let Ok(preset) = text.trim().to_ascii_lowercase().replace(['_', ' '], "-").parse() {
        return Err(StopError::AlmostPreset { text: text.to_owned(), preset });
    }
    let (mut string, mut rest) = (String::new(), text);
    while let Some((before, escaped)) = rest.split_once('\\') {
        string.push_str(before);
        let (character, after) = unescape(escaped).ok_or_else(|| {
            let escape = escaped.chars().take(if escaped.starts_with('x') { 3 } else { 1 });
            StopError::Escape {
                text: text.to_owned(),
                escape: format!("\\{}", escape.collect::<String>()),
            }
        })?;
        string.push(character);
        rest = after;
    }
    Ok(string + rest)
}

/// The character of an escape without its backslash, and what follows it.
fn unescape(escaped: &str) -> Option<(char, &str)> {
    let mut rest = escaped.chars();
    let character = match rest.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '\\' => '\\',
        'x' => {
            let digits = rest.as_str().get(..2)?;
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let byte = u8::from_str_radix(digits, 16).ok().filter(|byte| is_hex && byte.is_ascii());
            return Some((byte?.into(), &rest.as_str()[2..]));
        }
        _ => return None,
    };
    Some((character, rest.as_str()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn presets_and_literals_are_told_apart() {
        assert_eq!(stop_strings(&[""; 0]).unwrap(), [""; 0]);
        assert_eq!(stop_strings(&["lm-eval"]).unwrap(), StopPreset::LmEval.strings());
        assert_eq!(stop_strings(&["lm-eval", r"\n#", "é\t"]).unwrap().len(), 6, "one is there");
        assert_eq!(stop_strings(&[r"a\\n\x23\r"]).unwrap(), ["a\\n#\r"]);
        assert_eq!(stop_strings(&[" \n"]).unwrap(), [" \n"], "a newline as it is");
    }

    #[test]
    fn what_says_no_stop_string_is_refused() {
        for (texts, complaint) in [
            (&[""][..], "an empty stop string"),
            (&[r"\q"], r#"the escape "\\q""#),
            (&[r"\"], r#"the escape "\\""#),
            (&[r"\xff"], r#"the escape "\\xff""#),
            (&[r"\x+1"], r#"the escape "\\x+1""#),
            (&[r"\xé"], "the escape"),
            (&["BigCode"], "almost the preset bigcode; write bigcode"),
            (&["lm_eval"], "almost the preset lm-eval"),
            (&["none", r"\nclass"], "leave out none or the others"),
        ] {
            let error = stop_strings(texts).unwrap_err().to_string();
            assert!(error.contains(complaint), "{texts:?}: {error}");
        }
    }
}
