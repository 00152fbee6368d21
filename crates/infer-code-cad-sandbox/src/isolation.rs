use std::fmt;

use serde::{Deserialize, Serialize};

/// The layers of isolation that a worker found active. Record it beside results: what the kernel
/// does not allow is missing, not refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Isolation {
    /// The unprivileged user id that candidates of this worker run as when the sandbox is started by
    /// root, in general another one for each worker;
    /// `None`: they run as the user that started it, with that user's access to files.
    pub user: Option<u32>,
    /// A network namespace without interfaces.
    pub network: bool,
    /// The address space is limited.
    pub memory: bool,
    /// The number of processes is limited: exactly with a user id or a network namespace of its
    /// own, else on top of what the user ran when the worker started.
    pub processes: bool,
    /// All that a candidate leaves running is found and killed, also from other sessions.
    pub reaper: bool,
    /// Programs with set-user-id bits gain nothing.
    pub no_new_privileges: bool,
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers = [
            ("user", self.user.is_some()),
            ("network", self.network),
            ("memory", self.memory),
            ("processes", self.processes),
            ("reaper", self.reaper),
            ("no new privileges", self.no_new_privileges),
        ];
        let active: Vec<_> = layers.iter().filter(|layer| layer.1).map(|layer| layer.0).collect();
        f.write_str(if active.is_empty() { "none" } else { "" })?;
        f.write_str(&active.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_lists_the_active_layers() {
        let mut isolation = Isolation {
            user: Some(60_600),
            network: true,
            memory: false,
            processes: false,
            reaper: false,
            no_new_privileges: false,
        };
        assert_eq!(isolation.to_string(), "user, network");
        (isolation.user, isolation.network) = (None, false);
        assert_eq!(isolation.to_string(), "none");
    }
}
