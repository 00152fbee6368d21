//! Where Python's strings and values behave otherwise than the template engine's.

use std::fmt::Write as _;

use minijinja::value::{Value, ValueKind, from_args};
use minijinja::{Error, Output, State, escape_formatter};
use minijinja_contrib::pycompat;

/// Prints a value as Python's `str` does: `True`, `None`, `1e-05`.
pub(super) fn print(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::None | ValueKind::Bool | ValueKind::Number => {
            out.write_str(&text(value)?)?;
            Ok(())
        }
        _ => escape_formatter(out, state, value),
    }
}

/// The `trim` filter, by Python's idea of white space.
pub(super) fn trim(value: &Value, chars: Option<&str>) -> Result<String, Error> {
    let text = text(value)?;
    let matches = stripped(chars);
    Ok(text.trim_matches(matches).to_owned())
}

/// Methods of Python's `str`, `dict` and `list`.
pub(super) fn method(
    state: &mut State,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let Some(text) = value.as_str() else {
        return pycompat::unknown_method_callback(state, value, method, args);
    };
    let chars = || from_args::<(Option<&str>,)>(args).map(|(chars,)| stripped(chars));
    Ok(match method {
        "strip" => text.trim_matches(chars()?).into(),
        "lstrip" => text.trim_start_matches(chars()?).into(),
        "rstrip" => text.trim_end_matches(chars()?).into(),
        "split" if args.is_empty() => {
            text.split(is_space).filter(|part| !part.is_empty()).map(Value::from).collect()
        }
        _ => return pycompat::unknown_method_callback(state, value, method, args),
    })
}

/// Writes a number as Python's `repr` does.
pub(super) fn write_number(out: &mut String, value: &Value) -> Result<(), Error> {
    if value.is_integer() {
        *out += &value.to_string();
        return Ok(());
    }
    let number = format!("{:?}", f64::try_from(value.clone())?);
    // Python's exponents have a sign and two digits or more.
    match number.split_once('e') {
        None => *out += &number,
        Some((mantissa, exponent)) => {
            let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |d| ('-', d));
            write!(out, "{mantissa}e{sign}{digits:0>2}")?;
        }
    }
    Ok(())
}

fn text(value: &Value) -> Result<String, Error> {
    Ok(match value.kind() {
        ValueKind::None => "None".to_owned(),
        ValueKind::Bool if value.is_true() => "True".to_owned(),
        ValueKind::Bool => "False".to_owned(),
        ValueKind::Number => {
            let mut out = String::new();
            write_number(&mut out, value)?;
            out
        }
        _ => value.to_string(),
    })
}

/// Which characters Python's `strip` removes.
fn stripped(chars: Option<&str>) -> impl Fn(char) -> bool {
    move |c| chars.map_or_else(|| is_space(c), |chars| chars.contains(c))
}

/// Python's white space is Unicode's with the four separators of ASCII.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}
