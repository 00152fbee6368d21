use std::collections::{HashMap, VecDeque};
use std::iter::Enumerate;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use infer_code_cad_sandbox::Tests;
use infer_code_cad_tasks::{SampleLine, SampleReader, Task, TaskError};

use super::part::{Part, object};
use super::{JudgedSamples, SampleJudging, SampleProgress};
use crate::judges::{FAULTS, Faults, Job, Judges, Outcome, PATIENCE};
use crate::{Error, JournalError, task_tests};

/// Where samples come in and verdicts go out, on the caller's thread.
pub(super) struct Desk<'r, 's> {
    tasks: HashMap<&'r str, (usize, &'r Task, Arc<Tests>)>,
    judging: &'r SampleJudging,
    samples: Enumerate<SampleReader>,
    /// Programs that are cut out while others run.
    ready: VecDeque<Job<About>>,
    judges: Judges<About>,
    /// Programs that run at a time. A verdict is stored before the next program is handed out, so a kill
    /// costs no more than these.
    workers: usize,
    faults: Faults,
    sink: &'s mut dyn FnMut(SampleProgress<'_>) -> ControlFlow<()>,
    pub(super) part: Part,
    pub(super) judged: JudgedSamples,
}

/// What a program answers.
struct About {
    sample: usize,
    line: usize,
    task: usize,
    task_id: String,
    object: u64,
}

/// Goes on or is broken off.
type Flow = Result<ControlFlow<()>, JournalError>;

impl<'r, 's> Desk<'r, 's> {
    pub(super) fn new(
        samples: &Path,
        tasks: &'r [Task],
        judging: &'r SampleJudging,
        part: Part,
        sink: &'s mut dyn FnMut(SampleProgress<'_>) -> ControlFlow<()>,
    ) -> Result<Self, Error> {
        let by_id = |(number, task): (usize, &'r Task)| {
            (task.problem.task_id.as_str(), (number, task, Arc::new(task_tests(task))))
        };
        let judged = JudgedSamples {
            results: None,
            cancelled: false,
            judged: 0,
            refused: 0,
            tallies: Default::default(),
            verdicts: Default::default(),
        };
        Ok(Self {
            tasks: tasks.iter().enumerate().map(by_id).collect(),
            judging,
            samples: SampleReader::open_for(samples, tasks)?.enumerate(),
            ready: VecDeque::new(),
            judges: Judges::start(&judging.judge),
            workers: judging.judge.workers().max(1),
            faults: Faults::default(),
            sink,
            part,
            judged,
        })
    }

    /// Judges all that has no verdict.
    pub(super) fn run(&mut self) -> Result<ControlFlow<()>, Error> {
        let judged = self.part.len();
        if judged > 0 && (self.sink)(SampleProgress::Resumed { judged }).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let flow = self.judge_all()?;
        // What is done by the time that the rest is given up counts.
        while let Some(outcome) = self.judges.ready() {
            let _ = self.enter(outcome)?;
        }
        match self.faults.gone.take() {
            None => Ok(flow),
            Some(reason) => Err(Error::JudgeGone { faults: FAULTS, reason }),
        }
    }

    fn judge_all(&mut self) -> Flow {
        loop {
            if self.read()?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            while self.judges.pending() < self.workers
                && let Some(job) = self.ready.pop_front()
            {
                self.judges.submit(job);
            }
            if self.read()?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let judging = self.judges.pending();
            if judging == 0 {
                return Ok(ControlFlow::Continue(()));
            }
            let flow = match self.judges.wait(PATIENCE) {
                Some(outcome) => self.enter(outcome)?,
                None => {
                    self.part.sync_due()?;
                    (self.sink)(SampleProgress::Waiting { judging })
                }
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
    }

    /// Reads ahead as many programs as may run next.
    fn read(&mut self) -> Flow {
        while self.ready.len() < self.workers
            && let Some((sample, line)) = self.samples.next()
        {
            match self.job(sample, line) {
                Ok(Some(job)) => self.ready.push_back(job),
                Ok(None) => {}
                Err(reason) => {
                    if self.refuse(&reason).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The program of a line, unless its verdict is there; or why it has none.
    fn job(
        &mut self,
        sample: usize,
        line: Result<SampleLine, TaskError>,
    ) -> Result<Option<Job<About>>, String> {
        let line = line.map_err(|error| error.to_string())?;
        let SampleLine { line: number, task_id, .. } = &line;
        let unknown = || format!("line {number} answers task {task_id:?}, which the problems lack");
        let (task, found, tests) = self.tasks.get(task_id.as_str()).ok_or_else(unknown)?;
        if let Some(verdict) = self.part.verdict(sample, &line) {
            self.judged.count(task_id, verdict);
            return Ok(None);
        }
        let about = About {
            sample,
            line: *number,
            task: *task,
            task_id: task_id.clone(),
            object: object(&line),
        };
        let program = line.program(&found.problem, self.judging.extraction);
        let limits = self.judging.limits.of(task_id);
        Ok(Some(Job { about, program, tests: tests.clone(), limits }))
    }

    fn enter(&mut self, outcome: Outcome<About>) -> Flow {
        let About { sample, line, task, task_id, object } = outcome.about;
        match outcome.report {
            Ok(report) => {
                self.faults = Faults::default();
                self.part.append(sample, object, &report)?;
                self.judged.count(&task_id, report.verdict);
                let (task_id, report) = (&task_id, &report);
                Ok((self.sink)(SampleProgress::Judged { line, task_id, report }))
            }
            Err(reason) => {
                let gone = self.faults.add(task, &reason);
                let told = self.refuse(&format!("line {line} was not judged: {reason}"));
                Ok(if gone.is_break() { gone } else { told })
            }
        }
    }

    fn refuse(&mut self, reason: &str) -> ControlFlow<()> {
        self.judged.refused += 1;
        (self.sink)(SampleProgress::Refused { reason })
    }
}
