//! Directories that are damaged, incomplete or ask for what is not implemented.

use std::fs;
use std::path::Path;

use infer_code_cad_retrieval::{EncoderWeights, load_embedder};
use serde_json::{Value, json};

use crate::{copy, options};

fn message(dir: &Path) -> String {
    load_embedder(dir, &options(EncoderWeights::F32, 1)).unwrap_err().to_string()
}

/// What is said of a small model of which one JSON file has changed.
fn with_changed(model: &str, file: &str, change: impl FnOnce(&mut Value)) -> String {
    let dir = copy(model, |_| true);
    let path = dir.path().join(file);
    let mut json = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut json);
    fs::write(&path, json.to_string()).unwrap();
    message(dir.path())
}

#[test]
fn other_modules_and_modes_are_named() {
    let dense = with_changed("bge", "modules.json", |json| {
        json[2]["type"] = json!("sentence_transformers.models.Dense");
    });
    assert!(dense.contains("modules.json: type is Dense, which is not supported"), "{dense}");
    let alone = with_changed("mpnet", "modules.json", |json| {
        json.as_array_mut().unwrap().truncate(1);
    });
    assert!(alone.contains("type is Transformer, which is not supported"), "{alone}");
    let outside = with_changed("bge", "modules.json", |json| json[1]["path"] = json!("../x"));
    assert!(outside.contains("path is ../x"), "{outside}");
    let mode = with_changed("bge", "1_Pooling/config.json", |json| {
        json["pooling_mode_max_tokens"] = json!(true);
    });
    assert!(mode.contains("pooling_mode is cls and max"), "{mode}");
    let mode = with_changed("mpnet", "1_Pooling/config.json", |json| {
        json["pooling_mode"] = json!("lasttoken")
    });
    assert!(mode.contains("pooling_mode is lasttoken"), "{mode}");
    let prompt = with_changed("mpnet", "1_Pooling/config.json", |json| {
        json["include_prompt"] = json!(false)
    });
    assert!(prompt.contains("include_prompt is false"), "{prompt}");
    let family = with_changed("bge", "config.json", |json| json["model_type"] = json!("roberta"));
    assert!(family.contains("model_type is roberta"), "{family}");
    let similarity = with_changed("mpnet", "config_sentence_transformers.json", |json| {
        json["similarity_fn_name"] = json!("tanimoto");
    });
    assert!(similarity.contains("similarity_fn_name is tanimoto"), "{similarity}");
    let length =
        with_changed("bge", "sentence_bert_config.json", |json| json["max_seq_length"] = json!(2));
    assert!(length.contains("max_seq_length is 2"), "{length}");
    let width = with_changed("bge", "1_Pooling/config.json", |json| {
        json["word_embedding_dimension"] = json!(7)
    });
    assert!(width.contains("word_embedding_dimension is 7"), "{width}");
}

#[test]
fn absent_and_damaged_files_are_named() {
    for (model, file) in [
        ("bge", "config.json"),
        ("bge", "tokenizer.json"),
        ("mpnet", "model.safetensors"),
        ("static", "tokenizer.json"),
        ("static", "model.safetensors"),
    ] {
        let dir = copy(model, |name| name != file);
        if file == "config.json" {
            // The pooling has a file of that name.
            fs::copy(
                crate::fixture("bge/1_Pooling/config.json"),
                dir.path().join("1_Pooling/config.json"),
            )
            .unwrap();
        }
        let absent = message(dir.path());
        assert!(absent.contains(file), "{absent}");
        for bytes in [&b"\x00"[..], b"{", b"version https://git-lfs.github.com/spec/v1\noid"] {
            fs::write(dir.path().join(file), bytes).unwrap();
            let damaged = message(dir.path());
            assert!(damaged.contains(file), "{damaged}");
        }
    }
    let dir = copy("bge", |name| name != "model.safetensors");
    fs::write(dir.path().join("pytorch_model.bin"), b"").unwrap();
    let pickle = message(dir.path());
    assert!(pickle.contains("pytorch_model.bin is a pickle"), "{pickle}");
}

#[test]
fn weights_cut_short_are_refused() {
    for model in ["bge", "mpnet", "static"] {
        let dir = copy(model, |_| true);
        let path = dir.path().join("model.safetensors");
        let bytes = fs::read(&path).unwrap();
        for len in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&path, &bytes[..len]).unwrap();
            assert!(
                message(dir.path()).contains("is not a whole safetensors file"),
                "{model} {len}"
            );
        }
    }
}
