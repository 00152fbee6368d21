//! Jinja as `transformers` sets it up for chat templates.

use std::borrow::Cow;
use std::fmt;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind};

use super::{Date, json, python};

/// What a template says when it refuses its messages.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// An engine with the filters, tests and functions that chat templates count on.
pub(super) fn environment() -> Result<Environment<'static>, Error> {
    let mut engine = Environment::new();
    engine.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    engine.set_unknown_method_callback(python::method);
    engine.set_formatter(python::print);
    engine.add_filter("tojson", |value: &Value, kwargs: Kwargs| json::tojson(value, &kwargs));
    engine.add_filter("trim", python::trim);
    engine.add_test("iterable", |v: &Value| !v.is_none() && v.try_iter().is_ok());
    // Whatever has a length and items is a sequence to Jinja, strings and mappings too.
    engine.add_test("sequence", |v: &Value| {
        matches!(v.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::String)
    });
    engine.add_function("raise_exception", raise_exception);
    Ok(engine)
}

fn raise_exception(message: String) -> Result<Value, Error> {
    let error = Error::new(ErrorKind::InvalidOperation, "raise_exception");
    Err(error.with_source(Refusal(message)))
}

/// The function `strftime_now` for templates that ask for the date.
pub(super) fn strftime_now(date: Date) -> Value {
    Value::from_function(move |format: &str| {
        date.strftime(format).map_err(|directive| {
            let reason = format!("strftime_now knows a date and no {directive:?}");
            Error::new(ErrorKind::InvalidOperation, reason)
        })
    })
}

/// Ends lines with LF, as the lexer of Jinja does before anything else.
pub(super) fn with_line_feeds(source: &str) -> Cow<'_, str> {
    if !source.contains('\r') {
        return source.into();
    }
    source.replace("\r\n", "\n").replace('\r', "\n").into()
}

/// Makes `{% generation %}` blocks, which only mark text for training, blocks of no effect.
pub(super) fn without_generation_marks(source: &str) -> Cow<'_, str> {
    if !source.contains("generation") {
        return source.into();
    }
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let (before, tag) = rest.split_at(start);
        out += before;
        let end = tag.find("%}").map_or(tag.len(), |end| end + 2);
        let (tag, after) = tag.split_at(end);
        match tag.trim_matches(['{', '%', '-', '+', '}']).trim() {
            "generation" => out += &tag.replace("generation", "with"),
            "endgeneration" => out += &tag.replace("endgeneration", "endwith"),
            _ => out += tag,
        }
        rest = after;
    }
    (out + rest).into()
}
