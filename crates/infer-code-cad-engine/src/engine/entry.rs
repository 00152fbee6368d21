use std::ops::Range;
use std::sync::Arc;

use super::plan::Plan;
use super::reading::{Reading, Root};
use crate::{RequestId, RequestStats};

/// A request on its way through the engine.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: RequestId,
    pub(super) plan: Arc<Plan>,
    pub(super) state: State,
    /// Samples that have not begun.
    pub(super) waiting: Range<usize>,
    /// Of these the ones whose rows and memory are set aside.
    pub(super) reserved: usize,
    /// Samples that are being generated.
    pub(super) live: usize,
    /// What the pass computes for it: rows of its samples, and tokens of its prompt.
    pub(super) rows: usize,
    pub(super) read: usize,
    pub(super) stats: RequestStats,
}

#[derive(Debug)]
pub(super) enum State {
    Queued,
    Reading(Reading),
    Read(Root),
    /// The last sample took the prompt's streams over, or there is none.
    Spent,
}

impl Entry {
    pub(super) fn new(id: RequestId, plan: Plan) -> Self {
        let samples = plan.request.samples.clone();
        let waiting = if plan.max_tokens == 0 { 0..0 } else { samples };
        let (state, stats) = (State::Queued, RequestStats::default());
        let (plan, reserved, live, rows, read) = (Arc::new(plan), 0, 0, 0, 0);
        Self { id, plan, state, waiting, reserved, live, rows, read, stats }
    }

    pub(super) fn reading(&self) -> Option<&Reading> {
        match &self.state {
            State::Reading(reading) => Some(reading),
            _ => None,
        }
    }

    /// Whether its prompt is to be scored and nothing drawn: it holds no rows then.
    pub(super) fn only_scores(&self) -> bool {
        self.waiting.is_empty() && !matches!(self.state, State::Spent)
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, State::Spent) && self.live == 0 && self.waiting.is_empty()
    }

    /// The streams of the next sample: the last one takes them over, the others fork them.
    pub(super) fn next_sample(&mut self) -> Option<(usize, Root)> {
        let State::Read(root) = &mut self.state else { return None };
        if self.reserved == 0 {
            return None;
        }
        let sample = self.waiting.next()?;
        let logits = Arc::clone(&root.logits);
        let caches = match self.waiting.is_empty() {
            true => std::mem::take(&mut root.caches),
            false => root.caches.iter().map(|cache| cache.fork()).collect(),
        };
        self.reserved -= 1;
        self.live += 1;
        if self.waiting.is_empty() {
            self.state = State::Spent;
        }
        Some((sample, Root { caches, logits }))
    }
}
