//! Log-probabilities of a text or of token ids under a model, as JSON.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use infer_code_cad::engine::{Engine, EngineConfig, next_logits, score};

mod common;

/// Prints the log-probability of every token after the first, given those before it.
#[derive(Parser)]
struct Args {
    /// The text to score.
    #[arg(long, required_unless_present = "tokens", conflicts_with = "tokens")]
    text: Option<String>,
    /// Token ids to score, separated by commas; the directory then needs no tokenizer.
    #[arg(long, value_delimiter = ',')]
    tokens: Vec<u32>,
    /// Adds the last position's largest logits, this many.
    #[arg(long, default_value_t = 0)]
    logits: usize,
    #[command(flatten)]
    model: common::ModelArgs,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let checkpoint = args.model.source.checkpoint()?;
    let model = args.model.options().build(&checkpoint)?;
    let tokens = match &args.text {
        Some(text) => checkpoint.tokenizer()?.encode(text)?,
        None => args.tokens.clone(),
    };
    let no_text = Arc::new(Vec::<&[u8]>::new());
    let mut engine = Engine::new(model.clone(), no_text, EngineConfig::default())?;
    let log_probabilities = score(&mut engine, &tokens)?;
    let mut output = serde_json::json!({
        "tokens": tokens,
        "log_probabilities": log_probabilities,
        "sum": log_probabilities.iter().sum::<f64>(),
    });
    if args.logits > 0 {
        let logits = next_logits(&*model, &tokens)?;
        let mut ranked: Vec<(usize, f32)> = logits.into_iter().enumerate().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(args.logits);
        let entry = |(token, logit)| serde_json::json!({ "token": token, "logit": logit });
        output["next_logits"] = ranked.into_iter().map(entry).collect();
    }
    println!("{output}");
    Ok(())
}
