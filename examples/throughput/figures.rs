use std::time::Duration;

use serde_json::{Value, json};

use crate::case::Case;
use crate::measure::{Mode, Timing, Workload};

/// Drafts of self-consistency, as in the paper.
pub(crate) const DRAFTS: usize = 5;

/// What the cases of a workload took, the one of reading first.
pub(crate) struct Figures<'a> {
    pub(crate) workload: &'a Workload,
    pub(crate) timings: Vec<(Case, Timing)>,
}

impl Figures<'_> {
    pub(crate) fn json(&self) -> Value {
        let reading = self.reading();
        let decode = self.writing().map(|(case, timing)| {
            let step = median(&timing.steps);
            json!({
                "mode": format!("{:?}", case.mode).to_lowercase(), "samples": case.samples,
                "rows": case.rows(), "step_ms": step * 1e3,
                "tokens_per_second": case.samples as f64 / step,
            })
        });
        json!({
            "prompt_tokens": self.workload.prompt_tokens, "new_tokens": self.workload.new_tokens,
            "prefill": {
                "tokens": self.workload.prefill_tokens, "seconds": reading,
                "tokens_per_second": self.workload.prefill_tokens as f64 / reading,
            },
            "time_to_first_token_seconds": self.first_token(),
            "decode": decode.collect::<Vec<_>>(),
            "cad_ratio": self.cad_ratio(),
            "self_consistency": self.self_consistency().map(|(useful, ratio)| {
                json!({ "drafts": DRAFTS, "useful_tokens_per_second": useful, "ratio": ratio })
            }),
        })
    }

    /// Seconds that reading the prompt for reading took.
    pub(crate) fn reading(&self) -> f64 {
        median(&self.timings[0].1.prefill)
    }

    pub(crate) fn writing(&self) -> impl Iterator<Item = &(Case, Timing)> {
        self.timings[1..].iter()
    }

    fn of(&self, mode: Mode, samples: usize) -> Option<&Timing> {
        let (_, timing) =
            self.writing().find(|(case, _)| (case.mode, case.samples) == (mode, samples))?;
        Some(timing)
    }

    pub(crate) fn first_token(&self) -> Option<f64> {
        Some(median(&self.of(Mode::Vanilla, 1)?.first_token))
    }

    pub(crate) fn cad_ratio(&self) -> Option<f64> {
        let (vanilla, cad) = (self.of(Mode::Vanilla, 1)?, self.of(Mode::Cad, 1)?);
        Some(median(&vanilla.steps) / median(&cad.steps))
    }

    /// Tokens of one draft per second of writing all of them, prompt included; and as a share of
    /// writing one alone.
    pub(crate) fn self_consistency(&self) -> Option<(f64, f64)> {
        let (one, drafts) = (self.of(Mode::Vanilla, 1)?, self.of(Mode::Vanilla, DRAFTS)?);
        let whole = median(&drafts.whole);
        Some((self.workload.new_tokens as f64 / whole, median(&one.whole) / whole))
    }
}

/// In seconds; not a number when there are none.
pub(crate) fn median(times: &[Duration]) -> f64 {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}
