//! Searches a store for every problem of a benchmark and writes what was found, for `evaluate --retrieved`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::retrieval::Retrieved;

mod common;

/// Searches for the docstring of every problem and writes the hits, best first.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    benchmark: common::BenchmarkArgs,
    #[command(flatten)]
    passages: common::PassageArgs,
    /// Passages of each problem.
    #[arg(long, default_value_t = 5, value_parser = common::positive)]
    top_k: usize,
    /// The file of answers; it appears when all is written.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let tasks = args.benchmark.load()?;
    let retriever = args.passages.retriever(args.benchmark.is_embedded())?;
    let retriever = retriever.ok_or("nothing to search in; say --index DIR or --passages FILE")?;
    let queries: Vec<&str> = tasks.iter().map(|task| task.problem.docstring.as_str()).collect();
    Retrieved::save(&retriever, &queries, args.top_k, &args.out)?;
    println!("{} problems: {}", tasks.len(), args.out.display());
    Ok(())
}
