use std::time::Duration;

use crate::SandboxError;

/// A candidate with what is needed to judge it. All parts run in one module: program, setup, tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submission<'a> {
    /// Trusted code that prepares the tests, such as MBPP's `test_setup_code`; often empty. It runs
    /// after the program, whose classes it may use (MBPP/367 and MBPP/927 do).
    pub setup: &'a str,
    /// The untrusted candidate: the source of a whole module.
    pub program: &'a str,
    /// Trusted code that ends without an exception if and only if the candidate is right.
    pub tests: &'a str,
}

/// What one candidate may use. The defaults let every canonical solution of HumanEval and MBPP
/// pass (MBPP/123 needs about 7 s of CPU time).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// CPU time of the candidate's process: the main limit, for it does not depend on the load.
    pub cpu_time: Duration,
    /// Wall time: the backstop for candidates that sleep or wait.
    pub wall_time: Duration,
    /// Address space of each process, on top of the warm interpreter's own.
    pub memory_bytes: u64,
    /// Standard output and standard error together.
    pub output_bytes: u64,
    /// Size of any file written (an `OSError` in the candidate, hence a failed verdict).
    pub file_bytes: u64,
    /// Processes and threads alive at a time, the candidate's own among them.
    pub processes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu_time: Duration::from_secs(10),
            wall_time: Duration::from_secs(30),
            memory_bytes: 512 << 20,
            output_bytes: 1 << 20,
            file_bytes: 16 << 20,
            processes: 8,
        }
    }
}

impl Limits {
    /// Refuses limits that the worker could not take as they are.
    pub(crate) fn check(&self) -> Result<(), SandboxError> {
        // Above 2^53 an address space limit overflows; JSON numbers are exact up to there as well.
        let fits = |value: u128| (1..=1 << 53).contains(&value);
        for (name, value) in [
            ("cpu_time", self.cpu_time.as_millis()),
            ("wall_time", self.wall_time.as_millis()),
            ("memory_bytes", self.memory_bytes.into()),
            ("output_bytes", self.output_bytes.into()),
            ("file_bytes", self.file_bytes.into()),
            ("processes", self.processes.into()),
        ] {
            if !fits(value) {
                return Err(SandboxError::InvalidLimit { name });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        assert!(Limits::default().check().is_ok());
    }

    #[test]
    fn a_limit_out_of_range_is_named() {
        let none = Limits { processes: 0, ..Limits::default() };
        let endless = Limits { wall_time: Duration::MAX, ..Limits::default() };
        for (limits, expected) in [(none, "processes"), (endless, "wall_time")] {
            assert!(
                matches!(limits.check(), Err(SandboxError::InvalidLimit { name }) if name == expected)
            );
        }
    }
}
