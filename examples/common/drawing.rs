//! Flags that say how a completion is drawn.

use clap::Args;
use infer_code_cad::{SolveConfig, StopError, stop_strings};

/// How a completion is drawn.
#[derive(Args)]
pub(crate) struct DrawingArgs {
    /// Longest completion in tokens. Without it the preset's: 128.
    #[arg(long, value_name = "N")]
    pub(crate) max_new_tokens: Option<usize>,
    /// A string that ends a completion; may be given several times. A set by its name (none, bigcode, lm-eval,
    /// evalplus, paper-code), and any other text literally, with the escapes \n, \r, \t, \\ and \xHH: '\nclass'.
    /// A literal that is such a name is written with an escape, one that begins with - as --stop=-TEXT.
    /// Those sets take the completion for a bare body, which cot does not write. Without it the preset's: none.
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Seed of all random draws.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

impl DrawingArgs {
    /// A preset's configuration with what these flags say otherwise.
    pub(crate) fn over(
        &self,
        preset: SolveConfig,
        n_samples: usize,
    ) -> Result<SolveConfig, StopError> {
        let mut config = SolveConfig { n_samples, seed: self.seed, ..preset };
        if let Some(max_new_tokens) = self.max_new_tokens {
            (config.max_new_tokens, config.max_length) = (max_new_tokens, None);
        }
        if !self.stop.is_empty() {
            (config.stop, config.stop_tokens) = (stop_strings(&self.stop)?, vec![]);
        }
        Ok(config)
    }
}
