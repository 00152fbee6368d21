use std::str::FromStr;

use infer_code_cad_decode::Settings;

use crate::TechniqueError;

/// One part of a technique's name, of which each key is taken once.
pub(super) struct Part {
    name: String,
    values: Vec<(String, String)>,
}

impl Part {
    /// The parts of a name, which `+` joins; a `+` within brackets or quotes is part of a value.
    pub(super) fn all(name: &str) -> Result<Vec<Self>, TechniqueError> {
        split(name).map(str::parse).collect()
    }

    /// A part without values.
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), values: vec![] }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.values.iter().any(|(known, _)| known == key)
    }

    pub(super) fn push(&mut self, key: &str, value: &str) {
        self.values.push((key.to_owned(), value.to_owned()));
    }

    /// The value of a key, where it stands; `read` tells what it means.
    pub(super) fn take<T>(
        &mut self,
        key: &str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, TechniqueError> {
        let Some(place) = self.values.iter().position(|(known, _)| known == key) else {
            return Ok(None);
        };
        let (key, value) = self.values.remove(place);
        let part = || self.name.clone();
        let refused =
            || TechniqueError::Value { part: part(), key, value: value.clone(), expected };
        read(&value).map(Some).ok_or_else(refused)
    }

    /// Sets `into` to the value of a key, where it stands.
    pub(super) fn set<T: FromStr>(
        &mut self,
        key: &str,
        expected: &'static str,
        into: &mut T,
    ) -> Result<(), TechniqueError> {
        if let Some(value) = self.take(key, expected, |value| value.parse().ok())? {
            *into = value;
        }
        Ok(())
    }

    /// Sets `into` to the number of a key, where it stands.
    pub(super) fn count(&mut self, key: &str, into: &mut usize) -> Result<(), TechniqueError> {
        let count = |text: &str| text.parse().ok().filter(|count| (1..=100_000).contains(count));
        if let Some(count) =
            self.take(key, "a whole number of at least 1 and at most 100000", count)?
        {
            *into = count;
        }
        Ok(())
    }

    /// Sees that every key was taken, once; `keys` are those it may have.
    pub(super) fn finish(&self, keys: &[&str]) -> Result<(), TechniqueError> {
        let Some((key, _)) = self.values.first() else { return Ok(()) };
        if keys.contains(&key.as_str()) {
            return Err(TechniqueError::Twice { name: format!("{key} of {}", self.name) });
        }
        let choices = match keys {
            [] => "it takes none".to_owned(),
            keys => format!("choose {}", keys.join(", ")),
        };
        let part = self.name.clone();
        Err(TechniqueError::UnknownKey { part, key: key.clone(), choices })
    }
}

impl FromStr for Part {
    type Err = TechniqueError;

    fn from_str(text: &str) -> Result<Self, TechniqueError> {
        if text.trim().is_empty() {
            return Ok(Self::new("")); // which nobody is called
        }
        let Settings { name, values } = text.trim().parse().map_err(|error| {
            TechniqueError::Syntax { text: text.to_owned(), reason: format!("{error}") }
        })?;
        let trimmed = |(key, value): (String, String)| (key.trim().into(), value.trim().into());
        Ok(Self { name, values: values.into_iter().map(trimmed).collect() })
    }
}

fn split(name: &str) -> impl Iterator<Item = &str> {
    name.split(outside('+'))
}

/// The parts of a name, and what stands behind its `|`; one within brackets or quotes is part of a value.
pub(super) fn split_choice(name: &str) -> Result<(&str, Option<&str>), TechniqueError> {
    let mut sides = name.split(outside('|'));
    match (sides.next(), sides.next(), sides.next()) {
        (Some(parts), choice, None) => Ok((parts, choice)),
        _ => Err(TechniqueError::Syntax {
            text: name.to_owned(),
            reason: "a second | where there may be one".to_owned(),
        }),
    }
}

/// Whether a character is this one and not within brackets or quotes.
fn outside(separator: char) -> impl FnMut(char) -> bool {
    let (mut depth, mut quoted) = (0usize, false);
    move |c| {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == separator && depth == 0 && !quoted
    }
}
