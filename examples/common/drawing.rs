//! Flags that say how a completion is drawn.

use clap::Args;
use infer_code_cad::{PromptFormat, SolveConfig, StopError, stop_strings};

/// How a completion is drawn.
#[derive(Args)]
pub(crate) struct DrawingArgs {
    /// Longest completion in tokens.
    #[arg(long, default_value_t = 128)]
    pub(crate) max_new_tokens: usize,
    /// A string that ends a completion; may be given several times. A preset by its name (none, bigcode, lm-eval,
    /// evalplus, paper-code), and any other text literally, with the escapes \n, \r, \t, \\ and \xHH: '\nclass'.
    /// A literal that is a preset's name is written with an escape, one that begins with - as --stop=-TEXT.
    /// Presets take the completion for a bare body, which cot does not write. Without it none.
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Seed of all random draws.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

impl DrawingArgs {
    /// What every technique that is compared has in common.
    pub(crate) fn config(
        &self,
        n_samples: usize,
        prompt_format: PromptFormat,
    ) -> Result<SolveConfig, StopError> {
        let stop = stop_strings(&self.stop)?;
        let (max_new_tokens, seed, rest) = (self.max_new_tokens, self.seed, SolveConfig::default());
        Ok(SolveConfig { n_samples, prompt_format, max_new_tokens, stop, seed, ..rest })
    }
}
