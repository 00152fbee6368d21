//! Flags that choose a technique.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use infer_code_cad::retrieval::{Bm25Config, Bm25Index, Retriever, parse_passages};
use infer_code_cad::{Chat, PaperTechnique, PromptFormat, Settings, Technique, embedded};

use super::Failure;

/// Which technique to run.
#[derive(Args)]
pub(crate) struct TechniqueArgs {
    /// vanilla, cad, rag, cad+rag, sc or cot.
    #[arg(long, default_value = "vanilla")]
    pub(crate) technique: PaperTechnique,
    /// Strength of the contrast in cad and cad+rag.
    #[arg(long, default_value_t = 0.5)]
    pub(crate) alpha: f32,
    /// Passages for rag, one `{"id", "title", "text"}` per line; without it the embedded ones.
    #[arg(long)]
    pub(crate) passages: Option<PathBuf>,
    /// How prompts are put to the model; auto is chat where the model has a chat template.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) prompt_format: PromptFormatArg,
    /// A system message, for a chat.
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
}

/// Prompt formats by name.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum PromptFormatArg {
    /// Chat where the model has a chat template, else raw.
    Auto,
    /// The prompt as it is, as in the paper's Table 4.
    Raw,
    /// The prompt as the message of a user.
    Chat,
}

impl TechniqueArgs {
    /// How to put prompts to the model.
    pub(crate) fn prompt_format(&self) -> Result<PromptFormat, Failure> {
        let chat = Chat { system: self.system.clone(), ..Chat::default() };
        match (self.prompt_format, &self.system) {
            (PromptFormatArg::Auto, _) => Ok(PromptFormat::Auto(chat)),
            (PromptFormatArg::Chat, _) => Ok(PromptFormat::Chat(chat)),
            (PromptFormatArg::Raw, None) => Ok(PromptFormat::Raw),
            (PromptFormatArg::Raw, Some(_)) => {
                Err("a raw prompt has no system message; leave out --system".into())
            }
        }
    }

    /// The technique with the paper's settings and what was asked for. The embedded passages
    /// stand in for missing ones only where `embedded_passages` says that they fit the problems.
    pub(crate) fn build(&self, embedded_passages: bool) -> Result<Technique, Failure> {
        let retriever: Option<Arc<dyn Retriever>> = match &self.passages {
            None if embedded_passages => Some(embedded::retriever()?),
            None => None,
            Some(path) => {
                let named = |error: &dyn fmt::Display| format!("{}: {error}", path.display());
                let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
                let passages = parse_passages(&text).map_err(|error| named(&error))?;
                Some(Arc::new(Bm25Index::new(passages, Bm25Config::default())?))
            }
        };
        let settings = Settings { alpha: self.alpha, retriever, ..Settings::default() };
        Ok(self.technique.build(&settings)?)
    }
}
