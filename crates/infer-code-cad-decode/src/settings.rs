use std::fmt::{self, Display};
use std::str::FromStr;

/// What a part of a technique is: a name with ordered keys and values.
///
/// Result headers, lists of techniques and reports are made of it, so two parts that give different
/// results must never have equal settings. The text is the grammar of technique names, as in
/// `nucleus(temperature=0.8,top_p=0.9)`; it is stable from release to release, as the text of
/// [`Debug`](fmt::Debug) is not. It is read back by [`FromStr`]: a value whose commas are all within
/// brackets stands as it is, any other text is quoted.
///
/// # Examples
/// ```
/// use infer_code_cad_decode::Settings;
///
/// let inner = Settings::new("nucleus").with("temperature", 0.8);
/// let settings = Settings::new("cad").with("alpha", 0.5).with("inner", inner);
/// assert_eq!(settings.to_string(), "cad(alpha=0.5,inner=nucleus(temperature=0.8))");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Settings {
    /// What it is called.
    pub name: String,
    /// What it was set to, in a fixed order.
    pub values: Vec<(String, String)>,
}

impl Settings {
    /// A part without parameters.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), values: Vec::new() }
    }

    /// Adds a parameter. Numbers are written as [`Display`] writes them, which reads back exactly.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Display) -> Self {
        self.values.push((key.into(), value.to_string()));
        self
    }

    /// The value of a parameter.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}

impl Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.values.is_empty() {
            return Ok(());
        }
        for (index, (key, value)) in self.values.iter().enumerate() {
            let before = if index == 0 { '(' } else { ',' };
            write!(f, "{before}{key}=")?;
            if end_of_value(value) == Some(value.len()) && !value.is_empty() {
                f.write_str(value)?;
            } else {
                write!(f, "{}", Quoted(value))?;
            }
        }
        f.write_str(")")
    }
}

/// A text between double quotes, with backslashes before quotes and backslashes.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Where a value that stands as it is ends: before the first comma or closing bracket that is not within
/// brackets or quotes of its own. `None` where brackets or quotes stay open, or it begins with a quote.
fn end_of_value(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if depth == 0 => return None,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ',' | ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    (depth == 0 && !quoted).then_some(text.len())
}

/// Why a text is no [`Settings`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} does not read as name(key=value,...): {reason}")]
pub struct SettingsError {
    text: String,
    reason: &'static str,
}

impl FromStr for Settings {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, SettingsError> {
        let fault = |reason| SettingsError { text: text.to_owned(), reason };
        let (name, rest) = text.split_once('(').unwrap_or((text, ")"));
        if name.is_empty() || name.contains([')', ',', '=', '"']) {
            return Err(fault("a name is missing"));
        }
        let mut settings = Self::new(name);
        let mut rest = rest;
        while rest != ")" {
            let (key, tail) = rest.split_once('=').ok_or(fault("a key without a value"))?;
            if key.is_empty() || key.contains(['(', ')', ',', '"']) {
                return Err(fault("a key is missing"));
            }
            if tail.starts_with([',', ')']) {
                return Err(fault("a value is missing"));
            }
            let (value, tail) = value(tail).ok_or(fault("a bracket or a quote stays open"))?;
            settings.values.push((key.to_owned(), value));
            rest = match tail.strip_prefix(',') {
                Some(more) if !more.starts_with(')') => more,
                _ => tail,
            };
            if rest == tail && tail != ")" {
                return Err(fault("after a value come a comma and a key, or the last bracket"));
            }
        }
        Ok(settings)
    }
}

/// A value at the beginning of a text, and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, tail) = text.split_at(end_of_value(text)?);
        return (!value.is_empty()).then(|| (value.to_owned(), tail));
    };
    let (mut value, mut chars) = (String::new(), quoted.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_setting_is_refused() {
        for text in [
            "", "(", "a(", "a(b)", "a(b=)", "a(b=1", "a(b=1)x", "a(b=1,)", "a(=1)", "a)",
            "a(b=\"1)", "a(b=(1)",
        ] {
            assert!(text.parse::<Settings>().is_err(), "{text}");
        }
        assert_eq!("a()".parse::<Settings>().unwrap(), Settings::new("a"));
    }

    proptest! {
        #[test]
        fn they_are_read_back(
            values in prop::collection::vec(("[a-z_]{1,4}", "[a-z0-9(),=\"\\\\ .é]{0,8}"), 0..4),
        ) {
            let mut settings = Settings::new("part");
            for (key, value) in values {
                settings = settings.with(key, value);
            }
            let nested = Settings::new("outer").with("inner", &settings).with("n", 1);
            prop_assert_eq!(settings.to_string().parse::<Settings>().unwrap(), settings.clone());
            let nested: Settings = nested.to_string().parse().unwrap();
            prop_assert_eq!(nested.get("inner").unwrap().parse::<Settings>().unwrap(), settings);
        }
    }
}
