use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use infer_code_cad_engine::GenerateStats;

use super::Progress;
use super::judges::{Job, Judges, Outcome};
use super::work::Work;
use crate::{Error, FailureRecord, SampleRecord, Solution, SolveEvent, Stage, solve_prepared};

/// Hears what happens and breaks off with [`ControlFlow::Break`].
pub(super) type Sink<'s> = dyn FnMut(Progress<'_>) -> ControlFlow<()> + 's;

/// How long nothing may happen before the sink is asked whether to go on.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

/// Faults of the judge in a row, on more than one problem, after which it counts as gone.
const FAULTS: usize = 8;

/// Solves and judges.
pub(super) fn run(work: &Work<'_>, sink: &mut Sink<'_>) -> Result<GenerateStats, Error> {
    let Work { technique, problems, prepared, solver, config, .. } = work;
    let judges = Judges::start(&work.executor.judge, &work.executor.limits);
    let mut desk = Desk { work, judges, sink, faults: Faults::default() };
    let hear = &mut |event: SolveEvent<'_>| desk.hear(event);
    let mut stats = solve_prepared(technique, problems, prepared, solver, config, hear)?;
    if !stats.cancelled {
        stats.cancelled = desk.finish().is_break();
    }
    desk.keep();
    match desk.faults.gone {
        None => Ok(stats),
        Some(reason) => Err(Error::JudgeGone { faults: FAULTS, reason }),
    }
}

/// Where solutions come in and verdicts go out, on the caller's thread.
struct Desk<'r, 's> {
    work: &'r Work<'r>,
    judges: Judges<About>,
    sink: &'r mut Sink<'s>,
    faults: Faults,
}

/// What a program answers.
struct About {
    problem: usize,
    sample: usize,
    solution: Solution,
}

/// Faults of the judge since its last verdict.
#[derive(Default)]
struct Faults {
    in_a_row: usize,
    problems: BTreeSet<usize>,
    /// The last one, when they are too many.
    gone: Option<String>,
}

impl Desk<'_, '_> {
    fn hear(&mut self, event: SolveEvent<'_>) -> ControlFlow<()> {
        match event {
            SolveEvent::Solution { problem, sample, solution } => {
                let (program, tests) = (solution.program.clone(), self.work.tests[problem].clone());
                let about = About { problem, sample, solution };
                self.judges.submit(Job { about, program, tests });
            }
            // A prompt that fails this time does no harm to a problem that is done.
            SolveEvent::Failed { problem, sample: None, .. } if self.work.is_done(problem) => {}
            SolveEvent::Failed { problem, sample, reason } => {
                self.fail(problem, sample, Stage::Solving, reason)?;
            }
            event => (self.sink)(Progress::Writing(&event))?,
        }
        self.collect()
    }

    /// Enters the verdicts that are there.
    fn collect(&mut self) -> ControlFlow<()> {
        while let Some(outcome) = self.judges.ready() {
            self.enter(outcome)?;
        }
        ControlFlow::Continue(())
    }

    /// Enters the verdicts that are to come.
    fn finish(&mut self) -> ControlFlow<()> {
        while self.judges.pending() > 0 {
            match self.judges.wait(PATIENCE) {
                Some(outcome) => self.enter(outcome)?,
                None => (self.sink)(Progress::Waiting { judging: self.judges.pending() })?,
            }
        }
        ControlFlow::Continue(())
    }

    /// Enters what was judged by the time that the rest was given up.
    fn keep(&mut self) {
        while let Some(outcome) = self.judges.ready() {
            let _ = self.enter(outcome);
        }
    }

    fn enter(&mut self, outcome: Outcome<About>) -> ControlFlow<()> {
        let About { problem, sample, solution } = outcome.about;
        match outcome.report {
            Ok(report) => {
                self.faults = Faults::default();
                let record = &SampleRecord::new(sample, solution, report);
                (self.sink)(Progress::Judged { problem, record })
            }
            Err(reason) => {
                let gone = self.faults.add(problem, &reason);
                self.fail(problem, Some(sample), Stage::Judging, reason)?;
                gone
            }
        }
    }

    fn fail(
        &mut self,
        problem: usize,
        sample: Option<usize>,
        stage: Stage,
        reason: String,
    ) -> ControlFlow<()> {
        let record = &FailureRecord::new(self.work.task_id(problem), sample, stage, reason);
        (self.sink)(Progress::Failed { problem, record })
    }
}

impl Faults {
    /// Breaks when they are too many to be the programs' doing.
    fn add(&mut self, problem: usize, reason: &str) -> ControlFlow<()> {
        self.in_a_row += 1;
        self.problems.insert(problem);
        if self.in_a_row < FAULTS || self.problems.len() == 1 {
            return ControlFlow::Continue(());
        }
        self.gone = Some(reason.to_owned());
        ControlFlow::Break(())
    }
}
