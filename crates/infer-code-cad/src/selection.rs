mod best_of_n;
mod checks;
mod codet;
#[cfg(test)]
mod driven;
mod embedding;
mod error;
mod first;
mod functional_vote;
mod likelihood;
mod mean_log_prob;
mod most_consistent;
mod observation;
mod repair;
mod similarity;
mod stopping;
#[cfg(test)]
mod trial;

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use infer_code_cad_decode::{Decoder, Settings};
use infer_code_cad_sandbox::Judge;
use infer_code_cad_tasks::Problem;

use crate::{Draft, Prompted, Writer};

pub use best_of_n::{BestOfN, Tie};
pub use codet::{CodeT, TestWeights};
pub use embedding::EmbeddingSimilarity;
pub use error::SelectError;
pub use first::First;
pub use functional_vote::{FunctionalVote, VoteRule};
pub use mean_log_prob::MeanLogProb;
pub use most_consistent::MostConsistent;
pub use repair::Repair;
pub use similarity::{Jaccard, Similarity};
pub use stopping::Stopping;

/// Makes one answer of several drafts, asking for more where it needs them.
///
/// A selector holds parameters; what it does for one sample is in the [`Selecting`] that
/// [`Selector::begin`] makes. Drafts are drawn in waves: the first is [`Selector::first_drafts`] of the
/// technique's own prompt, further ones are what [`Selection::More`] asks for.
///
/// # Examples
/// A selector in waves, which shows the model its draft when that raises on the visible tests:
/// ```
/// use infer_code_cad::checkpoint::Message;
/// use infer_code_cad::decode::Settings;
/// use infer_code_cad::sandbox::{Limits, Observation, Probe};
/// use infer_code_cad::tasks::Problem;
/// use infer_code_cad::{
///     Bench, Draft, DraftRequest, Prompted, SelectError, Selecting, Selection, Selector,
/// };
///
/// #[derive(Debug)]
/// struct Repair;
///
/// impl Selector for Repair {
///     fn most_drafts(&self) -> usize {
///         2
///     }
///
///     fn first_drafts(&self) -> usize {
///         1
///     }
///
///     fn begin(&self, problem: &Problem, _: usize) -> Result<Box<dyn Selecting>, SelectError> {
///         Ok(Box::new(Repairing(problem.clone())))
///     }
///
///     fn settings(&self) -> Settings {
///         Settings::new("repair")
///     }
/// }
///
/// struct Repairing(Problem);
///
/// impl Selecting for Repairing {
///     fn next(&mut self, drafts: &[Draft], bench: &Bench<'_>) -> Result<Selection, SelectError> {
///         let [draft] = drafts else { return Ok(Selection::answer(1, "the repaired one")) };
///         let tests: Vec<_> = self.0.visible_tests.iter().map(|test| Probe::Check(test)).collect();
///         let seen = bench.judge.observe(&draft.program, &tests, &Limits::default())?;
///         let Some(Observation::Raised { kind, message }) =
///             seen.into_iter().find(|seen| *seen != Observation::Held)
///         else {
///             return Ok(Selection::answer(0, "passes what is visible"));
///         };
///         let said = format!("{}\nThis raises {kind}: {message}. Repair it.", draft.program);
///         let prompt = Prompted::new(vec![bench.writer.chat(&[Message::user(said)], "")?]);
///         let mut repaired = DraftRequest::new(1, 0..1); // a role of its own, so numbers of its own
///         repaired.prompt = Some(prompt);
///         Ok(Selection::More(vec![repaired]))
///     }
/// }
/// # assert_eq!(Repair.first_drafts(), 1);
/// ```
pub trait Selector: Debug + Send + Sync {
    /// The most drafts of one role that a sample may have, at least 1. Sample `s` of a problem owns the
    /// drafts `s * most_drafts .. (s + 1) * most_drafts` of every role.
    fn most_drafts(&self) -> usize;

    /// How many drafts of the technique's own prompt are drawn before anyone asks, at least 1 and at
    /// most [`Selector::most_drafts`]. All of them, unless a selector in waves says otherwise.
    fn first_drafts(&self) -> usize {
        self.most_drafts()
    }

    /// The state of a new sample.
    ///
    /// # Errors
    /// What keeps the sample from being answered; its siblings go on.
    fn begin(&self, problem: &Problem, sample: usize) -> Result<Box<dyn Selecting>, SelectError>;

    /// What it is: two selectors that may choose differently have different settings.
    fn settings(&self) -> Settings;
}

/// One sample in the making.
pub trait Selecting: Send {
    /// Looks at the drafts that are there and says how to go on.
    ///
    /// It is called each time with one draft more, in the order they were asked for and not in that in
    /// which they arrived: so a selection may end early and still never depends on what else the engine
    /// does. It runs on the thread that solves, never on the engine's.
    ///
    /// # Errors
    /// What keeps the sample from being answered; its siblings go on.
    fn next(&mut self, drafts: &[Draft], bench: &Bench<'_>) -> Result<Selection, SelectError>;
}

/// How a sample goes on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Selection {
    /// With the next draft that was asked for.
    Wait,
    /// With more drafts, after those that were asked for before.
    More(Vec<DraftRequest>),
    /// It has its answer; drafts of it that are still being written are given up.
    Answer {
        /// The place of the chosen draft among those that were shown.
        draft: usize,
        /// The program, where it is not the draft's own: an aligned or repaired one.
        program: Option<String>,
        /// The rule, or the fallback, that chose. It is recorded.
        why: String,
    },
}

impl Selection {
    /// A draft with its own program is the answer.
    pub fn answer(draft: usize, why: impl Into<String>) -> Self {
        Self::Answer { draft, program: None, why: why.into() }
    }
}

/// Drafts that a selection asks for. What is not set is the technique's and the run's.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DraftRequest {
    /// Whose prompt it is: 0 the technique's own, above 0 others, such as a repair's. Draft `d` of a role
    /// has the random stream (seed, task, role, d).
    pub role: u32,
    /// Which drafts of the sample, counted from 0 in each role.
    pub drafts: Range<usize>,
    /// Another prompt.
    pub prompt: Option<Prompted>,
    /// Another decoder.
    pub decoder: Option<Arc<dyn Decoder>>,
    /// Another length in tokens.
    pub max_new_tokens: Option<usize>,
    /// Other strings that end a draft.
    pub stop: Option<Vec<String>>,
}

impl DraftRequest {
    /// These drafts of a role, drawn as the technique's own are.
    pub fn new(role: u32, drafts: Range<usize>) -> Self {
        Self { role, drafts, prompt: None, decoder: None, max_new_tokens: None, stop: None }
    }
}

/// What a selection may use.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Bench<'a> {
    /// Runs programs on what the prompt shows. It has no hidden test.
    pub judge: &'a dyn Judge,
    /// Writes prompts of the selection's own.
    pub writer: &'a dyn Writer,
}

impl<'a> Bench<'a> {
    /// A bench, for tests of selectors.
    pub fn new(judge: &'a dyn Judge, writer: &'a dyn Writer) -> Self {
        Self { judge, writer }
    }
}
