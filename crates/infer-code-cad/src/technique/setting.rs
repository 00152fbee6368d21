use super::part::Part;
use crate::TechniqueError;

/// A setting of a part that is given beside a technique's name, as a flag is.
///
/// It says what the same setting says within the name, so [`Recipe::named`](crate::Recipe::named) with
/// `temperature` of `nucleus` beside `rag` is `rag+nucleus(temperature=0.6)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSetting {
    /// The part, such as `nucleus`.
    pub part: &'static str,
    /// Its key, such as `temperature`.
    pub key: &'static str,
    /// The value as it would stand in the name.
    pub value: String,
}

impl PartSetting {
    /// A setting of a part.
    pub fn new(part: &'static str, key: &'static str, value: impl Into<String>) -> Self {
        Self { part, key, value: value.into() }
    }

    /// Puts it into the part it belongs to. Whoever does not say `greedy` samples from a nucleus, said or not.
    pub(super) fn add_to(
        &self,
        parts: &mut Vec<Part>,
        technique: &str,
    ) -> Result<(), TechniqueError> {
        let Self { part, key, value } = self;
        let (part, key, value) = (*part, *key, value.clone());
        let has = |parts: &[Part], name| parts.iter().any(|part| part.name() == name);
        let technique = technique.to_owned();
        if part == "nucleus" && !has(parts, part) {
            if has(parts, "greedy") {
                let remedy = "leave greedy out".to_owned();
                return Err(TechniqueError::NoSuchPart { part, key, value, technique, remedy });
            }
            parts.push(Part::new(part));
        }
        let Some(own) = parts.iter_mut().find(|known| known.name() == part) else {
            let remedy = format!("take one that has it, such as {part}");
            return Err(TechniqueError::NoSuchPart { part, key, value, technique, remedy });
        };
        if own.has(key) {
            return Err(TechniqueError::SaidTwice { part, key, value, technique });
        }
        own.push(key, &value);
        Ok(())
    }
}
