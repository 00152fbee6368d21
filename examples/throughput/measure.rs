use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use infer_code_cad::Settings;
use infer_code_cad::decode::{ContextAware, Decoder};
use infer_code_cad::engine::{CausalLm, Event, GenerateConfig, Prompt, TokenId, generate};

use crate::common::{self, Failure};

/// What to measure.
#[derive(Args)]
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

/// Samples of one prompt, decoded together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) mode: Mode,
    pub(crate) samples: usize,
    pub(crate) prompt_tokens: usize,
    pub(crate) new_tokens: usize,
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
    pub(crate) fn measure(&self, model: &dyn CausalLm) -> Result<Vec<(Case, Timing)>, Failure> {
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

impl Case {
    /// Streams that advance in one forward pass.
    pub(crate) fn rows(&self) -> usize {
        match self.mode {
            Mode::Vanilla => self.samples,
            Mode::Cad => 2 * self.samples,
        }
    }

    /// Samples share what the prompt filled in whole pages, and have the rest each for itself.
    fn kv_bytes(&self, model: &dyn CausalLm) -> u64 {
        const PAGE: usize = 16;
        let bytes = |positions| model.cache_bytes(positions).unwrap_or(0);
        let of_stream = |stream: &Vec<TokenId>| {
            let shared = bytes(stream.len() / PAGE * PAGE);
            let all = bytes(stream.len() + self.new_tokens - 1);
            shared + self.samples as u64 * (all - shared)
        };
        self.prompt(model, 0).streams.iter().map(of_stream).sum()
    }

    /// Reads the prompt, writes the samples, and adds what it took.
    pub(crate) fn run(
        &self,
        model: &dyn CausalLm,
        seed: u64,
        timing: &mut Timing,
    ) -> Result<(), Failure> {
        let sampler = Settings::default().sampler;
        let decoder: Box<dyn Decoder> = match self.mode {
            Mode::Vanilla => Box::new(sampler),
            Mode::Cad => Box::new(ContextAware::new(0.5, sampler)),
        };
        let config = GenerateConfig {
            max_new_tokens: self.new_tokens,
            max_rows: self.rows(),
            seed,
            ..GenerateConfig::default()
        };
        let prompt = self.prompt(model, seed);
        let mut at = vec![]; // when the first sample got each of its tokens
        let start = Instant::now();
        let no_text = Vec::<&[u8]>::new();
        let stats = generate(model, &no_text, [prompt], &*decoder, &config, &mut |event| {
            if let Event::Token { sample: 0, .. } = event {
                at.push(Instant::now());
            }
            common::interrupted()
        })?;
        if stats.cancelled {
            return Err("interrupted".into());
        }
        timing.whole.push(start.elapsed());
        timing.prefill.push(stats.prefill_time);
        timing.first_token.extend(at.first().map(|first| first.duration_since(start)));
        // The first step waits for the first tokens of the other samples.
        timing.steps.extend(at.windows(2).skip(1).map(|pair| pair[1] - pair[0]));
        Ok(())
    }

    /// Arbitrary tokens; the second stream, the question alone, is the end of the first.
    fn prompt(&self, model: &dyn CausalLm, seed: u64) -> Prompt {
        let vocab_size = model.vocab_size() as u64;
        let token =
            |i: u64| ((i + seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % vocab_size;
        let tokens: Vec<_> = (0..self.prompt_tokens as u64).map(|i| token(i) as TokenId).collect();
        let question = tokens[tokens.len() / 2..].to_vec();
        let streams = match self.mode {
            Mode::Vanilla => vec![tokens],
            Mode::Cad => vec![tokens, question],
        };
        Prompt { task: "throughput".to_owned(), streams, n_samples: self.samples }
    }
}
