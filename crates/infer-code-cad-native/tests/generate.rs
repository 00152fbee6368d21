//! The engine with a real transformer: what a sample is does not depend on its neighbours.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use infer_code_cad_checkpoint::Checkpoint;
use infer_code_cad_decode::{ContextAware, Nucleus};
use infer_code_cad_engine::{
    CausalLm, Completion, Engine, EngineConfig, Event, GenerateStats, Request, TokenId, generate,
};
use infer_code_cad_native::{Format, NativeModel, NativeOptions, Pool};
use proptest::prelude::*;

fn model(format: Format, threads: usize) -> Arc<dyn CausalLm> {
    let fixtures = "../infer-code-cad-checkpoint/tests/fixtures/llama";
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixtures);
    let pool = Arc::new(Pool::new(threads));
    let options = NativeOptions { weights: Some(format), kv: None, pool };
    Arc::new(NativeModel::load(&Checkpoint::open(&dir).unwrap(), &options).unwrap())
}

fn engine(model: &Arc<dyn CausalLm>, config: EngineConfig) -> Engine {
    let vocabulary: Vec<[u8; 1]> = (0..model.vocab_size()).map(|id| [id as u8]).collect();
    Engine::new(Arc::clone(model), Arc::new(vocabulary), config).unwrap()
}

fn request(task: &str, streams: Vec<Vec<TokenId>>, n_samples: usize) -> Request {
    let decoder = ContextAware::new(0.5, Nucleus::default());
    let mut request = Request::new(task, streams, Arc::new(decoder));
    request.samples = 0..n_samples;
    request
}

fn requests(n_samples: usize) -> Vec<Request> {
    let stream = |len: u32, step: u32| (0..len).map(|at| (at * step + 3) % 50).collect();
    let prompt = |(task, [full, question]): (&str, [u32; 2])| {
        let mut request = request(task, vec![stream(full, 7), stream(question, 5)], n_samples);
        (request.max_new_tokens, request.seed, request.eos) = (16, 5, (0..3).collect());
        request
    };
    [("a", [20, 3]), ("b", [1, 9]), ("c", [8, 8])].map(prompt).into()
}

type Completions = BTreeMap<(String, usize), Completion>;

fn run(engine: &mut Engine, requests: &[Request]) -> (Completions, GenerateStats) {
    let mut completions = BTreeMap::new();
    let stats = generate(engine, requests.to_vec(), &mut |prompt, event| {
        match event {
            Event::Finished { sample, completion } => {
                completions.insert((requests[prompt].task.clone(), sample), completion);
            }
            Event::Failed { error, .. } => panic!("{error}"),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    (completions, stats)
}

/// Whatever the row cap, the tokens of a pass, the order of problems, the number of threads and what is
/// kept of prompts: of the second run every prompt is known but for its last token.
#[test]
fn samples_do_not_depend_on_their_neighbours() {
    for format in [Format::F32, Format::Q8_0, Format::Q4_0] {
        let mut requests = requests(4);
        let (expected, _) = run(&mut engine(&model(format, 1), EngineConfig::default()), &requests);
        assert_eq!(expected.len(), 12);
        for threads in [1, 2, 3] {
            let model = model(format, threads);
            for (max_rows, tokens_per_pass) in [(2, 512), (3, 4), (7, 1), (64, 5)] {
                for prefix_bytes in [0, 1 << 20] {
                    requests.rotate_left(1);
                    let rest = EngineConfig::default();
                    let config = EngineConfig { max_rows, tokens_per_pass, prefix_bytes, ..rest };
                    let mut engine = engine(&model, config);
                    for again in [false, true] {
                        let (actual, stats) = run(&mut engine, &requests);
                        let of = format!("{format:?}, {threads} threads, {config:?}, {again}");
                        assert_eq!(actual, expected, "{of}");
                        // The stream of 20 tokens is the only one that is long enough to be kept.
                        let known = if again && prefix_bytes > 0 { 19 } else { 0 };
                        assert_eq!(stats.reused_tokens, known, "{of}");
                    }
                }
            }
        }
    }
}

/// A prompt whose streams begin with so many tokens of an instruction, then go their own ways.
fn instructed(index: usize, [full, question]: [(usize, usize); 2]) -> Request {
    let stream = |which: usize, (instruction, own): (usize, usize)| {
        let instruction = (0..instruction).map(|at| (at * at + 3) as TokenId % 50);
        let own = (0..own).map(|at| (at * 7 + index * 11 + which * 13) as TokenId % 50);
        instruction.chain(own).collect()
    };
    request(&format!("task {index}"), vec![stream(0, full), stream(1, question)], 2)
}

#[test]
fn an_instruction_is_read_once() {
    let mut requests: Vec<_> = (0..5).map(|index| instructed(index, [(40, 9), (40, 3)])).collect();
    requests.iter_mut().for_each(|request| request.max_new_tokens = 4);
    let mut engine = engine(&model(Format::F32, 2), EngineConfig::default());
    let (_, stats) = run(&mut engine, &requests);
    assert_eq!(stats.prefill_tokens, 40 + 5 * (9 + 3));
    assert_eq!(stats.reused_tokens, 9 * 40);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn what_is_not_read_again_changes_nothing(
        lengths in prop::collection::vec([(0usize..60, 1usize..20), (0usize..60, 1usize..20)], 1..5),
        tokens_per_pass in 1usize..70,
        max_rows in 2usize..9,
        prefix_bytes in prop_oneof![Just(0), 0u64..1 << 20],
    ) {
        let model = model(Format::Q8_0, 2);
        let rest = EngineConfig::default();
        let config = EngineConfig { max_rows, tokens_per_pass, prefix_bytes, ..rest };
        let mut requests: Vec<_> =
            lengths.iter().enumerate().map(|(index, &streams)| instructed(index, streams)).collect();
        requests.iter_mut().for_each(|request| request.max_new_tokens = 5);
        let (together, stats) = run(&mut engine(&model, config), &requests);
        let total: usize = requests.iter().flat_map(|request| &request.streams).map(Vec::len).sum();
        prop_assert_eq!(stats.prefill_tokens + stats.reused_tokens, total);
        for request in &requests {
            // By itself it has no other prompt to begin like.
            let (alone, _) = run(&mut engine(&model, config), std::slice::from_ref(request));
            prop_assert_eq!(alone.len(), 2);
            for (key, completion) in alone {
                prop_assert_eq!(&together[&key], &completion);
            }
        }
    }
}
