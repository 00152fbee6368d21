//! Flags that say how solutions are drawn.

use clap::Args;
use infer_code_cad::engine::EngineConfig;
use infer_code_cad::{SolveConfig, StopError};

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
    /// A preset's configuration with what these flags say otherwise.
    pub(crate) fn over(&self, preset: SolveConfig) -> Result<SolveConfig, StopError> {
        let extraction = self.extraction.given().unwrap_or(preset.extraction);
        Ok(SolveConfig { extraction, ..self.drawing.over(preset, self.n)? })
    }

    /// What changes no token.
    pub(crate) fn engine(&self) -> EngineConfig {
        EngineConfig { max_rows: self.max_rows, ..EngineConfig::default() }
    }
}
