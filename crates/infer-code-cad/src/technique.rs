mod choice;
mod error;
mod list;
mod name;
mod paper;
mod part;
mod recipe;
mod sampler;
mod setting;

use std::sync::Arc;

use infer_code_cad_decode::{Decoder, Settings};

use crate::{Error, Prompter, Selector};

pub use choice::Choice;
pub use error::TechniqueError;
pub use list::Listed;
pub use paper::PaperTechnique;
pub use recipe::{Recipe, Supplies};
pub use sampler::Sampler;
pub use setting::PartSetting;

/// An inference-time technique: which streams a problem becomes, how their logits become tokens,
/// and which draft is the answer.
///
/// Techniques are data. [`Technique::named`] makes one by name; any other combination is written as a
/// struct.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use infer_code_cad::decode::{ContextAware, Contrast, Greedy};
/// use infer_code_cad::{First, Layout, PaperPrompter, Technique};
///
/// let technique = Technique {
///     name: "greedy cad".into(),
///     prompter: Arc::new(PaperPrompter::new(Layout::ContextAndQuestion)),
///     decoder: Arc::new(ContextAware { mix: Contrast::new(0.3), inner: Greedy }),
///     selector: Arc::new(First),
/// };
/// assert_eq!(
///     technique.settings().to_string(),
///     "technique(prompter=table4(layout=context_and_question),\
///      decoder=cad(alpha=0.3,inner=greedy),selector=first)"
/// );
/// ```
#[derive(Debug, Clone)]
pub struct Technique {
    /// Shown in reports and result files.
    pub name: String,
    /// Problem to prompt streams.
    pub prompter: Arc<dyn Prompter>,
    /// Logits to tokens; reads as many streams as the prompter makes.
    pub decoder: Arc<dyn Decoder>,
    /// Drafts to answer.
    pub selector: Arc<dyn Selector>,
}

impl Technique {
    /// The technique of a name such as `vanilla`, `cad+rag` or `rag+cad(alpha=0.2)+sc(drafts=3)`; see
    /// [`Recipe`] for the grammar.
    ///
    /// # Errors
    /// [`Error::Technique`] for a name that says nothing, or that needs what the supplies lack.
    pub fn named(name: &str, supplies: &Supplies) -> Result<Self, Error> {
        Ok(name.parse::<Recipe>()?.build(supplies)?)
    }

    /// What [`Technique::named`] of the same name and supplies is to be compared with where it is contrastive: see
    /// [`Recipe::control`]. `None` where it is not.
    ///
    /// # Errors
    /// As [`Technique::named`].
    pub fn control(name: &str, supplies: &Supplies) -> Result<Option<Self>, Error> {
        let control = name.parse::<Recipe>()?.control();
        Ok(control.map(|recipe| recipe.build(supplies)).transpose()?)
    }

    /// What its prompter, decoder and selector are, for result files.
    pub fn settings(&self) -> Settings {
        Settings::new("technique")
            .with("prompter", self.prompter.settings())
            .with("decoder", self.decoder.settings())
            .with("selector", self.selector.settings())
    }

    /// What its selector wants per sample.
    pub(crate) fn draft_counts(&self) -> Result<DraftCounts, Error> {
        let (most, first) = (self.selector.most_drafts(), self.selector.first_drafts());
        let technique = self.name.clone();
        if most == 0 {
            return Err(Error::NoDrafts { technique });
        }
        if !(1..=most).contains(&first) {
            return Err(Error::FirstDrafts { technique, first, most });
        }
        Ok(DraftCounts { most, first })
    }
}

/// Drafts per sample: the most of a role, and those of the first wave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DraftCounts {
    pub(crate) most: usize,
    pub(crate) first: usize,
}
