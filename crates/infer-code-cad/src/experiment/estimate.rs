use std::ops::ControlFlow;
use std::time::Duration;

use infer_code_cad_engine::EngineConfig;
use infer_code_cad_metrics::PeakMemory;

use super::{Experiment, ExperimentError, Unit};
use crate::{Recipe, SolveConfig, Solver, Technique, solve};

/// The share of the longest completion that is expected of one.
const LENGTH: f64 = 0.6;

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

    /// How long a unit will take at this pace of which so many samples are judged, if a completion has six tenths of
    /// the tokens that it may have.
    ///
    /// # Errors
    /// [`ExperimentError::Run`] for a technique that is none.
    pub fn time(
        &self,
        unit: &Unit,
        judged: usize,
        pace: &Pace,
    ) -> Result<Duration, ExperimentError> {
        let recipe = self.recipe(unit)?;
        let streams = if recipe.contrast.is_some() { 2.0 } else { 1.0 };
        let drafts = recipe.choice.drafts() as f64;
        let of_run = self.plan.config(self.arm(unit), &recipe, unit.seed).max_new_tokens;
        let tokens = LENGTH * recipe.max_new_tokens.unwrap_or(of_run) as f64;
        let samples = self.samples(unit);
        let left = 1.0 - judged as f64 / samples.max(1) as f64;
        let rows = samples as f64 * drafts * tokens;
        let prompts = self.tasks[unit.benchmark].len() as f64;
        let whole = pace.row.as_secs_f64() * rows + pace.prompt.as_secs_f64() * prompts;
        Ok(Duration::from_secs_f64(whole * streams * left))
    }
}
