//! Checkpoints that are whole, in memory, incomplete or damaged.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use infer_code_cad_checkpoint::Checkpoint;
use infer_code_cad_engine::CausalLm;
use infer_code_cad_native::{Format, NativeError, check_memory, weight_bytes};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixtures::native;
use crate::suite::{last, tokens};
use crate::{fixture, load};

/// A copy of a fixture to spoil.
fn copy(name: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixture(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::write(dir.path().join(path.file_name().unwrap()), fs::read(&path).unwrap()).unwrap();
    }
    dir
}

fn set(dir: &Path, field: &str, value: Value) {
    let path = dir.join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    config[field] = value;
    fs::write(path, config.to_string()).unwrap();
}

fn open_and_load(dir: &Path) -> NativeError {
    let model = Checkpoint::open(dir)
        .map_err(NativeError::from)
        .and_then(|checkpoint| native(&checkpoint, Format::F32));
    model.map(|_| ()).unwrap_err()
}

#[track_caller]
fn says(error: &dyn std::error::Error, words: &[&str]) {
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "{message:?} lacks {word:?}");
    }
}

#[test]
fn bytes_give_the_model_of_the_directory() {
    let read = |file| fs::read(fixture("llama").join(file)).unwrap();
    let checkpoint = Checkpoint::from_bytes(
        &read("config.json"),
        &b"{}"[..],
        vec![Cow::Owned(read("model.safetensors"))],
    );
    let checkpoint = checkpoint.unwrap().with_generation_config(br#"{"eos_token_id": 9}"#).unwrap();
    assert_eq!(checkpoint.eos_token_ids(), [9]);
    says(&checkpoint.tokenizer().unwrap_err(), &["tokenizer.json cannot be used"]);
    let (memory, directory) =
        (native(&checkpoint, Format::F32).unwrap(), load("llama", Format::F32));
    let tokens = tokens(&memory, 0, 20);
    assert_eq!(last(&memory, &tokens), last(&directory, &tokens));
    assert_eq!(memory.max_positions(), 128);
}

#[test]
fn weights_that_do_not_fit_are_foreseen() {
    let checkpoint = Checkpoint::open(&fixture("llama")).unwrap();
    let stored: usize = checkpoint.tensors().iter().map(|tensor| tensor.bytes).sum();
    let needed = weight_bytes(&checkpoint, None);
    assert!((stored as u64..stored as u64 * 11 / 10).contains(&needed), "{stored} {needed}");
    assert!(weight_bytes(&checkpoint, Some(Format::Q4_0)) < needed / 3);
    check_memory(&checkpoint, None, needed).unwrap();
    let error = check_memory(&checkpoint, None, needed - 1).unwrap_err();
    says(&error, &["the weights need", &needed.to_string(), "choose a format of fewer bits"]);
}

#[test]
fn missing_files_are_named() {
    let dir = copy("llama");
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    says(&checkpoint.tokenizer().unwrap_err(), &["has no tokenizer.json"]);
    fs::remove_file(dir.path().join("model.safetensors")).unwrap();
    says(&open_and_load(dir.path()), &["has no model.safetensors nor model.safetensors.index"]);
    fs::remove_file(dir.path().join("config.json")).unwrap();
    says(&open_and_load(dir.path()), &["has no config.json", "save_pretrained"]);

    let dir = copy("llama-sharded");
    fs::remove_file(dir.path().join("model-00002-of-00003.safetensors")).unwrap();
    says(&open_and_load(dir.path()), &["has no model-00002-of-00003.safetensors", "every shard"]);
}

#[test]
fn damaged_files_are_named() {
    let dir = copy("llama");
    let path = dir.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    for len in [whole.len() - 1, 100, 3, 0] {
        fs::write(&path, &whole[..len]).unwrap();
        says(&open_and_load(dir.path()), &["model.safetensors is not a whole safetensors file"]);
    }
    fs::write(dir.path().join("config.json"), "{").unwrap();
    says(&open_and_load(dir.path()), &["config.json cannot be parsed"]);

    let dir = copy("llama-sharded");
    let index = dir.path().join("model.safetensors.index.json");
    fs::write(&index, json!({"weight_map": {"a": "../b"}}).to_string()).unwrap();
    says(&open_and_load(dir.path()), &["shard name \"../b\" is not a plain file name"]);
    fs::write(&index, "[]").unwrap();
    says(&open_and_load(dir.path()), &["index.json cannot be parsed"]);
}

#[test]
fn contradictions_between_config_and_weights_are_named() {
    let dir = copy("llama");
    set(dir.path(), "intermediate_size", json!(90));
    let words = ["model.layers.0.mlp.gate_proj.weight", "[96, 64]", "[90, 64]"];
    says(&open_and_load(dir.path()), &words);

    let dir = copy("llama");
    set(dir.path(), "num_hidden_layers", json!(3));
    let words = ["model.layers.2.input_layernorm.weight is in none of", "model.safetensors"];
    says(&open_and_load(dir.path()), &words);

    let dir = copy("llama");
    set(dir.path(), "num_hidden_layers", json!(1));
    says(&open_and_load(dir.path()), &["holds tensor model.layers.1.", "no place for"]);

    let dir = copy("llama-sharded");
    set(dir.path(), "attention_bias", json!(false));
    says(&open_and_load(dir.path()), &["self_attn.k_proj.bias", "no place for"]);

    let dir = copy("llama");
    set(dir.path(), "tie_word_embeddings", json!(false));
    says(&open_and_load(dir.path()), &["tensor lm_head.weight is in none of"]);
}

#[test]
fn a_weight_that_is_no_number_is_found_on_request() {
    let dir = copy("llama");
    Checkpoint::open(dir.path()).unwrap().check_finite().unwrap();
    let path = dir.path().join("model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(path, bytes).unwrap();
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    says(&checkpoint.check_finite().unwrap_err(), &["tensor model.", "NaN", "element"]);
    native(&checkpoint, Format::F32).unwrap();
}

#[test]
fn a_tokenizer_with_more_tokens_than_the_embedding_is_refused() {
    let dir = copy("llama");
    let vocab: serde_json::Map<_, _> = (0..161u32)
        .map(|id| (char::from_u32(0x4e00 + id).unwrap().to_string(), json!(id)))
        .collect();
    let tokenizer = json!({
        "version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": vocab, "merges": []},
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                    "use_regex": false},
    });
    fs::write(dir.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let error = Checkpoint::open(dir.path()).unwrap().tokenizer().unwrap_err();
    says(&error, &["knows 161 tokens", "the embedding has 160 rows"]);
}
