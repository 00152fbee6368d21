use std::str::FromStr;

use minijinja::Value;
use serde_json::Value as Json;

use crate::CheckpointError;

/// A value that a chat template sees under a name of its own, as JSON has them.
///
/// # Examples
/// ```
/// use infer_code_cad_checkpoint::{ChatOptions, Variable};
///
/// let mut options = ChatOptions::default();
/// options.variables.insert("date_string".into(), "26 Jul 2024".into());
/// options.variables.insert("enable_thinking".into(), false.into());
/// options.variables.insert("sizes".into(), "[1, 2.5]".parse()?);
/// let sizes = Variable::List(vec![Variable::Integer(1), Variable::Number(2.5)]);
/// assert_eq!(options.variables["sizes"], sizes);
/// # Ok::<(), infer_code_cad_checkpoint::CheckpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Variable {
    /// None.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Another number, or one beyond 64 bits.
    Number(f64),
    /// A text.
    Text(String),
    /// Values in order.
    List(Vec<Self>),
    /// Values by name, in order.
    Map(Vec<(String, Self)>),
}

impl From<bool> for Variable {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Variable {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Variable {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for Variable {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Variable {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl FromStr for Variable {
    type Err = CheckpointError;

    /// Reads JSON.
    fn from_str(json: &str) -> Result<Self, CheckpointError> {
        let parsed: Json = serde_json::from_str(json).map_err(|error| CheckpointError::Json {
            file: "the variable of a chat template".into(),
            source: error.into(),
        })?;
        Ok(of_json(parsed))
    }
}

fn of_json(json: Json) -> Variable {
    match json {
        Json::Null => Variable::Null,
        Json::Bool(value) => Variable::Bool(value),
        Json::Number(number) => match number.as_i64() {
            Some(value) => Variable::Integer(value),
            None => Variable::Number(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Variable::Text(text),
        Json::Array(values) => Variable::List(values.into_iter().map(of_json).collect()),
        Json::Object(fields) => {
            Variable::Map(fields.into_iter().map(|(name, value)| (name, of_json(value))).collect())
        }
    }
}

impl Variable {
    /// As the template's engine has it.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Null => Value::from(()),
            Self::Bool(value) => Value::from(*value),
            Self::Integer(value) => Value::from(*value),
            Self::Number(value) => Value::from(*value),
            Self::Text(text) => Value::from(text.as_str()),
            Self::List(values) => values.iter().map(Self::value).collect(),
            Self::Map(fields) => {
                Value::from_pairs(fields.iter().map(|(name, value)| (name.as_str(), value.value())))
            }
        }
    }
}
