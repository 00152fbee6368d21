mod drive;
mod inbox;
mod piece;
mod prepare;
mod run;
mod sample;
mod solver;

use std::ops::{ControlFlow, Range};
use std::time::Duration;

use infer_code_cad_engine::{EngineError, FinishReason, GenerateStats, LogProbs};
use infer_code_cad_tasks::{Extraction, Problem, TextDefects};

use crate::{Draft, Error, Preset, PromptFormat, Prompted, Recipe, Technique};

pub use prepare::{Prepared, prepare};
pub use solver::Solver;

use drive::Drive;
use run::{Halt, Run};
use solver::Lowered;

/// How solutions are sampled; the same for every technique that is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct SolveConfig {
    /// Solutions per problem.
    pub n_samples: usize,
    /// How prompts are put to the model.
    pub prompt_format: PromptFormat,
    /// Longest completion in tokens; the paper takes 128.
    pub max_new_tokens: usize,
    /// Longest prompt and completion together, in tokens of stream 0; a prompt that fills it is answered with one
    /// token. `None` for no such limit.
    pub max_length: Option<usize>,
    /// Strings that end a completion.
    pub stop: Vec<String>,
    /// Texts that end a completion where the model writes one of them as a single token, and not where they are
    /// part of another token or of several. Each must be one token of the model.
    pub stop_tokens: Vec<String>,
    /// Names all random draws, together with task, role and draft.
    pub seed: u64,
    /// Which log-probabilities are kept of drafts; none changes a token.
    pub log_probs: LogProbs,
    /// How programs are cut out of completions.
    pub extraction: Extraction,
    /// What is wrong with the text before that.
    pub text_defects: TextDefects,
    /// What it was filled in by, for result files. It has no effect of its own.
    pub preset: Preset,
}

impl Default for SolveConfig {
    /// The [`Preset`] `default`: 10 samples of up to 128 tokens, as a chat where the model has a template.
    fn default() -> Self {
        Preset::default().config(&Recipe::default())
    }
}

/// One answer to a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Solution {
    /// The chosen draft's [`Draft::role`].
    pub role: u32,
    /// The chosen draft's [`Draft::index`].
    pub draft: usize,
    /// The drafts that belong to the sample, of each role; a selection need not have drawn them all.
    pub drafts: Range<usize>,
    /// What the model wrote.
    pub completion: String,
    /// The module cut out of it, or what the selection made of it, ready to run.
    pub program: String,
    /// Why this draft: the rule or the fallback that chose.
    pub why: String,
    /// Why the completion ended.
    pub finish: FinishReason,
    /// Tokens of the chosen draft.
    pub tokens: usize,
    /// Tokens of all drafts it was chosen from.
    pub draft_tokens: usize,
}

/// What [`solve`] reports as it goes. Problems are indices into its input.
#[derive(Debug)]
#[non_exhaustive]
pub enum SolveEvent<'a> {
    /// The rows of the solver's own engine may not fit into memory, so fewer will advance together.
    /// It comes first, if at all; results are the same, later.
    RowsLowered {
        /// Streams asked for.
        from: usize,
        /// Streams that fit for certain.
        to: usize,
        /// What one may take.
        stream_bytes: u64,
        /// What there is.
        available_bytes: u64,
    },
    /// A problem's turn has come.
    Prompted {
        /// Which problem.
        problem: usize,
        /// What the model reads.
        prompted: &'a Prompted,
    },
    /// A piece of a prompt was read.
    Prefilled {
        /// Which problem.
        problem: usize,
    },
    /// A draft grew by some text, possibly none.
    Text {
        /// Which problem.
        problem: usize,
        /// The draft's [`Draft::role`].
        role: u32,
        /// The draft's [`Draft::index`].
        draft: usize,
        /// Whole characters; all pieces together are the completion.
        text: &'a str,
    },
    /// A draft is there.
    Drafted {
        /// Which problem.
        problem: usize,
        /// The draft.
        draft: &'a Draft,
        /// Whether it is of an earlier run and nothing was drawn.
        known: bool,
    },
    /// Nothing happened for a tenth of a second; the sink is asked whether to go on.
    Waiting,
    /// A solution was chosen.
    Solution {
        /// Which problem.
        problem: usize,
        /// Which of its samples.
        sample: usize,
        /// The answer.
        solution: Solution,
        /// How long it took from the beginning of its first draft, beside all others; `None` where drafts were known.
        time: Option<Duration>,
    },
    /// A problem or a sample will have no solution; everything else goes on.
    Failed {
        /// Which problem.
        problem: usize,
        /// Which of its samples; `None`: all that have no solution yet.
        sample: Option<usize>,
        /// Why, and what to do about it.
        reason: String,
    },
}

/// Hears what happens and breaks off with [`ControlFlow::Break`].
type Sink<'s> = dyn FnMut(SolveEvent<'_>) -> ControlFlow<()> + 's;

/// Writes `config.n_samples` solutions to every problem, many drafts at a time.
///
/// Solutions arrive in the order they are done, and each depends on nothing but its own problem and the
/// settings: neither on its neighbours and the order of arrival nor on the engine's rows and what others
/// do with it. What is wrong with one problem or sample is [`SolveEvent::Failed`], and the rest goes on.
/// Breaking from `sink` gives up what is unfinished and returns after the pass under way; the statistics then
/// say so. Their completions, tokens and times are this run's: its share of each pass, of drafts that failed or
/// were given up too. Their passes and rows are those of the engine meanwhile, whoever else uses it.
///
/// # Errors
/// What concerns every problem: [`Error::NoChatTemplate`], [`Error::PromptCount`], [`Error::NoDrafts`],
/// [`Error::FirstDrafts`], [`Error::StopToken`], and [`Error::Engine`] when the engine cannot hold one sequence or has stopped.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
///
/// use infer_code_cad::engine::EngineConfig;
/// use infer_code_cad::{SolveConfig, SolveEvent, Solver, Supplies, Technique, embedded, solve};
///
/// let solver = Solver::new(&embedded::model()?, &EngineConfig::default());
/// let technique = Technique::named("cad(alpha=0.2)", &Supplies::default())?;
/// let problems = embedded::problems()?;
/// let config = SolveConfig { n_samples: 2, ..SolveConfig::default() };
/// let mut programs = vec![];
/// solve(&technique, &problems[..3], &solver, &config, &mut |event| {
///     if let SolveEvent::Solution { solution, .. } = event {
///         programs.push(solution.program);
///     }
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(programs.len(), 6);
/// # Ok::<(), infer_code_cad::Error>(())
/// ```
pub fn solve(
    technique: &Technique,
    problems: &[Problem],
    solver: &Solver,
    config: &SolveConfig,
    sink: &mut Sink<'_>,
) -> Result<GenerateStats, Error> {
    let prepared = prepare(technique, problems, solver, config)?;
    solve_prepared(technique, problems, &prepared, solver, config, sink)
}

/// [`solve`] with prompts that [`prepare`] wrote, for the same problems.
///
/// # Errors
/// As [`solve`].
///
/// # Panics
/// When there are fewer prompts than problems.
pub fn solve_prepared(
    technique: &Technique,
    problems: &[Problem],
    prepared: &Prepared,
    solver: &Solver,
    config: &SolveConfig,
    sink: &mut Sink<'_>,
) -> Result<GenerateStats, Error> {
    let counts = technique.draft_counts()?;
    let run = Run::new(technique, problems, prepared, solver, config, counts)?;
    let (engine, lowered) = solver.engine_for(&run.requests())?;
    let before = engine.stats();
    let (arity, branches) = (technique.decoder.arity(), technique.decoder.branches());
    let max_rows = engine.config().max_rows;
    if max_rows < arity * branches {
        let task = technique.name.clone();
        return Err(EngineError::RowCap { task, max_rows, arity, branches }.into());
    }
    let mut drive = Drive::new(&run, engine.clone(), sink);
    let told = lowered.map_or(Ok(()), |lowered| drive.tell(lowered.into()));
    let outcome = told.and_then(|()| drive.finish());
    let stats = drive.stats(|| engine.stats().since(&before));
    match outcome {
        Ok(()) => Ok(stats),
        Err(Halt::Cancelled) => Ok(GenerateStats { cancelled: true, ..stats }),
        Err(Halt::Failed(error)) => Err(error.into()),
    }
}

impl From<Lowered> for SolveEvent<'_> {
    fn from(lowered: Lowered) -> Self {
        let Lowered { from, to, stream_bytes, available_bytes } = lowered;
        Self::RowsLowered { from, to, stream_bytes, available_bytes }
    }
}
