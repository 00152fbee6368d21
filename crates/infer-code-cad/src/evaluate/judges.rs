use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use infer_code_cad_sandbox::{Judge, Limits, Report, Submission, Tests};

/// Threads that judge programs while others are written.
///
/// They own all they use and are never waited for: dropping this value returns at once, and each of them
/// ends after the program it is at, which may take as long as the limits allow.
#[derive(Debug)]
pub(super) struct Judges<T> {
    jobs: Sender<Job<T>>,
    outcomes: Receiver<Outcome<T>>,
    /// Jobs without an outcome yet.
    pending: usize,
}

/// A program to judge; `about` comes back with the outcome.
#[derive(Debug)]
pub(super) struct Job<T> {
    pub(super) about: T,
    pub(super) program: String,
    pub(super) tests: Arc<Tests>,
}

/// What came of a [`Job`].
#[derive(Debug)]
pub(super) struct Outcome<T> {
    pub(super) about: T,
    /// The judge's own fault, in words, where it has no report.
    pub(super) report: Result<Report, String>,
}

impl<T: Send + 'static> Judges<T> {
    /// As many threads as the judge has workers.
    pub(super) fn start(judge: &Arc<dyn Judge>, limits: &Limits) -> Self {
        let (jobs, waiting) = channel();
        let (sender, outcomes) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..judge.workers().max(1) {
            let (judge, limits) = (judge.clone(), limits.clone());
            let (waiting, sender) = (waiting.clone(), sender.clone());
            thread::spawn(move || judge_all(judge.as_ref(), &limits, &waiting, &sender));
        }
        Self { jobs, outcomes, pending: 0 }
    }

    pub(super) fn submit(&mut self, job: Job<T>) {
        // The threads listen for as long as this value lives.
        self.pending += usize::from(self.jobs.send(job).is_ok());
    }

    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    /// What is there.
    pub(super) fn ready(&mut self) -> Option<Outcome<T>> {
        let outcome = self.outcomes.try_recv().ok()?;
        self.pending -= 1;
        Some(outcome)
    }

    /// What is there within `patience`.
    pub(super) fn wait(&mut self, patience: Duration) -> Option<Outcome<T>> {
        match self.outcomes.recv_timeout(patience) {
            Ok(outcome) => {
                self.pending -= 1;
                Some(outcome)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                self.pending = 0;
                None
            }
        }
    }
}

/// Judges until the jobs end or nobody listens any more.
fn judge_all<T>(
    judge: &dyn Judge,
    limits: &Limits,
    waiting: &Mutex<Receiver<Job<T>>>,
    outcomes: &Sender<Outcome<T>>,
) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { about, program, tests }) = job else { return };
        let report = judge_one(judge, &Submission::new(&program, &tests), limits);
        if outcomes.send(Outcome { about, report }).is_err() {
            return;
        }
    }
}

/// A judge that fails, or panics, has failed this program and no other.
fn judge_one(
    judge: &dyn Judge,
    submission: &Submission<'_>,
    limits: &Limits,
) -> Result<Report, String> {
    let judged = catch_unwind(AssertUnwindSafe(|| judge.judge(submission, limits)));
    match judged {
        Ok(report) => report.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("the judge panicked: {}", message(panic.as_ref()))),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
