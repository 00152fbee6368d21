//! Values that flags and files call by a name.

use crate::TaskError;

/// The value of that name; `all` is every name with its value.
pub(crate) fn parse<T: Copy>(
    kind: &'static str,
    all: &[(&'static str, T)],
    name: &str,
) -> Result<T, TaskError> {
    let found = all.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value).ok_or_else(|| TaskError::UnknownName {
        kind,
        name: name.to_owned(),
        choices: all.iter().map(|(name, _)| *name).collect(),
    })
}

/// The name of a value.
pub(crate) fn name<T: PartialEq>(all: &[(&'static str, T)], value: &T) -> &'static str {
    all.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name)
}
