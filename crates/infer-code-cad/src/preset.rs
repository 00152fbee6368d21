mod defect;
mod drawing;
mod name;
mod settings;

use std::collections::BTreeSet;

use infer_code_cad_decode::Nucleus;
use infer_code_cad_engine::LogProbs;
use infer_code_cad_tasks::{Extraction, Task, TextDefects};

use crate::{Chat, PromptFormat, Question, Recipe, SolveConfig, Wording};

pub use defect::Defect;
pub use drawing::Drawing;
pub use name::PresetError;

/// Everything that a comparison has in common beside problems, model and techniques: how prompts are put to the
/// model, how tokens are chosen, where a completion ends and how a program is cut out of it.
///
/// | name | what it is |
/// |---|---|
/// | `default` | A fair comparison: a chat where the model has a template, and one sampler, one limit, one stop set (none) and one extraction for all techniques. |
/// | `paper` | The paper's text: the same with raw prompts (Table 4). |
/// | `paper-code` | The paper's public code, with each [`Defect`] that was found in it. |
///
/// A defect is turned on by its name behind `+`, and off behind `+no-`: `default+leading-space`,
/// `paper-code+no-clean-up`. A preset only fills in: what a technique's name, a flag or a field of
/// [`SolveConfig`] says wins, and a result file's header has both.
///
/// # Examples
/// ```
/// use infer_code_cad::{Preset, Recipe};
///
/// let preset: Preset = "paper-code".parse()?;
/// let cad = Recipe::under(&preset, "cad", &[])?;
/// let vanilla = Recipe::under(&preset, "vanilla", &[])?;
/// assert_eq!(vanilla.to_string(), "nucleus(temperature=1,top_p=0.9)");
/// assert_eq!(preset.config(&cad).stop_tokens, ["\n\n", "print"]);
/// assert!(preset.config(&vanilla).stop_tokens.is_empty(), "as unfair as it was");
/// assert!(Preset::default().is_fair() && !preset.is_fair());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preset {
    /// What it begins with.
    pub base: Base,
    /// What is on in it, the base's own included.
    pub defects: BTreeSet<Defect>,
}

/// What a [`Preset`] is called before defects are turned on and off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Base {
    /// `default`.
    #[default]
    Default,
    /// `paper`.
    Paper,
    /// `paper-code`.
    PaperCode,
}

/// The techniques that the public code treats apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Plain,
    Retrieved,
    /// Context-aware decoding and its control.
    Contrastive,
}

impl Family {
    pub(crate) fn new(contrastive: bool, retrieves: bool) -> Self {
        match (contrastive, retrieves) {
            (true, _) => Self::Contrastive,
            (false, true) => Self::Retrieved,
            (false, false) => Self::Plain,
        }
    }

    fn of(recipe: &Recipe) -> Self {
        Self::new(recipe.contrast.is_some() || recipe.control, recipe.passages.is_some())
    }
}

impl Preset {
    /// The weight of the contrast in the paper and its code.
    pub(crate) const ALPHA: f32 = 0.5;

    /// What is the same for all samples of a technique. Samples, seed and log-probabilities are as ever.
    pub fn config(&self, recipe: &Recipe) -> SolveConfig {
        let drawing = self.drawing(recipe);
        let contrastive = Family::of(recipe) == Family::Contrastive;
        SolveConfig {
            n_samples: 10,
            prompt_format: self.prompt_format(),
            max_new_tokens: drawing.max_new_tokens,
            max_length: drawing.max_length,
            stop: drawing.stop,
            stop_tokens: drawing.stop_tokens,
            seed: 0,
            log_probs: LogProbs::Off,
            extraction: self.extraction(),
            text_defects: self.text_defects(contrastive),
            preset: self.clone(),
        }
    }

    /// How drafts of a technique are drawn.
    pub fn drawing(&self, recipe: &Recipe) -> Drawing {
        self.drawing_of(Family::of(recipe))
    }

    /// Whether all techniques are drawn and read alike.
    pub fn is_fair(&self) -> bool {
        let [(_, plain), (_, retrieved), (_, contrastive)] = self.drawings();
        let alike = plain == retrieved && plain == contrastive;
        alike
            && self.text_defects(false) == self.text_defects(true)
            && !self.has(Defect::FirstQuotes)
    }

    /// The problems as they are put to a technique: changed by [`Defect::FirstQuotes`] and [`Defect::FirstDef`]
    /// alone.
    #[must_use]
    pub fn tasks(&self, recipe: &Recipe, tasks: Vec<Task>) -> Vec<Task> {
        let contrastive = Family::of(recipe) == Family::Contrastive;
        let splits = contrastive && self.has(Defect::FirstQuotes);
        let change = |mut task: Task| {
            if self.has(Defect::FirstDef) {
                task = task.with_first_def();
            }
            if splits {
                task.problem = task.problem.split_at_first_quotes();
            }
            task
        };
        tasks.into_iter().map(change).collect()
    }

    /// Whether a defect is on.
    pub fn has(&self, defect: Defect) -> bool {
        self.defects.contains(&defect)
    }

    pub(crate) fn question(&self) -> Question {
        match self.has(Defect::HeadlessQuestion) {
            true => Question::Headless,
            false => Question::Signature,
        }
    }

    pub(crate) fn wording(&self) -> Wording {
        if self.has(Defect::CodeWording) { Wording::PublicCode } else { Wording::Table4 }
    }

    pub(crate) fn drawing_of(&self, family: Family) -> Drawing {
        let mut drawing = Drawing::paper();
        let contrastive = family == Family::Contrastive;
        if self.has(Defect::CadSampler) {
            let (temperature, top_p) = if contrastive { (0.8, 1.0) } else { (1.0, 0.9) };
            drawing.sampler = Nucleus { temperature, top_p, ..drawing.sampler };
        }
        if self.has(Defect::CadLength) {
            (drawing.max_new_tokens, drawing.max_length) = match family {
                Family::Plain => (512, Some(512)),
                Family::Retrieved => (2048, Some(2048)),
                Family::Contrastive => (512, None),
            };
        }
        if self.has(Defect::CadStop) && contrastive {
            drawing.stop_tokens = vec!["\n\n".to_owned(), "print".to_owned()];
        }
        drawing
    }

    fn drawings(&self) -> [(&'static str, Drawing); 3] {
        [
            ("plain", Family::Plain),
            ("retrieved", Family::Retrieved),
            ("contrastive", Family::Contrastive),
        ]
        .map(|(name, family)| (name, self.drawing_of(family)))
    }

    fn prompt_format(&self) -> PromptFormat {
        match self.has(Defect::RawPrompt) {
            true => PromptFormat::Raw,
            false => PromptFormat::Auto(Chat::default()),
        }
    }

    fn extraction(&self) -> Extraction {
        if self.has(Defect::AsIs) { Extraction::AsIs } else { Extraction::Plain }
    }

    fn text_defects(&self, contrastive: bool) -> TextDefects {
        TextDefects {
            leading_space: self.has(Defect::LeadingSpace) && !contrastive,
            clean_up: self.has(Defect::CleanUp),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn preset(name: &str) -> Preset {
        name.parse().unwrap()
    }

    #[test]
    fn names_and_settings_are_read_back() {
        for name in
            ["default", "paper", "paper-code", "default+as-is+cad-stop", "paper-code+no-first-def"]
        {
            let preset = preset(name);
            assert_eq!(preset.to_string(), name);
            let text = preset.settings().to_string();
            assert_eq!(Preset::read(&text.parse().unwrap()), Ok(preset), "{text}");
        }
        assert_eq!(preset(" default + leading-space "), preset("default+leading-space"));
    }

    #[test]
    fn what_is_no_preset_is_refused_with_the_choices() {
        for (name, complaint) in [
            ("fair", "choose default, paper or paper-code"),
            ("default+space", "choose one of raw-prompt, as-is, leading-space"),
            ("paper+raw-prompt", "raw-prompt is on in paper already"),
            ("default+no-as-is", "as-is is off in default already"),
        ] {
            let error = name.parse::<Preset>().unwrap_err().to_string();
            assert!(error.contains(complaint), "{name}: {error}");
        }
    }

    #[test]
    fn every_defect_alone_shows_in_the_settings() {
        let fair = Preset::default().settings();
        for defect in Defect::ALL {
            let one = preset(&format!("default+{defect}"));
            let without = preset(&format!("paper-code+no-{defect}"));
            assert_ne!(one.settings().values, fair.values, "{defect}");
            let of_one_technique = [
                Defect::LeadingSpace,
                Defect::CadStop,
                Defect::CadSampler,
                Defect::CadLength,
                Defect::FirstQuotes,
            ];
            assert_eq!(one.is_fair(), !of_one_technique.contains(&defect), "{defect}");
            assert_ne!(
                without.settings().values,
                preset("paper-code").settings().values,
                "{defect}"
            );
        }
    }

    #[test]
    fn what_a_technique_says_itself_wins() {
        let under = |name| Recipe::under(&preset("paper-code"), name, &[]).unwrap().to_string();
        assert_eq!(
            under("cad"),
            "cad(alpha=0.5,question=headless,wording=public-code)+nucleus(temperature=0.8,top_p=1)"
        );
        assert_eq!(under("nucleus(temperature=0.6)"), "nucleus(temperature=0.6,top_p=0.9)");
        assert_eq!(
            under("cad(question=signature)+greedy"),
            "cad(alpha=0.5,wording=public-code)+greedy"
        );
        assert_eq!(under("rag"), "rag+nucleus(temperature=1,top_p=0.9)");
        for name in ["vanilla", "cad", "rag", "cad+rag", "sc", "cot", "control"] {
            let recipe: Recipe = name.parse().unwrap();
            for fair in ["default", "paper"] {
                assert_eq!(Recipe::under(&preset(fair), name, &[]).unwrap(), recipe);
            }
        }
    }
}
