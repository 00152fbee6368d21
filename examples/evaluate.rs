//! Measures one technique on HumanEval, MBPP or the embedded problems; resumes where it stopped.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::sandbox::{Limits, Sandbox, SandboxConfig};
use infer_code_cad::tasks::StopPreset;
use infer_code_cad::{
    Executor, Journal, LanguageModel, Progress, RunHeader, SolveConfig, Summary, evaluate, table,
};

mod common;

/// Evaluates a technique and prints pass@1, pass@5 and pass@10.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    benchmark: common::BenchmarkArgs,
    #[command(flatten)]
    technique: common::TechniqueArgs,
    #[command(flatten)]
    model: common::ModelArgs,
    /// Solutions per problem.
    #[arg(long, default_value = "10", value_parser = common::positive)]
    n: usize,
    /// Longest completion in tokens.
    #[arg(long, default_value_t = 128)]
    max_new_tokens: usize,
    /// Most streams in one forward pass.
    #[arg(long, default_value_t = 64)]
    max_rows: usize,
    /// Strings that end a completion: none, bigcode, lm-eval, evalplus or paper-code. All but none
    /// take it for a bare body, which cot does not write.
    #[arg(long, default_value = "none")]
    stop: StopPreset,
    /// Seed of all random draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Result file, one problem per line; an existing one is resumed.
    #[arg(long)]
    out: PathBuf,
    /// Prints the summary as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let problems = args.benchmark.load()?;
    let technique = args.technique.build(args.benchmark.is_embedded())?;
    let config = SolveConfig {
        n_samples: args.n,
        prompt_format: args.technique.prompt_format()?,
        max_new_tokens: args.max_new_tokens,
        stop: args.stop.strings().iter().map(ToString::to_string).collect(),
        max_rows: args.max_rows,
        seed: args.seed,
        ..SolveConfig::default()
    };
    let model = LanguageModel { name: args.model.to_string(), ..args.model.open()? };
    let sandbox = Sandbox::start(&SandboxConfig::default())?;
    let benchmark = args.benchmark.to_string();
    let header = RunHeader::new(&technique, &model, benchmark, &problems, &config)?;
    let mut journal = Journal::open(&args.out, &header)?;
    let remaining = journal.remaining(&problems);
    let (total, done) = (problems.len(), problems.len() - remaining.len());
    if done > 0 {
        eprintln!("resuming: {done} of {total} problems are done");
    }
    let executor = Executor { model: &model, sandbox: &sandbox, limits: Limits::default() };
    let bar = common::progress(&technique.name, remaining.len() * args.n);
    let mut stored = Ok(());
    let evaluation = evaluate(&technique, &remaining, &executor, &config, &mut |event| {
        if let Progress::Finished(record) = event {
            stored = journal.append(record);
        }
        if stored.is_err() { std::ops::ControlFlow::Break(()) } else { bar.show(&event) }
    })?;
    bar.finish();
    stored?;
    journal.close_session(&evaluation.throughput)?;
    if evaluation.cancelled {
        let done = journal.records().len();
        return Err(format!("stopped, {done} of {total} problems are done and stored").into());
    }
    let records = journal.records_of(&problems);
    let (cost, peak) = (journal.throughput(), evaluation.peak_bytes);
    let summary = Summary::new(&technique.name, &records, cost, peak, &[1, 5, 10])?;
    if args.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        print!("{}", table(&[summary]));
    }
    Ok(())
}
