use std::sync::Arc;
use std::time::Instant;

use infer_code_cad::decode::{ContextAware, Decoder, Nucleus};
use infer_code_cad::engine::{CausalLm, Engine, EngineConfig, Event, Request, TokenId, generate};

use crate::common::{self, Failure};
use crate::measure::{Mode, Timing};

/// Samples of one prompt, decoded together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) mode: Mode,
    pub(crate) samples: usize,
    pub(crate) prompt_tokens: usize,
    pub(crate) new_tokens: usize,
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
    pub(crate) fn kv_bytes(&self, model: &dyn CausalLm) -> u64 {
        const PAGE: usize = 16;
        let bytes = |positions| model.cache_bytes(positions).unwrap_or(0);
        let of_stream = |stream: &Vec<TokenId>| {
            let shared = bytes(stream.len() / PAGE * PAGE);
            let all = bytes(stream.len() + self.new_tokens - 1);
            shared + self.samples as u64 * (all - shared)
        };
        self.streams(model, 0).iter().map(of_stream).sum()
    }

    /// Reads the prompt, writes the samples, and adds what it took.
    pub(crate) fn run(
        &self,
        model: &Arc<dyn CausalLm>,
        seed: u64,
        timing: &mut Timing,
    ) -> Result<(), Failure> {
        // Every round reads the prompt: nothing is kept of the one before.
        let rest = EngineConfig::default();
        let config = EngineConfig { max_rows: self.rows(), prefix_bytes: 0, ..rest };
        let no_text = Arc::new(Vec::<&[u8]>::new());
        let mut engine = Engine::new(Arc::clone(model), no_text, config)?;
        let request = self.request(model.as_ref(), seed);
        let (mut at, mut failed) = (vec![], None); // when the first sample got each of its tokens
        let start = Instant::now();
        let stats = generate(&mut engine, [request], &mut |_, event| {
            match event {
                Event::Token { sample: 0, .. } => at.push(Instant::now()),
                Event::Failed { error, .. } => failed = Some(error),
                _ => {}
            }
            common::interrupted()
        });
        let whole = start.elapsed();
        if let Some(error) = failed {
            return Err(error.into());
        }
        if stats.cancelled {
            return Err("interrupted".into());
        }
        timing.whole.push(whole);
        timing.prefill.push(stats.prefill_time);
        timing.first_token.extend(at.first().map(|first| first.duration_since(start)));
        // The first step waits for the first tokens of the other samples.
        timing.steps.extend(at.windows(2).skip(1).map(|pair| pair[1] - pair[0]));
        Ok(())
    }

    fn request(&self, model: &dyn CausalLm, seed: u64) -> Request {
        // The paper's sampler.
        let sampler = Nucleus { temperature: 0.8, top_p: 0.9, ..Nucleus::default() };
        let decoder: Arc<dyn Decoder> = match self.mode {
            Mode::Vanilla => Arc::new(sampler),
            Mode::Cad => Arc::new(ContextAware::new(0.5, sampler)),
        };
        let mut request = Request::new("throughput", self.streams(model, seed), decoder);
        request.samples = 0..self.samples;
        request.max_new_tokens = self.new_tokens;
        request.seed = seed;
        request
    }

    /// Arbitrary tokens; the second stream, the question alone, is the end of the first.
    fn streams(&self, model: &dyn CausalLm, seed: u64) -> Vec<Vec<TokenId>> {
        let vocab_size = model.vocab_size() as u64;
        let token =
            |i: u64| ((i + seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % vocab_size;
        let tokens: Vec<_> = (0..self.prompt_tokens as u64).map(|i| token(i) as TokenId).collect();
        let question = tokens[tokens.len() / 2..].to_vec();
        match self.mode {
            Mode::Vanilla => vec![tokens],
            Mode::Cad => vec![tokens, question],
        }
    }
}
