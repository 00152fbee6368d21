//! Context-aware decoding against the guided generation of transformers, token by token.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use infer_code_cad::checkpoint::Checkpoint;
use infer_code_cad::decode::{ContextAware, Decoder, Greedy, TokenId};
use infer_code_cad::engine::{Engine, EngineConfig, Event, Request, generate};
use infer_code_cad::native::{Format, NativeModel, NativeOptions};
use serde::Deserialize;

const FAMILIES: [&str; 4] = ["llama", "gemma2", "bigcode", "qwen2"];

/// What `make_families.py`, beside the fixtures, had transformers generate.
#[derive(Deserialize)]
struct Guided {
    context: Vec<TokenId>,
    question: Vec<TokenId>,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    alpha: f32,
    tokens: Vec<TokenId>,
    /// Between the two best scores of any step; far above the error of f32.
    smallest_margin: f32,
}

fn fixture(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("crates/infer-code-cad-checkpoint/tests/fixtures").join(name)
}

fn open(name: &str) -> (Arc<NativeModel>, Guided) {
    let json = std::fs::read(fixture(name).join("guided.json")).unwrap();
    let options = NativeOptions { weights: Some(Format::F32), ..NativeOptions::default() };
    let model = NativeModel::load(&Checkpoint::open(&fixture(name)).unwrap(), &options).unwrap();
    (Arc::new(model), serde_json::from_slice(&json).unwrap())
}

/// 64 tokens, the prompt read so many tokens at a time.
fn complete(
    model: &Arc<NativeModel>,
    streams: &[&[TokenId]],
    decoder: impl Decoder + 'static,
    tokens_per_pass: usize,
) -> Vec<TokenId> {
    let config = EngineConfig { tokens_per_pass, ..EngineConfig::default() };
    let mut engine = Engine::new(model.clone(), Arc::new(Vec::<&[u8]>::new()), config).unwrap();
    let streams = streams.iter().map(|stream| stream.to_vec()).collect();
    let mut request = Request::new("parity", streams, Arc::new(decoder));
    request.max_new_tokens = 64;
    let mut tokens = vec![];
    generate(&mut engine, [request], &mut |_, event| {
        if let Event::Token { token, .. } = event {
            tokens.push(token);
        }
        ControlFlow::Continue(())
    });
    tokens
}

#[test]
fn the_tokens_are_those_of_transformers() {
    for name in FAMILIES {
        let (model, guided) = open(name);
        let streams = [&guided.context[..], &guided.question];
        assert_ne!(guided.context.len(), guided.question.len());
        for Run { alpha, tokens, smallest_margin } in &guided.runs {
            assert_eq!(tokens.len(), 64);
            assert!(*smallest_margin > 1e-3, "{name}: a tie at alpha {alpha}");
            let decoder = ContextAware::new(*alpha, Greedy);
            // Whole prompts, and in pieces that end within the window of Gemma 2 and beyond it.
            for piece in [512, 5] {
                let ours = complete(&model, &streams, decoder.clone(), piece);
                assert_eq!(&ours, tokens, "{name}, alpha {alpha}, pieces of {piece}");
            }
        }
    }
}

/// The fixtures tell techniques apart: neither the context alone nor the other alpha does as well.
#[test]
fn the_contrast_shows_in_the_tokens() {
    for name in FAMILIES {
        let (model, guided) = open(name);
        let vanilla = complete(&model, &[&guided.context], Greedy, 512);
        for run in &guided.runs {
            assert_ne!(vanilla, run.tokens, "{name}, alpha {}", run.alpha);
        }
        assert_ne!(guided.runs[0].tokens, guided.runs[1].tokens, "{name}");
        let streams = [&guided.context[..], &guided.question];
        let none = complete(&model, &streams, ContextAware::new(0.0, Greedy), 512);
        assert_eq!(none, vanilla, "{name}");
    }
}
