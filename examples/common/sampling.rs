//! Flags that say how solutions are drawn.

use clap::Args;
use infer_code_cad::engine::EngineConfig;
use infer_code_cad::{PromptFormat, SolveConfig, StopError};

use super::{DrawingArgs, ExtractionArgs, positive};

/// How solutions are drawn.
#[derive(Args)]
pub(crate) struct SamplingArgs {
    /// Solutions per problem.
    #[arg(long, default_value = "10", value_parser = positive)]
    pub(crate) n: usize,
    #[command(flatten)]
    drawing: DrawingArgs,
    #[command(flatten)]
    extraction: ExtractionArgs,
    /// Most streams in one forward pass.
    #[arg(long, default_value_t = 64)]
    max_rows: usize,
}

impl SamplingArgs {
    /// What every technique that is compared has in common.
    pub(crate) fn config(&self, prompt_format: PromptFormat) -> Result<SolveConfig, StopError> {
        let extraction = self.extraction.rules();
        Ok(SolveConfig { extraction, ..self.drawing.config(self.n, prompt_format)? })
    }

    /// What changes no token.
    pub(crate) fn engine(&self) -> EngineConfig {
        EngineConfig { max_rows: self.max_rows, ..EngineConfig::default() }
    }
}
