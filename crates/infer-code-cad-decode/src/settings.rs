use std::fmt::{self, Display};

/// What a part of a technique is: a name with ordered keys and values.
///
/// Result headers, lists of techniques and reports are made of it, so two parts that give different
/// results must never have equal settings. The text is the grammar of technique names, as in
/// `nucleus(temperature=0.8,top_p=0.9)`; it is stable from release to release, as the text of
/// [`Debug`](fmt::Debug) is not.
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
            write!(f, "{before}{key}={value}")?;
        }
        f.write_str(")")
    }
}
