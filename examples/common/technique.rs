//! Flags that choose a technique.

use std::sync::Arc;

use clap::Args;
use infer_code_cad::tasks::Task;
use infer_code_cad::{
    Chat, Choice, EmbeddingSimilarity, Listed, Preset, PresetError, PromptFormat, Recipe,
    SolveConfig, Supplies, Switches, Technique, TechniqueError,
};

use super::{Failure, PassageArgs, SettingArgs, say};

/// Which technique to run.
#[derive(Args)]
pub(crate) struct TechniqueArgs {
    /// vanilla, cad, rag, cad+rag, sc, cot, control (the prompt of cad without contrast), or parts with their
    /// settings, joined by +, and behind | which of several drafts is the answer: rag+cad(alpha=0.2,plausibility=0.1),
    /// sc(drafts=3)+nucleus(temperature=0.6), greedy, vanilla|visible-tests(n=10).
    #[arg(long, value_name = "NAME", default_value = "vanilla", value_parser = name)]
    technique: String,
    /// Prints all parts of techniques with their settings, and nothing else.
    #[arg(long)]
    list_techniques: bool,
    /// What is not said by a flag or a technique: default (fair), paper (its text) or paper-code (its public code);
    /// a defect of that code is turned on by +NAME, as in default+leading-space, and off by +no-NAME.
    #[arg(long, value_name = "NAME", default_value = "default")]
    preset: Preset,
    /// Technique and preset from a file that `reproduce --tune` wrote for the model.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["technique", "preset"], value_parser = switched)]
    switches: Option<Switched>,
    #[command(flatten)]
    settings: SettingArgs,
    #[command(flatten)]
    passages: PassageArgs,
    /// Compares the drafts of sc by the cosine of this embedder's vectors (a directory, org/name on the hub or a
    /// short name; the paper's is mpnet); without it by their words.
    #[arg(long, value_name = "EMBEDDER")]
    similarity: Option<String>,
    /// How prompts are put to the model: auto (chat where the model has a chat template), raw or chat. Without it
    /// the preset's: auto.
    #[arg(long, value_name = "NAME")]
    pub(crate) prompt_format: Option<PromptFormat>,
    /// A system message, for a chat.
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
}

/// Prints what techniques may be made of, and ends, where that is asked for. It comes before the flags are read, since it
/// needs none of those that a run cannot do without.
pub(crate) fn list_techniques() {
    if std::env::args().all(|arg| arg != "--list-techniques") {
        return;
    }
    let groups = [
        ("parts, joined by +", Listed::PARTS),
        ("behind |, which of several drafts is the answer", Listed::CHOICES),
    ];
    for (heading, listed) in groups {
        say(format_args!("{heading}:"));
        listed.iter().for_each(|one| say(format_args!("{one}")));
    }
    std::process::exit(0)
}

/// What a file of switches says.
#[derive(Clone)]
struct Switched {
    preset: Preset,
    technique: String,
}

fn switched(path: &str) -> Result<Switched, String> {
    let Switches { preset, technique, .. } =
        Switches::read(path.as_ref()).map_err(|error| error.to_string())?;
    let preset = preset.parse().map_err(|error: PresetError| error.to_string())?;
    let technique = name(&technique).map_err(|error| error.to_string())?;
    Ok(Switched { preset, technique })
}

/// A name as it was written, if it is one.
fn name(text: &str) -> Result<String, TechniqueError> {
    text.parse::<Recipe>().map(|_| text.to_owned())
}

impl TechniqueArgs {
    /// The technique by its parts, with the settings that are flags.
    pub(crate) fn recipe(&self) -> Result<Recipe, TechniqueError> {
        Recipe::under(self.preset(), self.technique(), &self.settings.given())
    }

    /// Whether it chooses among drafts by what they do.
    pub(crate) fn runs_programs(&self) -> Result<bool, TechniqueError> {
        Ok(self.recipe()?.choice.runs_programs())
    }

    fn preset(&self) -> &Preset {
        self.switches.as_ref().map_or(&self.preset, |switched| &switched.preset)
    }

    fn technique(&self) -> &str {
        self.switches.as_ref().map_or(&self.technique, |switched| &switched.technique)
    }

    /// The preset's configuration, with prompts as these flags say.
    pub(crate) fn config(&self) -> Result<SolveConfig, Failure> {
        let config = self.preset().config(&self.recipe()?);
        let prompt_format = self.prompt_format(&config.prompt_format)?;
        Ok(SolveConfig { prompt_format, ..config })
    }

    /// The problems as the preset puts them to the technique.
    pub(crate) fn tasks(&self, tasks: Vec<Task>) -> Result<Vec<Task>, Failure> {
        Ok(self.preset().tasks(&self.recipe()?, tasks))
    }

    /// How to put prompts to the model.
    fn prompt_format(&self, preset: &PromptFormat) -> Result<PromptFormat, Failure> {
        let chat = || Chat { system: self.system.clone(), ..Chat::default() };
        match self.prompt_format.as_ref().unwrap_or(preset) {
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
        let name = self.technique();
        if self.passages.given() && recipe.passages.is_none() {
            let flags = "--index, --passages or --retrieved";
            return Err(format!("{name} reads no passages; add rag or leave out {flags}").into());
        }
        if self.similarity.is_some() && !matches!(recipe.choice, Choice::Medoid { .. }) {
            let remedy = "add sc or leave out --similarity";
            return Err(format!("{name} compares no drafts; {remedy}").into());
        }
        let mut supplies = Supplies::default();
        if recipe.passages.is_some() {
            supplies.retriever = self.passages.retriever(embedded_passages)?;
        }
        if let Some(spec) = &self.similarity {
            supplies.similarity = Arc::new(EmbeddingSimilarity(self.passages.embedder.load(spec)?));
        }
        Ok(recipe.build(&supplies)?)
    }
}
