//! The arithmetic is pinned: the first tokens of some samples are those they were when `NUMERICS` was raised last.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use infer_code_cad::decode::{ContextAware, Contrast, Decoder, Nucleus, TokenId};
use infer_code_cad::engine::{Engine, EngineConfig, Event, NUMERICS, Request, generate, score};
use infer_code_cad::native::{Format, KvFormat};
use infer_code_cad::retrieval::parse_passages;
use infer_code_cad::{LanguageModel, LoadOptions};

const SAMPLES: usize = 20;
const TOKENS: usize = 64;
/// Tokens of passages, about the 500 words that the paper retrieves; fewer where a model reads no more.
const CONTEXT: usize = 700;
/// Set, it writes the tokens down anew.
const PIN: &str = "INFER_CODE_CAD_PIN";

/// A way to draw, and its streams for a prompt.
struct Arm {
    name: &'static str,
    decoder: Arc<dyn Decoder>,
    streams: fn(context: &[TokenId], prompt: &[TokenId]) -> Vec<Vec<TokenId>>,
}

fn arms() -> [Arm; 3] {
    let nucleus = Nucleus { temperature: 0.8, top_p: 0.9, ..Nucleus::default() };
    let contrast = Contrast { plausibility: 0.1, ..Contrast::new(0.5) };
    let cad = ContextAware { mix: contrast, inner: nucleus.clone() };
    let nucleus = Arc::new(nucleus);
    [
        Arm {
            name: "vanilla",
            decoder: nucleus.clone(),
            streams: |_, prompt| vec![prompt.to_vec()],
        },
        Arm {
            name: "cad",
            decoder: Arc::new(cad),
            streams: |context, prompt| {
                let near = &context[context.len() - context.len() / 8..];
                vec![[near, prompt].concat(), prompt.to_vec()]
            },
        },
        Arm {
            name: "rag",
            decoder: nucleus,
            streams: |context, prompt| vec![[context, prompt].concat()],
        },
    ]
}

/// All embedded passages.
fn passages() -> String {
    let passages = parse_passages(infer_code_cad_tiny::PASSAGES).unwrap();
    let texts: Vec<&str> = passages.iter().map(|passage| passage.text.as_str()).collect();
    texts.join("\n\n")
}

/// A line per sample: arm, problem, sample and tokens.
fn tokens(model: &LanguageModel) -> String {
    let passages = model.tokenizer.encode(&passages()).unwrap();
    let problems = crate::problems(40);
    let mut requests = vec![];
    let mut lines = vec![];
    for arm in arms() {
        for (i, problem) in problems.iter().enumerate() {
            let prompt = model.tokenizer.encode(&problem.prompt).unwrap();
            let room = model.causal_lm.max_positions() - TOKENS - prompt.len();
            let context = &passages[..CONTEXT.min(room)];
            let streams = (arm.streams)(context, &prompt);
            let mut request = Request::new(&problem.task_id, streams, arm.decoder.clone());
            request.samples = 0..SAMPLES / problems.len();
            request.max_new_tokens = TOKENS;
            lines.extend(request.samples.clone().map(|d| format!("{} {i} {d}:", arm.name)));
            requests.push(request);
        }
    }
    let of_each = SAMPLES / problems.len();
    let (lm, vocabulary) = (model.causal_lm.clone(), model.tokenizer.clone());
    let mut engine = Engine::new(lm, vocabulary, EngineConfig::default()).unwrap();
    generate(&mut engine, requests, &mut |request, event| {
        if let Event::Finished { sample, completion, .. } = event {
            for token in &completion.tokens {
                write!(lines[request * of_each + sample], " {token}").unwrap();
            }
        }
        ControlFlow::Continue(())
    });
    lines.join("\n") + "\n"
}

/// The tokens are those of the fixture, whose first line is the number of the arithmetic that gave them.
fn are_pinned(name: &str, model: &LanguageModel) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = root.join(format!("tests/fixtures/numerics/{name}.txt"));
    let actual = tokens(model);
    assert_eq!(actual.lines().count(), 3 * SAMPLES);
    assert!(actual.lines().all(|line| line.split(' ').count() == 3 + TOKENS), "{actual}");
    let pinned = std::fs::read_to_string(&path).unwrap_or_default();
    let (number, pinned) = pinned.split_once('\n').unwrap_or_default();
    let moved = pinned.lines().zip(actual.lines()).filter(|(a, b)| a != b).count();
    let is_current = number == NUMERICS.to_string();
    if std::env::var_os(PIN).is_some() && !(is_current && pinned == actual) {
        assert!(!is_current, "{name}: {moved} samples moved; raise NUMERICS");
        std::fs::write(&path, format!("{NUMERICS}\n{actual}")).unwrap();
        return;
    }
    assert!(
        pinned == actual && is_current,
        "{name}: {moved} of {} samples have other tokens than arithmetic {number} gave, and this one is \
         {NUMERICS}. Where that is meant: raise NUMERICS, write a line in CHANGELOG.md, pin them anew \
         with {PIN}=1, and run what docs/benchmarks.md reports of this model again",
        3 * SAMPLES
    );
}

#[test]
fn the_embedded_models_tokens_are_pinned() {
    are_pinned("embedded", &crate::model());
}

/// SmolLM2-135M-Instruct, its weights in Q4_1 and its head in Q8_0, where it is there.
fn real_model() -> Option<PathBuf> {
    crate::weights("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
}

#[test]
fn the_real_models_tokens_are_pinned() {
    let Some(file) = real_model() else { return };
    are_pinned("smollm2", &LanguageModel::load(file.to_str().unwrap()).unwrap());
}

/// What rounding activations costs, where the weights are the file's own; what keys and values in bytes add; and
/// what weights rounded to 8 bits do.
#[test]
fn the_real_model_is_near_its_values_in_f32() {
    let Some(file) = real_model() else { return };
    let log_probs = |weights, kv| {
        let options = LoadOptions { weights, kv, ..LoadOptions::default() };
        let model = LanguageModel::load_with(file.to_str().unwrap(), &options).unwrap();
        let tokens = model.tokenizer.encode(&passages()).unwrap();
        let (lm, vocabulary) = (model.causal_lm.clone(), model.tokenizer.clone());
        let mut engine = Engine::new(lm, vocabulary, EngineConfig::default()).unwrap();
        score(&mut engine, &tokens[..1500]).unwrap()
    };
    let exact = log_probs(Some(Format::F32), None);
    let mean_of = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    for (weights, kv, bound) in
        [(None, None, 0.065), (None, Some(KvFormat::F16), 0.06), (Some(Format::Q8_0), None, 0.085)]
    {
        let log_probs = log_probs(weights, kv);
        let errors: Vec<f64> = log_probs.iter().zip(&exact).map(|(a, b)| (a - b).abs()).collect();
        let (mean, gain) = (mean_of(&errors), mean_of(&log_probs) - mean_of(&exact));
        let worst = errors.iter().copied().fold(0.0, f64::max);
        let weights = weights.map_or("as stored".to_owned(), |format| format.to_string());
        let kv = kv.unwrap_or(KvFormat::Int8);
        eprintln!(
            "{weights}, keys and values in {kv}: mean |log-probability - f32| {mean:.4}, worst {worst:.2}; \
             mean log-probability by {gain:+.4}"
        );
        assert!(mean <= bound && gain.abs() <= 0.01, "{weights}, {kv}: {mean}, {gain}");
    }
}
