//! What there is to do, and for how long.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use indicatif::FormattedDuration;
use infer_code_cad::{Experiment, State, Unit};

use crate::common::{Failure, say};

/// What is left to run, with the time that it was thought to take.
pub(crate) struct Forecast<'a> {
    experiment: &'a Experiment<'a>,
    left: VecDeque<(Unit, Duration)>,
    units: usize,
    peak_bytes: Option<u64>,
    /// What the runs of this session took, and were thought to take.
    took: (Duration, Duration),
}

impl<'a> Forecast<'a> {
    /// Measures for some seconds, unless all is done.
    pub(crate) fn new(experiment: &'a Experiment<'a>) -> Result<Self, Failure> {
        let units = experiment.plan.units(&experiment.model)?.into_iter();
        let units: Vec<(Unit, State)> = units
            .map(|unit| experiment.state(&unit).map(|state| (unit, state)))
            .collect::<Result<_, _>>()?;
        let is_left = |state: State| state != State::Done;
        let pace = units.iter().any(|(_, state)| is_left(*state)).then(|| experiment.pace());
        let pace = pace.transpose()?;
        let times = pace.map(|pace| experiment.times(&units, &pace)).transpose()?;
        let (all, times) = (units.len(), times.unwrap_or_default());
        let left = units.into_iter().zip(times).filter(|((_, state), _)| is_left(*state));
        let left = left.map(|((unit, _), time)| (unit, time)).collect();
        let peak_bytes = pace.and_then(|pace| pace.peak_bytes);
        Ok(Self { experiment, left, units: all, peak_bytes, took: Default::default() })
    }

    /// Prints what is left, what it takes, and what it can find.
    pub(crate) fn say(&self) -> Result<(), Failure> {
        let Experiment { plan, model, tasks, .. } = self.experiment;
        let done = self.units - self.left.len();
        say(format_args!("{}, {model}: {done} of {} runs are done", plan.title, self.units));
        for (unit, time) in &self.left {
            say(format_args!("  {}  {}", FormattedDuration(*time), self.name(unit)));
        }
        if let Some(bytes) = self.peak_bytes {
            let (time, megabytes) = (FormattedDuration(self.thought()), bytes >> 20);
            say(format_args!("about {time} and {megabytes} MB, by a short measurement"));
        }
        let sizes: Vec<usize> = tasks.iter().map(Vec::len).collect();
        for (table, smallest) in plan.smallest_detectable(&sizes)? {
            let what = "a difference in pass@1";
            say(format_args!("{table}: {what} of {smallest:.3} is found with a chance of .8"));
        }
        Ok(())
    }

    /// Runs what is left, one after the other; each is told how long it and the others take.
    pub(crate) fn run(
        mut self,
        run: impl Fn(&Unit, &str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        while let Some((unit, time)) = self.left.front().cloned() {
            let (name, number) = (self.name(&unit), self.units - self.left.len() + 1);
            let (took, thought) = self.took;
            let factor = took.as_secs_f64() / thought.as_secs_f64().max(f64::MIN_POSITIVE);
            let factor = if thought.is_zero() { 1.0 } else { factor };
            let left = FormattedDuration(self.thought().mul_f64(factor));
            eprintln!("{name}: run {number} of {}, {left} left", self.units);
            let began = Instant::now();
            run(&unit, &name)?;
            self.took = (took + began.elapsed(), thought + time);
            self.left.pop_front();
        }
        Ok(())
    }

    fn name(&self, unit: &Unit) -> String {
        let plan = self.experiment.plan;
        let (arm, benchmark) = (&plan.arms[unit.arm].name, &plan.benchmarks[unit.benchmark]);
        format!("{arm} on {benchmark}, seed {}", unit.seed)
    }

    fn thought(&self) -> Duration {
        self.left.iter().map(|(_, time)| *time).sum()
    }
}
