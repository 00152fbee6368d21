//! Five strangers that come in through the open doors: none of them needed a line of engine or decode; and what is
//! turned away.
//!
//! They run on the table model, whose paths have rational probabilities, on the scripted judge, and on the
//! embedded model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod beam;
mod fallbacks;
mod guard;
mod scoring;
mod speculator;
mod waves;

use std::ops::ControlFlow;
use std::sync::Arc;

use infer_code_cad::decode::Vocabulary;
use infer_code_cad::engine::{
    CausalLm, Completion, Engine, EngineConfig, Event, Request, generate,
};

/// The completions of a request in the order of its samples, each with the text that a reader saw.
fn complete(
    model: Arc<dyn CausalLm>,
    vocabulary: Arc<dyn Vocabulary>,
    request: Request,
) -> Vec<(Completion, String)> {
    let samples = request.samples.len();
    let config = EngineConfig { max_rows: 256, ..EngineConfig::default() };
    let mut engine = Engine::new(model, vocabulary, config).unwrap();
    let mut seen = vec![String::new(); samples];
    let mut done: Vec<Option<Completion>> = vec![None; samples];
    generate(&mut engine, [request], &mut |_, event| {
        match event {
            Event::Token { sample, text, .. } => seen[sample].push_str(&text),
            Event::Finished { sample, completion } => done[sample] = Some(completion),
            Event::Failed { error, .. } => panic!("{error}"),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    done.into_iter().map(Option::unwrap).zip(seen).collect()
}
