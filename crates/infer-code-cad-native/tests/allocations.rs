//! A step allocates nothing: in a binary of its own, for all threads are counted.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::System;
use std::ops::ControlFlow;
use std::sync::Arc;

use infer_code_cad_checkpoint::TransformerConfig;
use infer_code_cad_decode::{ContextAware, Nucleus};
use infer_code_cad_engine::{CausalLm, Event, GenerateConfig, Prompt, generate};
use infer_code_cad_native::{Format, NativeModel, NativeOptions, Pool};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A thread makes its room when it first takes a part, which may be late: then the next run counts.
#[test]
fn a_step_allocates_nothing() {
    let config = TransformerConfig {
        vocab_size: 256,
        hidden_size: 64,
        intermediate_size: 96,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 16,
        max_position_embeddings: 512,
        tie_word_embeddings: true,
        ..TransformerConfig::default()
    };
    for weights in [Format::Q8_0, Format::Bf16] {
        for threads in [1, 2] {
            let options = NativeOptions {
                weights: Some(weights),
                kv: None,
                pool: Arc::new(Pool::new(threads)),
            };
            let model = NativeModel::random_with(&config, 1, &options).unwrap();
            let least = (0..20).map(|_| allocations(&model)).min();
            assert_eq!(least, Some(0), "{weights:?}, {threads} threads");
        }
    }
}

/// The allocations of ten steps of four samples, long enough that several threads attend. The prompts
/// end with a page of 16 positions, and tokens and text double their room when it is full: neither
/// grows between the 20th and the 30th token.
fn allocations(model: &dyn CausalLm) -> usize {
    let vocabulary = vec![b"a"; 256];
    let streams = vec![vec![7; 320], vec![9; 256]];
    let prompt = Prompt { task: "a".to_owned(), streams, n_samples: 4 };
    let decoder = ContextAware::new(0.5, Nucleus { top_p: 0.9, ..Nucleus::default() });
    let limits = GenerateConfig { max_new_tokens: 30, ..GenerateConfig::default() };
    let region = Region::new(ALLOCATOR);
    let (mut tokens, mut counts) = (0, [0; 31]);
    let mut sink = |event: Event<'_>| {
        if let Event::Token { sample: 0, .. } = event {
            tokens += 1;
            let change = region.change();
            counts[tokens] = change.allocations + change.reallocations;
        }
        ControlFlow::Continue(())
    };
    generate(model, &vocabulary, [prompt], &decoder, &limits, &mut sink).unwrap();
    assert_eq!(tokens, 30);
    assert!(counts[1] > 0, "allocations are counted");
    counts[30] - counts[20]
}
