use std::fmt;
use std::str::FromStr;

use minijinja::Value;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
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
        let read: Read = serde_json::from_str(json).map_err(|error| CheckpointError::Json {
            file: "the variable of a chat template".into(),
            source: error.into(),
        })?;
        Ok(read.0)
    }
}

impl fmt::Display for Variable {
    /// Writes JSON, which is read back; what JSON has no number for becomes null.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => Json::from(*value).fmt(f),
            Self::Text(text) => Json::from(text.as_str()).fmt(f),
            Self::List(values) => {
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { "[" } else { "," })?;
                }
                f.write_str(if values.is_empty() { "[]" } else { "]" })
            }
            Self::Map(fields) => {
                for (index, (name, value)) in fields.iter().enumerate() {
                    let before = if index == 0 { "{" } else { "," };
                    write!(f, "{before}{}:{value}", Json::from(name.as_str()))?;
                }
                f.write_str(if fields.is_empty() { "{}" } else { "}" })
            }
        }
    }
}

/// Keeps the order of fields, which a [`Json`] does not.
struct Read(Variable);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor).map(Read)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Variable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Variable, E> {
        Ok(Variable::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Variable, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Variable, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Variable, E> {
        Ok(i64::try_from(value).map_or(Variable::Number(value as f64), Variable::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Variable, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Variable, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Variable, A::Error> {
        let mut values = vec![];
        while let Some(Read(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(Variable::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Variable, A::Error> {
        let mut fields = vec![];
        while let Some((name, Read(value))) = map.next_entry()? {
            fields.push((name, value));
        }
        Ok(Variable::Map(fields))
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_is_read_and_written_in_its_order() {
        let json = r#"{"b":[1,-2.5,null,true],"a":{"é\n":"\""},"c":[],"d":{}}"#;
        let variable: Variable = json.parse().unwrap();
        let Variable::Map(fields) = &variable else { panic!("{variable:?}") };
        assert_eq!(fields[0].0, "b");
        assert_eq!(variable.to_string(), json);
        assert_eq!(
            "18446744073709551616".parse::<Variable>().unwrap(),
            Variable::Number(2f64.powi(64))
        );
        assert_eq!(Variable::Number(f64::NAN).to_string(), "null");
        assert!("nonsense".parse::<Variable>().unwrap_err().to_string().contains("variable"));
    }

    fn variables() -> impl Strategy<Value = Variable> {
        let leaf = prop_oneof![
            Just(Variable::Null),
            any::<bool>().prop_map(Variable::from),
            any::<i64>().prop_map(Variable::from),
            any::<f64>().prop_filter("JSON has it", |x| x.is_finite()).prop_map(Variable::from),
            ".{0,6}".prop_map(Variable::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Variable::List),
                prop::collection::vec((".{0,4}", inner), 0..4).prop_map(Variable::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_variable_is_read_back(variable in variables()) {
            prop_assert_eq!(variable.to_string().parse::<Variable>().unwrap(), variable);
        }
    }
}
