use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How far candidates are shut in: a policy by name. What a tier has is set up or refused, never left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Tier {
    /// Namespaces, a read-only root of their own, Landlock, seccomp, limits. Linux.
    #[default]
    Full,
    /// What is left where nothing can be unshared or mounted, as in a container: Landlock, seccomp,
    /// limits. Linux 6.2.
    Container,
    /// The same for an ordinary user of a system that restricts user namespaces.
    NoUserns,
    /// `sandbox-exec` and limits. Compiled, and never run by us.
    #[serde(rename = "macos")]
    MacOs,
    /// Limits alone: for programs that are trusted.
    None,
}

impl Tier {
    /// All tiers, the strongest first.
    pub const ALL: [Self; 5] =
        [Self::Full, Self::Container, Self::NoUserns, Self::MacOs, Self::None];

    /// The tier's name in settings, results and flags, such as `no-userns`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Container => "container",
            Self::NoUserns => "no-userns",
            Self::MacOs => "macos",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Tier {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|tier| tier.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("no isolation is called `{name}`; choose of: {names}")
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn names_are_read_back() {
        for tier in Tier::ALL {
            assert_eq!(tier.to_string().parse(), Ok(tier));
            assert_eq!(serde_json::to_string(&tier).unwrap(), format!("\"{tier}\""));
        }
        let error = "docker".parse::<Tier>().unwrap_err();
        assert!(error.contains("`docker`") && error.contains("full, container"), "{error}");
    }
}
