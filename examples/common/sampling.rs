//! Flags that say how solutions are drawn.

use clap::Args;
use infer_code_cad::engine::EngineConfig;
use infer_code_cad::tasks::StopPreset;
use infer_code_cad::{PromptFormat, SolveConfig};

use super::positive;

/// How solutions are drawn.
#[derive(Args)]
pub(crate) struct SamplingArgs {
    /// Solutions per problem.
    #[arg(long, default_value = "10", value_parser = positive)]
    pub(crate) n: usize,
    /// Longest completion in tokens.
    #[arg(long, default_value_t = 128)]
    max_new_tokens: usize,
    /// Most streams in one forward pass.
    #[arg(long, default_value_t = 64)]
    max_rows: usize,
    /// Strings that end a completion: none, bigcode, lm-eval, evalplus or paper-code. All but none
    /// take it for a bare body, which cot does not write.
    #[arg(long, default_value = "none")]
    stop: StopPreset,
    /// Seed of all random draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl SamplingArgs {
    /// What every technique that is compared has in common.
    pub(crate) fn config(&self, prompt_format: PromptFormat) -> SolveConfig {
        SolveConfig {
            n_samples: self.n,
            prompt_format,
            max_new_tokens: self.max_new_tokens,
            stop: self.stop.strings().iter().map(ToString::to_string).collect(),
            seed: self.seed,
            ..SolveConfig::default()
        }
    }

    /// What changes no token.
    pub(crate) fn engine(&self) -> EngineConfig {
        EngineConfig { max_rows: self.max_rows, ..EngineConfig::default() }
    }
}
