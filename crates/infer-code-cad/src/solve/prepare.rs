use std::collections::BTreeSet;

use infer_code_cad_tasks::Problem;

use crate::{Error, PromptError, Prompted, SolveConfig, Solver, Technique};

/// The prompts of a run, written once: what is drawn, a result file's header and its lines read this value.
#[derive(Debug)]
#[non_exhaustive]
pub struct Prepared {
    /// One per problem, in their order; an error keeps that problem from being solved.
    pub prompts: Vec<Result<Prompted, PromptError>>,
    /// Samples, by problem and number, that have their solution already and are left out.
    pub done: BTreeSet<(usize, usize)>,
}

/// Writes the prompts of all problems.
///
/// # Errors
/// [`Error::NoChatTemplate`], and [`Error::PromptCount`] for a prompter that answers for fewer or more
/// problems than it was asked for. What is wrong with one problem's prompt is in its place.
pub fn prepare(
    technique: &Technique,
    problems: &[Problem],
    solver: &Solver,
    config: &SolveConfig,
) -> Result<Prepared, Error> {
    let writer = config.prompt_format.writer(solver)?;
    let prompts = technique.prompter.prompts(problems, &writer);
    let (expected, actual) = (problems.len(), prompts.len());
    if actual != expected {
        let technique = technique.name.clone();
        return Err(Error::PromptCount { technique, expected, actual });
    }
    Ok(Prepared { prompts, done: BTreeSet::new() })
}
