//! Flags that choose a technique.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use infer_code_cad::retrieval::{Bm25Config, Bm25Index, Retriever, load_passages};
use infer_code_cad::{Chat, PromptFormat, Recipe, Supplies, Technique, TechniqueError, embedded};

use super::{Failure, SettingArgs};

/// Which technique to run.
#[derive(Args)]
pub(crate) struct TechniqueArgs {
    /// vanilla, cad, rag, cad+rag, sc, cot, or parts with their settings, joined by +:
    /// rag+cad(alpha=0.2,plausibility=0.1), sc(drafts=3)+nucleus(temperature=0.6), greedy.
    #[arg(long, value_name = "NAME", default_value = "vanilla", value_parser = name)]
    technique: String,
    #[command(flatten)]
    settings: SettingArgs,
    /// Passages for rag, one `{"id", "title", "text"}` per line; without it the embedded ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) passages: Option<PathBuf>,
    /// How prompts are put to the model: auto (chat where the model has a chat template), raw or chat.
    #[arg(long, default_value = "auto")]
    pub(crate) prompt_format: PromptFormat,
    /// A system message, for a chat.
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
}

/// A name as it was written, if it is one.
fn name(text: &str) -> Result<String, TechniqueError> {
    text.parse::<Recipe>().map(|_| text.to_owned())
}

impl TechniqueArgs {
    /// The technique by its parts, with the settings that are flags.
    pub(crate) fn recipe(&self) -> Result<Recipe, TechniqueError> {
        Recipe::named(&self.technique, &self.settings.given())
    }

    /// How to put prompts to the model.
    pub(crate) fn prompt_format(&self) -> Result<PromptFormat, Failure> {
        let chat = || Chat { system: self.system.clone(), ..Chat::default() };
        match &self.prompt_format {
            PromptFormat::Auto(_) => Ok(PromptFormat::Auto(chat())),
            PromptFormat::Chat(_) => Ok(PromptFormat::Chat(chat())),
            PromptFormat::Raw if self.system.is_none() => Ok(PromptFormat::Raw),
            PromptFormat::Raw => {
                Err("a raw prompt has no system message; leave out --system".into())
            }
        }
    }

    /// The technique with the paper's settings and what was asked for. The embedded passages
    /// stand in for missing ones only where `embedded_passages` says that they fit the problems.
    pub(crate) fn build(&self, embedded_passages: bool) -> Result<Technique, Failure> {
        let recipe = self.recipe()?;
        if self.passages.is_some() && recipe.passages.is_none() {
            let name = &self.technique;
            return Err(format!("{name} reads no passages; add rag or leave out --passages").into());
        }
        let retriever: Option<Arc<dyn Retriever>> = match &self.passages {
            None if embedded_passages => Some(embedded::retriever()?),
            None => None,
            Some(path) => {
                let passages = load_passages(path)?;
                Some(Arc::new(Bm25Index::new(passages, Bm25Config::default())?))
            }
        };
        Ok(recipe.build(&Supplies { retriever, ..Supplies::default() })?)
    }
}
