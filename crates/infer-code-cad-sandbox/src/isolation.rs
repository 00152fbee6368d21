use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Tier;

/// The order in which layers are named.
const LAYERS: [&str; 9] =
    ["user", "mounts", "network", "pids", "ipc", "landlock", "seccomp", "sandbox-exec", "limits"];

/// What `sandbox-exec` lets the interpreter and all its forks do. Never run by us.
const MACOS_PROFILE: &str = r#"(version 1)
(allow default)
(deny network*)
(deny signal (target others))
(deny mach-register)
(deny file-write*)
(allow file-write* (literal "/dev/null"))
(allow file-write* (regex #"/infer-code-cad-sandbox-[^/]+/"))"#;

/// Something that a candidate cannot do, whatever it tries. [`Tier::guarantees`] tells which tier
/// promises which, and how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Guarantee {
    /// Read files of the system's or the user's.
    FsRead,
    /// Write or change files that outlive it.
    FsWrite,
    /// Reach a network, or another process by a socket.
    Net,
    /// Run other programs, or make processes beyond its limit.
    Procs,
    /// Use more memory than its limit.
    Memory,
    /// Have more threads and processes than its limit.
    Pids,
    /// Write more bytes or files than its limit.
    Disk,
    /// Signal or trace other processes, or change their limits.
    Signals,
    /// See the tests, or make a verdict.
    ResultIntegrity,
}

impl Guarantee {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 9] = [
        Self::FsRead,
        Self::FsWrite,
        Self::Net,
        Self::Procs,
        Self::Memory,
        Self::Pids,
        Self::Disk,
        Self::Signals,
        Self::ResultIntegrity,
    ];

    /// The name in reports of the self-test, such as `fs_read`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FsRead => "fs_read",
            Self::FsWrite => "fs_write",
            Self::Net => "net",
            Self::Procs => "procs",
            Self::Memory => "memory",
            Self::Pids => "pids",
            Self::Disk => "disk",
            Self::Signals => "signals",
            Self::ResultIntegrity => "result_integrity",
        }
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How candidates are shut in, as the first worker found it.
///
/// Displayed as the tier and its layers, the same on every machine that has the same layers:
/// `full (user, mounts, network, pids, ipc, landlock 7, seccomp, limits)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Isolation {
    /// The tier.
    pub tier: Tier,
    /// The layers by name, with what there is to say of each.
    pub layers: BTreeMap<String, String>,
    /// How many forbidden acts the self-test tried in vain, by the guarantee they would have broken.
    pub tried: BTreeMap<String, u32>,
}

impl Isolation {
    pub(crate) fn new(
        tier: Tier,
        layers: BTreeMap<String, String>,
        tried: BTreeMap<String, u32>,
    ) -> Self {
        Self { tier, layers, tried }
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = LAYERS.iter().filter_map(|name| {
            let text = self.layers.get(*name)?;
            Some(if *name == "landlock" { format!("landlock {text}") } else { (*name).to_owned() })
        });
        write!(f, "{} ({})", self.tier, named.collect::<Vec<_>>().join(", "))
    }
}

/// What is put before the interpreter's command: program and arguments.
pub(crate) fn launcher(tier: Tier) -> Option<(&'static str, Vec<String>)> {
    (cfg!(target_os = "macos") && tier == Tier::MacOs)
        .then(|| ("/usr/bin/sandbox-exec", vec!["-p".to_owned(), MACOS_PROFILE.to_owned()]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn display_names_the_layers_in_their_order() {
        let texts = [("seccomp", "allow list"), ("user", "namespace"), ("landlock", "7")];
        let layers = texts.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let isolation = Isolation::new(Tier::Full, layers, BTreeMap::new());
        assert_eq!(isolation.to_string(), "full (user, landlock 7, seccomp)");
        let bare = Isolation::new(Tier::None, BTreeMap::new(), BTreeMap::new());
        assert_eq!(bare.to_string(), "none ()");
    }

    #[test]
    fn serialized_and_displayed_names_agree() {
        for guarantee in Guarantee::ALL {
            assert_eq!(serde_json::to_string(&guarantee).unwrap(), format!("\"{guarantee}\""));
        }
    }
}
