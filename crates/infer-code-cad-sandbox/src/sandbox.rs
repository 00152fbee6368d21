use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use infer_code_cad_decode::Settings;

use crate::protocol::Hello;
use crate::worker::{HASH_SEED, Worker};
use crate::{Isolation, Judge, JudgeError, Limits, Report, SandboxError, Submission, Tier};

/// How a submission is tried again after a fault of the sandbox: once, on a fresh worker.
const ATTEMPTS: usize = 2;

/// A pool of warm Python interpreters that judge submissions.
///
/// Each submission runs in a fork of a worker, in its own process, session and directory, and all
/// three are gone afterwards; files it wrote elsewhere (`/tmp`) are not, and the worker's next
/// candidate runs as the same user. Share it between threads, by reference or as `Arc<dyn Judge>`: a
/// call waits for a free worker.
#[derive(Debug)]
pub struct Sandbox {
    config: SandboxConfig,
    /// What the first worker said of itself.
    hello: Hello,
    /// The free workers; `None` stands for one that has to be started first.
    free: Mutex<Vec<Option<Worker>>>,
    returned: Condvar,
}

/// How to start a [`Sandbox`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxConfig {
    /// The interpreter, CPython 3.8 or newer: a path, or a name to look up in the `PATH`.
    pub python: PathBuf,
    /// Warm interpreters, hence submissions judged at a time; 0 counts as 1.
    pub workers: usize,
    /// Where scratch directories are made. Every user must be able to enter it.
    pub scratch: PathBuf,
    /// How far candidates are shut in. What the system cannot hold of it is refused.
    pub tier: Tier,
    /// Whether candidates and tests may import what is installed beside the interpreter's standard
    /// library, such as the packages of a virtual environment.
    pub site_packages: bool,
}

impl Default for SandboxConfig {
    /// `python3`, a worker per core, the system's directory for temporary files.
    fn default() -> Self {
        Self {
            python: PathBuf::from("python3"),
            workers: thread::available_parallelism().map_or(1, usize::from),
            scratch: std::env::temp_dir(),
            tier: Tier::default(),
            site_packages: false,
        }
    }
}

impl Sandbox {
    /// Starts the workers and checks each with programs whose verdicts are known.
    ///
    /// # Errors
    /// - [`SandboxError::PythonMissing`], [`SandboxError::PythonStart`],
    ///   [`SandboxError::PythonUnfit`]: the interpreter cannot be used
    /// - [`SandboxError::SelfCheck`]: it gives wrong verdicts, or none
    /// - [`SandboxError::Scratch`]: no directory could be made
    /// - [`SandboxError::Unsupported`]: the system is not a unix
    pub fn start(config: &SandboxConfig) -> Result<Self, SandboxError> {
        if !cfg!(unix) {
            return Err(SandboxError::Unsupported);
        }
        let spawned = (0..config.workers.max(1)).map(|_| Worker::spawn(config));
        let mut workers = spawned.collect::<Result<Vec<_>, _>>()?; // they warm up side by side
        let hellos = workers.iter_mut().map(Worker::ready).collect::<Result<Vec<_>, _>>()?;
        let hello = hellos.into_iter().next().expect("there is at least one worker");
        if !hello.layers.network {
            let isolation = &hello.layers;
            tracing::warn!(%isolation, "candidates can reach the network: the kernel refused");
        }
        Ok(Self {
            config: config.clone(),
            hello,
            free: Mutex::new(workers.into_iter().map(Some).collect()),
            returned: Condvar::new(),
        })
    }

    /// Judges one submission, waiting for a free worker if need be.
    ///
    /// After a fault of the sandbox the submission is tried once more on a fresh worker.
    ///
    /// # Errors
    /// - [`SandboxError::InvalidLimit`], [`SandboxError::InvalidSubmission`]: the caller's input
    /// - [`SandboxError::WorkerLost`], [`SandboxError::WorkerSilent`],
    ///   [`SandboxError::Confinement`]: the sandbox failed, also on a fresh worker
    /// - those of [`Sandbox::start`], if a worker had to be started again
    pub fn execute(
        &self,
        submission: &Submission<'_>,
        limits: &Limits,
    ) -> Result<Report, SandboxError> {
        limits.check()?;
        let mut lease = Lease::take(self);
        let mut result = lease.execute(submission, limits);
        for _ in 1..ATTEMPTS {
            match &result {
                Err(error) if is_fault(error) => {
                    tracing::warn!(%error, "trying a submission again on a fresh sandbox worker");
                    result = lease.execute(submission, limits);
                }
                _ => break,
            }
        }
        result
    }

    /// How many submissions are judged at a time.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.config.workers.max(1)
    }

    /// The layers of isolation active, as the first worker found them.
    #[must_use]
    pub fn isolation(&self) -> &Isolation {
        &self.hello.layers
    }

    /// What verdicts depend on besides the [`Limits`]: the interpreter's implementation and version,
    /// the layers of isolation and the hash seed, as in
    /// `sandbox(python=cpython 3.11.7,isolation="network, memory, processes",hashseed=0)`. No path
    /// and no user id, so it is the same on another day and in another directory.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::new("sandbox")
            .with("python", &self.hello.python)
            .with("isolation", &self.hello.layers)
            .with("hashseed", HASH_SEED)
    }
}

/// Verdicts only: [`Judge::observe`] is unsupported.
impl Judge for Sandbox {
    fn judge(&self, submission: &Submission<'_>, limits: &Limits) -> Result<Report, JudgeError> {
        Ok(self.execute(submission, limits)?)
    }

    fn settings(&self) -> Settings {
        self.settings()
    }

    fn workers(&self) -> usize {
        self.workers()
    }
}

/// A worker taken from the pool, given back when dropped.
struct Lease<'a> {
    sandbox: &'a Sandbox,
    worker: Option<Worker>,
}

impl<'a> Lease<'a> {
    fn take(sandbox: &'a Sandbox) -> Self {
        // A panicking thread leaves the list of workers whole, so a poisoned lock is as good.
        let free = sandbox.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = sandbox
            .returned
            .wait_while(free, |free| free.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        Self { sandbox, worker: free.pop().expect("waited until one was free") }
    }

    /// One attempt; a worker that failed is not used again.
    fn execute(
        &mut self,
        submission: &Submission<'_>,
        limits: &Limits,
    ) -> Result<Report, SandboxError> {
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => {
                let mut worker = Worker::spawn(&self.sandbox.config)?;
                worker.ready()?;
                worker
            }
        };
        let result = worker.execute(submission, limits);
        if !result.as_ref().is_err_and(is_fault) {
            self.worker = Some(worker);
        }
        result
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut free = self.sandbox.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(self.worker.take());
        self.sandbox.returned.notify_one();
    }
}

/// Whether the sandbox failed, not its caller.
fn is_fault(error: &SandboxError) -> bool {
    matches!(
        error,
        SandboxError::WorkerLost { .. }
            | SandboxError::WorkerSilent { .. }
            | SandboxError::Confinement { .. }
    )
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::{Tests, Verdict};

    #[test]
    fn a_worker_killed_from_outside_is_replaced() {
        let config = SandboxConfig { workers: 1, ..SandboxConfig::default() };
        let sandbox = match Sandbox::start(&config) {
            Err(SandboxError::PythonMissing { .. }) => {
                eprintln!("a_worker_killed_from_outside_is_replaced needs python3: not run");
                return;
            }
            sandbox => sandbox.unwrap(),
        };
        for worker in sandbox.free.lock().unwrap().iter_mut().flatten() {
            worker.process_mut().kill().unwrap();
        }
        let tests = Tests::new("assert x == 1");
        let report =
            sandbox.execute(&Submission::new("x = 1", &tests), &Limits::default()).unwrap();
        assert_eq!(report.verdict, Verdict::Passed);
    }
}
