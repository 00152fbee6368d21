//! Encoders on random weights: what a vector depends on, and what is refused.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;

use infer_code_cad_checkpoint::{
    Activation, CheckpointError, EncoderConfig, EncoderFamily, NamedTensors, Pooling, RandomWeights,
};
use infer_code_cad_native::{Encoder, EncoderOptions, EncoderWeights, Isa, NativeError, Pool};
use proptest::prelude::*;

fn config(family: EncoderFamily) -> EncoderConfig {
    EncoderConfig {
        family,
        vocab_size: 60,
        hidden_size: 48,
        intermediate_size: 80,
        num_hidden_layers: 2,
        num_attention_heads: 3,
        max_position_embeddings: 150,
        type_vocab_size: 2,
        layer_norm_eps: 1e-6,
        hidden_act: Activation::Gelu,
        pad_token_id: 1,
    }
}

fn encoder(family: EncoderFamily, weights: EncoderWeights, threads: usize) -> Encoder {
    let options = EncoderOptions { weights, pool: Arc::new(Pool::new(threads)) };
    Encoder::random(&config(family), 7, &options).unwrap()
}

fn texts() -> impl Strategy<Value = Vec<Vec<u32>>> {
    prop::collection::vec(prop::collection::vec(0u32..60, 0..148), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_vector_depends_on_its_text_alone(texts in texts(), threads in 1usize..4) {
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        for family in [EncoderFamily::Bert, EncoderFamily::MpNet] {
            for weights in EncoderWeights::ALL {
                let (together, single) = (encoder(family, weights, threads), encoder(family, weights, 1));
                for pooling in [Pooling::Cls, Pooling::Mean] {
                    let vectors = together.embed(&texts, pooling).unwrap();
                    for (text, vector) in texts.iter().zip(vectors.chunks(48)) {
                        let alone = single.embed(&[text], pooling).unwrap();
                        prop_assert!(vector.iter().zip(&alone).all(|(a, b)| a.to_bits() == b.to_bits()));
                        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
                        let expected = if text.is_empty() { 0.0 } else { 1.0 };
                        prop_assert!((length - expected).abs() < 1e-5);
                    }
                }
            }
        }
    }

    #[test]
    fn the_first_tokens_vector_is_that_of_the_whole_pass(text in prop::collection::vec(0u32..60, 1..40)) {
        let encoder = encoder(EncoderFamily::MpNet, EncoderWeights::F32, 2);
        let states = encoder.hidden_states(&[&text]).unwrap();
        let length = states[..48].iter().map(|x| x * x).sum::<f32>().sqrt();
        let vector = encoder.embed(&[&text], Pooling::Cls).unwrap();
        for (x, state) in vector.iter().zip(&states[..48]) {
            prop_assert!((x - state / length).abs() < 1e-6);
        }
    }
}

#[test]
fn instruction_sets_agree() {
    let text: Vec<u32> = (0..100).map(|i| i * 7 % 60).collect();
    for weights in EncoderWeights::ALL {
        let vectors: Vec<Vec<f32>> = Isa::ALL
            .into_iter()
            .filter_map(|isa| Pool::with_isa(2, isa).ok())
            .map(|pool| {
                let options = EncoderOptions { weights, pool: Arc::new(pool) };
                let encoder = Encoder::random(&config(EncoderFamily::MpNet), 7, &options).unwrap();
                encoder.embed(&[&text], Pooling::Mean).unwrap()
            })
            .collect();
        for other in &vectors[1..] {
            let cosine: f32 = other.iter().zip(&vectors[0]).map(|(a, b)| a * b).sum();
            assert!(cosine > 0.99999, "{weights}: {cosine}");
        }
    }
}

#[test]
fn what_no_vector_can_be_made_of_is_refused() {
    let encoder = encoder(EncoderFamily::MpNet, EncoderWeights::F32, 1);
    let refused = |texts: &[&[u32]]| encoder.embed(texts, Pooling::Mean).unwrap_err().to_string();
    assert!(refused(&[&[1], &[2; 149]]).starts_with("text 1 has 149 tokens, the encoder has 148"));
    assert!(refused(&[&[3, 60]]).starts_with("text 0 has the token 60, the embedding has 60 rows"));
    assert!(encoder.embed(&[], Pooling::Mean).unwrap().is_empty());
    assert_eq!(encoder.embed(&[&[]], Pooling::Mean).unwrap(), [0.0; 48]);
}

/// Random weights, one of them a NaN.
struct Damaged(RandomWeights);

impl NamedTensors for Damaged {
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let mut values = self.0.values(name, shape)?;
        if name == "encoder.layer.1.output.dense.bias" {
            values[3] = f32::NAN;
        }
        Ok(values)
    }
}

#[test]
fn damaged_weights_are_told() {
    let config = config(EncoderFamily::Bert);
    let damaged = Damaged(RandomWeights { seed: 0 });
    let encoder = Encoder::from_tensors(&config, &damaged, &EncoderOptions::default()).unwrap();
    let error = encoder.embed(&[&[5, 6]], Pooling::Mean).unwrap_err();
    assert!(matches!(error, NativeError::NotFinite { text: 0 }), "{error}");
}

#[test]
fn sizes_that_cannot_be_computed_are_refused() {
    let refused = |config: &EncoderConfig| {
        Encoder::random(config, 0, &EncoderOptions::default()).unwrap_err().to_string()
    };
    let config = config(EncoderFamily::Bert);
    let heads = refused(&EncoderConfig { num_attention_heads: 5, ..config.clone() });
    assert!(heads.contains("num_attention_heads is 5"), "{heads}");
    let rows = refused(&EncoderConfig { vocab_size: 1 << 28, hidden_size: 3 << 26, ..config });
    assert!(rows.contains("does not fit into memory"), "{rows}");
}
