use serde::{Deserialize, Serialize};

/// How fast an arm was; what was not measured is `None` and shown as `-`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Speed {
    /// Tokens of the answers per second, all tokens over all time: the rate of tables and figures.
    pub tokens_per_second: Option<f64>,
    /// The mean over samples of each one's rate, as papers give it.
    pub mean_of_rates: Option<f64>,
    /// Prompt tokens per second of prefill.
    pub prefill_tokens_per_second: Option<f64>,
    /// Tokens after the first of each completion per second of decoding.
    pub decode_tokens_per_second: Option<f64>,
    /// Seconds to the first token.
    pub first_token_seconds: Option<f64>,
    /// Seconds that one answer took.
    pub answer_seconds: Option<Percentiles>,
}

/// The 50th, 95th and 99th percentile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Percentiles {
    /// The median.
    pub p50: f64,
    /// What 5 % exceed.
    pub p95: f64,
    /// What 1 % exceed.
    pub p99: f64,
}

/// What memory an arm took, in bytes; what was not measured is `None` and shown as `-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Memory {
    /// The most that was held at once, of the process or the device: the memory of tables and figures.
    pub peak_bytes: Option<u64>,
    /// The weights' part of it.
    pub weight_bytes: Option<u64>,
    /// The part of keys and values.
    pub kv_cache_bytes: Option<u64>,
    /// What was held after a generation and not before it: the paper's memory overhead, which says nothing of
    /// the memory that is needed.
    pub left_over_bytes: Option<u64>,
}

/// What the paper has of an arm.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaperFigures {
    /// pass@k by k.
    pub pass_at: Vec<(u64, f64)>,
    /// Tokens per second, on its machine.
    pub tokens_per_second: Option<f64>,
    /// The memory overhead in megabytes, see [`Memory::left_over_bytes`].
    pub memory_overhead_mb: Option<f64>,
}

impl PaperFigures {
    /// Its pass@k.
    pub fn pass_at(&self, k: u64) -> Option<f64> {
        self.pass_at.iter().find(|(known, _)| *known == k).map(|(_, value)| *value)
    }
}
