mod cut;
mod rerun;
mod text;

use infer_code_cad_decode::TokenId;
use infer_code_cad_sandbox::{Judge, Limits, Tests, Verdict};
use infer_code_cad_tasks::Task;
use serde::Serialize;

use crate::evaluate::check_tasks;
use crate::{Error, Record, ShownRecord, StoredRun, task_tests};

pub use cut::{Cut, CutLine};
pub use rerun::Rerun;

/// What became of one sample of a run, from the prompt to the verdict. Its text is for people, at most 100 columns
/// wide.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The technique's name.
    pub technique: String,
    /// What the tasks of the run are.
    pub benchmark: String,
    /// The problem.
    pub task_id: String,
    /// Which of its samples.
    pub sample: usize,
    /// What was sent, row 0 first.
    pub streams: Vec<StreamText>,
    /// The beginning of the answer, where the prompt has opened it.
    pub written: String,
    /// The passages that were found, those that were left out too.
    pub passages: Vec<ShownRecord>,
    /// What came back.
    pub completion: String,
    /// The same in tokens, an end of text included, where the run has kept them.
    pub tokens: Vec<TokenId>,
    /// How many they are.
    pub n_tokens: usize,
    /// Why the completion ended.
    pub finish: String,
    /// Why this draft is the answer.
    pub why: String,
    /// What extraction made of the completion, line by line.
    pub cut: Vec<CutLine>,
    /// What was judged: a whole module.
    pub program: String,
    /// What it was judged by, see [`Explanation::add_tests`].
    #[serde(serialize_with = "rerun::tests")]
    pub tests: Option<Tests>,
    /// How the program did.
    pub verdict: Verdict,
    /// The failing assertion, the exception or the limit; empty when it passed.
    pub reason: String,
    /// What it does when it is run again, see [`Explanation::run_again`].
    pub rerun: Option<Rerun>,
}

/// A text that the model read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StreamText {
    /// As the model read it, chat markers included. A BOS that the tokenizer adds has no text.
    pub text: String,
    /// In how many bytes it is like the first stream; all of them for that one.
    pub same_bytes: usize,
}

/// Puts together what a run knows of a sample.
///
/// # Errors
/// [`Error::NotJudged`] for a sample without a verdict; as [`StoredRun::record`].
///
/// # Examples
/// ```no_run
/// use std::path::Path;
///
/// use infer_code_cad::{StoredRun, embedded, explain};
///
/// let run = StoredRun::read(Path::new("cad.jsonl"))?;
/// let mut explanation = explain(&run, &run.header().tasks[0], 0)?;
/// explanation.add_tests(&run, &embedded::tasks()?)?;
/// println!("{explanation}");
/// # Ok::<(), infer_code_cad::Error>(())
/// ```
pub fn explain(run: &StoredRun, task_id: &str, sample: usize) -> Result<Explanation, Error> {
    let record = run.record(task_id)?;
    let Some(judged) = record.samples.iter().find(|judged| judged.sample == sample) else {
        let reason = why_not(&record, sample, run.header().n_samples);
        return Err(Error::NotJudged { task_id: task_id.to_owned(), sample, reason });
    };
    let chosen = (judged.role, judged.draft);
    let draft = record.drafts.iter().find(|draft| (draft.role, draft.index) == chosen);
    let prompt = record.prompt.as_ref();
    Ok(Explanation {
        technique: run.header().technique.name.clone(),
        benchmark: run.header().benchmark.clone(),
        task_id: record.task_id.clone(),
        sample,
        streams: prompt.map(|prompt| streams(&prompt.streams)).unwrap_or_default(),
        written: prompt.map(|prompt| prompt.written.clone()).unwrap_or_default(),
        passages: prompt.map(|prompt| prompt.shown.clone()).unwrap_or_default(),
        completion: judged.completion.clone(),
        tokens: draft.map(|draft| draft.tokens.clone()).unwrap_or_default(),
        n_tokens: judged.tokens,
        finish: judged.finish.to_string(),
        why: judged.why.clone(),
        cut: cut::lines(&judged.completion, &judged.program),
        program: judged.program.clone(),
        tests: None,
        verdict: judged.verdict,
        reason: judged.reason.clone(),
        rerun: None,
    })
}

impl Explanation {
    /// Adds what the program was judged by. `tasks` are all of the run's, so that it can be told that they are.
    ///
    /// # Errors
    /// [`Error::Journal`] when they are others.
    pub fn add_tests(&mut self, run: &StoredRun, tasks: &[Task]) -> Result<(), Error> {
        check_tasks(run.path(), run, tasks)?;
        let task = tasks.iter().find(|task| task.problem.task_id == self.task_id);
        self.tests = task.map(task_tests);
        Ok(())
    }

    /// Runs the program again, by the tests that were added: once as it was judged, and once with the tests in its
    /// own module, for what it prints and for the traceback, which a judge keeps from both.
    ///
    /// # Errors
    /// [`Error::Judge`].
    pub fn run_again(&mut self, judge: &dyn Judge, limits: &Limits) -> Result<(), Error> {
        let none = Tests::default();
        let tests = self.tests.as_ref().unwrap_or(&none);
        self.rerun = Some(rerun::run(&self.program, tests, judge, limits)?);
        Ok(())
    }
}

fn streams(texts: &[String]) -> Vec<StreamText> {
    let first = texts.first().map_or("", String::as_str);
    let same = |text: &str| {
        let both = text.char_indices().zip(first.char_indices());
        both.take_while(|(a, b)| a == b).last().map_or(0, |((at, c), _)| at + c.len_utf8())
    };
    let stream = |text: &String| StreamText { text: text.clone(), same_bytes: same(text) };
    texts.iter().map(stream).collect()
}

/// Why a sample has no verdict.
fn why_not(record: &Record, sample: usize, n_samples: usize) -> String {
    if sample >= n_samples {
        return format!("the run has {n_samples} samples of each problem, the first is 0");
    }
    let is_its = |of: Option<usize>| of.is_none_or(|of| of == sample);
    match record.failures.iter().find(|failure| is_its(failure.sample)) {
        Some(failure) => format!("{} failed: {}", failure.stage, failure.reason),
        None => "the run has not come to it; start it again to go on".to_owned(),
    }
}
