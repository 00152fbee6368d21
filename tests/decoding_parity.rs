//! Beam searches and cuts against those of transformers; `fixtures/beams.py` has it compute them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use infer_code_cad::checkpoint::Checkpoint;
use infer_code_cad::decode::{Beam, ContextAware, Decoder, Greedy, Logits, Nucleus, TokenId};
use infer_code_cad::engine::{Completion, Engine, EngineConfig, Event, Request, generate};
use infer_code_cad::native::{Format, NativeModel, NativeOptions};
use serde::Deserialize;

#[derive(Deserialize)]
struct Run {
    prompt: Vec<TokenId>,
    eos: Vec<TokenId>,
    beams: usize,
    length_penalty: f32,
    tokens: Vec<TokenId>,
    /// Of the tokens' sum of log-probabilities, over the power of their length.
    score: f64,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    let json = std::fs::read(root().join("tests/fixtures").join(name)).unwrap();
    serde_json::from_slice(&json).unwrap()
}

pub(crate) fn model(name: &str) -> Arc<NativeModel> {
    let path: PathBuf = root().join("crates/infer-code-cad-checkpoint/tests/fixtures").join(name);
    let options = NativeOptions { weights: Some(Format::F32), ..NativeOptions::default() };
    Arc::new(NativeModel::load(&Checkpoint::open(&path).unwrap(), &options).unwrap())
}

/// The completions of up to 24 tokens, all in one engine at once, and the tokens that each was told to a reader with.
fn complete(
    model: &Arc<NativeModel>,
    runs: &[&Run],
    decoder: impl Fn(&Run) -> Arc<dyn Decoder>,
) -> Vec<(Completion, Vec<TokenId>)> {
    let config = EngineConfig { max_rows: 40, ..EngineConfig::default() };
    let mut engine = Engine::new(model.clone(), Arc::new(Vec::<&[u8]>::new()), config).unwrap();
    let mut found = BTreeMap::new();
    let mut ids = BTreeMap::new();
    let requests: Vec<Request> = (0..runs.len())
        .map(|at| {
            let (run, decoder) = (runs[at], decoder(runs[at]));
            let streams = vec![run.prompt.clone(); decoder.arity()];
            let mut request = Request::new(at.to_string(), streams, decoder);
            (request.max_new_tokens, request.eos) = (24, run.eos.clone());
            request
        })
        .collect();
    generate(&mut engine, requests, &mut |at, event| {
        match event {
            Event::Token { token, .. } => ids.entry(at).or_insert_with(Vec::new).push(token),
            Event::Finished { completion, .. } => _ = found.insert(at, completion),
            Event::Failed { error, .. } => panic!("{error}"),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    found.into_iter().map(|(at, completion)| (completion, ids.remove(&at).unwrap())).collect()
}

#[test]
fn beams_are_those_of_transformers() {
    let families: BTreeMap<String, Vec<Run>> = read("beams.json");
    assert_eq!(families.len(), 4);
    for (name, runs) in &families {
        let (model, runs) = (model(name), runs.iter().collect::<Vec<_>>());
        let early = runs.iter().filter(|run| run.tokens.len() < 24).count();
        assert!(runs.len() >= 100 && early >= 30, "{name}: {early} of {}", runs.len());
        let completions = complete(&model, &runs, |run| {
            Arc::new(Beam { beams: run.beams, length_penalty: run.length_penalty })
        });
        for ((completion, told), run) in completions.iter().zip(&runs) {
            let Run { beams, length_penalty, eos, .. } = run;
            let which = format!("{name}: {beams} beams, {length_penalty}, ends {eos:?}");
            assert_eq!(completion.tokens, run.tokens, "{which}");
            assert_eq!(told, &run.tokens, "{which}");
            let len = completion.tokens.len() as f64;
            let score = completion.log_prob / len.powf(f64::from(*length_penalty));
            let near = 1e-4 * run.score.abs().max(1.0);
            assert!((score - run.score).abs() < near, "{which}: {score} is not {}", run.score);
        }
    }
}

/// A mix that changes nothing changes no beam, and one beam is greedy.
#[test]
fn beams_under_a_mix_are_the_same() {
    let mut families: BTreeMap<String, Vec<Run>> = read("beams.json");
    let (model, runs) = (model("llama"), families.remove("llama").unwrap());
    let runs: Vec<&Run> = runs.iter().step_by(7).collect();
    let mixed = complete(&model, &runs, |run| {
        let inner = Beam { beams: run.beams, length_penalty: run.length_penalty };
        Arc::new(ContextAware::new(0.5, inner))
    });
    for ((completion, _), run) in mixed.iter().zip(&runs) {
        assert_eq!(completion.tokens, run.tokens);
    }
    let one = complete(&model, &runs, |_| Arc::new(Beam { beams: 1, ..Beam::default() }));
    let greedy = complete(&model, &runs, |_| Arc::new(Greedy));
    assert_eq!(one.len(), greedy.len());
    for ((one, _), (greedy, _)) in one.iter().zip(&greedy) {
        assert_eq!(one.tokens, greedy.tokens);
    }
}

#[derive(Deserialize)]
struct Cut {
    /// None where a token is excluded.
    row: Vec<Option<f32>>,
    temperature: f32,
    top_k: usize,
    top_p: f32,
    min_p: f32,
    typical_p: f32,
    kept: Vec<TokenId>,
}

#[test]
fn typical_cuts_are_those_of_transformers() {
    let cuts: Vec<Cut> = read("cuts.json");
    for cut in &cuts {
        let row: Vec<f32> =
            cut.row.iter().map(|logit| logit.unwrap_or(f32::NEG_INFINITY)).collect();
        let sampler = Nucleus {
            temperature: cut.temperature,
            top_k: if cut.top_k == 0 { usize::MAX } else { cut.top_k },
            top_p: cut.top_p,
            min_p: cut.min_p,
            typical_p: cut.typical_p,
            ..Nucleus::default()
        };
        let shares = sampler.distribution(Logits::new(&row, 1, row.len()).unwrap()).unwrap();
        let mut kept: Vec<TokenId> = shares.iter().map(|share| share.0).collect();
        kept.sort_unstable();
        assert_eq!(kept, cut.kept, "{sampler:?} of {} tokens", row.len());
    }
    assert!(cuts.len() >= 40);
}
