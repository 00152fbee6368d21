use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use infer_code_cad_engine::EngineConfig;
use infer_code_cad_metrics::PeakMemory;

use super::{Experiment, ExperimentError, State, Unit};
use crate::technique::Choice;
use crate::{Recipe, SolveConfig, Solver, Technique, solve};

/// The share of the longest completion that is expected of one.
const LENGTH: f64 = 0.6;

/// Seconds to run a draft before a choice, as on one core of a server.
const CHOICE: f64 = 0.02;

/// Tokens of each completion of the measurement.
const TOKENS: usize = 32;

/// How fast a model is at hand, from a short measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// One token of one stream, in full batches.
    pub row: Duration,
    /// One prompt.
    pub prompt: Duration,
    /// The most memory that the process held meanwhile, in bytes, where the system tells.
    pub peak_bytes: Option<u64>,
}

impl Experiment<'_> {
    /// Writes a few tokens for as many problems as the engine has rows: seconds.
    ///
    /// # Errors
    /// Those of [`solve`].
    pub fn pace(&self) -> Result<Pace, ExperimentError> {
        let memory = PeakMemory::start();
        let problems = self.tasks.iter().flatten().map(|task| task.problem.clone());
        // An engine of its own: how many rows fit is for the real requests to say.
        let config = EngineConfig::default();
        let solver = Solver::new(&self.executor.solver.model, &config);
        let problems: Vec<_> = problems.take(config.max_rows).collect();
        let config = self.plan.config(&self.plan.arms[0], &Recipe::default(), 0);
        let config = SolveConfig { n_samples: 1, max_new_tokens: TOKENS, ..config };
        let technique = Technique::named("vanilla", &self.supplies)?;
        let mut on_event = |_: crate::SolveEvent<'_>| ControlFlow::Continue(());
        let stats = solve(&technique, &problems, &solver, &config, &mut on_event)?;
        let steps = stats.decode_tokens.saturating_sub(stats.first_tokens).max(1);
        Ok(Pace {
            row: stats.decode_time / steps as u32,
            prompt: stats.prefill_time / problems.len().max(1) as u32,
            peak_bytes: memory.stop(),
        })
    }

    /// How long each of these units will take at this pace, in this order, if a completion has six tenths of the tokens
    /// that it may have. A completion that a unit before it writes, or has in its journal, is not counted again.
    ///
    /// # Errors
    /// [`ExperimentError::Run`] for a technique that is none.
    pub fn times(
        &self,
        units: &[(Unit, State)],
        pace: &Pace,
    ) -> Result<Vec<Duration>, ExperimentError> {
        let mut written = HashMap::new();
        units.iter().map(|(unit, state)| self.time(unit, *state, pace, &mut written)).collect()
    }

    /// `written` has how many completions of a kind there are of each problem.
    fn time(
        &self,
        unit: &Unit,
        state: State,
        pace: &Pace,
        written: &mut HashMap<String, usize>,
    ) -> Result<Duration, ExperimentError> {
        let (arm, recipe) = (self.arm(unit), self.recipe(unit)?);
        let samples = arm.samples(self.plan);
        let drafts = samples * recipe.choice.drafts();
        let mut new = 0;
        // An archive alone has no programs.
        if matches!(state, State::Begun { .. }) || unit.journal(&self.folders.journals).exists() {
            let of_choice = samples * recipe.choice.completions();
            let plain = Recipe { choice: Choice::First, ..recipe.clone() };
            for (role, count) in [("draft", drafts), (recipe.choice.name(), of_choice)] {
                let (preset, benchmark, seed) = (arm.preset(self.plan), unit.benchmark, unit.seed);
                let kind = format!("{role} {preset} {benchmark} {seed} {plain}");
                let known = written.entry(kind).or_default();
                new += count.saturating_sub(*known);
                *known = count.max(*known);
            }
        }
        let State::Begun { judged } = state else { return Ok(Duration::ZERO) };
        let streams = if recipe.contrast.is_some() { 2.0 } else { 1.0 };
        let of_run = self.plan.config(arm, &recipe, unit.seed).max_new_tokens;
        let tokens = LENGTH * recipe.max_new_tokens.unwrap_or(of_run) as f64;
        let prompt = if new > 0 { pace.prompt.as_secs_f64() } else { 0.0 };
        let choice = if recipe.choice.runs_programs() { CHOICE * drafts as f64 } else { 0.0 };
        let problem = streams * (pace.row.as_secs_f64() * tokens * new as f64 + prompt) + choice;
        let left = 1.0 - judged as f64 / self.samples(unit).max(1) as f64;
        let problems = self.tasks[unit.benchmark].len() as f64;
        Ok(Duration::from_secs_f64(problem * problems * left))
    }
}
