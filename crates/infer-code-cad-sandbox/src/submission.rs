use std::fmt;
use std::time::Duration;

use infer_code_cad_decode::Settings;

use crate::SandboxError;

/// A candidate with what is needed to judge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Submission<'a> {
    /// The untrusted candidate: the source of a whole module.
    pub program: &'a str,
    /// What it is judged by.
    pub tests: &'a Tests,
}

impl<'a> Submission<'a> {
    /// A program and the tests it has to pass.
    pub fn new(program: &'a str, tests: &'a Tests) -> Self {
        Self { program, tests }
    }
}

/// What a program is judged by: the task's own, hidden from whoever writes or chooses programs.
///
/// The asserts run in a process of their own, which the program cannot reach: it never sees them, nor
/// the values they expect. A name that neither they nor the helpers define is looked up in the program.
///
/// # Examples
/// ```
/// use infer_code_cad_sandbox::Tests;
///
/// let tests = Tests::new("assert f(root) == 1")
///     .with_setup("root = Node(1)")
///     .with_reference("class Node: ...\ndef f(node): return node.data");
/// assert_eq!(tests.setup, "root = Node(1)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tests {
    /// Trusted code that runs before the asserts and beside them, out of the program's reach: imports,
    /// and what a HumanEval prompt defines besides the function to write. Often empty.
    pub helpers: String,
    /// Trusted code that prepares the asserts, such as MBPP's `test_setup_code`; often empty. It runs
    /// in the program's own module, after the program, whose classes it may use (MBPP/367 and
    /// MBPP/927 do); so a program can change what it does.
    pub setup: String,
    /// Trusted code that ends without an exception if and only if the candidate is right.
    pub asserts: String,
    /// The function that is to be written. Only needed where it has the name of a builtin, which
    /// otherwise stays the asserts' own (MBPP/126 asks for a `sum`).
    pub entry_point: Option<String>,
    /// A program that passes, where the task has one, for judges that compare with it. The
    /// [`Sandbox`](crate::Sandbox) does not look at it.
    pub reference: Option<String>,
}

impl Tests {
    /// Tests without helpers, setup code or reference solution.
    pub fn new(asserts: impl Into<String>) -> Self {
        Self { asserts: asserts.into(), ..Self::default() }
    }

    /// Sets the code that runs before the asserts, out of the program's reach.
    #[must_use]
    pub fn with_helpers(mut self, helpers: impl Into<String>) -> Self {
        self.helpers = helpers.into();
        self
    }

    /// Sets the code that runs behind the program, in its module.
    #[must_use]
    pub fn with_setup(mut self, setup: impl Into<String>) -> Self {
        self.setup = setup.into();
        self
    }

    /// Names the function that is to be written.
    #[must_use]
    pub fn with_entry_point(mut self, name: impl Into<String>) -> Self {
        self.entry_point = Some(name.into());
        self
    }

    /// Sets the reference solution, the source of a whole module.
    #[must_use]
    pub fn with_reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }
}

/// What one candidate may use. The defaults let every canonical solution of HumanEval and MBPP
/// pass (MBPP/123 needs about 7 s of CPU time).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// CPU time of the candidate's process: the main limit, for it does not depend on the load. The
    /// tests, in theirs, have as much.
    pub cpu_time: Duration,
    /// Wall time of candidate and tests: the backstop for candidates that sleep or wait.
    pub wall_time: Duration,
    /// Address space of each process, on top of the warm interpreter's own. A thread's stack takes 8 MiB.
    pub memory_bytes: u64,
    /// Standard output and standard error together.
    pub output_bytes: u64,
    /// Size of any file written (an `OSError` in the candidate, hence a failed verdict).
    pub file_bytes: u64,
    /// Processes alive at a time, the candidate's own among them; 1 forbids new ones.
    pub processes: u32,
    /// Threads alive at a time, the main one among them. With more than one process it is the
    /// sum of both that is bounded.
    pub threads: u32,
    /// Open files, the three standard ones and the judge's channel among them.
    pub open_files: u32,
    /// All that lies in the candidate's directory.
    pub scratch_bytes: u64,
    /// Files and directories in the candidate's directory.
    pub scratch_files: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu_time: Duration::from_secs(10),
            wall_time: Duration::from_secs(30),
            memory_bytes: 512 << 20,
            output_bytes: 1 << 20,
            file_bytes: 16 << 20,
            processes: 1,
            threads: 64,
            open_files: 64,
            scratch_bytes: 64 << 20,
            scratch_files: 1024,
        }
    }
}

impl Limits {
    /// The limits as result files and reports name them, for a verdict may depend on each. Times are
    /// in seconds and exact to the millisecond, as they are kept.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::new("limits")
            .with("cpu_seconds", Seconds(self.cpu_time))
            .with("wall_seconds", Seconds(self.wall_time))
            .with("memory_bytes", self.memory_bytes)
            .with("output_bytes", self.output_bytes)
            .with("file_bytes", self.file_bytes)
            .with("processes", self.processes)
            .with("threads", self.threads)
            .with("open_files", self.open_files)
            .with("scratch_bytes", self.scratch_bytes)
            .with("scratch_files", self.scratch_files)
    }

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
            ("threads", self.threads.into()),
            ("open_files", self.open_files.into()),
            ("scratch_bytes", self.scratch_bytes.into()),
            ("scratch_files", self.scratch_files.into()),
        ] {
            if !fits(value) {
                return Err(SandboxError::InvalidLimit { name });
            }
        }
        Ok(())
    }
}

/// A time in seconds, cut to whole milliseconds, without needless zeros: `10`, `0.25`.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0.as_secs(), self.0.subsec_millis());
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn settings_name_every_limit() {
        let limits = Limits { cpu_time: Duration::from_millis(1_250), ..Limits::default() };
        assert_eq!(
            limits.settings().to_string(),
            "limits(cpu_seconds=1.25,wall_seconds=30,memory_bytes=536870912,output_bytes=1048576,\
             file_bytes=16777216,processes=1,threads=64,open_files=64,scratch_bytes=67108864,\
             scratch_files=1024)"
        );
    }

    proptest! {
        #[test]
        fn seconds_read_back_as_their_milliseconds(millis in 0..1_u64 << 53) {
            let text = Seconds(Duration::from_millis(millis)).to_string();
            let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
            let read: u64 = format!("{whole}{part:0<3}").parse().unwrap();
            prop_assert_eq!(read, millis);
        }

        #[test]
        fn what_the_worker_takes_for_the_same_has_the_same_settings(nanos in 0..1_000_000_u64) {
            let longer = Limits::default().cpu_time + Duration::from_nanos(nanos);
            let limits = Limits { cpu_time: longer, ..Limits::default() };
            prop_assert_eq!(limits.settings(), Limits::default().settings());
        }
    }

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
