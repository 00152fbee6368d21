//! Runs every row of a table, or a study of one's own, with one command; resumes what was stopped.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::Folders;
use infer_code_cad::report::{Statistics, StudyReport};

#[path = "../common/mod.rs"]
mod common;
mod forecast;
mod inputs;
mod plans;
mod session;

/// Runs a plan: arms on benchmarks, with one model or more. What is done is not done again.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    plan: plans::PlanArgs,
    /// Models, each a directory, a .gguf file, org/name on the Hugging Face hub or a short name; without it the
    /// embedded one.
    #[arg(long, value_name = "MODEL,..", value_delimiter = ',')]
    models: Vec<String>,
    #[command(flatten)]
    holding: common::HoldingArgs,
    #[command(flatten)]
    passages: common::PassageArgs,
    #[command(flatten)]
    judge: common::JudgeArgs,
    /// Where journals are, outside of a checkout; without it icc-runs in the home directory.
    #[arg(long, value_name = "FOLDER")]
    runs: Option<PathBuf>,
    /// Also keeps finished runs as small archives here, and takes those that are there as done.
    #[arg(long, value_name = "FOLDER")]
    archives: Option<PathBuf>,
    /// The folder of the report.
    #[arg(long, value_name = "FOLDER", default_value = "report")]
    out: PathBuf,
    /// Judges once all drafts of a run are written, so that tokens/s are timed undisturbed.
    #[arg(long)]
    judge_after: bool,
    /// Says what is to be run and how long that takes, and ends.
    #[arg(long)]
    dry_run: bool,
    /// Writes to this file which arm is best switched on for the model: of the plan tune, or one like it.
    #[arg(long, value_name = "FILE")]
    tune: Option<PathBuf>,
    /// Runs nothing and writes the report of what is there; needs no model.
    #[arg(long, conflicts_with = "dry_run")]
    report_only: bool,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let mut plan = args.plan.plan()?;
    let home = || std::env::home_dir().ok_or("there is no home directory; say --runs FOLDER");
    let journals =
        args.runs.clone().map_or_else(|| home().map(|home| home.join("icc-runs")), Ok)?;
    let folders = Folders { journals, archives: args.archives.clone() };
    let embedded = vec!["tiny".to_owned()];
    let specs = if args.models.is_empty() { &embedded } else { &args.models };
    let mut names = vec![];
    for spec in specs {
        names.push(inputs::model_name(spec).to_owned());
        if !args.report_only {
            let spec = (!args.models.is_empty()).then_some(spec.as_str());
            session::run(args, &mut plan, spec, &folders)?;
        }
    }
    if args.dry_run {
        return Ok(());
    }
    if let Some(file) = &args.tune {
        plan.tune(&names[0], &folders)?.write(file)?;
    }
    let study = plan.study(&names, &folders)?;
    let report = StudyReport::new(&study, &Statistics::default())?;
    let written = report.write_to(&args.out)?;
    common::say(format_args!("{}", report.markdown()));
    eprintln!("{} files are in {}", written.len(), args.out.display());
    Ok(())
}
