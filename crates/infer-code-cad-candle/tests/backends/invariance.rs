//! A row of the native backend has the same bits at any number of rows and threads.

use std::sync::Arc;

use infer_code_cad_checkpoint::{Checkpoint, TransformerConfig};
use infer_code_cad_engine::{CausalLm, LogitRows, Step};
use infer_code_cad_native::{Format, Isa, KvFormat, NativeModel, NativeOptions, Pool};

use crate::fixtures::fixture;
use crate::small_config;
use crate::suite::{advance, last, tokens};

#[test]
fn any_number_of_rows() {
    let model = NativeModel::random(&small_config(), 2).unwrap();
    let prompts: Vec<_> = (0..64).map(|i| tokens(&model, i, 2 + i * 3 % 50)).collect();
    let alone: Vec<_> = prompts.iter().map(|prompt| last(&model, prompt)).collect();
    for n_rows in [1, 2, 3, 7, 8, 10, 33, 64] {
        assert!(batch_of(&model, &prompts[..n_rows]) == alone[..n_rows].concat(), "{n_rows} rows");
    }
}

/// Each prompt but its last token alone, then the last tokens in one batch.
fn batch_of(model: &NativeModel, prompts: &[Vec<u32>]) -> Vec<f32> {
    let mut caches: Vec<_> = prompts.iter().map(|_| model.new_cache()).collect();
    for (cache, prompt) in caches.iter_mut().zip(prompts) {
        advance(model, &mut **cache, &prompt[..prompt.len() - 1], LogitRows::None);
    }
    let mut batch: Vec<_> = caches
        .iter_mut()
        .zip(prompts)
        .map(|(cache, prompt)| Step {
            cache: &mut **cache,
            tokens: &prompt[prompt.len() - 1..],
            logits: LogitRows::Last,
        })
        .collect();
    let mut logits = Vec::new();
    model.forward(&mut batch, &mut logits).unwrap();
    logits
}

/// And on any instruction set of this processor.
#[test]
fn any_number_of_threads() {
    let checkpoint = Checkpoint::open(&fixture("qwen2")).unwrap();
    let formats = [
        (Format::F32, KvFormat::F32),
        (Format::Q8_0, KvFormat::F16),
        (Format::Q4_K, KvFormat::F32),
        (Format::Q4_1, KvFormat::Int8),
        (Format::Q5_K, KvFormat::Int8),
    ];
    for (weights, kv) in formats {
        let mut expected: Option<Vec<f32>> = None;
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
            for threads in [1, 2, 3] {
                let pool = Arc::new(Pool::with_isa(threads, isa).unwrap());
                let model = NativeModel::load(
                    &checkpoint,
                    &NativeOptions { weights: Some(weights), kv: Some(kv), pool },
                )
                .unwrap();
                let prompts: Vec<_> = (0..17).map(|i| tokens(&model, i, 60)).collect();
                let logits = batch_of(&model, &prompts);
                let expected = expected.get_or_insert_with(|| logits.clone());
                assert!(*expected == logits, "{weights:?} {isa:?} {threads} threads");
            }
        }
    }
}

/// Large enough that attention is shared out, by rows and by shares of a key head's query heads; one
/// layer in two sees a window.
#[test]
fn any_number_of_threads_attends() {
    for (n_heads, n_kv_heads) in [(14, 2), (8, 1), (6, 6)] {
        let config = TransformerConfig {
            hidden_size: n_heads * 32,
            num_attention_heads: n_heads,
            num_key_value_heads: n_kv_heads,
            attention_windows: vec![None, Some(40)],
            ..small_config()
        };
        let mut expected: Option<(Vec<f32>, Vec<f32>)> = None;
        for threads in [1, 2, 3, 5, 16] {
            let pool = Arc::new(Pool::new(threads));
            let options = NativeOptions { weights: Some(Format::Bf16), kv: None, pool };
            let model = NativeModel::random_with(&config, 3, &options).unwrap();
            let prompts: Vec<_> = (0..11).map(|i| tokens(&model, i, 150 + i * 9)).collect();
            let logits = (last(&model, &prompts[10]), batch_of(&model, &prompts));
            let expected = expected.get_or_insert_with(|| logits.clone());
            assert!(*expected == logits, "{n_heads} heads, {n_kv_heads}, {threads} threads");
        }
    }
}
