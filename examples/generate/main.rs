//! Writes a function from its signature and docstring, streaming; or completes token ids.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::engine::{EngineConfig, GenerateStats};
use infer_code_cad::{Prompted, Solution, SolveEvent, Solver, Technique, solve};

#[path = "../common/mod.rs"]
mod common;
mod prompt;
mod tokens;

/// Completes a Python function with one of the paper's techniques.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    prompt: prompt::PromptArgs,
    #[command(flatten)]
    tokens: tokens::TokenArgs,
    #[command(flatten)]
    technique: common::TechniqueArgs,
    #[command(flatten)]
    model: common::ModelArgs,
    #[command(flatten)]
    drawing: common::DrawingArgs,
    #[command(flatten)]
    isolation: common::IsolationArgs,
    /// Prints one JSON object at the end instead of streaming.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    common::list_techniques();
    let args = Args::parse();
    common::exit(if args.tokens.tokens.is_empty() { run(&args) } else { args.tokens.run(&args) })
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let problem = args.prompt.problem()?;
    let technique = args.technique.build(true)?;
    let config = args.drawing.over(args.technique.config()?, 1)?;
    let mut solver = Solver::new(&args.model.open()?, &EngineConfig::default());
    if args.technique.runs_programs()? {
        solver.judge = args.isolation.sandbox()?;
    }
    // Several drafts would interleave: only the chosen one is shown then.
    let stream = !args.json && technique.selector.most_drafts() == 1;
    let (mut prompt, mut chosen, mut failure) = (None, None, None);
    let stats = solve(&technique, &[problem], &solver, &config, &mut |event| {
        common::notice(&event);
        match event {
            SolveEvent::Text { text, .. } if stream => {
                print!("{text}");
                let _ = std::io::stdout().flush();
            }
            SolveEvent::Prompted { prompted, .. } => prompt = Some(prompted.clone()),
            SolveEvent::Solution { solution, .. } => chosen = Some(solution),
            SolveEvent::Failed { reason, .. } => failure = Some(reason),
            _ => {}
        }
        common::interrupted()
    })?;
    match (chosen, failure) {
        (_, Some(reason)) => return Err(reason.into()),
        (Some(solution), None) if args.json => {
            println!("{}", json(&technique, &solution, prompt.as_ref(), &stats));
        }
        (Some(_), None) if stream => println!(),
        (Some(solution), None) => println!("{}", solution.completion),
        (None, None) => {} // broken off
    }
    Ok(())
}

fn json(
    technique: &Technique,
    solution: &Solution,
    prompted: Option<&Prompted>,
    stats: &GenerateStats,
) -> serde_json::Value {
    let shown = prompted.iter().flat_map(|prompted| &prompted.shown).filter(|shown| shown.kept);
    let passages: Vec<&str> = shown.map(|shown| shown.passage.id.as_str()).collect();
    serde_json::json!({
        "technique": technique.name, "completion": solution.completion,
        "program": solution.program, "passages": passages, "why": solution.why,
        "tokens": solution.draft_tokens,
        "seconds": (stats.prefill_time + stats.decode_time).as_secs_f64(),
        "first_token_seconds": stats.prefill_time.as_secs_f64(),
    })
}
