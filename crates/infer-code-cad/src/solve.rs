use std::collections::BTreeMap;
use std::ops::ControlFlow;

use infer_code_cad_engine::{
    Completion, Event, FinishReason, GenerateConfig, GenerateStats, MemoryPlan, Prompt, generate,
};
use infer_code_cad_metrics::available_bytes;
use infer_code_cad_tasks::{Problem, extract_program};

use crate::{Error, LanguageModel, PromptFormat, Technique};

/// How solutions are sampled; the same for every technique that is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SolveConfig {
    /// Solutions per problem.
    pub n_samples: usize,
    /// How prompts are put to the model.
    pub prompt_format: PromptFormat,
    /// Longest completion in tokens; the paper takes 128.
    pub max_new_tokens: usize,
    /// Strings that end a completion.
    pub stop: Vec<String>,
    /// Most streams in one forward pass; bounds memory, never changes a token. Fewer where the
    /// memory is short, see [`SolveEvent::RowsLowered`].
    pub max_rows: usize,
    /// What the caches of all rows may take.
    pub memory: MemoryLimit,
    /// Names all random draws, together with task and sample.
    pub seed: u64,
}

impl Default for SolveConfig {
    /// The paper's 10 samples of up to 128 tokens, as a chat where the model has a template.
    fn default() -> Self {
        Self {
            n_samples: 10,
            prompt_format: PromptFormat::default(),
            max_new_tokens: 128,
            stop: vec![],
            max_rows: 64,
            memory: MemoryLimit::Machine,
            seed: 0,
        }
    }
}

/// How much memory generating may take, besides the model itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemoryLimit {
    /// What the machine has left when it begins, as
    /// [`available_bytes`](infer_code_cad_metrics::available_bytes) tells; where nothing tells, all
    /// rows are taken to fit.
    #[default]
    Machine,
    /// So many bytes.
    Bytes(u64),
}

impl MemoryLimit {
    fn bytes(self) -> Option<u64> {
        match self {
            Self::Machine => available_bytes(),
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

/// One answer to a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// What the model wrote.
    pub completion: String,
    /// The module cut out of it, ready to run.
    pub program: String,
    /// Why the completion ended.
    pub finish: FinishReason,
    /// Tokens of the chosen draft.
    pub tokens: usize,
    /// Tokens of all drafts it was chosen from.
    pub draft_tokens: usize,
    /// Identifiers of the passages that were in the prompt.
    pub passages: Vec<String>,
}

/// What [`solve`] reports as it goes. Problems are indices into its input.
#[derive(Debug)]
#[non_exhaustive]
pub enum SolveEvent<'a> {
    /// [`SolveConfig::max_rows`] streams may not fit into memory, so fewer will advance together.
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
    /// A piece of a prompt was read.
    Prefilled {
        /// Which problem.
        problem: usize,
    },
    /// A draft grew by some text, possibly none.
    Text {
        /// Which problem.
        problem: usize,
        /// Which draft, counted through all samples.
        draft: usize,
        /// Whole characters; all pieces together are the completion.
        text: &'a str,
    },
    /// A solution was chosen.
    Solution {
        /// Which problem.
        problem: usize,
        /// Which of its samples.
        sample: usize,
        /// The answer.
        solution: Solution,
    },
}

/// Writes `config.n_samples` solutions to every problem, all of them in one ragged batch.
///
/// Solutions arrive in the order they are done. Breaking from `sink` stops promptly; the
/// statistics then say so.
///
/// # Errors
/// Prompts are written before any work begins, so a problem that cannot be prompted for is reported
/// at once: [`Error::Retrieval`], [`Error::NoChatTemplate`], [`Error::Engine`].
/// [`Error::NoDrafts`] when the selector has nothing to select from, and [`Error::Engine`] when not
/// one sequence fits into memory.
pub fn solve(
    technique: &Technique,
    problems: &[Problem],
    model: &LanguageModel,
    config: &SolveConfig,
    sink: &mut dyn FnMut(SolveEvent<'_>) -> ControlFlow<()>,
) -> Result<GenerateStats, Error> {
    let drafts = technique.selector.drafts();
    if drafts == 0 {
        return Err(Error::NoDrafts { technique: technique.name.clone() });
    }
    let mut prompts = Vec::with_capacity(problems.len());
    let mut passages = Vec::with_capacity(problems.len());
    for problem in problems {
        let prompted = config.prompt_format.streams(&technique.prompter, problem, model)?;
        let encode = |text: &String| model.tokenizer.encode(text);
        let streams = prompted.streams.iter().map(encode).collect::<Result<_, _>>()?;
        let n_samples = config.n_samples * drafts;
        prompts.push(Prompt { task: problem.task_id.clone(), streams, n_samples });
        passages.push(prompted.passages);
    }
    let mut generation = GenerateConfig {
        max_new_tokens: config.max_new_tokens,
        eos: model.eos.clone(),
        stop: config.stop.clone(),
        max_rows: config.max_rows,
        seed: config.seed,
        ..GenerateConfig::default()
    };
    let (decoder, lm) = (technique.decoder.as_ref(), model.causal_lm.as_ref());
    let plan = MemoryPlan::new(lm, &prompts, decoder, &generation);
    if let (Some(plan), Some(available_bytes)) = (plan, config.memory.bytes()) {
        let (from, to) = (config.max_rows, plan.rows_in(config.max_rows, available_bytes)?);
        generation.max_rows = to;
        let stream_bytes = plan.stream_bytes;
        let lowered = SolveEvent::RowsLowered { from, to, stream_bytes, available_bytes };
        if to < from && sink(lowered).is_break() {
            return Ok(GenerateStats { cancelled: true, ..GenerateStats::default() });
        }
    }
    let mut pending: BTreeMap<(usize, usize), Vec<Option<Completion>>> = BTreeMap::new();
    let mut on_event = |event: Event<'_>| match event {
        Event::Prefilled { prompt, .. } => sink(SolveEvent::Prefilled { problem: prompt }),
        Event::Token { prompt, sample, text, .. } => {
            sink(SolveEvent::Text { problem: prompt, draft: sample, text })
        }
        Event::Finished { prompt, sample: draft, completion } => {
            let sample = draft / drafts;
            let slots = pending.entry((prompt, sample)).or_insert_with(|| vec![None; drafts]);
            slots[draft % drafts] = Some(completion);
            if slots.iter().any(Option::is_none) {
                return ControlFlow::Continue(());
            }
            let done = pending.remove(&(prompt, sample)).unwrap_or_default();
            let done: Vec<Completion> = done.into_iter().flatten().collect();
            let solution = choose(technique, &problems[prompt], done, &passages[prompt]);
            sink(SolveEvent::Solution { problem: prompt, sample, solution })
        }
        _ => ControlFlow::Continue(()),
    };
    Ok(generate(lm, &*model.tokenizer, prompts, decoder, &generation, &mut on_event)?)
}

fn choose(
    technique: &Technique,
    problem: &Problem,
    mut drafts: Vec<Completion>,
    passages: &[String],
) -> Solution {
    let texts: Vec<&str> = drafts.iter().map(|d| d.text.as_str()).collect();
    let chosen = technique.selector.select(&texts);
    let draft_tokens = drafts.iter().map(|d| d.tokens.len()).sum();
    let chosen = drafts.swap_remove(chosen);
    Solution {
        program: extract_program(problem, &chosen.text),
        finish: chosen.finish,
        tokens: chosen.tokens.len(),
        draft_tokens,
        passages: passages.to_vec(),
        completion: chosen.text,
    }
}
