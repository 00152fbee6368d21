mod budget;
mod error;
mod gate;
mod paper;
mod question;

use std::fmt::Debug;
use std::sync::Arc;

use infer_code_cad_decode::Settings;
use infer_code_cad_retrieval::{Hit, Passage};
use infer_code_cad_tasks::Problem;

use crate::{Stream, Writer};

pub use budget::Budget;
pub use error::PromptError;
pub use gate::PassageGate;
pub use paper::{Layout, PaperPrompter};
pub use question::{Question, Wording};

/// Turns problems into the streams that a model reads.
///
/// All problems come at once, because a retriever that embeds works in batches; each prompt is to depend on its own
/// problem alone, since a [`Shard`](crate::Shard) asks for fewer. What is no stream yet is put into the model's own
/// form by the [`Writer`], stream by stream.
///
/// # Examples
/// A prompter of one's own, which opens the answer with the signature:
/// ```
/// use infer_code_cad::checkpoint::Message;
/// use infer_code_cad::decode::Settings;
/// use infer_code_cad::tasks::Problem;
/// use infer_code_cad::{PromptError, Prompted, Prompter, Writer};
///
/// #[derive(Debug)]
/// struct Opened;
///
/// impl Opened {
///     fn prompt(problem: &Problem, writer: &dyn Writer) -> Result<Prompted, PromptError> {
///         let ask = Message::user(format!("Write a function: {}", problem.docstring));
///         let opened = format!("{}\n", problem.signature);
///         let mut prompted = Prompted::new(vec![writer.chat(&[ask], &opened)?]);
///         prompted.written = opened;
///         Ok(prompted)
///     }
/// }
///
/// impl Prompter for Opened {
///     fn prompts(
///         &self,
///         problems: &[Problem],
///         writer: &dyn Writer,
///     ) -> Vec<Result<Prompted, PromptError>> {
///         problems.iter().map(|problem| Self::prompt(problem, writer)).collect()
///     }
///
///     fn settings(&self) -> Settings {
///         Settings::new("opened")
///     }
/// }
///
/// # use infer_code_cad::{PromptFormat, Solver, embedded, engine::EngineConfig};
/// # let solver = Solver::new(&embedded::model()?, &EngineConfig::default());
/// let writer = PromptFormat::Raw.writer(&solver)?;
/// let problem = Problem::from_prompt("mine", "def f(x):\n    \"\"\"Double x.\"\"\"\n")?;
/// let prompted = Opened.prompts(&[problem], &writer).remove(0)?;
/// assert!(prompted.streams[0].text.ends_with("Double x.def f(x):\n"));
/// # Ok::<(), infer_code_cad::Error>(())
/// ```
pub trait Prompter: Debug + Send + Sync {
    /// The streams of each problem, in the order asked: as many results as problems.
    ///
    /// # Errors
    /// In each place what keeps that problem from being solved; the others go on.
    fn prompts(
        &self,
        problems: &[Problem],
        writer: &dyn Writer,
    ) -> Vec<Result<Prompted, PromptError>>;

    /// What result files and reports call it. Everything that the streams depend on, besides problem
    /// and model, belongs to it.
    fn settings(&self) -> Settings;
}

/// The prompt of one problem. It is written once: engine, result file and reports read this value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Prompted {
    /// What the decoder reads, row 0 first.
    pub streams: Vec<Stream>,
    /// The passages that were found for it, also those that were left out.
    pub shown: Vec<Shown>,
    /// Text of the answer that the streams have already opened.
    pub written: String,
    /// The longest answer in tokens; `None` where the run says it.
    pub max_new_tokens: Option<usize>,
}

impl Prompted {
    /// A prompt without passages whose answer begins after it.
    pub fn new(streams: Vec<Stream>) -> Self {
        Self { streams, shown: Vec::new(), written: String::new(), max_new_tokens: None }
    }
}

/// A passage that was found for a prompt.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Shown {
    /// The passage.
    pub passage: Arc<Passage>,
    /// How well it fits, by its retriever's own measure.
    pub score: f32,
    /// Whether it is in the prompt.
    pub kept: bool,
    /// Why it is, or why it was left out.
    pub why: String,
}

impl Shown {
    /// A passage that is in the prompt.
    pub fn kept(hit: &Hit, why: impl Into<String>) -> Self {
        Self { passage: hit.passage.clone(), score: hit.score, kept: true, why: why.into() }
    }

    /// A passage that was found and left out.
    pub fn left_out(hit: &Hit, why: impl Into<String>) -> Self {
        Self { kept: false, ..Self::kept(hit, why) }
    }
}
