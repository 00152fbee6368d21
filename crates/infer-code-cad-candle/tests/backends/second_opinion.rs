//! The same weights through candle-transformers, token by token, where it can run them.
//!
//! What it cannot do, and what is therefore set aside here on both sides: its Gemma 2 and Qwen2 slide
//! every layer, by one position more than asked for and not at all once tokens come from the cache;
//! its Gemma 2 takes `head_dim` for `query_pre_attn_scalar`; its Llama knows neither biases, nor
//! linear scaling, nor a width of heads of its own; its GPTBigCode always takes the tanh GELU and
//! can never forget a stream. All take one offset for the whole batch.

use std::fs;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{bigcode, gemma2, llama, qwen2};
use infer_code_cad_engine::{CausalLm, LogitRows};
use serde_json::{Value, json};

use crate::fixtures::{Expected, config_with, fixture, load_with};
use crate::suite::{advance, assert_close};

type Forward<'a> = dyn FnMut(&Tensor, usize) -> Result<Tensor> + 'a;

/// Compares every position of our whole pass with their cached decoding.
fn agree(name: &str, config: &Value, theirs: &mut Forward<'_>) {
    let (model, tokens) = (load_with(name, config), Expected::read(name).tokens);
    let ours = advance(&model, &mut *model.new_cache(), &tokens, LogitRows::All);
    for (position, (token, ours)) in
        tokens.iter().zip(ours.chunks_exact(model.vocab_size())).enumerate()
    {
        let token = Tensor::new(&[[*token]], &Device::Cpu).unwrap();
        let logits = theirs(&token, position).unwrap().flatten_all().unwrap();
        assert_close(ours, &logits.to_vec1::<f32>().unwrap(), 2e-4);
    }
}

fn weights(name: &str) -> VarBuilder<'static> {
    let bytes = fs::read(fixture(name).join("model.safetensors")).unwrap();
    VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu).unwrap()
}

#[test]
fn llama_agrees() {
    for name in ["llama", "llama-long"] {
        let config = config_with(name, &json!({}));
        let rope = &config["rope_parameters"];
        let dialect_4 = json!({"rope_scaling": rope, "rope_theta": rope["rope_theta"]});
        let config = config_with(name, &dialect_4);
        let parsed: llama::LlamaConfig = serde_json::from_value(config.clone()).unwrap();
        let parsed = parsed.into_config(false);
        let mut cache = llama::Cache::new(true, DType::F32, &parsed, &Device::Cpu).unwrap();
        let model = llama::Llama::load(weights(name), &parsed).unwrap();
        agree(name, &config, &mut |token, position| model.forward(token, position, &mut cache));
    }
}

#[test]
fn gemma2_agrees() {
    let changes = json!({
        "rope_theta": 1e4, "query_pre_attn_scalar": 12, "sliding_window": null,
        "layer_types": ["full_attention", "full_attention", "full_attention"],
    });
    let config = config_with("gemma2", &changes);
    let parsed: gemma2::Config = serde_json::from_value(config.clone()).unwrap();
    let mut model = gemma2::Model::new(false, &parsed, weights("gemma2")).unwrap();
    agree("gemma2", &config, &mut |token, position| model.forward(token, position));
}

#[test]
fn bigcode_agrees() {
    let config = config_with("bigcode", &json!({}));
    let size = |field: &str| config[field].as_u64().unwrap() as usize;
    let parsed = bigcode::Config {
        vocab_size: size("vocab_size"),
        max_position_embeddings: size("n_positions"),
        num_hidden_layers: size("n_layer"),
        hidden_size: size("n_embd"),
        layer_norm_epsilon: 1e-5,
        n_inner: None,
        num_attention_heads: size("n_head"),
        multi_query: true,
        use_cache: true,
    };
    let mut model = bigcode::GPTBigCode::load(weights("bigcode"), parsed).unwrap();
    agree("bigcode", &config, &mut |token, position| model.forward(token, position));
}

#[test]
fn qwen2_agrees() {
    for name in ["qwen2", "qwen2-untied"] {
        let changes = json!({"rope_theta": 1e6, "sliding_window": 128});
        let config = config_with(name, &changes);
        let parsed: qwen2::Config = serde_json::from_value(config.clone()).unwrap();
        let mut model = qwen2::ModelForCausalLM::new(&parsed, weights(name)).unwrap();
        agree(name, &config, &mut |token, position| model.forward(token, position));
    }
}
