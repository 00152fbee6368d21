//! What there is to do, and for how long.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use indicatif::FormattedDuration;
use infer_code_cad::{Experiment, State, Unit};

use crate::common::{Failure, say};

/// What is left to run, with the time that it was thought to take.
pub(crate) struct Forecast {
    left: VecDeque<(Unit, Duration)>,
    units: usize,
    peak_bytes: Option<u64>,
    /// Of the run that goes on: when it began, and what it was thought to take.
    running: Option<(Instant, Duration)>,
    /// Of all runs of this session: what they took, and were thought to take.
    took: (Duration, Duration),
}

impl Forecast {
    /// Measures for some seconds, unless all is done.
    pub(crate) fn new(experiment: &Experiment<'_>) -> Result<Self, Failure> {
        let units = experiment.plan.units(&experiment.model)?;
        let (mut left, mut peak_bytes) = (VecDeque::new(), None);
        let mut open = vec![];
        for unit in &units {
            if experiment.state(unit)? != State::Done {
                open.push(unit);
            }
        }
        if !open.is_empty() {
            let pace = experiment.pace()?;
            peak_bytes = pace.peak_bytes;
            for unit in open {
                left.push_back((unit.clone(), experiment.time(unit, &pace)?));
            }
        }
        Ok(Self { left, units: units.len(), peak_bytes, running: None, took: Default::default() })
    }

    /// Prints what is left, what it takes, and what it can find.
    pub(crate) fn say(&self, experiment: &Experiment<'_>) -> Result<(), Failure> {
        let plan = experiment.plan;
        let done = self.units - self.left.len();
        say(format_args!(
            "{}, {}: {done} of {} runs are done",
            plan.title, experiment.model, self.units
        ));
        for (unit, time) in &self.left {
            let (arm, benchmark) = (&plan.arms[unit.arm], &plan.benchmarks[unit.benchmark]);
            let time = FormattedDuration(*time);
            say(format_args!("  {time}  {arm:<14} {benchmark}, seed {}", unit.seed));
        }
        let whole: Duration = self.left.iter().map(|(_, time)| *time).sum();
        if let Some(bytes) = self.peak_bytes {
            say(format_args!(
                "about {} and {} MB, by a short measurement",
                FormattedDuration(whole),
                bytes >> 20
            ));
        }
        let sizes: Vec<usize> = experiment.tasks.iter().map(Vec::len).collect();
        for (table, smallest) in plan.smallest_detectable(&sizes)? {
            say(format_args!(
                "{table}: with all seeds a difference in pass@1 of {smallest:.3} is found with a chance of .8"
            ));
        }
        Ok(())
    }

    /// The next run.
    pub(crate) fn next(&mut self) -> Option<Unit> {
        let (unit, time) = self.left.pop_front()?;
        self.running = Some((Instant::now(), time));
        Some(unit)
    }

    /// Names a run, and says how long it and the others take: by what the runs before took.
    pub(crate) fn title(&self, experiment: &Experiment<'_>, unit: &Unit) -> String {
        let thought: Duration = self.left.iter().map(|(_, time)| *time).sum();
        let thought = thought + self.running.map_or(Duration::ZERO, |(_, time)| time);
        let factor = match self.took {
            (took, thought) if thought > Duration::ZERO => {
                took.as_secs_f64() / thought.as_secs_f64()
            }
            _ => 1.0,
        };
        let left = FormattedDuration(thought.mul_f64(factor));
        let arm = &experiment.plan.arms[unit.arm];
        let title =
            format!("{arm}, {}, seed {}", experiment.plan.benchmarks[unit.benchmark], unit.seed);
        eprintln!("{title}: run {} of {}, {left} left", self.units - self.left.len(), self.units);
        title
    }

    /// Notes that a run is done.
    pub(crate) fn done(&mut self) {
        if let Some((began, time)) = self.running.take() {
            self.took = (self.took.0 + began.elapsed(), self.took.1 + time);
        }
    }
}
