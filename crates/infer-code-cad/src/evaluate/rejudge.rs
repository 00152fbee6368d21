use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use infer_code_cad_sandbox::{Judge, Verdict};
use infer_code_cad_tasks::Task;

use crate::judges::{Job, Judges, Outcome, PATIENCE};
use crate::{Error, JournalError, StoredRun, TaskLimits, header, task_tests};

/// What came of running the programs of a journal once more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Rejudgement {
    /// Programs that were run again.
    pub judged: usize,
    /// Those that came out otherwise, or not at all, by task and sample.
    pub differing: Vec<Rejudged>,
    /// Whether the sink broke it off.
    pub cancelled: bool,
}

/// A program with another verdict than at first: its figure is not to be trusted to a digit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejudged {
    /// The problem.
    pub task_id: String,
    /// Which of its samples.
    pub sample: usize,
    /// The verdict in the journal.
    pub was: Verdict,
    /// The verdict now; `None` when the judge failed.
    pub now: Option<Verdict>,
    /// The reason for the verdict now, or of the failure.
    pub reason: String,
}

/// Runs all programs of a journal again and lists those whose verdict differs. The journal stays as it is.
///
/// Judge and limits may be others than the run's: the list then tells what they change. `sink` is told how
/// many of how many are done, at least ten times a second, and may break it off.
///
/// # Errors
/// [`Error::Journal`] as [`StoredRun::read`], and when `tasks` are not those of the run.
///
/// # Examples
/// ```no_run
/// use std::ops::ControlFlow;
/// use std::path::Path;
/// use std::sync::Arc;
///
/// use infer_code_cad::sandbox::{Judge, Sandbox, SandboxConfig};
/// use infer_code_cad::{TaskLimits, embedded, rejudge};
///
/// let judge: Arc<dyn Judge> = Arc::new(Sandbox::start(&SandboxConfig::default())?);
/// let (path, tasks, limits) = (Path::new("cad.jsonl"), embedded::tasks()?, TaskLimits::default());
/// let again = rejudge(path, &tasks, &judge, &limits, &mut |_, _| ControlFlow::Continue(()))?;
/// for other in &again.differing {
///     println!("{} {}: {} at first", other.task_id, other.sample, other.was);
/// }
/// # Ok::<(), infer_code_cad::Error>(())
/// ```
pub fn rejudge(
    path: &Path,
    tasks: &[Task],
    judge: &Arc<dyn Judge>,
    limits: &TaskLimits,
    sink: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Rejudgement, Error> {
    let run = StoredRun::read(path)?;
    check(path, &run, tasks)?;
    let mut judges = Judges::start(judge);
    for (task, record) in run.records().enumerate() {
        let (record, tests) = (record?, Arc::new(task_tests(&tasks[task])));
        let limits = limits.of(&tasks[task].problem.task_id);
        for sample in record.samples {
            let about = About { task, sample: sample.sample, was: sample.verdict };
            let (program, tests, limits) = (sample.program, tests.clone(), limits.clone());
            judges.submit(Job { about, program, tests, limits });
        }
    }
    let (total, mut again, mut others) = (judges.pending(), Rejudgement::default(), vec![]);
    while judges.pending() > 0 && !again.cancelled {
        others.extend(judges.wait(PATIENCE).filter(is_other));
        again.judged = total - judges.pending();
        again.cancelled = sink(again.judged, total).is_break();
    }
    others.sort_by_key(|other| (other.about.task, other.about.sample));
    again.differing = others.into_iter().map(|other| rejudged(&run, other)).collect();
    Ok(again)
}

/// What a program answered, and how it did at first.
struct About {
    task: usize,
    sample: usize,
    was: Verdict,
}

fn is_other(outcome: &Outcome<About>) -> bool {
    outcome.report.as_ref().ok().map(|report| report.verdict) != Some(outcome.about.was)
}

fn rejudged(run: &StoredRun, Outcome { about, report }: Outcome<About>) -> Rejudged {
    let (now, reason) = match report {
        Ok(report) => (Some(report.verdict), report.reason),
        Err(reason) => (None, reason),
    };
    let task_id = run.header().tasks[about.task].clone();
    Rejudged { task_id, sample: about.sample, was: about.was, now, reason }
}

/// The tests must be those that the verdicts are of: then tasks and records come in one order.
pub(crate) fn check(path: &Path, run: &StoredRun, tasks: &[Task]) -> Result<(), Error> {
    let mut now = run.header().clone();
    (now.tests, now.tasks) = (header::tests(tasks), header::task_ids(tasks)?);
    if now.tests != run.header().tests {
        // A preset may have split the prompts otherwise, which the fingerprint looks at; the tests are the same.
        let split =
            |task: &Task| Task::new(task.problem.split_at_first_quotes(), task.hidden.clone());
        let split = header::tests(&tasks.iter().map(split).collect::<Vec<_>>());
        if split == run.header().tests {
            now.tests = split;
        }
    }
    let differences = run.header().differences(&now);
    if differences.is_empty() {
        return Ok(());
    }
    Err(JournalError::Mismatch { path: path.to_owned(), differences }.into())
}
