//! Writes the programs of a result file of `evaluate` in the form of another tool.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::tasks::SampleForm;
use infer_code_cad::{StoredRun, export_samples};

mod common;

/// Writes what was judged, whole programs, for other tools to judge; `execute` reads all these forms, too.
#[derive(Parser)]
struct Args {
    /// The result file of `evaluate`.
    #[arg(long, value_name = "FILE")]
    results: PathBuf,
    /// human-eval (samples.jsonl), evalplus (JSON lines) or bigcode (generations.json).
    #[arg(long, value_name = "NAME")]
    form: SampleForm,
    /// The file, which must not be there yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let exported = export_samples(&StoredRun::read(&args.results)?, args.form, &args.out)?;
    if exported.unjudged > 0 {
        eprintln!("notice: {} samples have no verdict and are left out", exported.unjudged);
    }
    common::say(format_args!("{} samples: {}", exported.samples, args.out.display()));
    Ok(())
}
