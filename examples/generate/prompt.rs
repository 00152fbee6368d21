//! The function to write, from flags, a file or standard input.

use std::path::PathBuf;

use clap::Args;
use infer_code_cad::tasks::Problem;

use crate::common;

/// What to complete.
#[derive(Args)]
pub(crate) struct PromptArgs {
    /// The signature, as in `def f(xs):`.
    #[arg(long, requires = "docstring", required_unless_present_any = ["file", "tokens"])]
    signature: Option<String>,
    /// What the function does.
    #[arg(long, requires = "signature")]
    docstring: Option<String>,
    /// A Python file that ends in a signature with a docstring; `-` reads standard input.
    #[arg(long, conflicts_with = "signature")]
    file: Option<PathBuf>,
}

impl PromptArgs {
    /// The problem that the flags describe.
    pub(crate) fn problem(&self) -> Result<Problem, common::Failure> {
        let prompt = match (&self.signature, &self.docstring, &self.file) {
            (Some(signature), Some(docstring), _) => {
                let text = docstring.replace('\\', r"\\").replace('"', r#"\""#);
                format!("{}\n    \"\"\"{text}\"\"\"\n", signature.trim_end())
            }
            (_, _, Some(path)) if path.as_os_str() != "-" => std::fs::read_to_string(path)
                .map_err(|error| format!("{}: {error}", path.display()))?,
            _ => std::io::read_to_string(std::io::stdin())?,
        };
        Ok(Problem::from_prompt("prompt", &prompt)?)
    }
}
