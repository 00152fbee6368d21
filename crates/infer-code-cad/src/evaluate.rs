use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use infer_code_cad_engine::GenerateStats;
use infer_code_cad_metrics::{PeakMemory, Throughput};
use infer_code_cad_sandbox::{Limits, Report, Sandbox, SandboxError, Submission};
use infer_code_cad_tasks::Problem;

use crate::{
    Error, LanguageModel, Record, SampleRecord, Solution, SolveConfig, SolveEvent, Technique, solve,
};

/// What runs a technique: a model to write programs and a sandbox to judge them.
#[derive(Debug)]
pub struct Executor<'a> {
    /// Writes.
    pub model: &'a LanguageModel,
    /// Judges, while the model goes on writing.
    pub sandbox: &'a Sandbox,
    /// What one program may use.
    pub limits: Limits,
}

/// What [`evaluate`] reports as it goes. Problems are indices into its input.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// The model writes; solutions are reported once they are judged.
    Writing(&'a SolveEvent<'a>),
    /// A sample was judged.
    Judged {
        /// Which problem.
        problem: usize,
        /// Which of its samples.
        sample: usize,
        /// The outcome.
        record: &'a SampleRecord,
    },
    /// All samples of a problem were judged. Store it now: nothing else keeps it from a kill.
    Finished(&'a Record),
}

/// The outcome of [`evaluate`].
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// One per finished problem, in the order of the input.
    pub records: Vec<Record>,
    /// What generation cost, unfinished problems included.
    pub throughput: Throughput,
    /// Peak resident memory of the process meanwhile, in bytes, where the system tells.
    pub peak_bytes: Option<u64>,
    /// Whether the sink broke off the run, so that problems are missing.
    pub cancelled: bool,
}

/// Solves every problem and judges every solution, streaming results.
///
/// Programs are judged on the sandbox's workers while the model writes the next ones. Neither the
/// order of problems nor the number of rows or workers changes a result.
///
/// # Errors
/// Those of [`solve`], and [`Error::Sandbox`] when the sandbox itself fails, which ends the run:
/// its faults never count as failed samples. What was reported as finished stays valid.
pub fn evaluate(
    technique: &Technique,
    problems: &[Problem],
    executor: &Executor<'_>,
    config: &SolveConfig,
    sink: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Evaluation, Error> {
    let memory = PeakMemory::start();
    let mut ledger = Ledger::new(problems, config.n_samples);
    let (job_sender, jobs) = channel::<Job>();
    let jobs = Mutex::new(jobs);
    let stats = thread::scope(|scope| {
        // Made in here, so that an early end hangs up on the workers before they are waited for.
        let (outcome_sender, outcomes) = channel::<Outcome>();
        for _ in 0..executor.sandbox.workers() {
            let (jobs, outcomes) = (&jobs, outcome_sender.clone());
            scope.spawn(move || judge_all(executor, problems, jobs, &outcomes));
        }
        drop(outcome_sender);
        let mut fault = None;
        let stats = solve(technique, problems, executor.model, config, &mut |event| match event {
            SolveEvent::Solution { problem, sample, solution } => {
                // The workers hold the other end until this side hangs up.
                let _ = job_sender.send(Job { problem, sample, solution });
                ControlFlow::Continue(())
            }
            writing => {
                sink(Progress::Writing(&writing))?;
                ledger.enter(outcomes.try_iter(), sink, &mut fault)
            }
        });
        drop(job_sender);
        let stats = stats?;
        let mut cancelled = stats.cancelled;
        if cancelled {
            // What is judged already is kept, what is not is dropped.
            let _ = ledger.enter(outcomes.try_iter(), sink, &mut fault);
        } else {
            cancelled = ledger.enter(outcomes.iter(), sink, &mut fault).is_break();
        }
        match fault {
            Some(fault) => Err(Error::Sandbox(fault)),
            None => Ok(GenerateStats { cancelled, ..stats }),
        }
    })?;
    Ok(Evaluation {
        records: ledger.finished.into_iter().flatten().collect(),
        throughput: throughput(&stats),
        peak_bytes: memory.stop(),
        cancelled: stats.cancelled,
    })
}

struct Job {
    problem: usize,
    sample: usize,
    solution: Solution,
}

struct Outcome {
    problem: usize,
    sample: usize,
    solution: Solution,
    report: Result<Report, SandboxError>,
}

/// A worker: judges until the jobs end or nobody listens any more.
fn judge_all(
    executor: &Executor<'_>,
    problems: &[Problem],
    jobs: &Mutex<Receiver<Job>>,
    outcomes: &Sender<Outcome>,
) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { problem, sample, solution }) = job else { return };
        let submission = Submission {
            setup: &problems[problem].setup,
            program: &solution.program,
            tests: &problems[problem].tests,
        };
        let report = executor.sandbox.execute(&submission, &executor.limits);
        if outcomes.send(Outcome { problem, sample, solution, report }).is_err() {
            return;
        }
    }
}

/// Collects samples until a problem is complete.
struct Ledger {
    open: Vec<Vec<Option<SampleRecord>>>,
    task_ids: Vec<String>,
    finished: Vec<Option<Record>>,
}

impl Ledger {
    fn new(problems: &[Problem], n_samples: usize) -> Self {
        Self {
            open: vec![vec![None; n_samples]; problems.len()],
            task_ids: problems.iter().map(|p| p.task_id.clone()).collect(),
            finished: vec![None; problems.len()],
        }
    }

    /// Enters outcomes and reports them; breaks when the sink does or the sandbox failed.
    fn enter(
        &mut self,
        outcomes: impl Iterator<Item = Outcome>,
        sink: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
        fault: &mut Option<SandboxError>,
    ) -> ControlFlow<()> {
        for Outcome { problem, sample, solution, report } in outcomes {
            let report = match report {
                Ok(report) => report,
                Err(error) => {
                    *fault = Some(error);
                    return ControlFlow::Break(());
                }
            };
            let passages = solution.passages.clone();
            let record = SampleRecord::new(solution, report);
            let record = self.open[problem][sample].insert(record);
            let told = sink(Progress::Judged { problem, sample, record });
            if self.open[problem].iter().all(Option::is_some) {
                let samples =
                    std::mem::take(&mut self.open[problem]).into_iter().flatten().collect();
                let task_id = self.task_ids[problem].clone();
                let record = self.finished[problem].insert(Record { task_id, passages, samples });
                sink(Progress::Finished(record))?;
            }
            told?;
        }
        ControlFlow::Continue(())
    }
}

fn throughput(stats: &GenerateStats) -> Throughput {
    Throughput {
        prefill_tokens: stats.prefill_tokens as u64,
        prefill_time: stats.prefill_time,
        decode_tokens: stats.decode_tokens as u64,
        decode_time: stats.decode_time,
    }
}
