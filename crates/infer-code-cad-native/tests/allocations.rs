//! A step allocates nothing: in a binary of its own, for all threads are counted.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::System;
use std::ops::ControlFlow;
use std::sync::Arc;

use infer_code_cad_checkpoint::TransformerConfig;
use infer_code_cad_decode::{ContextAware, Nucleus};
use infer_code_cad_engine::{Engine, EngineConfig, Event, LogProbs, Request, generate};
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
            let model = Arc::new(NativeModel::random_with(&config, 1, &options).unwrap());
            let vocabulary = Arc::new(vec![b"a"; 256]);
            let mut engine = Engine::new(model, vocabulary, EngineConfig::default()).unwrap();
            for log_probs in [LogProbs::Off, LogProbs::Chosen] {
                let least = (0..20).map(|_| allocations(&mut engine, log_probs)).min();
                assert_eq!(least, Some(0), "{weights:?}, {threads} threads, {log_probs:?}");
            }
        }
    }
}

/// The allocations of ten steps of four samples, long enough that several threads attend. The prompts
/// end with a page of 16 positions, and tokens and text double their room when it is full: neither
/// grows between the 20th and the 30th token.
fn allocations(engine: &mut Engine, log_probs: LogProbs) -> usize {
    let decoder = ContextAware::new(0.5, Nucleus { top_p: 0.9, ..Nucleus::default() });
    let mut request = Request::new("a", vec![vec![7; 320], vec![9; 256]], Arc::new(decoder));
    (request.samples, request.max_new_tokens, request.log_probs) = (0..4, 30, log_probs);
    let region = Region::new(ALLOCATOR);
    let (mut tokens, mut counts) = (0, [0; 31]);
    let stats = generate(engine, [request], &mut |_, event| {
        if let Event::Token { sample: 0, .. } = event {
            tokens += 1;
            let change = region.change();
            counts[tokens] = change.allocations + change.reallocations;
        }
        ControlFlow::Continue(())
    });
    assert_eq!((tokens, stats.completions, stats.decode_tokens), (30, 4, 120));
    assert!(counts[1] > 0, "allocations are counted");
    counts[30] - counts[20]
}
