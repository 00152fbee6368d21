//! What guessed tokens save: on edits, on copies out of a passage and on fresh functions.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use infer_code_cad::checkpoint::Message;
use infer_code_cad::decode::{ContextAware, Decoder, Greedy, Nucleus, TokenId};
use infer_code_cad::engine::{Engine, EngineConfig, Event, NGrams, Request, generate};
use infer_code_cad::tasks::load_humaneval;
use infer_code_cad::{LanguageModel, PromptFormat, Solver, Writer};

#[path = "../common/mod.rs"]
mod common;
mod workload;

/// Times the same completions with and without guesses, by turns, and checks that they are the same.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    model: common::ModelArgs,
    /// HumanEval's file. Its solutions are what is edited and copied.
    #[arg(long, value_name = "FILE")]
    problems: PathBuf,
    /// How many of its problems.
    #[arg(long, default_value = "10", value_parser = common::positive)]
    n: usize,
    /// Samples of each, at once.
    #[arg(long, default_value = "1", value_parser = common::positive)]
    samples: usize,
}

fn main() -> ExitCode {
    common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), common::Failure> {
    let tasks = load_humaneval(&args.problems)?.into_iter().take(args.n).collect::<Vec<_>>();
    let model = args.model.open()?;
    let writer = PromptFormat::default().writer(&Solver::new(&model, &EngineConfig::default()))?;
    let nucleus = Nucleus { temperature: 0.8, top_p: 0.9, ..Nucleus::default() };
    let decoders: [Arc<dyn Decoder>; 4] = [
        Arc::new(Greedy),
        Arc::new(nucleus.clone()),
        Arc::new(ContextAware::new(0.5, Greedy)),
        Arc::new(ContextAware::new(0.5, nucleus)),
    ];
    println!("workload  tokens  plain s  guessed s  times as fast  passes plain  guessed  decoder");
    for (name, ask) in workload::ALL {
        for decoder in &decoders {
            let mut sums = [(0, 0.0, 0); 2]; // tokens, seconds, passes
            for task in &tasks {
                let said = [ask(task), task.problem.signature.clone()];
                let said = said.into_iter().take(decoder.arity());
                let streams = said.map(|text| writer.chat(&[Message::user(text)], ""));
                let streams = streams.map(|stream| Ok(stream?.tokens));
                let streams = streams.collect::<Result<Vec<_>, common::Failure>>()?;
                let mut request = Request::new(&task.problem.task_id, streams, decoder.clone());
                (request.samples, request.max_new_tokens) = (0..args.samples, 256);
                request.eos.clone_from(&model.eos);
                let plain = timed(&model, &request, &mut sums[0])?;
                request.speculation = Some(Arc::new(NGrams::default()));
                if timed(&model, &request, &mut sums[1])? != plain {
                    return Err("guesses changed a token".into());
                }
            }
            let [(tokens, plain, passes), (_, guessed, fewer)] = sums;
            let (ratio, decoder) = (plain / guessed, decoder.settings());
            println!(
                "{name:<8} {tokens:>7} {plain:>8.2} {guessed:>10.2} {ratio:>14.2} {passes:>13} {fewer:>8}  {decoder}"
            );
        }
    }
    Ok(())
}

/// The tokens of all samples; adds their number, seconds and passes.
fn timed(
    model: &LanguageModel,
    request: &Request,
    sums: &mut (usize, f64, usize),
) -> Result<Vec<Vec<TokenId>>, common::Failure> {
    let (lm, config) = (model.causal_lm.clone(), EngineConfig::default());
    let mut engine = Engine::new(lm, model.tokenizer.clone(), config)?;
    let (mut done, clock) = (vec![], Instant::now());
    let stats = generate(&mut engine, [request.clone()], &mut |_, event| {
        if let Event::Finished { sample, completion } = event {
            done.push((sample, completion.tokens));
        }
        ControlFlow::Continue(())
    });
    sums.0 += done.iter().map(|(_, tokens)| tokens.len()).sum::<usize>();
    sums.1 += clock.elapsed().as_secs_f64() - stats.prefill_time.as_secs_f64();
    sums.2 += stats.decode_steps;
    done.sort();
    Ok(done.into_iter().map(|(_, tokens)| tokens).collect())
}
