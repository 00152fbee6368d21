//! Shows what became of a problem of a result file: the prompt, the answer, what was cut and run, and why it failed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::{StoredRun, explain};
use serde_json::{Value, json};

mod common;

/// Lists the samples of a problem with their verdicts, or with --sample shows everything about one of them.
///
/// Texts are as the model read and wrote them, chat markers included; control characters are escaped. With the
/// problems (--benchmark and --data, as of `evaluate`; the embedded ones are known) it shows the tests, too.
#[derive(Parser)]
struct Args {
    /// The problem, such as HumanEval/3.
    task: String,
    /// The result file of `evaluate`.
    #[arg(long, value_name = "FILE")]
    results: PathBuf,
    /// Which sample, from 0.
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Runs the program again in the sandbox, and shows what it prints and where it ends.
    #[arg(long, requires = "sample")]
    run: bool,
    /// Prints all of it as one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    benchmark: common::BenchmarkArgs,
    #[command(flatten)]
    judge: common::JudgeArgs,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let run = StoredRun::read(&args.results)?;
    match args.sample {
        Some(sample) => show(args, &run, sample),
        None => list(args, &run),
    }
}

fn show(args: &Args, run: &StoredRun, sample: usize) -> Result<(), common::Failure> {
    let mut explanation = explain(run, &args.task, sample)?;
    let is_same = args.benchmark.to_string() == run.header().benchmark;
    let are_embedded = args.benchmark.is_embedded() && is_same;
    let tasks = match args.benchmark.data.is_some() || are_embedded {
        true => args.benchmark.load()?,
        false => vec![],
    };
    if !tasks.is_empty() {
        explanation.add_tests(run, &tasks)?;
    }
    if args.run {
        let judge = args.judge.judge()?;
        let limits = args.judge.limits(args.benchmark.file(), &tasks, &judge)?;
        explanation.run_again(&judge, &limits.of(&args.task))?;
    }
    match args.json {
        true => common::say(format_args!("{}", serde_json::to_string(&explanation)?)),
        false => common::say(format_args!("{explanation}")),
    }
    Ok(())
}

fn list(args: &Args, run: &StoredRun) -> Result<(), common::Failure> {
    let (record, header) = (run.record(&args.task)?, run.header());
    let samples = record
        .samples
        .iter()
        .map(|sample| (Some(sample.sample), sample.verdict.to_string(), sample.reason.as_str()));
    let failures = record.failures.iter().map(|failure| {
        (failure.sample, format!("no verdict, {}", failure.stage), failure.reason.as_str())
    });
    let mut all: Vec<_> = samples.chain(failures).collect();
    all.sort_by_key(|(sample, ..)| *sample);
    if args.json {
        let lines: Vec<Value> = all
            .iter()
            .map(|(of, verdict, why)| json!({ "sample": of, "verdict": verdict, "reason": why }))
            .collect();
        common::say(format_args!("{}", serde_json::to_string(&lines)?));
        return Ok(());
    }
    let (of, passes, technique) = (header.n_samples, record.passes(), &header.technique.name);
    common::say(format_args!("{}, {technique}: {passes} of {of} samples passed", args.task));
    for (sample, verdict, reason) in all {
        let sample = sample.map_or("all".to_owned(), |sample| sample.to_string());
        let reason = reason.lines().next().unwrap_or_default();
        common::say(format_args!("{sample:>6}  {verdict:<13} {reason:.75}"));
    }
    Ok(())
}
