//! One warm interpreter: its process, the thread that talks to it, its scratch directory.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::protocol::{self, Hello, Reply, Request};
use crate::{Isolation, Limits, Report, SandboxConfig, SandboxError, Submission, Tests, Verdict};

/// The program that the interpreter runs.
const DRIVER: &str = concat!(
    include_str!("driver/isolation.py"),
    include_str!("driver/candidate.py"),
    include_str!("driver/zygote.py"),
);

/// How long an interpreter may take to warm up.
const START_TIME: Duration = Duration::from_secs(60);
/// How long a reply may take beyond the wall limit: killing, reaping, removing files.
const GRACE: Duration = Duration::from_secs(30);
/// How long an idle interpreter may take to leave by itself.
const LEAVE_TIME: Duration = Duration::from_secs(1);

/// What `PYTHONHASHSEED` is: the order of a set of strings, hence a verdict, may depend on it.
pub(crate) const HASH_SEED: &str = "0";

/// What is checked, program, asserts, verdict: the verdicts are known. The first needs the library and
/// the scratch directory to be within the candidate's reach, by a module that is not warm.
const SELF_CHECK: [(&str, &str, &str, Verdict); 3] = [
    (
        "import a module and write a file",
        "import os, sched\nopen(os.path.abspath('file'), 'w').close()",
        "assert sched.scheduler and os.path.exists('file')",
        Verdict::Passed,
    ),
    ("fail an assertion", "x = 1", "assert x == 2", Verdict::Failed),
    ("leave before the tests", "import os\nos._exit(0)", "", Verdict::Crashed),
];

#[derive(Debug)]
pub(crate) struct Worker {
    process: Child,
    /// `None` only while being dropped.
    requests: Option<Sender<Vec<u8>>>,
    replies: Receiver<io::Result<Vec<u8>>>,
    python: PathBuf,
    home: TempDir,
}

impl Worker {
    /// Starts the interpreter; it warms up while the caller does other things.
    pub(crate) fn spawn(config: &SandboxConfig) -> Result<Self, SandboxError> {
        let unusable = |source| SandboxError::Scratch { path: config.scratch.clone(), source };
        let home = make_home(&config.scratch).map_err(unusable)?;
        let log = File::create(log_path(&home)).map_err(unusable)?;
        let mut command = Command::new(program(&config.python));
        // No PYTHON* variable of the user's reaches the interpreter, so -I would only switch off
        // the fixed hash seed.
        command
            .args(["-s", "-S", "-B", "-c", DRIVER])
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs([("LC_ALL", "C.UTF-8"), ("PYTHONHASHSEED", HASH_SEED), ("MALLOC_ARENA_MAX", "1")])
            .current_dir(home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
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
        Ok(Self { process, requests: Some(requests), replies, python: config.python.clone(), home })
    }

    /// Waits until the interpreter is warm and gives the right verdicts on known programs.
    pub(crate) fn ready(&mut self) -> Result<Hello, SandboxError> {
        let unfit = |worker: &Self, reason: &str| SandboxError::PythonUnfit {
            python: worker.python.clone(),
            log: format!("{reason} {}", worker.log()).trim().to_owned(),
        };
        let hello = match self.replies.recv_timeout(START_TIME) {
            Ok(Ok(hello)) => hello,
            Ok(Err(_)) => return Err(unfit(self, "")),
            Err(_) => return Err(SandboxError::WorkerSilent { waited: START_TIME }),
        };
        let hello: Hello =
            serde_json::from_slice(&hello).map_err(|error| unfit(self, &error.to_string()))?;
        self.self_check(&hello.layers)?;
        tracing::debug!(python = hello.python, isolation = %hello.layers, "sandbox worker ready");
        Ok(hello)
    }

    /// Judges one submission; `limits` have been checked.
    pub(crate) fn execute(
        &mut self,
        submission: &Submission<'_>,
        limits: &Limits,
    ) -> Result<Report, SandboxError> {
        let message = protocol::encode(&Request::new(submission, limits))
            .map_err(|error| self.lost(&error.to_string()))?;
        let requests = self.requests.as_ref().expect("only a dropped worker has no sender");
        requests.send(message).map_err(|_| self.lost("it has ended"))?;
        let waited = limits.wall_time + GRACE;
        let reply = match self.replies.recv_timeout(waited) {
            Ok(reply) => reply.map_err(|error| self.lost(&error.to_string()))?,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                return Err(SandboxError::WorkerSilent { waited });
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(self.lost("it has ended")),
        };
        match serde_json::from_slice(&reply).map_err(|error| self.lost(&error.to_string()))? {
            Reply::Report(report) => Ok(report.into()),
            Reply::Invalid { part, reason } => {
                Err(SandboxError::InvalidSubmission { part, reason })
            }
            Reply::Fault(reason) => Err(SandboxError::Confinement { reason }),
        }
    }

    fn self_check(&mut self, isolation: &Isolation) -> Result<(), SandboxError> {
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
                isolation: isolation.clone(),
            });
        }
        Ok(())
    }

    fn lost(&self, reason: &str) -> SandboxError {
        SandboxError::WorkerLost { reason: reason.to_owned(), log: self.log() }
    }

    /// The end of what the interpreter wrote to its standard error.
    fn log(&self) -> String {
        let bytes = fs::read(log_path(&self.home)).unwrap_or_default();
        let end = &bytes[bytes.len().saturating_sub(1000)..];
        String::from_utf8_lossy(end).trim().to_owned()
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

/// A thread that owns the pipes, so that a reply can be waited for with a time limit. It sends the
/// interpreter's first message, then one reply per request, and ends at the first fault.
fn talk(process: &mut Child) -> (Sender<Vec<u8>>, Receiver<io::Result<Vec<u8>>>) {
    let (requests, incoming) = mpsc::channel::<Vec<u8>>();
    let (outgoing, replies) = mpsc::channel();
    let pipes = process.stdin.take().zip(process.stdout.take());
    let (mut to, mut from) = pipes.expect("both were asked for as pipes");
    thread::spawn(move || {
        let mut reply = protocol::receive(&mut from);
        loop {
            let broken = reply.is_err();
            if outgoing.send(reply).is_err() || broken {
                return;
            }
            let Ok(message) = incoming.recv() else { return };
            reply = protocol::exchange(&message, &mut to, &mut from);
        }
    });
    (requests, replies)
}

/// A directory that candidates may pass through but not list or write to; each gets its own below.
fn make_home(scratch: &Path) -> io::Result<TempDir> {
    let home = tempfile::Builder::new().prefix("sandbox-").tempdir_in(scratch)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o711))?;
    }
    Ok(home)
}

fn log_path(home: &TempDir) -> PathBuf {
    home.path().join("log")
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
