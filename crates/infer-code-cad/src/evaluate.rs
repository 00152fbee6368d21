mod into;
mod judging;
mod rejudge;
mod run;
mod work;

use std::ops::ControlFlow;
use std::sync::Arc;

use infer_code_cad_metrics::{PeakMemory, Throughput};
use infer_code_cad_sandbox::Judge;
use infer_code_cad_tasks::Task;

use crate::{
    Error, FailureRecord, Record, SampleRecord, SessionRecord, Shard, SolveConfig, SolveEvent,
    Solver, Summary, TaskLimits, Technique,
};

pub use into::evaluate_into;
pub use judging::Judging;
pub(crate) use rejudge::check as check_tasks;
pub use rejudge::{Rejudged, Rejudgement, rejudge};

use run::{Ran, run};
use work::Work;

/// What measures a technique: a solver to write programs and a judge for them.
#[derive(Debug, Clone)]
pub struct Executor {
    /// Writes.
    pub solver: Solver,
    /// Judges.
    pub judge: Arc<dyn Judge>,
    /// When it does so. Only [`Judging::After`] times generation undisturbed.
    pub judging: Judging,
    /// What one program may use.
    pub limits: TaskLimits,
    /// Which of the problems; the header of a result file is that of them all.
    pub shard: Shard,
}

impl Executor {
    /// A solver and a judge beside it; the judge of the [`Solver`] is another one, which sees no hidden test.
    pub fn new(solver: Solver, judge: impl Judge + 'static, limits: impl Into<TaskLimits>) -> Self {
        let (judge, limits) = (Arc::new(judge), limits.into());
        Self { solver, judge, judging: Judging::default(), limits, shard: Shard::default() }
    }
}

/// What [`evaluate`] reports as it goes. Problems are indices into its input, or into the part of it that the
/// executor's [`Shard`] has ([`Shard::part`]).
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// The run goes on where an earlier session stopped. It comes first, if at all.
    Resumed {
        /// Samples that have their verdict.
        judged: usize,
        /// All samples of the executor's shard.
        of: usize,
    },
    /// The solver writes; solutions are reported once they are judged, failures as such.
    Writing(&'a SolveEvent<'a>),
    /// All drafts are written, or given up. What is left is to wait for verdicts. It is told once, and also
    /// after the sink broke off generation.
    Generated {
        /// What it cost, and when programs have run meanwhile.
        session: &'a SessionRecord,
    },
    /// A sample was judged.
    Judged {
        /// Which problem.
        problem: usize,
        /// The outcome.
        record: &'a SampleRecord,
    },
    /// A problem or a sample will have no verdict; the rest goes on.
    Failed {
        /// Which problem.
        problem: usize,
        /// Why.
        record: &'a FailureRecord,
    },
    /// Nothing has happened for a moment: programs run that are not done. A chance to break off.
    Waiting {
        /// How many.
        judging: usize,
    },
}

/// The outcome of [`evaluate`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Evaluation {
    /// One per problem of the executor's [`Shard`], in the order of the input, with what became of it.
    pub records: Vec<Record>,
    /// What generation cost.
    pub throughput: Throughput,
    /// When programs ran while that was timed, of all sessions [`Judging::Beside`] if it was so in one;
    /// `None` where nothing was generated. A selection that runs programs of its own, as one in waves may,
    /// runs them beside generation whatever the [`Executor`] says.
    pub judging: Option<Judging>,
    /// Peak resident memory of the process until all was written, in bytes, where the system tells.
    pub peak_bytes: Option<u64>,
    /// Whether the sink broke off the run, so that samples are missing.
    pub cancelled: bool,
}

impl Evaluation {
    /// The figures of a technique of this name, for the given `ks`.
    ///
    /// # Errors
    /// As [`Summary::new`].
    pub fn summary(&self, technique: &str, ks: &[u64]) -> Result<Summary, Error> {
        let Self { records, throughput, judging, peak_bytes, .. } = self;
        let summary = Summary::new(technique, records, throughput, *peak_bytes, ks)?;
        Ok(Summary { judging: *judging, ..summary })
    }
}

/// Solves every problem and judges every solution, streaming results.
///
/// Programs are judged on as many threads as the judge has workers, while the model writes the next ones or
/// after it has written all: [`Executor::judging`].
/// Neither the order of problems nor the number of rows or workers changes a result. What goes wrong with
/// one problem or sample, a judge's fault included, is a [`FailureRecord`] that counts as neither passed nor
/// failed. Breaking from `sink` returns at once; programs that run are left to end by themselves.
///
/// Nothing is stored: [`evaluate_into`] also survives a kill.
///
/// # Errors
/// Those of [`solve`](crate::solve); [`Error::DuplicateTask`]; [`Error::JudgeGone`] when the judge fails
/// time and again, so that it is not the programs' doing.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
///
/// use infer_code_cad::engine::EngineConfig;
/// use infer_code_cad::sandbox::{Limits, Sandbox, SandboxConfig, SandboxError};
/// use infer_code_cad::{Executor, SolveConfig, Solver, Supplies, Technique, embedded, evaluate};
///
/// let sandbox = match Sandbox::start(&SandboxConfig::default()) {
///     Err(SandboxError::PythonMissing { .. }) => return Ok(()), // install python3
///     sandbox => sandbox?,
/// };
/// let solver = Solver::new(&embedded::model()?, &EngineConfig::default());
/// let executor = Executor::new(solver, sandbox, Limits::default());
/// let technique = Technique::named("vanilla", &Supplies::default())?;
/// let (tasks, config) = (embedded::tasks()?, SolveConfig { n_samples: 1, ..SolveConfig::default() });
/// let evaluation =
///     evaluate(&technique, &tasks[..4], &executor, &config, &mut |_| ControlFlow::Continue(()))?;
/// let passes: usize = evaluation.records.iter().map(|record| record.passes()).sum();
/// assert!(passes <= 4);
/// # Ok::<(), infer_code_cad::Error>(())
/// ```
pub fn evaluate(
    technique: &Technique,
    tasks: &[Task],
    executor: &Executor,
    config: &SolveConfig,
    sink: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Evaluation, Error> {
    let memory = PeakMemory::start();
    crate::header::task_ids(tasks)?;
    let work = Work::new(technique, tasks, executor, config)?;
    let mut records = blank(&work);
    let ran = run(&work, memory, &mut |progress| {
        enter(&mut records, &progress);
        sink(progress)
    })?;
    Ok(evaluation(records, &ran))
}

/// The records of problems of which nothing but the prompt is known.
fn blank(work: &Work<'_>) -> Vec<Record> {
    let record = |(index, prompt)| Record { prompt, ..Record::new(work.task_id(index)) };
    work.prompts().enumerate().map(record).collect()
}

fn enter(records: &mut [Record], progress: &Progress<'_>) {
    match *progress {
        Progress::Writing(SolveEvent::Drafted { problem, draft, .. }) => {
            records[*problem].drafts.push((*draft).clone());
        }
        Progress::Judged { problem, record } => records[problem].samples.push(record.clone()),
        Progress::Failed { problem, record } => records[problem].failures.push(record.clone()),
        _ => {}
    }
}

fn evaluation(mut records: Vec<Record>, Ran { session, cancelled }: &Ran) -> Evaluation {
    for record in &mut records {
        record.drafts.sort_by_key(|draft| (draft.role, draft.index));
        record.samples.sort_by_key(|sample| sample.sample);
        record.failures.sort_by_key(|failure| failure.sample);
    }
    let judging = (session.prefill_tokens + session.decode_tokens > 0).then_some(session.judging);
    let (throughput, peak_bytes) = (session.throughput(), session.peak_bytes);
    Evaluation { records, throughput, judging, peak_bytes, cancelled: *cancelled }
}
