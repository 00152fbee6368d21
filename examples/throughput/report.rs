use std::time::Duration;

use serde_json::{Value, json};

use crate::figures::Figures;

/// What was measured, of which model.
pub(crate) struct Report<'a> {
    pub(crate) model: String,
    pub(crate) weights: String,
    pub(crate) threads: usize,
    pub(crate) isa: String,
    pub(crate) load: Duration,
    pub(crate) figures: Figures<'a>,
    pub(crate) profile: Vec<Span>,
    pub(crate) bytes: Bytes,
}

/// Seconds that a part of the forward pass takes.
pub(crate) struct Span {
    pub(crate) name: &'static str,
    /// Of reading the prompt.
    pub(crate) reading: f64,
    /// Of a decode step.
    pub(crate) step: f64,
}

/// Memory in bytes; what the system does not tell is absent.
pub(crate) struct Bytes {
    pub(crate) weights: usize,
    /// Keys and values of the largest case.
    pub(crate) kv: u64,
    /// Peak of the process once the model was loaded.
    pub(crate) peak_load: Option<u64>,
    pub(crate) peak: Option<u64>,
}

impl Report<'_> {
    pub(crate) fn json(&self) -> Value {
        let mut json = self.figures.json();
        json["model"] = json!(self.model);
        json["weights"] = json!(self.weights);
        json["threads"] = json!(self.threads);
        json["isa"] = json!(self.isa);
        json["load_seconds"] = json!(self.load.as_secs_f64());
        let profile = self.profile.iter().map(|span| {
            json!({ "span": span.name, "reading": span.reading * 1e3, "step": span.step * 1e3 })
        });
        json["profile_ms"] = profile.collect();
        json["bytes"] = json!({
            "weights": self.bytes.weights, "kv": self.bytes.kv,
            "peak_load": self.bytes.peak_load, "peak": self.bytes.peak,
        });
        json
    }
}
