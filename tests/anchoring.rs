//! Selective prompt anchoring: its formula by transformers, and its two prompts; `fixtures/anchoring.py` has it compute
//! them.
//!
//! What the authors' `SPALogitsProcessor` does without its attention mask was run once beside the fixture, and chose
//! all of its tokens.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use infer_code_cad::decode::{ContextAware, Contrast, Decoder, Greedy, TokenId};
use infer_code_cad::engine::{
    Completion, Engine, EngineConfig, Event, LogProbs, Request, generate,
};
use infer_code_cad::native::NativeModel;
use infer_code_cad::tasks::Problem;
use infer_code_cad::{SolveConfig, SolveEvent, solve};
use serde::Deserialize;

use crate::decoding_parity::{model, read};

#[derive(Deserialize)]
struct Example {
    /// E, and E' of another length.
    prompt: Vec<TokenId>,
    masked: Vec<TokenId>,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    w: f32,
    modulation: bool,
    tokens: Vec<TokenId>,
    /// The most probable tokens of each step, with their log-probabilities.
    best: Vec<Vec<(TokenId, f64)>>,
    smallest_margin: f64,
}

fn anchoring(w: f32, modulation: bool) -> ContextAware<Contrast, Greedy> {
    let mut decoder = ContextAware::new(w - 1.0, Greedy);
    decoder.mix.modulation = modulation;
    decoder
}

/// 24 tokens with the five most probable ones of each row.
fn complete(
    model: &Arc<NativeModel>,
    streams: &[&[TokenId]],
    decoder: impl Decoder + 'static,
) -> Completion {
    let vocabulary = Arc::new(Vec::<&[u8]>::new());
    let mut engine = Engine::new(model.clone(), vocabulary, EngineConfig::default()).unwrap();
    let streams = streams.iter().map(|stream| stream.to_vec()).collect();
    let mut request = Request::new("anchoring", streams, Arc::new(decoder));
    (request.max_new_tokens, request.log_probs) = (24, LogProbs::Top(5));
    let mut done = None;
    generate(&mut engine, [request], &mut |_, event| {
        match event {
            Event::Finished { completion, .. } => done = Some(completion),
            Event::Failed { error, .. } => panic!("{error}"),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    done.unwrap()
}

#[test]
fn tokens_and_logits_are_those_of_the_formula() {
    let families: BTreeMap<String, Vec<Example>> = read("anchoring.json");
    assert_eq!(families.len(), 4);
    for (name, examples) in &families {
        let model = model(name);
        for Example { prompt, masked, runs } in examples {
            assert_ne!(prompt.len(), masked.len());
            let plain = complete(&model, &[prompt], Greedy);
            for Run { w, modulation, tokens, best, smallest_margin } in runs {
                let case = format!("{name}, w {w}, modulation {modulation}");
                assert!(*smallest_margin > 1e-3, "{case}: a tie");
                let ours = complete(&model, &[prompt, masked], anchoring(*w, *modulation));
                assert_eq!(&ours.tokens, tokens, "{case}");
                assert_ne!(ours.log_prob, plain.log_prob, "{case}");
                // A difference 19 times as large has an error 19 times as large.
                let most = if *w < 10.0 { 2e-4 } else { 2e-3 };
                assert_eq!((ours.log_probs.len(), best.len()), (24, 24));
                for (row, best) in ours.log_probs.iter().zip(best) {
                    assert_eq!((row.top.len(), best.len()), (5, 5));
                    for (ours, (_, theirs)) in row.top.iter().zip(best) {
                        assert!((ours.1 - theirs).abs() < most, "{case}: {ours:?}, not {theirs}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_weight_of_one_is_vanilla_bit_for_bit_and_so_are_all_without_an_anchor() {
    let families: BTreeMap<String, Vec<Example>> = read("anchoring.json");
    for (name, examples) in &families {
        let (model, Example { prompt, masked, .. }) = (model(name), &examples[0]);
        let plain = complete(&model, &[prompt], Greedy);
        for modulation in [false, true] {
            let ours = complete(&model, &[prompt, masked], anchoring(1.0, modulation));
            assert_eq!(ours.tokens, plain.tokens, "{name}");
            assert_eq!(ours.log_prob.to_bits(), plain.log_prob.to_bits(), "{name}");
            for w in [1.4, 3.0, 20.0] {
                let ours = complete(&model, &[prompt, prompt], anchoring(w, modulation));
                assert_eq!(ours.tokens, plain.tokens, "{name}, w {w}");
                let error = (ours.log_prob - plain.log_prob).abs();
                assert!(error < 1e-3, "{name}, w {w}: {error}");
            }
        }
    }
}

/// By their name, on problems with an anchor and without.
#[test]
fn a_docstring_of_examples_has_no_anchor() {
    let prompts = [
        "def double(x):\n    \"\"\"Return twice x.\n    >>> double(2)\n    4\n    \"\"\"\n",
        "def double(x):\n    \"\"\">>> double(2)\n    4\n    \"\"\"\n",
    ];
    let problems = prompts.map(|prompt| Problem::from_prompt("double", prompt).unwrap());
    let config = SolveConfig { n_samples: 1, max_new_tokens: 40, ..SolveConfig::default() };
    let run = |name: &str| {
        let mut found = BTreeMap::new();
        solve(&crate::technique(name), &problems, &crate::solver(), &config, &mut |event| {
            if let SolveEvent::Solution { problem, solution, .. } = event {
                found.insert(problem, solution.completion);
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    };
    let control = run("control+greedy");
    for alpha in ["0.4", "19"] {
        let anchored = run(&format!("cad(question=masked-sentences,alpha={alpha})+greedy"));
        assert_eq!(anchored[&1], control[&1], "alpha {alpha}");
        assert!(alpha == "0.4" || anchored[&0] != control[&0], "the anchor tells");
    }
}
