use std::any::Any;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use infer_code_cad_sandbox::{Judge, Limits, Report, Submission, Tests};

/// How long nothing may happen before the sink is asked whether to go on.
pub(crate) const PATIENCE: Duration = Duration::from_millis(100);

/// Faults of the judge in a row, on more than one problem, after which it counts as gone.
pub(crate) const FAULTS: usize = 8;

/// Threads that judge programs while others are written.
///
/// They own all they use and are never waited for: dropping this value returns at once, and each of them
/// ends after the program it is at, which may take as long as the limits allow.
#[derive(Debug)]
pub(crate) struct Judges<T> {
    jobs: Sender<Job<T>>,
    outcomes: Receiver<Outcome<T>>,
    /// Jobs without an outcome yet.
    pending: usize,
}

/// A program to judge; `about` comes back with the outcome.
#[derive(Debug)]
pub(crate) struct Job<T> {
    pub(crate) about: T,
    pub(crate) program: String,
    pub(crate) tests: Arc<Tests>,
    pub(crate) limits: Limits,
}

/// What came of a [`Job`].
#[derive(Debug)]
pub(crate) struct Outcome<T> {
    pub(crate) about: T,
    /// The judge's own fault, in words, where it has no report.
    pub(crate) report: Result<Report, String>,
}

impl<T: Send + 'static> Judges<T> {
    /// As many threads as the judge has workers.
    pub(crate) fn start(judge: &Arc<dyn Judge>) -> Self {
        let (jobs, waiting) = channel();
        let (sender, outcomes) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..judge.workers().max(1) {
            let judge = judge.clone();
            let (waiting, sender) = (waiting.clone(), sender.clone());
            thread::spawn(move || judge_all(judge.as_ref(), &waiting, &sender));
        }
        Self { jobs, outcomes, pending: 0 }
    }

    pub(crate) fn submit(&mut self, job: Job<T>) {
        // The threads listen for as long as this value lives.
        self.pending += usize::from(self.jobs.send(job).is_ok());
    }

    pub(crate) fn pending(&self) -> usize {
        self.pending
    }

    /// What is there.
    pub(crate) fn ready(&mut self) -> Option<Outcome<T>> {
        let outcome = self.outcomes.try_recv().ok()?;
        self.pending -= 1;
        Some(outcome)
    }

    /// What is there within `patience`.
    pub(crate) fn wait(&mut self, patience: Duration) -> Option<Outcome<T>> {
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
    waiting: &Mutex<Receiver<Job<T>>>,
    outcomes: &Sender<Outcome<T>>,
) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { about, program, tests, limits }) = job else { return };
        let report = judge_one(judge, &Submission::new(&program, &tests), &limits);
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

/// Faults of the judge since its last verdict.
#[derive(Default)]
pub(crate) struct Faults {
    in_a_row: usize,
    problems: BTreeSet<usize>,
    /// The last one, when they are too many.
    pub(crate) gone: Option<String>,
}

impl Faults {
    /// Breaks when they are too many to be the programs' doing.
    pub(crate) fn add(&mut self, problem: usize, reason: &str) -> ControlFlow<()> {
        self.in_a_row += 1;
        self.problems.insert(problem);
        if self.in_a_row < FAULTS || self.problems.len() == 1 {
            return ControlFlow::Continue(());
        }
        self.gone = Some(reason.to_owned());
        ControlFlow::Break(())
    }
}
