//! The generate loop with a real transformer: what a sample is does not depend on its neighbours.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use infer_code_cad_checkpoint::Checkpoint;
use infer_code_cad_decode::{ContextAware, Nucleus};
use infer_code_cad_engine::{
    CausalLm, Completion, Event, GenerateConfig, GenerateStats, Prompt, TokenId, generate,
};
use infer_code_cad_native::{Format, NativeModel, NativeOptions, Pool};
use proptest::prelude::*;

fn model(format: Format, threads: usize) -> impl CausalLm {
    let fixtures = "../infer-code-cad-checkpoint/tests/fixtures/llama";
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixtures);
    let pool = Arc::new(Pool::new(threads));
    let options = NativeOptions { weights: Some(format), kv: None, pool };
    NativeModel::load(&Checkpoint::open(&dir).unwrap(), &options).unwrap()
}

fn prompts(n_samples: usize) -> Vec<Prompt> {
    let stream = |len: u32, step: u32| (0..len).map(|at| (at * step + 3) % 50).collect();
    let prompt = |(task, [full, question]): (&str, [u32; 2])| Prompt {
        task: task.to_owned(),
        streams: vec![stream(full, 7), stream(question, 5)],
        n_samples,
    };
    [("a", [20, 3]), ("b", [1, 9]), ("c", [8, 8])].map(prompt).into()
}

type Completions = BTreeMap<(String, usize), Completion>;

fn completions(model: &dyn CausalLm, prompts: &[Prompt], config: &GenerateConfig) -> Completions {
    run(model, prompts, config).0
}

fn run(
    model: &dyn CausalLm,
    prompts: &[Prompt],
    config: &GenerateConfig,
) -> (Completions, GenerateStats) {
    let vocabulary: Vec<[u8; 1]> = (0..model.vocab_size()).map(|id| [id as u8]).collect();
    let decoder = ContextAware::new(0.5, Nucleus::default());
    let mut completions = BTreeMap::new();
    let mut sink = |event: Event<'_>| {
        if let Event::Finished { prompt, sample, completion } = event {
            completions.insert((prompts[prompt].task.clone(), sample), completion);
        }
        ControlFlow::Continue(())
    };
    let stats =
        generate(model, &vocabulary, prompts.to_vec(), &decoder, config, &mut sink).unwrap();
    (completions, stats)
}

/// Whatever the row cap, the chunks of prompts, the order of problems and the number of threads.
#[test]
fn samples_do_not_depend_on_their_neighbours() {
    let eos: Vec<TokenId> = (0..3).collect();
    let config = GenerateConfig { max_new_tokens: 16, eos, seed: 5, ..Default::default() };
    for format in [Format::F32, Format::Q8_0, Format::Q4_0] {
        let mut prompts = prompts(4);
        let expected = completions(&model(format, 1), &prompts, &config);
        assert_eq!(expected.len(), 12);
        for threads in [1, 2, 3] {
            let model = model(format, threads);
            for (max_rows, prefill_chunk) in [(2, 512), (3, 4), (7, 1), (64, 5)] {
                prompts.rotate_left(1);
                let config = GenerateConfig { max_rows, prefill_chunk, ..config.clone() };
                let actual = completions(&model, &prompts, &config);
                assert_eq!(actual, expected, "{format:?}, {threads} threads, {config:?}");
            }
        }
    }
}

/// A prompt whose streams begin with so many tokens of an instruction, then go their own ways.
fn instructed(index: usize, [full, question]: [(usize, usize); 2]) -> Prompt {
    let stream = |which: usize, (instruction, own): (usize, usize)| {
        let instruction = (0..instruction).map(|at| (at * at + 3) as TokenId % 50);
        let own = (0..own).map(|at| (at * 7 + index * 11 + which * 13) as TokenId % 50);
        instruction.chain(own).collect()
    };
    let streams = vec![stream(0, full), stream(1, question)];
    Prompt { task: format!("task {index}"), streams, n_samples: 2 }
}

#[test]
fn an_instruction_is_read_once() {
    let prompts: Vec<_> = (0..5).map(|index| instructed(index, [(40, 9), (40, 3)])).collect();
    let config = GenerateConfig { max_new_tokens: 4, ..Default::default() };
    let (_, stats) = run(&model(Format::F32, 2), &prompts, &config);
    assert_eq!(stats.prefill_tokens, 40 + 5 * (9 + 3));
    assert_eq!(stats.reused_tokens, 9 * 40);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn what_is_not_read_again_changes_nothing(
        lengths in prop::collection::vec([(0usize..60, 1usize..20), (0usize..60, 1usize..20)], 1..5),
        prefill_chunk in 1usize..70,
        max_rows in 2usize..9,
    ) {
        let model = model(Format::Q8_0, 2);
        let config =
            GenerateConfig { max_new_tokens: 5, max_rows, prefill_chunk, ..Default::default() };
        let prompts: Vec<_> =
            lengths.iter().enumerate().map(|(index, &streams)| instructed(index, streams)).collect();
        let (together, stats) = run(&model, &prompts, &config);
        let total: usize = prompts.iter().flat_map(|prompt| &prompt.streams).map(Vec::len).sum();
        prop_assert_eq!(stats.prefill_tokens + stats.reused_tokens, total);
        for prompt in &prompts {
            // By itself it has no other prompt to begin like.
            for (key, completion) in completions(&model, std::slice::from_ref(prompt), &config) {
                prop_assert_eq!(&together[&key], &completion);
            }
        }
    }
}
