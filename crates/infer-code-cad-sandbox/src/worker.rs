//! One warm interpreter: its processes, the thread that talks to it, its directory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::home::Home;
use crate::protocol::{self, Greeting, Hello, Plan, Reply, Request};
use crate::{
    Limits, Observation, Probe, Report, SandboxConfig, SandboxError, Submission, Tests, Tier,
    Verdict,
};

/// The program that the interpreter runs.
const DRIVER: &str = concat!(
    include_str!("driver/messages.py"),
    include_str!("driver/kernel.py"),
    include_str!("driver/root.py"),
    include_str!("driver/scratch.py"),
    include_str!("driver/confine.py"),
    include_str!("driver/selftest.py"),
    include_str!("driver/values.py"),
    include_str!("driver/arrays.py"),
    include_str!("driver/peer.py"),
    include_str!("driver/candidate.py"),
    include_str!("driver/zygote.py"),
    include_str!("driver/tests.py"),
    include_str!("driver/supervisor.py"),
    "main()\n",
);

/// How long an interpreter may take to warm up.
const START_TIME: Duration = Duration::from_secs(60);
/// How long a reply may take beyond the wall limit: killing, reaping, removing files.
const GRACE: Duration = Duration::from_secs(30);
/// How long an idle interpreter may take to leave by itself.
const LEAVE_TIME: Duration = Duration::from_secs(1);
/// How much of a worker's log an error shows.
const LOG_BYTES: u64 = 1000;

/// What `PYTHONHASHSEED` is: the order of a set of strings, hence a verdict, may depend on it.
pub(crate) const HASH_SEED: &str = "0";

/// What is checked, program, asserts, verdict: the verdicts are known. The first needs the library and
/// the scratch directory to be within the candidate's reach, by a module that is not warm.
const SELF_CHECK: [(&str, &str, &str, Verdict); 4] = [
    (
        "import a module and write a file",
        "import os, sched\nopen('file', 'w').close()\ndef f(): return sched.__name__, os.listdir()",
        "assert f() == ('sched', ['file'])",
        Verdict::Passed,
    ),
    ("fail an assertion", "x = 1", "assert x == 2", Verdict::Failed),
    (
        "equal whatever is expected",
        "class X:\n    def __eq__(self, other): return True\nx = X()",
        "assert x == 2",
        Verdict::Failed,
    ),
    ("leave before the tests", "import os\nos._exit(0)", "x", Verdict::Crashed),
];

#[derive(Debug)]
pub(crate) struct Worker {
    process: Child,
    /// `None` only while being dropped.
    requests: Option<Sender<Vec<u8>>>,
    replies: Receiver<io::Result<Vec<u8>>>,
    python: PathBuf,
    tier: Tier,
    log: File,
    /// The tier `full` needs no directory of the system's.
    _home: Option<Home>,
}

impl Worker {
    /// Starts the interpreter; it warms up while the caller does other things.
    pub(crate) fn spawn(config: &SandboxConfig) -> Result<Self, SandboxError> {
        let unusable = |source| SandboxError::Scratch { path: config.scratch.clone(), source };
        let home = (config.tier != Tier::Full).then(|| Home::make(&config.scratch)).transpose();
        let home = home.map_err(unusable)?;
        let log = tempfile::tempfile_in(&config.scratch).map_err(unusable)?;
        let mut command = command(config);
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(ENVIRONMENT)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().map_err(unusable)?);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0); // no Ctrl-C from a terminal
        let mut process = command.spawn().map_err(|source| {
            let python = config.python.clone();
            match source.kind() {
                io::ErrorKind::NotFound => SandboxError::PythonMissing { python },
                _ => SandboxError::PythonStart { python, source },
            }
        })?;
        let (requests, replies) = talk(&mut process);
        let plan = Plan {
            tier: config.tier,
            site_packages: config.site_packages,
            scratch: home.as_ref().map(Home::path),
            filters: filters(),
        };
        let plan = protocol::encode(&plan).map_err(unusable)?;
        let _ended_already = requests.send(plan);
        let (python, tier) = (config.python.clone(), config.tier);
        Ok(Self { process, requests: Some(requests), replies, python, tier, log, _home: home })
    }

    /// Waits until the interpreter is warm, its isolation holds and it gives the right verdicts on
    /// known programs.
    pub(crate) fn ready(&mut self) -> Result<Hello, SandboxError> {
        let unfit = |worker: &Self, reason: &str| SandboxError::PythonUnfit {
            python: worker.python.clone(),
            log: format!("{reason} {}", worker.log()).trim().to_owned(),
        };
        let greeting = match self.replies.recv_timeout(START_TIME) {
            Ok(Ok(greeting)) => greeting,
            Ok(Err(_)) => return Err(unfit(self, "")),
            Err(_) => return Err(SandboxError::WorkerSilent { waited: START_TIME }),
        };
        let greeting = serde_json::from_slice(&greeting);
        let hello = match greeting.map_err(|error| unfit(self, &error.to_string()))? {
            Greeting::Hello(hello) => hello,
            Greeting::Refused { refused: [layer, answer, remedy] } => {
                let tier = self.tier;
                return Err(SandboxError::Isolation { tier, layer, answer, remedy });
            }
        };
        self.self_check()?;
        tracing::debug!(python = hello.python, tier = %self.tier, "sandbox worker ready");
        Ok(hello)
    }

    /// Judges one submission; `limits` have been checked.
    pub(crate) fn execute(
        &mut self,
        submission: &Submission<'_>,
        limits: &Limits,
    ) -> Result<Report, SandboxError> {
        match self.ask(&Request::judge(submission, limits), limits.wall_time)? {
            Reply::Report(report) => Ok(report.into_report(self.tier)),
            reply => Err(self.no_answer(reply)),
        }
    }

    /// Looks at a program; `limits` have been checked.
    pub(crate) fn observe(
        &mut self,
        program: &str,
        probes: &[Probe<'_>],
        limits: &Limits,
    ) -> Result<Vec<Observation>, SandboxError> {
        // At worst each probe takes the loaded program along.
        let loads_and_probes = u32::try_from(2 * probes.len() + 1).unwrap_or(u32::MAX);
        let longest = limits.wall_time.saturating_mul(loads_and_probes);
        match self.ask(&Request::observe(program, probes, limits), longest)? {
            Reply::Observed(seen) if seen.len() == probes.len() => {
                Ok(seen.into_iter().map(Into::into).collect())
            }
            reply => Err(self.no_answer(reply)),
        }
    }

    fn ask(&mut self, request: &impl Serialize, longest: Duration) -> Result<Reply, SandboxError> {
        let message = protocol::encode(request).map_err(|error| self.lost(&error.to_string()))?;
        let requests = self.requests.as_ref().expect("only a dropped worker has no sender");
        requests.send(message).map_err(|_| self.lost("it has ended"))?;
        let waited = longest.saturating_add(GRACE);
        let reply = match self.replies.recv_timeout(waited) {
            Ok(reply) => reply.map_err(|error| self.lost(&error.to_string()))?,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                return Err(SandboxError::WorkerSilent { waited });
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(self.lost("it has ended")),
        };
        serde_json::from_slice(&reply).map_err(|error| self.lost(&error.to_string()))
    }

    fn no_answer(&self, reply: Reply) -> SandboxError {
        match reply {
            Reply::Invalid { part, reason } => SandboxError::InvalidSubmission { part, reason },
            Reply::Fault(reason) => self.lost(&reason),
            Reply::Report(_) | Reply::Observed(_) => self.lost("it answered another question"),
        }
    }

    fn self_check(&mut self) -> Result<(), SandboxError> {
        for (check, program, asserts, expected) in SELF_CHECK {
            let tests = Tests::new(asserts);
            let submission = Submission::new(program, &tests);
            let answer = match self.execute(&submission, &Limits::default()) {
                Ok(report) if report.verdict == expected => continue,
                Ok(report) => format!("{} ({})", report.verdict, report.reason),
                Err(error) => error.to_string(),
            };
            return Err(SandboxError::SelfCheck {
                python: self.python.clone(),
                check,
                answer,
                tier: self.tier,
            });
        }
        Ok(())
    }

    fn lost(&self, reason: &str) -> SandboxError {
        SandboxError::WorkerLost { reason: reason.to_owned(), log: self.log() }
    }

    /// The end of what the interpreter wrote to its standard error.
    fn log(&self) -> String {
        let (mut log, mut end) = (&self.log, Vec::new());
        let length = log.seek(SeekFrom::End(0)).unwrap_or(0);
        let _nothing = log
            .seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES)))
            .and_then(|_| log.take(LOG_BYTES).read_to_end(&mut end));
        String::from_utf8_lossy(&end).trim().to_owned()
    }

    #[cfg(test)]
    pub(crate) fn process_mut(&mut self) -> &mut Child {
        &mut self.process
    }
}

impl Drop for Worker {
    /// Hangs up, which an idle interpreter follows by ending; otherwise ends it.
    fn drop(&mut self) {
        self.requests = None;
        let start = Instant::now();
        while start.elapsed() < LEAVE_TIME {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(2));
        }
        // Both fail only if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A thread that owns the pipes, so that a reply can be waited for with a time limit. It sends one
/// reply per request, and ends at the first fault.
fn talk(process: &mut Child) -> (Sender<Vec<u8>>, Receiver<io::Result<Vec<u8>>>) {
    let (requests, incoming) = mpsc::channel::<Vec<u8>>();
    let (outgoing, replies) = mpsc::channel();
    let pipes = process.stdin.take().zip(process.stdout.take());
    let (mut to, mut from) = pipes.expect("both were asked for as pipes");
    thread::spawn(move || {
        while let Ok(message) = incoming.recv() {
            let reply = protocol::exchange(&message, &mut to, &mut from);
            let broken = reply.is_err();
            if outgoing.send(reply).is_err() || broken {
                return;
            }
        }
    });
    (requests, replies)
}

/// What the interpreter's environment holds besides the PATH; candidates have none.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("LC_ALL", "C.UTF-8"),
    ("PYTHONHASHSEED", HASH_SEED),
    ("MALLOC_ARENA_MAX", "1"),
    // A process of several threads can enter no user namespace.
    ("OPENBLAS_NUM_THREADS", "1"),
    ("OMP_NUM_THREADS", "1"),
    ("MKL_NUM_THREADS", "1"),
];

/// The seccomp programs; none where there are none for the system, which refuses the tiers that need them.
fn filters() -> BTreeMap<&'static str, Vec<String>> {
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    return crate::filter::programs();
    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    return BTreeMap::new();
}

/// No `PYTHON*` variable of the user's reaches the interpreter, so `-I` would only switch off the fixed
/// hash seed.
fn command(config: &SandboxConfig) -> Command {
    let python = program(&config.python);
    let mut command = match crate::isolation::launcher(config.tier) {
        Some((launcher, arguments)) => {
            let mut command = Command::new(launcher);
            command.args(arguments).arg(python);
            command
        }
        None => Command::new(python),
    };
    command.args(["-s", "-B"]).args((!config.site_packages).then_some("-S")).args(["-c", DRIVER]);
    command
}

/// A bare name is looked up in the PATH; a relative path must not depend on the working directory
/// given to the interpreter.
fn program(python: &Path) -> PathBuf {
    if python.components().count() > 1 {
        std::path::absolute(python).unwrap_or_else(|_| python.to_owned())
    } else {
        python.to_owned()
    }
}
