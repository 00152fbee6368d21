use std::collections::{BTreeMap, HashMap};

use infer_code_cad_metrics::Throughput;

use super::file::Span;
use super::line::Line;
use crate::{Judging, RunMemory, SessionRecord};

/// What a journal holds, and where: the lines themselves stay in the file.
///
/// Lines come in any order and may say something again; the last one counts.
#[derive(Debug, Default)]
pub(super) struct Index {
    tasks: HashMap<String, TaskIndex>,
    /// The drafts of all tasks by their address.
    addresses: HashMap<String, Span>,
    throughput: Throughput,
    judging: Option<Judging>,
    memory: RunMemory,
}

/// Where the lines of a problem are.
#[derive(Debug, Default)]
pub(super) struct TaskIndex {
    pub(super) prompt: Option<Prompt>,
    /// By role and index.
    pub(super) drafts: BTreeMap<(u32, usize), Span>,
    pub(super) samples: BTreeMap<usize, Span>,
    /// By sample; that of the whole problem, `None`, comes first.
    pub(super) failures: BTreeMap<Option<usize>, Span>,
}

#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) span: Span,
    pub(super) fingerprint: String,
}

impl Index {
    /// An index of the problems of a run.
    pub(super) fn new(tasks: &[String]) -> Self {
        let tasks = tasks.iter().map(|task| (task.clone(), TaskIndex::default())).collect();
        Self { tasks, ..Self::default() }
    }

    /// `None` for a problem that is not of the run.
    pub(super) fn task(&self, task_id: &str) -> Option<&TaskIndex> {
        self.tasks.get(task_id)
    }

    pub(super) fn addresses(&self) -> &HashMap<String, Span> {
        &self.addresses
    }

    pub(super) fn throughput(&self) -> Throughput {
        self.throughput
    }

    pub(super) fn judging(&self) -> Option<Judging> {
        self.judging
    }

    pub(super) fn memory(&self) -> RunMemory {
        self.memory
    }

    /// Enters a line other than the first.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn enter(&mut self, span: Span, line: &Line) -> Result<(), String> {
        if let Line::Session(session) = line {
            self.add(session);
            return Ok(());
        }
        let id = line.task_id().ok_or("a second run begins")?;
        let task = self.tasks.get_mut(id);
        task.ok_or_else(|| format!("task {id:?} is none of this run's"))?.enter(span, line);
        if let Line::Draft(draft) = line {
            self.addresses.insert(draft.address.clone(), span);
        }
        Ok(())
    }

    fn add(&mut self, session: &SessionRecord) {
        self.throughput.merge(session.throughput());
        let so_far = self.judging.unwrap_or(session.judging);
        self.judging = Some(so_far.min(session.judging));
        self.memory = self.memory.most(session.memory());
    }
}

impl TaskIndex {
    fn enter(&mut self, span: Span, line: &Line) {
        match line {
            Line::Prompt(line) => {
                self.failures.remove(&None);
                self.prompt = Some(Prompt { span, fingerprint: line.fingerprint.clone() });
            }
            Line::Draft(line) => drop(self.drafts.insert((line.role, line.index), span)),
            Line::Sample(line) => {
                self.failures.remove(&None);
                self.failures.remove(&Some(line.sample));
                self.samples.insert(line.sample, span);
            }
            // A verdict is never taken back.
            Line::Failure(line) if !self.has_verdict(line.sample) => {
                self.failures.insert(line.sample, span);
            }
            Line::Failure(_) | Line::Run(_) | Line::Session(_) => {}
        }
    }

    fn has_verdict(&self, sample: Option<usize>) -> bool {
        sample.is_some_and(|sample| self.samples.contains_key(&sample))
    }
}
