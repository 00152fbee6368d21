use std::sync::Arc;

use infer_code_cad_sandbox::Tests;
use infer_code_cad_tasks::{Problem, Task};

use super::judging::Watched;
use super::{Executor, Judging};
use crate::{Error, Prepared, PromptRecord, SolveConfig, Solver, Technique, prepare, task_tests};

/// All that a run needs: prompts are written, tests are apart from problems.
pub(super) struct Work<'a> {
    pub(super) technique: &'a Technique,
    pub(super) problems: Vec<Problem>,
    /// Of each problem.
    pub(super) tests: Vec<Arc<Tests>>,
    pub(super) prepared: Prepared,
    pub(super) executor: &'a Executor,
    /// The executor's; its known drafts may be others, and its judge is watched.
    pub(super) solver: Solver,
    watched: Arc<Watched>,
    pub(super) config: &'a SolveConfig,
}

impl<'a> Work<'a> {
    /// Writes the prompts of the executor's shard.
    pub(super) fn new(
        technique: &'a Technique,
        tasks: &[Task],
        executor: &'a Executor,
        config: &'a SolveConfig,
    ) -> Result<Self, Error> {
        let part = || executor.shard.part(tasks);
        let problems: Vec<Problem> = part().map(|task| task.problem.clone()).collect();
        let prepared = prepare(technique, &problems, &executor.solver, config)?;
        let tests = part().map(|task| Arc::new(task_tests(task))).collect();
        let watched = Arc::new(Watched::new(executor.solver.judge.clone()));
        let mut solver = executor.solver.clone();
        solver.judge = watched.clone();
        Ok(Self { technique, problems, tests, prepared, executor, solver, watched, config })
    }

    /// When programs have run up to now: what a selection runs, it runs beside generation.
    pub(super) fn judging(&self) -> Judging {
        if self.watched.was_asked() { Judging::Beside } else { self.executor.judging }
    }

    /// The name of a problem.
    pub(super) fn task_id(&self, problem: usize) -> &str {
        &self.problems[problem].task_id
    }

    /// The prompts, `None` for a problem that has none.
    pub(super) fn prompts(&self) -> impl Iterator<Item = Option<PromptRecord>> {
        self.problems.iter().zip(&self.prepared.prompts).map(|(problem, prompt)| {
            prompt.as_ref().ok().map(|prompted| PromptRecord::new(&problem.task_id, prompted))
        })
    }

    /// Leaves out the samples, by problem and number, that are done: how many of how many.
    pub(super) fn skip(&mut self, is_done: impl Fn(&str, usize) -> bool) -> (usize, usize) {
        let n_samples = self.config.n_samples;
        for (index, problem) in self.problems.iter().enumerate() {
            let done = (0..n_samples).filter(|sample| is_done(&problem.task_id, *sample));
            self.prepared.done.extend(done.map(|sample| (index, sample)));
        }
        (self.prepared.done.len(), self.problems.len() * n_samples)
    }

    /// Whether a problem has no sample left to do.
    pub(super) fn is_done(&self, problem: usize) -> bool {
        (0..self.config.n_samples).all(|sample| self.prepared.done.contains(&(problem, sample)))
    }
}
