//! The generate loop with a real transformer: what a sample is does not depend on its neighbours.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use infer_code_cad_decode::{ContextAware, Nucleus};
use infer_code_cad_models::{
    CausalLm, Checkpoint, Completion, Event, GenerateConfig, Pool, Prompt, TokenId, WeightFormat,
    generate,
};

fn model(format: WeightFormat, threads: usize) -> impl CausalLm {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/llama");
    let pool = Arc::new(Pool::new(threads));
    Checkpoint::open(&dir).unwrap().load_with_pool(format, pool).unwrap()
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

fn completions(
    model: &dyn CausalLm,
    prompts: &[Prompt],
    config: &GenerateConfig,
) -> BTreeMap<(String, usize), Completion> {
    let vocabulary: Vec<[u8; 1]> = (0..model.vocab_size()).map(|id| [id as u8]).collect();
    let decoder = ContextAware::new(0.5, Nucleus::default());
    let mut completions = BTreeMap::new();
    let mut sink = |event: Event<'_>| {
        if let Event::Finished { prompt, sample, completion } = event {
            completions.insert((prompts[prompt].task.clone(), sample), completion);
        }
        ControlFlow::Continue(())
    };
    generate(model, &vocabulary, prompts.to_vec(), &decoder, config, &mut sink).unwrap();
    completions
}

/// Whatever the row cap, the chunks of prompts, the order of problems and the number of threads.
#[test]
fn samples_do_not_depend_on_their_neighbours() {
    let eos: Vec<TokenId> = (0..3).collect();
    let config = GenerateConfig { max_new_tokens: 16, eos, seed: 5, ..Default::default() };
    for format in [WeightFormat::F32, WeightFormat::Q8_0, WeightFormat::Q4_0] {
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
