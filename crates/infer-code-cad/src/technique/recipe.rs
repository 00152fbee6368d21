use std::fmt::Display;
use std::sync::Arc;

use infer_code_cad_decode::{ContextAware, Contrast, DecodeError, Decoder, Mix};
use infer_code_cad_retrieval::Retriever;

use super::choice::Choice;
use super::sampler::Sampler;
use crate::{
    Budget, Jaccard, Layout, PaperPrompter, PassageGate, Preset, Prompter, Question, Similarity,
    SyntaxGuard, Technique, TechniqueError, Wording,
};

/// A technique by its parts, read from a name and written as one.
///
/// A name is one or more parts, joined by `+` in any order, and behind a `|` how the answer is chosen among several drafts.
/// What is not said is the paper's (appendix A). [`Listed::PARTS`](crate::Listed::PARTS) and
/// [`Listed::CHOICES`](crate::Listed::CHOICES) say what there is, with all keys.
///
/// `gate=perplexity` keeps a passage only where it makes the problem more probable: see [`PassageGate`].
/// `question` is what the contrast takes away, `wording` what the public code has otherwise: see [`Question`] and [`Wording`].
/// `nucleus` cuts by `top_k`, then `top_p`, then `min_p`, after the temperature: see
/// [`Nucleus`](infer_code_cad_decode::Nucleus).
///
/// # Examples
/// ```
/// use infer_code_cad::{PaperTechnique, Recipe};
///
/// let recipe: Recipe = "rag+cad(alpha=0.2,plausibility=0.1)".parse()?;
/// assert_eq!(recipe.to_string(), "cad(alpha=0.2,plausibility=0.1)+rag");
/// assert_eq!("rag+cad".parse::<Recipe>()?, PaperTechnique::CadRag.recipe());
/// let error = "cad(beta=1)".parse::<Recipe>().unwrap_err();
/// assert_eq!(error.to_string(), "cad has no \"beta\"; choose alpha, plausibility, weights, gate, modulation, question, wording");
/// let chosen: Recipe = "cad(alpha=0.2)|visible-tests(n=20)".parse()?;
/// assert_eq!(chosen.to_string(), "cad(alpha=0.2)|visible-tests(n=20)");
/// # Ok::<(), infer_code_cad::TechniqueError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recipe {
    /// Whether the prompt asks for an outline before the code.
    pub thinks_first: bool,
    /// The contrast of context-aware decoding.
    pub contrast: Option<Contrast>,
    /// What its question stream says.
    pub question: Question,
    /// How its context stream is worded.
    pub wording: Wording,
    /// Whether the context stream of context-aware decoding stands alone, without contrast.
    pub control: bool,
    /// The number of passages that stand in the prompt.
    pub passages: Option<usize>,
    /// Which of these are kept.
    pub gate: PassageGate,
    /// The longest completion in tokens, where the technique has a budget of its own.
    pub max_new_tokens: Option<usize>,
    /// How a token is chosen.
    pub sampler: Sampler,
    /// Takes lines back that cannot be Python.
    pub guard: Option<SyntaxGuard<()>>,
    /// Which draft is the answer.
    pub choice: Choice,
}

/// What a technique may need that its name does not say.
#[derive(Debug, Clone)]
pub struct Supplies {
    /// Where retrieval finds its passages.
    pub retriever: Option<Arc<dyn Retriever>>,
    /// How self-consistency compares drafts.
    pub similarity: Arc<dyn Similarity>,
}

impl Default for Supplies {
    /// No passages; drafts are compared by their words.
    fn default() -> Self {
        Self { retriever: None, similarity: Arc::new(Jaccard) }
    }
}

impl Recipe {
    /// Passages of retrieval in the paper.
    pub(super) const PASSAGES: usize = 1;

    /// The paper's contrast.
    pub(super) fn contrast() -> Contrast {
        Contrast::new(Preset::ALPHA)
    }

    /// What a contrast is to be compared with: the same context stream, passages, sampler and drafts, and no
    /// contrast. `None` for a recipe without contrast.
    ///
    /// Its tokens are those of `cad(alpha=0)`, at the price of one stream. What `plausibility` excludes is a part
    /// of the contrast and goes with it.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad::Recipe;
    ///
    /// let cad: Recipe = "rag+cad(alpha=0.2)+nucleus(top_p=0.5)".parse()?;
    /// let control = cad.control().expect("it has a contrast");
    /// assert_eq!(control.to_string(), "control+rag+nucleus(temperature=0.8,top_p=0.5)");
    /// assert!(control.control().is_none());
    /// # Ok::<(), infer_code_cad::TechniqueError>(())
    /// ```
    pub fn control(&self) -> Option<Self> {
        self.contrast.as_ref()?;
        let question = Question::default();
        Some(Self { contrast: None, control: true, question, ..self.clone() })
    }

    /// Assembles the technique.
    ///
    /// # Errors
    /// [`TechniqueError::NoRetriever`] when it retrieves and the supplies have no retriever;
    /// [`TechniqueError::Together`] for parts that exclude each other and [`TechniqueError::Value`] for
    /// parameters out of their range.
    pub fn build(&self, supplies: &Supplies) -> Result<Technique, TechniqueError> {
        self.check()?;
        let name = self.to_string();
        let retriever = match (self.passages, &supplies.retriever) {
            (None, _) => None,
            (Some(_), Some(retriever)) => Some(retriever.clone()),
            (Some(_), None) => return Err(TechniqueError::NoRetriever { technique: name }),
        };
        let layout = match (&self.contrast, self.control, self.thinks_first) {
            (Some(_), ..) => Layout::ContextAndQuestion,
            (None, true, _) => Layout::Context,
            (None, false, true) => Layout::ThinkFirst,
            (None, false, false) => Layout::Plain,
        };
        let passages = self.passages.unwrap_or(Self::PASSAGES);
        let (gate, question, wording) = (self.gate, self.question, self.wording);
        let prompter = PaperPrompter { layout, retriever, passages, gate, question, wording };
        let mut prompter: Arc<dyn Prompter> = Arc::new(prompter);
        if let Some(max_new_tokens) = self.max_new_tokens {
            prompter = Arc::new(Budget { inner: prompter, max_new_tokens });
        }
        let selector = self.choice.selector(supplies);
        Ok(Technique { name, prompter, decoder: self.decoder()?, selector })
    }

    /// The decoder alone: the sampler, after the contrast if there is one.
    ///
    /// # Errors
    /// As [`Recipe::build`], but for the retriever.
    pub fn decoder(&self) -> Result<Arc<dyn Decoder>, TechniqueError> {
        self.check()?;
        let mut decoder = self.sampler.decoder();
        if let Some(contrast) = &self.contrast {
            decoder = Arc::new(ContextAware { mix: contrast.clone(), inner: decoder });
        }
        if let Some(SyntaxGuard { retries, stop_at_dedent, .. }) = self.guard {
            decoder = Arc::new(SyntaxGuard { retries, stop_at_dedent, inner: decoder });
        }
        Ok(decoder)
    }

    /// Refuses parameters out of their range, and what does not go together.
    pub(super) fn check(&self) -> Result<(), TechniqueError> {
        if let Some(contrast) = &self.contrast {
            contrast.check().map_err(|error| refused("cad", &error))?;
            let two = contrast.arity() == 2;
            expect(two, "cad", "weights", &contrast.arity(), "two weights, as in 1.5/-0.5")?;
        }
        self.sampler.check().map_err(|error| refused(self.sampler.name(), &error))?;
        if let Some(passages) = self.passages {
            expect(passages > 0, "rag", "passages", &passages, "a whole number of at least 1")?;
        }
        if let Choice::VisibleTests(best) = &self.choice {
            let expected = "an n above twice the wave";
            expect(best.has_repairs(), "visible-tests", "repair", &"on", expected)?;
        }
        if self.contrast.is_some() && self.thinks_first {
            let reason = "no prompt of two streams asks for an outline; leave one out";
            return Err(TechniqueError::Together { first: "cad", second: "cot", reason });
        }
        if self.control && self.thinks_first {
            let reason =
                "the control's prompt is that of cad, which asks for no outline; leave one out";
            return Err(TechniqueError::Together { first: "control", second: "cot", reason });
        }
        if self.control && self.contrast.is_some() {
            let reason = "the control is cad without contrast; leave one out";
            return Err(TechniqueError::Together { first: "control", second: "cad", reason });
        }
        if self.choice.drafts() > 1 && self.sampler.is_deterministic() {
            let (first, second) = (self.choice.name(), self.sampler.name());
            let reason = "its drafts are all the same; draw them with nucleus";
            return Err(TechniqueError::Together { first, second, reason });
        }
        if self.guard.is_some() && self.sampler.is_deterministic() {
            let second = self.sampler.name();
            let reason = "a line that is taken back would be the same again; draw with nucleus";
            return Err(TechniqueError::Together { first: "guard", second, reason });
        }
        Ok(())
    }
}

/// What a decoder says of its parameters.
fn refused(part: &str, error: &DecodeError) -> TechniqueError {
    let part = part.to_owned();
    match error {
        DecodeError::Parameter { name, value, expected } => TechniqueError::Value {
            part,
            key: (*name).to_owned(),
            value: value.to_string(),
            expected,
        },
        error => TechniqueError::Syntax { text: part, reason: error.to_string() },
    }
}

fn expect(
    holds: bool,
    part: &str,
    key: &str,
    value: &dyn Display,
    expected: &'static str,
) -> Result<(), TechniqueError> {
    if holds {
        return Ok(());
    }
    let (part, key, value) = (part.to_owned(), key.to_owned(), value.to_string());
    Err(TechniqueError::Value { part, key, value, expected })
}
