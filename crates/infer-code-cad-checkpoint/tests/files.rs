//! Files that are not what their names say, or say more than JSON may.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use infer_code_cad_checkpoint::{Checkpoint, CheckpointError, Tokenizer};
use serde_json::json;
use tempfile::TempDir;

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\n\
    oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

fn fixture(name: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for entry in fs::read_dir(fixtures.join(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::write(dir.path().join(path.file_name().unwrap()), fs::read(&path).unwrap()).unwrap();
    }
    dir
}

/// What opening gives, and reading everything there is to read.
fn read_all(path: &Path) -> Result<(), CheckpointError> {
    let checkpoint = Checkpoint::open(path)?;
    checkpoint.chat_template()?;
    match checkpoint.tokenizer() {
        Err(CheckpointError::MissingFile { .. }) => Ok(()),
        other => other.map(|_| ()),
    }
}

#[test]
fn a_git_lfs_pointer_is_called_one_in_place_of_every_file() {
    for file in [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
    ] {
        let dir = fixture("llama");
        read_all(dir.path()).unwrap();
        fs::write(dir.path().join(file), POINTER).unwrap();
        let error = read_all(dir.path()).unwrap_err();
        let CheckpointError::LfsPointer { file: named } = &error else { panic!("{file}: {error}") };
        assert!(named.ends_with(file), "{named}");
        assert!(error.to_string().contains("run `git lfs pull`"), "{error}");
    }
    let dir = fixture("llama-sharded");
    for file in ["model-00002-of-00003.safetensors", "model.safetensors.index.json"] {
        fs::write(dir.path().join(file), POINTER).unwrap();
        let error = read_all(dir.path()).unwrap_err();
        assert!(matches!(error, CheckpointError::LfsPointer { .. }), "{error}");
        assert!(error.to_string().contains(file), "{error}");
    }
    let gguf = dir.path().join("model.gguf");
    fs::write(&gguf, POINTER).unwrap();
    let error = read_all(&gguf).unwrap_err();
    assert!(matches!(error, CheckpointError::LfsPointer { .. }), "{error}");
}

#[test]
fn bytes_that_are_a_git_lfs_pointer_are_called_one() {
    let pointer = || POINTER.as_bytes().to_vec();
    let read = |file| fs::read(fixture("llama").path().join(file)).unwrap();
    let is_pointer = |error: CheckpointError| matches!(error, CheckpointError::LfsPointer { .. });
    assert!(is_pointer(Checkpoint::from_gguf_bytes(&pointer()).unwrap_err()));
    let weights = Checkpoint::from_bytes(&read("config.json"), pointer(), vec![pointer().into()]);
    assert!(is_pointer(weights.unwrap_err()));
    let weights = vec![read("model.safetensors").into()];
    let checkpoint = Checkpoint::from_bytes(&read("config.json"), pointer(), weights).unwrap();
    assert!(is_pointer(checkpoint.tokenizer().unwrap_err()));
    assert!(is_pointer(checkpoint.with_generation_config(&pointer()).unwrap_err()));
}

#[test]
fn a_directory_of_gguf_files_names_them() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["b-Q8_0.gguf", "a-Q4_K_M.gguf", "README.md"] {
        fs::write(dir.path().join(file), "").unwrap();
    }
    let error = Checkpoint::open(dir.path()).unwrap_err();
    let message = error.to_string();
    let CheckpointError::GgufDirectory { files, .. } = error else { panic!("{message}") };
    assert_eq!(files, ["a-Q4_K_M.gguf", "b-Q8_0.gguf"]);
    let first = dir.path().join("a-Q4_K_M.gguf");
    let remedy = format!("give the path of one of them, such as {}", first.display());
    assert!(message.ends_with(&remedy));
    // Some repositories of GGUF files have the model's config.json too.
    fs::write(dir.path().join("config.json"), "{}").unwrap();
    let message = Checkpoint::open(dir.path()).unwrap_err().to_string();
    assert!(message.ends_with(&remedy), "{message}");
}

#[test]
fn a_path_that_is_not_there_is_called_so() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["model.gguf", "model"] {
        let path = dir.path().join(name);
        let error = Checkpoint::open(&path).unwrap_err();
        let CheckpointError::Io { path: named, .. } = &error else { panic!("{error}") };
        assert_eq!(*named, path);
    }
}

#[test]
fn shards_have_a_tensor_once() {
    let dir = fixture("llama-sharded");
    let shards = [1, 2].map(|n| dir.path().join(format!("model-0000{n}-of-00003.safetensors")));
    fs::copy(&shards[0], &shards[1]).unwrap();
    let message = Checkpoint::open(dir.path()).unwrap_err().to_string();
    let both = format!("is in {} and in {}; ", shards[0].display(), shards[1].display());
    assert!(message.contains(&both), "{message}");
    fs::write(dir.path().join("model.safetensors.index.json"), r#"{"weight_map": {}}"#).unwrap();
    let message = Checkpoint::open(dir.path()).unwrap_err().to_string();
    assert!(message.contains("weight_map is absent or empty"), "{message}");
}

#[test]
fn what_only_python_writes_is_read_past_in_every_file() {
    let dir = fixture("llama");
    let write = |file: &str, text: &str| fs::write(dir.path().join(file), text).unwrap();
    let config = fs::read_to_string(dir.path().join("config.json")).unwrap();
    let config = config.trim_end().strip_suffix('}').unwrap();
    write("config.json", &format!("{config}, \"time_step_limit\": [0.0, Infinity]}}"));
    write("generation_config.json", r#"{"top_p": NaN, "eos_token_id": [-1, 9]}"#);
    write(
        "tokenizer_config.json",
        r#"{"model_max_length": Infinity, "pad_token": NaN, "eos_token": "</s>",
            "chat_template": "{{ eos_token }}"}"#,
    );
    write("special_tokens_map.json", r#"{"more": -Infinity, "eos_token": "<end>"}"#);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    assert_eq!(checkpoint.eos_token_ids(), [9]);
    let template = checkpoint.chat_template().unwrap().unwrap();
    let text = template.render(&[infer_code_cad_checkpoint::Message::user("x")], &<_>::default());
    assert_eq!(text.unwrap(), "<end>");

    let dir = fixture("llama-sharded");
    let index = dir.path().join("model.safetensors.index.json");
    let json = fs::read_to_string(&index).unwrap();
    let json = json.trim_end().strip_suffix('}').unwrap();
    fs::write(&index, format!("{json}, \"total_size\": NaN}}")).unwrap();
    Checkpoint::open(dir.path()).unwrap();
}

#[test]
fn generation_config_without_a_token_leaves_those_of_config() {
    let read = |file| fs::read(fixture("llama").path().join(file)).unwrap();
    let eos = |generation: &str| {
        let config = String::from_utf8(read("config.json")).unwrap();
        let config = config.trim_end().strip_suffix('}').unwrap().to_owned();
        let config = format!("{config}, \"eos_token_id\": 5}}");
        let weights = vec![read("model.safetensors").into()];
        let checkpoint = Checkpoint::from_bytes(config.as_bytes(), &b"{}"[..], weights).unwrap();
        let checkpoint = checkpoint.with_generation_config(generation.as_bytes()).unwrap();
        checkpoint.eos_token_ids().to_vec()
    };
    assert_eq!(eos("{}"), [5]);
    for generation in [
        r#"{"eos_token_id": null}"#,
        r#"{"eos_token_id": -1}"#,
        r#"{"eos_token_id": [-1]}"#,
        r#"{"eos_token_id": 4294967295, "pad_token_id": -1}"#,
    ] {
        assert_eq!(eos(generation), [5], "{generation}");
    }
    assert_eq!(eos(r#"{"eos_token_id": [-1, 7]}"#), [7]);
}

#[test]
fn added_tokens_without_an_embedding_are_text() {
    let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                       "use_regex": false});
    let added = |id: u32, content: &str| {
        json!({"id": id, "content": content, "special": true, "single_word": false,
               "lstrip": false, "rstrip": false, "normalized": false})
    };
    let characters = ('!'..='~').chain('\u{4e00}'..).take(159).enumerate();
    let vocab: serde_json::Map<_, _> =
        characters.map(|(id, c)| (c.to_string(), json!(id))).collect();
    let json = json!({
        "version": "1.0", "added_tokens": [added(159, "<end>"), added(160, "<image>")],
        "pre_tokenizer": level, "decoder": level,
        "model": {"type": "BPE", "vocab": vocab, "merges": []},
    });
    let read = |file| fs::read(fixture("llama").path().join(file)).unwrap();
    let weights = vec![read("model.safetensors").into()];
    let json = json.to_string().into_bytes();
    assert_eq!(Tokenizer::from_bytes(&json).unwrap().vocab_size(), 161);
    let checkpoint = Checkpoint::from_bytes(&read("config.json"), json, weights).unwrap();
    let tokenizer = checkpoint.tokenizer().unwrap();
    assert_eq!((tokenizer.vocab_size(), checkpoint.config().vocab_size), (160, 160));
    assert_eq!(tokenizer.encode("!<end>").unwrap(), [0, 159]);
    assert_eq!(tokenizer.encode("<image>").unwrap().len(), "<image>".len());
}

#[test]
fn a_tokenizer_is_read_past_its_padding_and_truncation() {
    let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                       "use_regex": false});
    let json = |padding: &str, truncation: &str| {
        format!(
            r#"{{"version": "1.0", "padding": {padding}, "truncation": {truncation}, "added_tokens": [],
                "normalizer": null, "pre_tokenizer": {level}, "post_processor": null,
                "decoder": {level}, "model": {{"type": "BPE", "vocab": {{"a": 0, "b": 1}}, "merges": []}},
                "notes": {{"made": NaN}}}}"#
        )
    };
    let unused = r#"{"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": null,
        "pad_id": -1, "pad_type_id": 0, "pad_token": "a"}"#;
    let endless = r#"{"direction": "Right", "max_length": Infinity, "strategy": "LongestFirst", "stride": 0}"#;
    let vast = endless.replace("Infinity", "1000000000000000019884624838656");
    for (padding, truncation) in
        [("null", "null"), (unused, "null"), ("NaN", endless), ("null", &vast)]
    {
        let tokenizer = Tokenizer::from_bytes(json(padding, truncation).as_bytes()).unwrap();
        assert_eq!(tokenizer.encode("abba").unwrap(), [0, 1, 1, 0], "{padding} {truncation}");
    }
    let damaged = json("null", "null").replace("\"vocab\"", "\"words\"");
    let error = Tokenizer::from_bytes(damaged.as_bytes()).unwrap_err();
    assert!(error.to_string().starts_with("tokenizer.json cannot be used"), "{error}");
}
