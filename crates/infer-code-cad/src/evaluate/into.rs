use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use infer_code_cad_metrics::PeakMemory;
use infer_code_cad_tasks::Task;

use super::run::{Ran, Sink, run};
use super::work::Work;
use super::{Evaluation, Executor, Progress};
use crate::{
    Error, Journal, JournalDrafts, JournalError, KnownDraft, KnownDrafts, RunHeader, SolveConfig,
    SolveEvent, Technique, results,
};

/// [`evaluate`](super::evaluate) into a [`Journal`], which survives a kill, and the results derived from it.
///
/// The file is created, or the run in it goes on: verdicts and drafts that are there are not made again, and
/// what failed is tried again. `benchmark` says what the tasks are, such as `mbpp test`. Once every sample
/// has a verdict or a failure, the results are written beside it ([`results_path`](crate::results_path)).
/// The returned records and cost are those of all sessions together. Where the executor has a
/// [`Shard`](crate::Shard), the file is one of several that [`merge`](crate::merge) puts together; results are
/// then written by whoever has all.
///
/// # Errors
/// [`Error::Journal`] before any work when the file cannot be used, and when it can no longer be written to;
/// and those of [`evaluate`](super::evaluate). What was stored before stays.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
///
/// use infer_code_cad::engine::EngineConfig;
/// use infer_code_cad::sandbox::{Limits, Sandbox, SandboxConfig, SandboxError};
/// use infer_code_cad::{
///     Executor, SolveConfig, Solver, Supplies, Technique, embedded, evaluate_into, results_path,
/// };
///
/// let sandbox = match Sandbox::start(&SandboxConfig::default()) {
///     Err(SandboxError::PythonMissing { .. }) => return Ok(()), // install python3
///     sandbox => sandbox?,
/// };
/// let solver = Solver::new(&embedded::model()?, &EngineConfig::default());
/// let executor = Executor::new(solver, sandbox, Limits::default());
/// let technique = Technique::named("vanilla", &Supplies::default())?;
/// let tasks = &embedded::tasks()?[..4];
/// let config = SolveConfig { n_samples: 1, ..SolveConfig::default() };
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("vanilla.jsonl");
/// let mut judged = 0;
/// for _session in 0..2 {
///     evaluate_into(&path, "tiny", &technique, tasks, &executor, &config, &mut |progress| {
///         judged += usize::from(matches!(progress, infer_code_cad::Progress::Judged { .. }));
///         ControlFlow::Continue(())
///     })?;
/// }
/// assert_eq!(judged, 4, "the second session finds everything done");
/// assert!(results_path(&path).exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn evaluate_into(
    path: &Path,
    benchmark: &str,
    technique: &Technique,
    tasks: &[Task],
    executor: &Executor,
    config: &SolveConfig,
    sink: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Evaluation, Error> {
    let memory = PeakMemory::start();
    results::check_results(&results::results_path(path))?;
    let header = RunHeader::new(benchmark, technique, tasks, executor, config)?;
    let mut journal = Journal::open(path, &header)?;
    let mut work = Work::new(technique, tasks, executor, config)?;
    let resumed = go_on(&mut journal, &mut work)?;
    let cancelled = run_into(&mut journal, &work, memory, resumed, sink)?;
    journal.sync()?;
    let run = journal.run();
    if run.is_complete() {
        results::derive(path, run)?;
    }
    let records = executor.shard.part(run.records()).collect::<Result<_, _>>()?;
    let (throughput, judging) = (run.throughput(), run.judging());
    Ok(Evaluation { records, throughput, judging, peak_bytes: run.memory().peak_bytes, cancelled })
}

/// Stores the prompts, and leaves to do what the file lacks; tells when that is not all.
fn go_on(journal: &mut Journal, work: &mut Work<'_>) -> Result<Option<Progress<'static>>, Error> {
    for prompt in work.prompts().flatten() {
        journal.prompt(&prompt)?;
    }
    let run = journal.run();
    let (judged, of) = work.skip(|task_id, sample| run.has_verdict(task_id, sample));
    let known = Either { own: JournalDrafts::of(run), given: work.solver.known.take() };
    work.solver.known = Some(Arc::new(known));
    Ok((judged > 0).then_some(Progress::Resumed { judged, of }))
}

/// [`run`], storing what happens before it is told: whether it was broken off.
fn run_into(
    journal: &mut Journal,
    work: &Work<'_>,
    memory: PeakMemory,
    resumed: Option<Progress<'_>>,
    sink: &mut Sink<'_>,
) -> Result<bool, Error> {
    let mut stored = Ok(());
    let mut store_and_tell = |progress: Progress<'_>| {
        // After a line that could not be stored none is, so that none hides it.
        if stored.is_ok() {
            stored = store(journal, work, &progress);
        }
        if stored.is_err() { ControlFlow::Break(()) } else { sink(progress) }
    };
    let cancelled = match resumed.map(&mut store_and_tell) {
        Some(ControlFlow::Break(())) => Ok(true),
        _ => run(work, memory, &mut store_and_tell).map(|Ran { cancelled, .. }| cancelled),
    };
    // What the file refused comes first: it is why the rest was given up.
    stored?;
    cancelled
}

fn store(
    journal: &mut Journal,
    work: &Work<'_>,
    progress: &Progress<'_>,
) -> Result<(), JournalError> {
    match *progress {
        Progress::Writing(SolveEvent::Drafted { problem, draft, .. }) => {
            journal.draft(work.task_id(*problem), draft)
        }
        Progress::Judged { problem, record } => journal.sample(work.task_id(problem), record),
        Progress::Failed { record, .. } => journal.failure(record),
        // A session that drew nothing leaves the file as it is.
        Progress::Generated { session } if session.prefill_tokens + session.decode_tokens > 0 => {
            journal.session(session)
        }
        _ => journal.sync_due(),
    }
}

/// The drafts of the file itself, and else those that were given.
#[derive(Debug)]
struct Either {
    own: JournalDrafts,
    given: Option<Arc<dyn KnownDrafts>>,
}

impl KnownDrafts for Either {
    fn draft(&self, address: &str) -> Option<KnownDraft> {
        let given = || self.given.as_ref().and_then(|given| given.draft(address));
        self.own.draft(address).or_else(given)
    }
}
