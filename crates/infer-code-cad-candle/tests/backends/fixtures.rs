//! The checkpoints that `tests/fixtures/make_families.py` wrote, and what transformers computes.

use std::fs;
use std::path::{Path, PathBuf};

use infer_code_cad_checkpoint::Checkpoint;
use infer_code_cad_native::{Format, NativeError, NativeModel, NativeOptions};
use safetensors::SafeTensors;
use serde_json::Value;

/// All of them; the first of each family stands for it where one is enough.
pub(crate) const ALL: [&str; 23] = [
    "llama",
    "llama-sharded",
    "llama-long",
    "llama-linear",
    "gemma2",
    "gemma2-sharded",
    "bigcode",
    "bigcode-gelu",
    "qwen2",
    "qwen2-untied",
    "qwen2-window",
    "qwen2-yarn",
    "qwen3",
    "qwen3-yarn",
    "smollm3",
    "smollm3-window",
    "granite",
    "gemma3",
    "gemma3-older",
    "phi3",
    "phi3-window",
    "bigcode-heads",
    "bigcode-unscaled",
];

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../infer-code-cad-checkpoint/tests/fixtures")
        .join(name)
}

/// A checkpoint on the native backend, its weights in this format.
pub(crate) fn native(
    checkpoint: &Checkpoint,
    weights: impl Into<Option<Format>>,
) -> Result<NativeModel, NativeError> {
    let options = NativeOptions { weights: weights.into(), ..NativeOptions::default() };
    NativeModel::load(checkpoint, &options)
}

pub(crate) fn load(name: &str, format: Format) -> NativeModel {
    native(&Checkpoint::open(&fixture(name)).unwrap(), format).unwrap()
}

/// The `config.json` of a fixture with other values; null removes a field.
pub(crate) fn config_with(name: &str, changes: &Value) -> Value {
    let json = fs::read(fixture(name).join("config.json")).unwrap();
    let mut config: Value = serde_json::from_slice(&json).unwrap();
    let fields = config.as_object_mut().unwrap();
    for (field, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => fields.remove(field),
            value => fields.insert(field.clone(), value.clone()),
        };
    }
    config
}

/// The weights of an unsharded fixture under another configuration, in f32.
pub(crate) fn load_with(name: &str, config: &Value) -> NativeModel {
    let weights = vec![fs::read(fixture(name).join("model.safetensors")).unwrap().into()];
    let config = config.to_string();
    let checkpoint = Checkpoint::from_bytes(config.as_bytes(), &b"{}"[..], weights);
    native(&checkpoint.unwrap(), Format::F32).unwrap()
}

/// What transformers computes for a fixture in f32.
pub(crate) struct Expected {
    pub(crate) tokens: Vec<u32>,
    pub(crate) logits: Vec<f32>, // (tokens, vocab_size)
    /// The largest difference of its own bf16 logits to these.
    pub(crate) bf16_error: f32,
}

impl Expected {
    pub(crate) fn read(name: &str) -> Self {
        let bytes = fs::read(fixture(name).join("expected.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let words = |name: &str| -> Vec<[u8; 4]> {
            let words = file.tensor(name).unwrap().data().chunks_exact(4);
            words.map(|word| word.try_into().unwrap()).collect()
        };
        let floats = |name| words(name).into_iter().map(f32::from_le_bytes).collect::<Vec<_>>();
        Self {
            tokens: words("tokens").into_iter().map(u32::from_le_bytes).collect(),
            logits: floats("logits"),
            bf16_error: floats("bf16_error")[0],
        }
    }

    pub(crate) fn vocab_size(&self) -> usize {
        self.logits.len() / self.tokens.len()
    }

    pub(crate) fn compare(&self, logits: &[f32]) -> Agreement {
        assert_eq!(logits.len(), self.logits.len());
        assert!(logits.iter().all(|logit| logit.is_finite()));
        let differences = logits.iter().zip(&self.logits).map(|(a, b)| (a - b).abs());
        let rows = |logits: &[f32]| -> Vec<usize> {
            logits.chunks_exact(self.vocab_size()).map(best).collect()
        };
        let same = rows(logits).iter().zip(rows(&self.logits)).filter(|(a, b)| **a == *b).count();
        Agreement {
            worst: differences.fold(0.0, f32::max),
            top_1: same as f64 / self.tokens.len() as f64,
        }
    }
}

/// How close logits are to the expected ones.
pub(crate) struct Agreement {
    /// The largest absolute difference.
    pub(crate) worst: f32,
    /// The share of positions with the same best token.
    pub(crate) top_1: f64,
}

fn best(row: &[f32]) -> usize {
    (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap()
}
