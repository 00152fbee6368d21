use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use infer_code_cad_engine::GenerateStats;
use infer_code_cad_metrics::{PeakMemory, resident_bytes};

use super::work::Work;
use super::{Judging, Progress};
use crate::judges::{FAULTS, Faults, Job, Judges, Outcome, PATIENCE};
use crate::{
    Error, FailureRecord, SampleRecord, SessionRecord, Solution, SolveEvent, Stage, solve_prepared,
};

/// Hears what happens and breaks off with [`ControlFlow::Break`].
pub(super) type Sink<'s> = dyn FnMut(Progress<'_>) -> ControlFlow<()> + 's;

/// What became of a run.
pub(super) struct Ran {
    /// What generation cost.
    pub(super) session: SessionRecord,
    pub(super) cancelled: bool,
}

/// Solves and judges.
pub(super) fn run(work: &Work<'_>, memory: PeakMemory, sink: &mut Sink<'_>) -> Result<Ran, Error> {
    let Work { technique, problems, prepared, solver, config, .. } = work;
    let (model, resident) = (&solver.model.causal_lm, resident_bytes());
    model.take_peak_cache_bytes(); // of what was before
    let judges = Judges::start(&work.executor.judge);
    let (faults, held, drawn) = Default::default();
    let mut desk = Desk { work, judges, sink, faults, held, drawn };
    let hear = &mut |event: SolveEvent<'_>| desk.hear(event);
    let stats = solve_prepared(technique, problems, prepared, solver, config, hear)?;
    if stats.cancelled {
        desk.keep();
    }
    let left_over = resident_bytes().zip(resident).map(|(now, then)| now.saturating_sub(then));
    let session = SessionRecord {
        weight_bytes: model.weight_bytes(),
        kv_cache_bytes: model.take_peak_cache_bytes(),
        left_over_bytes: left_over,
        ..desk.drawn.session(&stats, work.judging(), memory.stop())
    };
    let told = (desk.sink)(Progress::Generated { session: &session });
    let cancelled = stats.cancelled || told.is_break() || desk.finish().is_break();
    desk.keep();
    match desk.faults.gone {
        None => Ok(Ran { session, cancelled }),
        Some(reason) => Err(Error::JudgeGone { faults: FAULTS, reason }),
    }
}

/// Where solutions come in and verdicts go out, on the caller's thread.
struct Desk<'r, 's> {
    work: &'r Work<'r>,
    judges: Judges<About>,
    sink: &'r mut Sink<'s>,
    faults: Faults,
    /// Programs that are judged after generation.
    held: Vec<Job<About>>,
    drawn: Drawn,
}

/// What was read and drawn, beside what the engine counts.
#[derive(Default)]
struct Drawn {
    /// Problems whose prompts were begun to be read.
    begun: BTreeSet<usize>,
    /// Those whose prompts were read to the end, so that something was drawn.
    read: BTreeSet<usize>,
}

impl Drawn {
    fn note(&mut self, event: &SolveEvent<'_>) {
        match *event {
            SolveEvent::Prefilled { problem } => drop(self.begun.insert(problem)),
            SolveEvent::Text { problem, .. }
            | SolveEvent::Drafted { problem, known: false, .. }
                if self.begun.contains(&problem) =>
            {
                self.read.insert(problem);
            }
            _ => {}
        }
    }

    fn session(
        &self,
        stats: &GenerateStats,
        judging: Judging,
        peak_bytes: Option<u64>,
    ) -> SessionRecord {
        let prompts = self.read.len() as u64;
        SessionRecord { prompts, judging, ..SessionRecord::new(stats, peak_bytes) }
    }
}

/// What a program answers.
struct About {
    problem: usize,
    sample: usize,
    solution: Solution,
    time: Option<Duration>,
}

impl Desk<'_, '_> {
    fn hear(&mut self, event: SolveEvent<'_>) -> ControlFlow<()> {
        self.drawn.note(&event);
        match event {
            SolveEvent::Solution { problem, sample, solution, time } => {
                let (program, tests) = (solution.program.clone(), self.work.tests[problem].clone());
                let limits = self.work.executor.limits.of(self.work.task_id(problem));
                let about = About { problem, sample, solution, time };
                let job = Job { about, program, tests, limits };
                match self.work.executor.judging {
                    Judging::Beside => self.judges.submit(job),
                    Judging::After => self.held.push(job),
                }
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

    /// Has judged what was held back, and enters the verdicts that are to come.
    fn finish(&mut self) -> ControlFlow<()> {
        self.held.drain(..).for_each(|job| self.judges.submit(job));
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
        let About { problem, sample, solution, time } = outcome.about;
        match outcome.report {
            Ok(report) => {
                self.faults = Faults::default();
                let answer_seconds = time.map(|time| time.as_secs_f64());
                let record = SampleRecord::new(sample, solution, report);
                let record = &SampleRecord { answer_seconds, ..record };
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
