use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Guarantee;

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
    /// The same for an ordinary user of a system that restricts user namespaces. Started by root it is
    /// `container`.
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

impl Tier {
    /// What the tier promises, and how far. What is not listed it does not promise.
    #[must_use]
    pub fn guarantees(self) -> &'static [(Guarantee, &'static str)] {
        match self {
            Self::Full => &FULL,
            Self::Container | Self::NoUserns => &WEAKER,
            Self::MacOs => &MACOS,
            Self::None => &NONE,
        }
    }
}

const FULL: [(Guarantee, &str); 9] = [
    (Guarantee::FsRead, "sees the interpreter's library and nothing else of the system"),
    (Guarantee::FsWrite, "writes to a directory in memory, which goes with it"),
    (Guarantee::Net, "has no interface and no sockets but pairs of its own"),
    (Guarantee::Procs, "runs no other program; makes no process where the limit is 1"),
    (Guarantee::Memory, "address space of each process is limited"),
    (Guarantee::Pids, "threads and processes are limited together"),
    (Guarantee::Disk, "bytes and files are limited by the file system"),
    (Guarantee::Signals, "neither sees nor signals a process that is not its own"),
    (Guarantee::ResultIntegrity, "tests and verdict are in a process that it cannot reach"),
];

const WEAKER: [(Guarantee, &str); 9] = [
    (
        Guarantee::FsRead,
        "opens the interpreter's library only; can ask for names, sizes and times of all",
    ),
    (Guarantee::FsWrite, "writes to a directory of its own, removed after it"),
    (Guarantee::Net, "has no sockets but pairs of its own"),
    (Guarantee::Procs, "runs no other program; makes no process where the limit is 1"),
    (Guarantee::Memory, "address space of each process is limited"),
    (Guarantee::Pids, "limited; for an ordinary user on top of what the user runs at the time"),
    (
        Guarantee::Disk,
        "looked at ten times a second, so exceeded for that long; each file is limited",
    ),
    (Guarantee::Signals, "signals no process; can ask whether a number is one's"),
    (Guarantee::ResultIntegrity, "tests and verdict are in a process that it cannot reach"),
];

const MACOS: [(Guarantee, &str); 3] = [
    (Guarantee::FsWrite, "writes to the sandbox's own directories"),
    (Guarantee::Net, "has no network"),
    (Guarantee::Signals, "signals no process but those of the sandbox"),
];

const NONE: [(Guarantee, &str); 1] =
    [(Guarantee::Memory, "address space of each process is limited, on Linux")];

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
    fn each_guarantee_is_told_once_and_in_order() {
        for tier in Tier::ALL {
            assert!(tier.guarantees().is_sorted_by(|one, next| one.0 < next.0), "{tier}");
        }
        assert_eq!(Tier::Full.guarantees().len(), Guarantee::ALL.len());
    }

    /// The page of the repository; in a package there is none.
    #[test]
    fn the_documentation_has_the_same_table() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sandbox.md");
        let Ok(text) = std::fs::read_to_string(page) else {
            eprintln!("the_documentation_has_the_same_table: not run, there is no docs/sandbox.md");
            return;
        };
        for tier in [Tier::Full, Tier::Container, Tier::MacOs, Tier::None] {
            for (guarantee, extent) in tier.guarantees() {
                let row = format!("| {guarantee} | {extent} |");
                assert!(text.contains(&row), "docs/sandbox.md lacks, of {tier}: {row}");
            }
        }
    }

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
