//! One bad item ends nothing but itself.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use infer_code_cad::decode::{Greedy, Settings, from_fn};
use infer_code_cad::engine::{CausalLm, EngineConfig, EngineError, KvCache, Step};
use infer_code_cad::retrieval::{Hit, Query, RetrievalError, Retriever};
use infer_code_cad::tasks::Problem;
use infer_code_cad::{
    Bench, Draft, Error, First, Layout, PaperPrompter, PromptError, Prompted, Prompter,
    SelectError, Selecting, Selection, Selector, SolveConfig, SolveEvent, Solver, Supplies,
    Technique, Writer, embedded, solve,
};

/// What came of every problem and sample: a completion or the reason why there is none.
type Outcomes = BTreeMap<(usize, Option<usize>), Result<String, String>>;

fn outcomes(technique: &Technique, problems: &[Problem], solver: &Solver) -> Outcomes {
    let config = SolveConfig { n_samples: 2, max_new_tokens: 24, ..SolveConfig::default() };
    let mut found = BTreeMap::new();
    solve(technique, problems, solver, &config, &mut |event| {
        let (key, outcome) = match event {
            SolveEvent::Solution { problem, sample, solution, .. } => {
                ((problem, Some(sample)), Ok(solution.completion))
            }
            SolveEvent::Failed { problem, sample, reason } => ((problem, sample), Err(reason)),
            _ => return ControlFlow::Continue(()),
        };
        assert!(found.insert(key, outcome).is_none(), "{key:?} was told twice");
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

/// Sees that nothing but `bad` failed, and that for a reason; the rest is as it is without the fault.
fn assert_fails_alone(
    mut faulty: Outcomes,
    sound: &Outcomes,
    bad: &[(usize, Option<usize>)],
    reason: &str,
) {
    for key in bad {
        let told = faulty.remove(key).unwrap().unwrap_err();
        assert!(told.contains(reason), "{told}");
    }
    assert!(faulty.len() >= 4, "the others are there");
    for (key, outcome) in &faulty {
        assert!(outcome.is_ok() && outcome == &sound[key], "{key:?}: {outcome:?}");
    }
}

fn vanilla() -> (Technique, Vec<Problem>, Outcomes) {
    let (technique, problems) = (crate::technique("vanilla"), crate::problems(40));
    let sound = outcomes(&technique, &problems, &crate::solver());
    assert_eq!(sound.len(), 2 * problems.len());
    (technique, problems, sound)
}

#[test]
fn an_overlong_prompt() {
    let (technique, mut problems, sound) = vanilla();
    problems[1].prompt = "x ".repeat(20_000);
    let faulty = outcomes(&technique, &problems, &crate::solver());
    assert_fails_alone(faulty, &sound, &[(1, None)], "shorten the prompt");
}

/// Fails on one query, and forgets another one.
#[derive(Debug)]
struct Moody(Arc<dyn Retriever>, String);

impl Retriever for Moody {
    fn search(&self, queries: &[Query<'_>], top_k: usize) -> Vec<Result<Vec<Hit>, RetrievalError>> {
        let mut found = self.0.search(queries, top_k);
        let moody = queries.iter().position(|query| query.text == self.1).unwrap();
        found[moody] = Err(RetrievalError::EmptyQuery { query: self.1.clone() });
        found.truncate(queries.len() - 1);
        found
    }

    fn settings(&self) -> Settings {
        Settings::new("moody").with("query", &self.1)
    }
}

#[test]
fn a_query_that_cannot_be_answered() {
    let problems = crate::problems(40);
    let sound = outcomes(&crate::technique("rag"), &problems, &crate::solver());
    let moody = Moody(embedded::retriever().unwrap(), problems[1].docstring.clone());
    let supplies = Supplies { retriever: Some(Arc::new(moody)), ..Supplies::default() };
    let technique = Technique::named("rag", &supplies).unwrap();
    let mut faulty = outcomes(&technique, &problems, &crate::solver());
    let forgotten = faulty.remove(&(problems.len() - 1, None)).unwrap().unwrap_err();
    assert!(forgotten.contains("it must give one to each"), "{forgotten}");
    assert_fails_alone(faulty, &sound, &[(1, None)], "no passage could be searched for");
}

/// The embedded model, which after some tokens of a prompt knows no number.
#[derive(Debug)]
struct Poisoned {
    model: Arc<dyn CausalLm>,
    /// Length of the stream whose logits are NaN.
    len: usize,
}

impl CausalLm for Poisoned {
    fn vocab_size(&self) -> usize {
        self.model.vocab_size()
    }

    fn max_positions(&self) -> usize {
        self.model.max_positions()
    }

    fn new_cache(&self) -> Box<dyn KvCache> {
        self.model.new_cache()
    }

    fn forward(&self, batch: &mut [Step<'_>], logits: &mut Vec<f32>) -> Result<(), EngineError> {
        self.model.forward(batch, logits)?;
        let ends = batch.iter().map(|step| step.cache.len());
        if logits.len() == batch.len() * self.vocab_size() {
            for (row, end) in logits.chunks_exact_mut(self.model.vocab_size()).zip(ends) {
                if end == self.len {
                    row.fill(f32::NAN);
                }
            }
        }
        Ok(())
    }
}

#[test]
fn a_row_that_is_no_number() {
    let (technique, problems, sound) = vanilla();
    let mut model = crate::model();
    let prompt = |problem: &Problem| {
        let text = infer_code_cad::tasks::prompts::vanilla(problem);
        model.tokenizer.encode(&text).unwrap().len()
    };
    // The longest prompt and some tokens: no other stream gets there.
    let longest = (0..problems.len()).max_by_key(|&index| prompt(&problems[index])).unwrap();
    let len = prompt(&problems[longest]) + 20;
    model.causal_lm = Arc::new(Poisoned { model: model.causal_lm.clone(), len });
    let faulty = outcomes(&technique, &problems, &Solver::new(&model, &EngineConfig::default()));
    let failed: Vec<_> =
        faulty.iter().filter(|(_, outcome)| outcome.is_err()).map(|(key, _)| *key).collect();
    assert!(!failed.is_empty() && failed.iter().all(|key| key.0 == longest), "{failed:?}");
    assert!(failed.iter().all(|key| key.1.is_some()), "a sample fails, not its problem");
    assert_fails_alone(faulty, &sound, &failed, "NaN");
}

#[test]
fn a_decoder_that_fails_on_some_samples() {
    let (technique, problems, _) = vanilla();
    let fussy = |row: &[f32],
                 past: &[u32],
                 rng: &mut dyn infer_code_cad::decode::rand_core::Rng| {
        if past.is_empty() && rng.next_u32().is_multiple_of(3) {
            return Err(infer_code_cad::decode::DecodeError::other("not today"));
        }
        let better = |best: usize, token: usize| if row[token] > row[best] { token } else { best };
        Ok((0..row.len()).reduce(better).unwrap() as u32)
    };
    let decoder = Arc::new(from_fn(Settings::new("fussy"), fussy));
    let technique = Technique { decoder, ..technique };
    let outcomes = outcomes(&technique, &problems, &crate::solver());
    assert_eq!(outcomes.len(), 2 * problems.len());
    let reasons: Vec<&String> = outcomes.values().filter_map(|o| o.as_ref().err()).collect();
    assert!(!reasons.is_empty() && reasons.len() < outcomes.len(), "{}", reasons.len());
    assert!(reasons.iter().all(|reason| reason.contains("not today")));
}

/// Waits, with the only draft at hand, where the sample is 1; and refuses to begin one of the problems.
#[derive(Debug)]
struct Sleepy(String);

impl Selector for Sleepy {
    fn most_drafts(&self) -> usize {
        1
    }

    fn begin(&self, problem: &Problem, sample: usize) -> Result<Box<dyn Selecting>, SelectError> {
        if problem.task_id == self.0 {
            return Err(SelectError::Other("not this one".into()));
        }
        if sample == 1 { Ok(Box::new(Asleep)) } else { First.begin(problem, sample) }
    }

    fn settings(&self) -> Settings {
        Settings::new("sleepy")
    }
}

struct Asleep;

impl Selecting for Asleep {
    fn next(&mut self, _: &[Draft], _: &Bench<'_>) -> Result<Selection, SelectError> {
        Ok(Selection::Wait)
    }
}

#[test]
fn a_selection_that_waits_for_ever_or_does_not_begin() {
    let (technique, problems, sound) = vanilla();
    let selector = Arc::new(Sleepy(problems[2].task_id.clone()));
    let mut faulty = outcomes(&Technique { selector, ..technique }, &problems, &crate::solver());
    for sample in 0..2 {
        let reason = faulty.remove(&(2, Some(sample))).unwrap().unwrap_err();
        assert_eq!(reason, "not this one");
    }
    let asleep: Vec<_> = (0..problems.len()).filter(|problem| *problem != 2).collect();
    for problem in asleep {
        let reason = faulty.remove(&(problem, Some(1))).unwrap().unwrap_err();
        assert_eq!(
            reason,
            "the selection waits with all 1 drafts at hand; answer, or ask for more"
        );
        assert_eq!(faulty[&(problem, Some(0))], sound[&(problem, Some(0))]);
    }
}

/// Writes one stream, whatever the decoder reads, and forgets the last problem.
#[derive(Debug)]
struct Forgetful(PaperPrompter);

impl Prompter for Forgetful {
    fn prompts(
        &self,
        problems: &[Problem],
        writer: &dyn Writer,
    ) -> Vec<Result<Prompted, PromptError>> {
        self.0.prompts(&problems[1..], writer)
    }

    fn settings(&self) -> Settings {
        self.0.settings()
    }
}

#[test]
fn what_concerns_every_problem_is_an_error() {
    let (technique, problems, _) = vanilla();
    let (solver, config) = (crate::solver(), SolveConfig::default());
    let run = |technique: &Technique| {
        solve(technique, &problems, &solver, &config, &mut |_| ControlFlow::Continue(()))
    };
    let prompter = Arc::new(Forgetful(PaperPrompter::new(Layout::Plain)));
    let error = run(&Technique { prompter, ..technique.clone() }).unwrap_err();
    assert!(matches!(error, Error::PromptCount { .. }), "{error}");
    let selector = Arc::new(infer_code_cad::MostConsistent { drafts: 0, ..Default::default() });
    let error = run(&Technique { selector, ..technique.clone() }).unwrap_err();
    assert!(matches!(error, Error::NoDrafts { .. }), "{error}");
    // A prompter that does not fit the decoder fails each problem, with the reason.
    let decoder = Arc::new(infer_code_cad::decode::ContextAware::new(0.5, Greedy));
    let faulty = outcomes(&Technique { decoder, ..technique }, &problems, &solver);
    assert_eq!(faulty.len(), problems.len());
    for outcome in faulty.values() {
        let reason = outcome.as_ref().unwrap_err();
        assert!(reason.contains("has 1 streams, the decoder reads 2"), "{reason}");
    }
}
