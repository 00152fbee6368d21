use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use infer_code_cad_decode::Settings;

use crate::isolation::Isolation;
use crate::protocol::Hello;
use crate::worker::{HASH_SEED, Worker};
use crate::{
    Judge, JudgeError, Limits, Observation, Probe, Report, SandboxError, Submission, Tier, Verdict,
};

/// How a submission is tried again after a fault of the sandbox: once, on a fresh worker.
const ATTEMPTS: usize = 2;

/// A pool of warm Python interpreters that judge submissions.
///
/// Each program runs in a process of its own, shut in as [`SandboxConfig::tier`] says, and its tests in
/// another, which it cannot reach: they ask it for values. What it leaves is gone before the next.
/// Share a sandbox between threads, by reference or as `Arc<dyn Judge>`: a call waits for a free worker.
#[derive(Debug)]
pub struct Sandbox {
    config: SandboxConfig,
    isolation: Isolation,
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
    /// - [`SandboxError::Isolation`]: a layer of the tier asked for cannot be had, or does not hold
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
        Ok(Self {
            config: config.clone(),
            isolation: Isolation::new(config.tier, hello.layers.clone(), hello.tried.clone()),
            hello,
            free: Mutex::new(workers.into_iter().map(Some).collect()),
            returned: Condvar::new(),
        })
    }

    /// Judges one submission, waiting for a free worker if need be.
    ///
    /// After a fault of the sandbox the submission is tried once more on a fresh worker. Without
    /// isolation ([`Tier::None`]) a program can end its worker; one that does so twice has crashed.
    ///
    /// # Errors
    /// - [`SandboxError::InvalidLimit`], [`SandboxError::InvalidSubmission`]: the caller's input
    /// - [`SandboxError::WorkerLost`], [`SandboxError::WorkerSilent`]: the sandbox failed, also on a
    ///   fresh worker
    /// - those of [`Sandbox::start`], if a worker had to be started again
    pub fn execute(
        &self,
        submission: &Submission<'_>,
        limits: &Limits,
    ) -> Result<Report, SandboxError> {
        match self.attempt(limits, |worker| worker.execute(submission, limits)) {
            Err(error) if is_fault(&error) && self.config.tier == Tier::None => {
                Ok(Report::new(Verdict::Crashed, format!("ended its worker, twice: {error}")))
            }
            result => result,
        }
    }

    /// Loads a program once and looks at it with each probe in a fresh copy of it, as
    /// [`Judge::observe`] says.
    ///
    /// Values are written as Python writes them, and exactly: members of sets and keys of dicts in the
    /// order of their texts, iterators with up to 1,000 of their items as `generator([0, 1])`, other
    /// objects with their public attributes as `<Point x=1, y=2>`. Where a call gives `None`, the
    /// text tells what it left its arguments as. A text of more than 65,536 characters ends in a hash.
    ///
    /// # Errors
    /// As [`Sandbox::execute`].
    pub fn observe(
        &self,
        program: &str,
        probes: &[Probe<'_>],
        limits: &Limits,
    ) -> Result<Vec<Observation>, SandboxError> {
        match self.attempt(limits, |worker| worker.observe(program, probes, limits)) {
            Err(error) if is_fault(&error) && self.config.tier == Tier::None => {
                let ended = Observation::Limit(format!("ended its worker, twice: {error}"));
                Ok(vec![ended; probes.len()])
            }
            result => result,
        }
    }

    /// With a worker, and after a fault with a fresh one.
    fn attempt<T>(
        &self,
        limits: &Limits,
        mut ask: impl FnMut(&mut Worker) -> Result<T, SandboxError>,
    ) -> Result<T, SandboxError> {
        limits.check()?;
        let mut lease = Lease::take(self);
        let mut result = lease.attempt(&mut ask);
        for _ in 1..ATTEMPTS {
            match &result {
                Err(error) if is_fault(error) => {
                    tracing::warn!(%error, "trying a program again on a fresh sandbox worker");
                    result = lease.attempt(&mut ask);
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

    /// How candidates are shut in, and what the self-test tried in vain.
    #[must_use]
    pub fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// What verdicts depend on besides the [`Limits`]: the interpreter's implementation and version,
    /// the tier of isolation, the hash seed and, where they may be imported, the installed packages,
    /// as in `sandbox(python=cpython 3.11.7,isolation=full,hashseed=0,judge=2)`. No path and no
    /// user id, so it is the same on another day and in another directory.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let settings = Settings::new("sandbox")
            .with("python", &self.hello.python)
            .with("isolation", self.config.tier)
            .with("hashseed", HASH_SEED)
            .with("judge", JUDGE_VERSION);
        if self.config.site_packages {
            settings.with("packages", fingerprint(&self.hello.packages))
        } else {
            settings
        }
    }
}

/// The rules by which tests see a program's values. They are raised by hand when a verdict may change.
const JUDGE_VERSION: u32 = 2;

/// FNV-1a of names and versions, each with an end.
fn fingerprint(packages: &[String]) -> String {
    let bytes = packages.iter().flat_map(|package| package.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{}:{hash:016x}", packages.len())
}

impl Judge for Sandbox {
    fn judge(&self, submission: &Submission<'_>, limits: &Limits) -> Result<Report, JudgeError> {
        Ok(self.execute(submission, limits)?)
    }

    fn observe(
        &self,
        program: &str,
        probes: &[Probe<'_>],
        limits: &Limits,
    ) -> Result<Vec<Observation>, JudgeError> {
        Ok(self.observe(program, probes, limits)?)
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
    fn attempt<T>(
        &mut self,
        ask: &mut impl FnMut(&mut Worker) -> Result<T, SandboxError>,
    ) -> Result<T, SandboxError> {
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => {
                let mut worker = Worker::spawn(&self.sandbox.config)?;
                worker.ready()?;
                worker
            }
        };
        let result = ask(&mut worker);
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
    matches!(error, SandboxError::WorkerLost { .. } | SandboxError::WorkerSilent { .. })
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
