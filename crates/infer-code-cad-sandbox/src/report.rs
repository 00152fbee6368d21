use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Tier;

/// What came of one candidate.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// Why: the failing test's source, the exception's type and message, the limit or the signal;
    /// empty if passed. Written in part by the candidate, so treat it as text only.
    pub reason: String,
    /// The signal that ended the candidate's process, if one did before its verdict.
    pub signal: Option<i32>,
    /// How often the tests asked the program for something: called it, or looked at what it gave.
    pub calls: u64,
    /// User and system time of the candidate and of the children it waited for.
    pub cpu_time: Duration,
    /// Time from fork to end.
    pub wall_time: Duration,
    /// Peak resident memory, the warm interpreter's pages (about 15 MiB) included.
    pub max_rss_bytes: u64,
    /// Bytes written to standard output and standard error together.
    pub output_bytes: u64,
    /// How the candidate was shut in; `None` where it was not run.
    pub tier: Option<Tier>,
}

impl Report {
    /// A report that measured nothing, for judges that do not run programs.
    pub fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            reason: reason.into(),
            signal: None,
            calls: 0,
            cpu_time: Duration::ZERO,
            wall_time: Duration::ZERO,
            max_rss_bytes: 0,
            output_bytes: 0,
            tier: None,
        }
    }
}

/// The judgement on a candidate. A fault of the sandbox is a [`crate::SandboxError`] instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Verdict {
    /// All tests ran to their end.
    Passed,
    /// An exception left the program or the tests.
    Failed,
    /// The program does not compile.
    #[serde(rename = "syntax error")]
    SyntaxError,
    /// The CPU or wall time limit; the reason tells which.
    Timeout,
    /// A `MemoryError`.
    Memory,
    /// Too much printed.
    #[serde(rename = "output limit")]
    OutputLimit,
    /// The process ended (by a signal or by leaving) before the tests did.
    Crashed,
}

impl Verdict {
    /// The verdict's name in results, such as `syntax error`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::SyntaxError => "syntax error",
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::OutputLimit => "output limit",
            Self::Crashed => "crashed",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn serialized_and_displayed_names_agree() {
        for verdict in [
            Verdict::Passed,
            Verdict::Failed,
            Verdict::SyntaxError,
            Verdict::Timeout,
            Verdict::Memory,
            Verdict::OutputLimit,
            Verdict::Crashed,
        ] {
            let json = serde_json::to_string(&verdict).unwrap();
            assert_eq!(json, format!("\"{verdict}\""));
            assert_eq!(serde_json::from_str::<Verdict>(&json).unwrap(), verdict);
        }
    }
}
