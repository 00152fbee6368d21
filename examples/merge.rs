//! Puts the result files of a run's shards together into one, as if `evaluate` had done all of it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::{StoredRun, Summary, merge};

mod common;

/// Merges result files of `evaluate --shard` and prints pass@1, pass@5 and pass@10.
#[derive(Parser)]
struct Args {
    /// The result files of all shards, in any order; they stay as they are.
    #[arg(value_name = "FILE", required = true)]
    shards: Vec<PathBuf>,
    /// The result file of the whole run, a new one. What is derived from it is FILE.results.jsonl.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Prints the summary as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    merge(&args.shards, &args.out)?;
    let run = StoredRun::read(&args.out)?;
    let records = run.records().collect::<Result<Vec<_>, _>>()?;
    let (name, throughput) = (&run.header().technique.name, run.throughput());
    let mut summary =
        Summary::new(name, &records, &throughput, run.memory().peak_bytes, &[1, 5, 10])?;
    summary.judging = run.judging();
    common::print(&summary, args.json)
}
