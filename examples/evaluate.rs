//! Measures one technique on HumanEval, MBPP or the embedded problems; resumes where it stopped.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use infer_code_cad::{Journal, JournalDrafts, Judging, Progress, Solver, evaluate_into, rejudge};

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
    #[command(flatten)]
    sampling: common::SamplingArgs,
    #[command(flatten)]
    judge: common::JudgeArgs,
    #[command(flatten)]
    shard: common::ShardArgs,
    /// Result file; an existing one is resumed. What is derived from it is FILE.results.jsonl.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// An earlier result file whose drafts are taken where they are the same, as of vanilla for sc.
    #[arg(long, value_name = "FILE")]
    drafts: Option<PathBuf>,
    /// Runs the programs of an existing result file again and lists other verdicts; needs no model.
    #[arg(long, conflicts_with_all = common::WRITING)]
    rejudge: bool,
    /// Judges once all drafts are written, so that tokens/s are timed undisturbed; without it beside them.
    #[arg(long)]
    judge_after: bool,
    /// Prints the summary as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    common::list_techniques();
    let args = Args::parse();
    common::exit(if args.rejudge { judge_again(&args) } else { run(&args) })
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let shard = args.shard.shard()?;
    Journal::check(&args.out)?; // before a model is loaded
    let tasks = args.technique.tasks(args.benchmark.load()?)?;
    let technique = args.technique.build(args.benchmark.is_embedded())?;
    let config = args.sampling.over(args.technique.config()?)?;
    let known = args.drafts.as_deref().map(JournalDrafts::read).transpose()?;
    let mut solver = Solver::new(&args.model.open()?, &args.sampling.engine());
    solver.known = known.map(|known| Arc::new(known) as _);
    let mut executor = args.judge.executor(solver, args.benchmark.file(), &tasks)?;
    executor.judging = if args.judge_after { Judging::After } else { Judging::Beside };
    executor.shard = shard;
    let (name, benchmark) = (&technique.name, args.benchmark.to_string());
    let all = shard.part(&tasks).count() * args.sampling.n;
    let mut bar = common::progress(name, all);
    let sink = &mut |progress: Progress<'_>| bar.show(&progress);
    let evaluation =
        evaluate_into(&args.out, &benchmark, &technique, &tasks, &executor, &config, sink);
    bar.finish();
    let evaluation = evaluation?;
    let done: usize = evaluation.records.iter().map(|record| record.samples.len()).sum();
    if evaluation.cancelled {
        return Err(format!("stopped, {done} of {all} samples are judged and stored").into());
    }
    if !shard.is_whole() {
        eprintln!("shard {shard} done: {done} of {all} samples are judged; merge the shards");
        return Ok(());
    }
    if args.judge_after && evaluation.judging == Some(Judging::Beside) {
        // An earlier session was one without the flag, or a selection runs programs of its own.
        eprintln!("notice: programs ran beside some of the generation, so it was not undisturbed");
    }
    common::print(&evaluation.summary(name, &[1, 5, 10])?, args.json)
}

fn judge_again(args: &Args) -> Result<(), common::Failure> {
    let (tasks, judge) = (args.benchmark.load()?, args.judge.judge()?);
    let limits = args.judge.limits(args.benchmark.file(), &tasks, &judge)?;
    let again = rejudge(&args.out, &tasks, &judge, &limits, &mut |_, _| common::interrupted())?;
    for other in &again.differing {
        let now = other.now.map_or("none".to_owned(), |now| now.to_string());
        println!("{} sample {}: {} at first, now {now}", other.task_id, other.sample, other.was);
    }
    println!("{} of {} programs came out otherwise", again.differing.len(), again.judged);
    Ok(())
}
