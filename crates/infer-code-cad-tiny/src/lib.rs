#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

/// `config.json`, as Hugging Face writes it.
pub const CONFIG: &[u8] = include_bytes!("../model/config.json");
/// `tokenizer.json`: a byte-level BPE.
pub const TOKENIZER: &[u8] = include_bytes!("../model/tokenizer.json");
/// `model.safetensors` in f16.
pub const WEIGHTS: &[u8] = include_bytes!("../model/model.safetensors");
/// The benchmark, one problem per line with HumanEval's field names.
pub const PROBLEMS: &str = include_str!("../data/problems.jsonl");
/// The document store, one `{id, title, text}` per line.
pub const PASSAGES: &str = include_str!("../data/passages.jsonl");
