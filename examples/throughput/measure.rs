use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use infer_code_cad::engine::CausalLm;

use crate::case::Case;
use crate::common::{self, Failure};

/// What to measure.
#[derive(Args, Clone)]
pub(crate) struct Workload {
    /// Tokens of the prompt that samples continue; the question alone, cad's second stream, has half.
    #[arg(long, default_value_t = 128, value_parser = common::positive)]
    pub(crate) prompt_tokens: usize,
    /// Tokens of the prompt that only reading is measured on.
    #[arg(long, default_value_t = 512, value_parser = common::positive)]
    pub(crate) prefill_tokens: usize,
    /// Tokens to generate per sample.
    #[arg(long, default_value_t = 32, value_parser = common::positive)]
    pub(crate) new_tokens: usize,
    /// Samples of one prompt, decoded together.
    #[arg(long, value_delimiter = ',', default_value = "1,4,5,10", value_parser = common::positive)]
    pub(crate) samples: Vec<usize>,
    /// vanilla reads one stream per sample, cad two.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "vanilla,cad")]
    pub(crate) modes: Vec<Mode>,
    /// Rounds over all of these, in turn; medians are reported.
    #[arg(long, default_value_t = 3, value_parser = common::positive)]
    pub(crate) repeats: usize,
    /// Seed of tokens, draws and random weights.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

/// Decoding modes by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// One stream per sample.
    Vanilla,
    /// Context-aware decoding: two streams per sample.
    Cad,
}

/// What a case took.
#[derive(Debug, Default)]
pub(crate) struct Timing {
    /// Reading the prompt.
    pub(crate) prefill: Vec<Duration>,
    /// From the prompt to the first token.
    pub(crate) first_token: Vec<Duration>,
    /// From token to token of a sample: forward pass, mixing, sampling.
    pub(crate) steps: Vec<Duration>,
    /// From the prompt to the last token.
    pub(crate) whole: Vec<Duration>,
}

impl Workload {
    /// One sample of the prompt that samples continue.
    pub(crate) fn one(&self) -> Case {
        let Self { prompt_tokens, new_tokens, .. } = *self;
        Case { mode: Mode::Vanilla, samples: 1, prompt_tokens, new_tokens }
    }

    /// Reading alone, then every number of samples in every mode: at least two cases.
    pub(crate) fn cases(&self) -> Vec<Case> {
        let reading = Case { prompt_tokens: self.prefill_tokens, new_tokens: 1, ..self.one() };
        let writing = self.samples.iter().flat_map(|&samples| {
            self.modes.iter().map(move |&mode| Case { mode, samples, ..self.one() })
        });
        [reading].into_iter().chain(writing).collect()
    }

    /// The most that keys and values take in one of the cases.
    pub(crate) fn kv_bytes(&self, model: &dyn CausalLm) -> u64 {
        self.cases().iter().map(|case| case.kv_bytes(model)).max().unwrap_or(0)
    }

    /// Times all cases in turn, again and again, so that what else the machine does meets all of them.
    pub(crate) fn measure(
        &self,
        model: &Arc<dyn CausalLm>,
    ) -> Result<Vec<(Case, Timing)>, Failure> {
        let mut timings: Vec<_> =
            self.cases().into_iter().map(|case| (case, Timing::default())).collect();
        for _ in 0..self.repeats {
            for (case, timing) in &mut timings {
                case.run(model, self.seed, timing)?;
            }
        }
        Ok(timings)
    }
}
