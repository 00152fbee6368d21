//! Every technique of the paper on the embedded model: `cargo run --release --example quickstart`.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use infer_code_cad::engine::EngineConfig;
use infer_code_cad::sandbox::{Limits, Sandbox};
use infer_code_cad::tasks::{Problem, Task};
use infer_code_cad::{
    Error, Executor, Judging, LanguageModel, PaperTechnique, SolveConfig, SolveEvent, Solver,
    Supplies, embedded, evaluate, solve, table,
};

/// Tries one embedded problem live, then measures the six techniques of the paper.
#[derive(Parser)]
struct Args {
    /// Measures every embedded problem instead of every fourth.
    #[arg(long)]
    full: bool,
    /// Solutions per problem.
    #[arg(long, default_value = "10", value_parser = common::positive)]
    n: usize,
    /// Seed of all random draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    isolation: common::IsolationArgs,
}

mod common;

fn main() -> std::process::ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), Error> {
    let start = Instant::now();
    let model = embedded::model()?;
    let supplies = Supplies { retriever: Some(embedded::retriever()?), ..Supplies::default() };
    let tasks = embedded::tasks()?;
    let config = SolveConfig { n_samples: args.n, seed: args.seed, ..SolveConfig::default() };
    let live = tasks.iter().find(|task| task.problem.term().is_some()).expect("the set has such");
    show_one(&model, &supplies, &live.problem)?;
    println!("\nfirst result after {:.1} s\n", start.elapsed().as_secs_f64());
    let measured: Vec<Task> = tasks.into_iter().step_by(if args.full { 1 } else { 4 }).collect();
    measure(&model, &supplies, &measured, &config, &args.isolation.sandbox()?)?;
    println!("\nfinished after {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Streams one solution, written with a passage from the glossary.
fn show_one(model: &LanguageModel, supplies: &Supplies, problem: &Problem) -> Result<(), Error> {
    let solver = Solver::new(model, &EngineConfig::default());
    let technique = PaperTechnique::Rag.build(supplies)?;
    print!("{}, one try with {}:\n\n{}", problem.task_id, technique.name, problem.prompt);
    let config = SolveConfig { n_samples: 1, ..SolveConfig::default() };
    solve(&technique, std::slice::from_ref(problem), &solver, &config, &mut |event| {
        if let SolveEvent::Text { text, .. } = event {
            print!("{text}");
            let _ = std::io::stdout().flush();
        }
        ControlFlow::Continue(())
    })?;
    Ok(())
}

fn measure(
    model: &LanguageModel,
    supplies: &Supplies,
    tasks: &[Task],
    config: &SolveConfig,
    sandbox: &Arc<Sandbox>,
) -> Result<(), Error> {
    let glossary = tasks.iter().filter(|task| task.problem.term().is_some()).count();
    println!("{} problems, {glossary} of them with a term from the glossary;", tasks.len());
    println!("{} samples each, temperature 0.8, top-p 0.9, seed {}", config.n_samples, config.seed);
    let mut summaries = Vec::new();
    for name in PaperTechnique::ALL {
        let technique = name.build(supplies)?;
        // An engine each: none may find prompts that another technique paid for.
        let solver = Solver::new(model, &EngineConfig::default());
        let mut executor = Executor::new(solver, sandbox.clone(), Limits::default());
        executor.judging = Judging::After; // so that tokens/s are timed undisturbed
        let mut bar = common::progress(&technique.name, tasks.len() * config.n_samples);
        let run = evaluate(&technique, tasks, &executor, config, &mut |event| bar.show(&event))?;
        bar.finish();
        if run.cancelled {
            break;
        }
        summaries.push(run.summary(&technique.name, &[1, 5, 10])?);
    }
    println!("\n{}", table(&summaries));
    for name in PaperTechnique::ALL {
        println!("{name:<10}{}", name.description());
    }
    Ok(())
}
