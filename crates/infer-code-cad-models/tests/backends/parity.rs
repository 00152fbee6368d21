//! Logits of transformers; `tests/fixtures/make_llama.py` wrote them.

use std::fs;

use infer_code_cad_models::{CausalLm, Checkpoint, DType, KvCache, LogitRows, Transformer, score};
use safetensors::SafeTensors;

use crate::suite::advance;
use crate::{fixture, load};

/// Tokens (64) and logits (64, vocab_size).
fn expected(name: &str) -> (Vec<u32>, Vec<f32>) {
    let bytes = fs::read(fixture(name).join("expected.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let words = |name: &str| -> Vec<[u8; 4]> {
        let words = file.tensor(name).unwrap().data().chunks_exact(4);
        words.map(|word| word.try_into().unwrap()).collect()
    };
    let tokens = words("tokens").into_iter().map(u32::from_le_bytes).collect();
    (tokens, words("logits").into_iter().map(f32::from_le_bytes).collect())
}

fn worst(name: &str, model: &Transformer) -> f32 {
    let (tokens, expected) = expected(name);
    assert_eq!(tokens.len(), 64);
    let logits = advance(model, &mut *model.new_cache(), &tokens, LogitRows::All);
    assert_eq!(logits.len(), expected.len());
    let worst = logits.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    eprintln!("{name}: max |logit difference| to transformers is {worst:e}");
    worst
}

#[test]
fn f32_agrees_with_transformers() {
    for name in ["llama", "llama-sharded"] {
        assert!(worst(name, &load(name, DType::F32)) <= 1e-4);
    }
}

/// The bounds follow from 11 and 8 bits of mantissa on logits of about 10.
#[test]
fn half_precision_agrees_loosely() {
    for name in ["llama", "llama-sharded"] {
        assert!(worst(name, &load(name, DType::F16)) <= 0.1);
        assert!(worst(name, &load(name, DType::BF16)) <= 0.6);
    }
}

#[test]
fn decoding_token_by_token_agrees_too() {
    let model = load("llama", DType::F32);
    let (tokens, expected) = expected("llama");
    let mut cache: Box<dyn KvCache> = model.new_cache();
    for (token, row) in tokens.iter().zip(expected.chunks_exact(model.vocab_size())) {
        let logits = advance(&model, &mut *cache, &[*token], LogitRows::Last);
        assert!(logits.iter().zip(row).all(|(a, b)| (a - b).abs() <= 1e-4));
    }
}

#[test]
fn scores_are_the_log_softmax_of_the_expected_logits() {
    let model = load("llama", DType::F32);
    let (tokens, expected) = expected("llama");
    let scores = score(&model, &tokens).unwrap();
    assert_eq!(scores.len(), 63);
    for (i, score) in scores.iter().enumerate() {
        let row = &expected[i * 160..][..160];
        let sum: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
        let log_probability = f64::from(row[tokens[i + 1] as usize]) - sum.ln();
        assert!((score - log_probability).abs() < 2e-4);
    }
    assert!(score(&model, &tokens[..1]).unwrap().is_empty());
    assert!(score(&model, &[]).unwrap().is_empty());
}

#[test]
fn the_fixtures_name_their_eos() {
    let eos = |name| Checkpoint::open(&fixture(name)).unwrap().eos_token_ids().to_vec();
    assert_eq!(eos("llama"), [2, 3]);
    assert_eq!(eos("llama-sharded"), [2]);
}
