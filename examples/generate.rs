//! Writes a function from its signature and docstring, streaming.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use infer_code_cad::tasks::Problem;
use infer_code_cad::{SolveConfig, SolveEvent, solve};

mod common;

/// Completes a Python function with one of the paper's techniques.
#[derive(Parser)]
struct Args {
    /// The signature, as in `def f(xs):`.
    #[arg(long, requires = "docstring", required_unless_present = "file")]
    signature: Option<String>,
    /// What the function does.
    #[arg(long, requires = "signature")]
    docstring: Option<String>,
    /// A Python file that ends in a signature with a docstring; `-` reads standard input.
    #[arg(long, conflicts_with = "signature")]
    file: Option<PathBuf>,
    #[command(flatten)]
    technique: common::TechniqueArgs,
    #[command(flatten)]
    model: common::ModelArgs,
    /// Longest completion in tokens.
    #[arg(long, default_value_t = 128)]
    max_new_tokens: usize,
    /// Seed of all random draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Prints one JSON object at the end instead of streaming.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let problem = problem(args)?;
    let model = args.model.open()?;
    let technique = args.technique.build(true)?;
    let config = SolveConfig {
        n_samples: 1,
        prompt_format: args.technique.prompt_format()?,
        max_new_tokens: args.max_new_tokens,
        seed: args.seed,
        ..SolveConfig::default()
    };
    // Several drafts would interleave: only the chosen one is shown then.
    let stream = !args.json && technique.selector.drafts() == 1;
    let mut chosen = None;
    let stats = solve(&technique, &[problem], &model, &config, &mut |event| {
        match event {
            SolveEvent::Text { text, .. } if stream => {
                print!("{text}");
                let _ = std::io::stdout().flush();
            }
            SolveEvent::Solution { solution, .. } => chosen = Some(solution),
            _ => {}
        }
        common::interrupted()
    })?;
    let Some(solution) = chosen else { return Ok(()) };
    if args.json {
        let seconds = (stats.prefill_time + stats.decode_time).as_secs_f64();
        println!(
            "{}",
            serde_json::json!({
                "technique": technique.name, "completion": solution.completion,
                "program": solution.program, "passages": solution.passages,
                "tokens": solution.draft_tokens, "seconds": seconds,
            })
        );
    } else if stream {
        println!();
    } else {
        println!("{}", solution.completion);
    }
    Ok(())
}

fn problem(args: &Args) -> Result<Problem, common::Failure> {
    let prompt = match (&args.signature, &args.docstring, &args.file) {
        (Some(signature), Some(docstring), _) => {
            let text = docstring.replace('\\', r"\\").replace('"', r#"\""#);
            format!("{}\n    \"\"\"{text}\"\"\"\n", signature.trim_end())
        }
        (_, _, Some(path)) if path.as_os_str() != "-" => {
            std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?
        }
        _ => std::io::read_to_string(std::io::stdin())?,
    };
    Ok(Problem::from_prompt("prompt", &prompt)?)
}
