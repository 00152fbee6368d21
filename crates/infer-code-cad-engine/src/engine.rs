mod branch;
mod entry;
mod pass;
mod plan;
mod prefix;
mod random;
mod reading;
mod sequence;
mod shown;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use infer_code_cad_decode::{Rooms, Vocabulary};

use entry::{Entry, State};
use plan::Plan;
use prefix::Prefixes;
use reading::Reading;
use sequence::{Sequence, panic_text};

use crate::{
    CausalLm, Completion, EngineConfig, EngineError, EngineHandle, Event, FinishReason,
    GenerateStats, Request, RequestId, RequestStats, Step, StepTimes,
};

/// Completes prompts, many at a time, for one thread that drives it.
///
/// This is continuous batching (Yu et al.,
/// [Orca](https://www.usenix.org/conference/osdi22/presentation/yu)): each [`Engine::step`] is one forward
/// pass, in which all live sequences advance by a token, each with as many streams and branches as its
/// decoder reads, and pieces of prompts are read beside them within
/// [`EngineConfig::tokens_per_pass`]. Requests are admitted in the order they came, each with its own decoder,
/// limits, seed and errors: none ends another's. A prompt is read once and forked for its samples, and what
/// it begins with in common with earlier prompts is not read again.
///
/// A sample's random numbers belong to (seed, task, role, sample) alone: its tokens depend neither on the
/// engine's configuration and the number of threads nor on what else is generated, beyond the rounding that
/// the model states for its batches.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
///
/// use infer_code_cad_decode::Greedy;
/// use infer_code_cad_engine::{Engine, EngineConfig, Event, Request, TableModel};
///
/// // After token 0 comes 1, after 0 1 comes 2.
/// let model = TableModel::new(3).row(&[0], &[0, 1, 0]).row(&[0, 1], &[0, 0, 1]);
/// let vocabulary = Arc::new(vec!["", "a", "b"]);
/// let mut engine = Engine::new(Arc::new(model), vocabulary, EngineConfig::default())?;
/// let mut request = Request::new("demo", vec![vec![0]], Arc::new(Greedy));
/// request.max_new_tokens = 2;
/// engine.submit(request);
/// let mut text = String::new();
/// while !engine.is_idle() {
///     engine.step(&mut |_request, event| {
///         if let Event::Finished { completion, .. } = event {
///             text = completion.text;
///         }
///         ControlFlow::Continue(())
///     });
/// }
/// assert_eq!(text, "ab");
/// # Ok::<(), infer_code_cad_engine::EngineError>(())
/// ```
pub struct Engine {
    model: Arc<dyn CausalLm>,
    vocabulary: Arc<dyn Vocabulary>,
    config: EngineConfig,
    entries: Vec<Entry>, // in the order they came
    sequences: Vec<Sequence>,
    prefixes: Prefixes,
    /// Rows and bytes that are set aside.
    rows: usize,
    bytes: u64,
    next_id: u64,
    /// Events to be told first thing.
    outbox: Vec<(RequestId, Event<'static>)>,
    stats: GenerateStats,
    times: StepTimes,
    logits: Vec<f32>, // of the last forward pass
    batch: Vec<Step<'static>>,
    rooms: Mutex<Vec<Rooms>>,
}

/// Where an engine stands after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Rows set aside for samples, begun or about to.
    pub rows: usize,
    /// Requests that have not begun, or of which not all samples have rows.
    pub waiting: usize,
    /// Whether the rows of all requests together are fewer than there are, nothing waits to be told and no
    /// prompt to be scored: another request would be advanced at once.
    pub wants_more: bool,
}

/// Who hears of events: it may cancel a request with [`ControlFlow::Break`].
type Sink<'s> = dyn FnMut(RequestId, Event<'_>) -> ControlFlow<()> + 's;

/// A sink, and the requests that it cancelled.
struct Told<'s> {
    sink: &'s mut Sink<'s>,
    broken: Vec<RequestId>,
}

impl Told<'_> {
    fn tell(&mut self, id: RequestId, event: Event<'_>) {
        if !self.broken.contains(&id) && (self.sink)(id, event).is_break() {
            self.broken.push(id);
        }
    }
}

impl Engine {
    /// An engine without requests.
    ///
    /// # Errors
    /// [`EngineError::NoRows`] and [`EngineError::EmptyPass`].
    pub fn new(
        model: Arc<dyn CausalLm>,
        vocabulary: Arc<dyn Vocabulary>,
        config: EngineConfig,
    ) -> Result<Self, EngineError> {
        config.check()?;
        Ok(Self {
            model,
            vocabulary,
            config,
            entries: Vec::new(),
            sequences: Vec::new(),
            prefixes: Prefixes::new(config.prefix_bytes),
            rows: 0,
            bytes: 0,
            next_id: 0,
            outbox: Vec::new(),
            stats: GenerateStats::default(),
            times: StepTimes::default(),
            logits: Vec::new(),
            batch: Vec::new(),
            rooms: Mutex::default(),
        })
    }

    /// Puts a request behind those there are. What is wrong with it is told as an event.
    pub fn submit(&mut self, request: Request) -> RequestId {
        let id = RequestId(self.next_id);
        self.submit_as(id, request);
        id
    }

    pub(crate) fn submit_as(&mut self, id: RequestId, request: Request) {
        self.next_id = self.next_id.max(id.0 + 1);
        let plan = || Plan::new(request, self.model.as_ref(), &self.vocabulary, &self.config);
        let planned = catch_unwind(AssertUnwindSafe(plan)).unwrap_or_else(|panic| {
            let text = format!(
                "the decoder panicked when it was asked what it needs: {}",
                panic_text(&*panic)
            );
            Err(EngineError::Other(text.into()))
        });
        match planned {
            Ok(plan) => self.enter(id, plan),
            Err(error) => {
                let stats = RequestStats::default();
                self.outbox.push((id, Event::Failed { sample: None, error }));
                self.outbox.push((id, Event::Ended { stats }));
            }
        }
    }

    fn enter(&mut self, id: RequestId, plan: Plan) {
        let samples = plan.request.samples.clone();
        let (draws, scores) = (plan.max_tokens > 0, plan.request.prompt_log_probs.is_some());
        let mut entry = Entry::new(id, plan);
        if !draws && !scores {
            for sample in samples {
                let completion = Completion::empty(FinishReason::Length, entry.plan.cost());
                self.stats.completions += 1;
                entry.stats.completions += 1;
                self.outbox.push((id, Event::Finished { sample, completion }));
            }
        }
        if entry.waiting.is_empty() && !scores {
            entry.state = State::Spent;
        }
        self.entries.push(entry);
        self.sweep();
    }

    /// Ends a request before the next pass: its rows are free, and of its events only [`Event::Ended`] is
    /// still to come. One that has ended already is no fault.
    pub fn cancel(&mut self, request: RequestId) {
        let is_last = |event: &Event<'_>| matches!(event, Event::Ended { .. });
        self.outbox.retain(|(id, event)| *id != request || is_last(event));
        if let Some(mut stats) = self.remove(request) {
            stats.cancelled = true;
            self.outbox.push((request, Event::Ended { stats }));
        }
    }

    /// One forward pass, with the events of all requests: all live sequences advance, and pieces of prompts
    /// are read. The sink cancels the request it hears of with [`ControlFlow::Break`].
    pub fn step<'s>(&mut self, sink: &'s mut Sink<'s>) -> Progress {
        let mut told = Told { sink, broken: Vec::new() };
        self.post(&mut told);
        self.admit(&mut told);
        self.begin(&mut told);
        self.cancel_broken(&mut told);
        self.pass(&mut told);
        self.cancel_broken(&mut told);
        self.post(&mut told);
        self.progress()
    }

    /// Where it stands.
    pub fn progress(&self) -> Progress {
        let unreserved = |entry: &Entry| entry.waiting.len() - entry.reserved;
        let queues = |entry: &&Entry| unreserved(entry) > 0 || matches!(entry.state, State::Queued);
        let waiting = self.entries.iter().filter(queues).count();
        let wanted = self.entries.iter().fold(self.rows, |wanted, entry| {
            wanted.saturating_add(unreserved(entry).saturating_mul(entry.plan.sample_rows()))
        });
        let scores = self.entries.iter().any(|entry| entry.only_scores());
        let wants_more = wanted < self.config.max_rows && !scores && self.outbox.is_empty();
        Progress { rows: self.rows, waiting, wants_more }
    }

    /// Whether there is nothing to do and nothing to tell.
    pub fn is_idle(&self) -> bool {
        self.entries.is_empty() && self.outbox.is_empty()
    }

    /// What it did so far.
    pub fn stats(&self) -> GenerateStats {
        self.stats
    }

    /// What it may take.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id
    }

    /// A thread that steps for as long as a handle is left; callers share the engine through its handles.
    /// Requests that were submitted before have nobody to hear of them and are cancelled.
    pub fn spawn(self) -> EngineHandle {
        EngineHandle::of(self)
    }

    /// Tells what is to be told.
    fn post(&mut self, told: &mut Told<'_>) {
        for (id, event) in std::mem::take(&mut self.outbox) {
            // The last word comes whether somebody still listens or not.
            match event {
                Event::Ended { .. } => {
                    let _ = (told.sink)(id, event);
                }
                event => told.tell(id, event),
            }
        }
    }

    fn cancel_broken(&mut self, told: &mut Told<'_>) {
        for id in told.broken.drain(..) {
            self.cancel(id);
        }
    }

    /// Sets rows aside, opens prompts and starts samples, in the order of requests: whoever has to wait lets
    /// nobody pass who needs rows.
    fn admit(&mut self, told: &mut Told<'_>) {
        let scores = |entry: &&Entry| entry.only_scores() && entry.reading().is_some();
        let mut scoring = self.entries.iter().filter(scores).count();
        let mut passable = true;
        for index in 0..self.entries.len() {
            let entry = &self.entries[index];
            let queued = matches!(entry.state, State::Queued);
            if entry.only_scores() {
                if queued && scoring < MOST_SCORING {
                    scoring += 1;
                    self.open(index, told);
                }
                continue;
            }
            if passable && !entry.waiting.is_empty() {
                self.reserve(index);
                if queued && self.entries[index].reserved > 0 {
                    self.open(index, told);
                }
                self.start_samples(index, told);
                let entry = &self.entries[index];
                passable = entry.reserved == entry.waiting.len();
            }
        }
        self.sweep();
    }

    /// Sets rows and memory aside for as many waiting samples as there is room for.
    fn reserve(&mut self, index: usize) {
        let entry = &mut self.entries[index];
        let plan = &entry.plan;
        let root = if matches!(entry.state, State::Queued) { plan.root_bytes } else { 0 };
        let mut samples = entry.waiting.len() - entry.reserved;
        samples = samples.min((self.config.max_rows - self.rows) / plan.sample_rows());
        if let Some(limit) = self.config.cache_bytes {
            let free = limit.saturating_sub(self.bytes).saturating_sub(root);
            samples = samples.min(free.checked_div(plan.sample_bytes).map_or(usize::MAX, as_usize));
        }
        if samples > 0 {
            self.rows += samples * plan.sample_rows();
            self.bytes += samples as u64 * plan.sample_bytes + root;
            entry.reserved += samples;
        }
    }

    /// Begins to read a prompt.
    fn open(&mut self, index: usize, told: &mut Told<'_>) {
        let Self { entries, prefixes, model, .. } = self;
        let (id, plan) = (entries[index].id, Arc::clone(&entries[index].plan));
        let read = entries.iter().filter(|entry| entry.reading().is_some());
        let others: Vec<_> = read.map(|entry| (entry.id, &*entry.plan)).collect();
        let reading = Reading::new(id, &plan, model.as_ref(), prefixes, &others);
        let (tokens, of) = (reading.known(), plan.prompt_tokens());
        entries[index].state = State::Reading(reading);
        told.tell(id, Event::Prefilled { tokens, of });
    }

    /// Starts the samples of a prompt that was read, as far as rows are set aside.
    fn start_samples(&mut self, index: usize, told: &mut Told<'_>) {
        let entry = &mut self.entries[index];
        while let Some((sample, root)) = entry.next_sample() {
            if matches!(entry.state, State::Spent) {
                self.bytes -= entry.plan.root_bytes;
            }
            match Sequence::new(entry.id, sample, &entry.plan, root) {
                Ok(sequence) => {
                    self.sequences.push(sequence);
                    told.tell(entry.id, Event::Started { sample });
                }
                Err(error) => {
                    self.rows -= entry.plan.sample_rows();
                    self.bytes -= entry.plan.sample_bytes;
                    entry.live -= 1;
                    entry.stats.failures += 1;
                    told.tell(entry.id, Event::Failed { sample: Some(sample), error });
                }
            }
        }
    }

    /// Gives back what a request holds, and what it cost; `None` for one that is not there.
    fn remove(&mut self, request: RequestId) -> Option<RequestStats> {
        let index = self.entries.iter().position(|entry| entry.id == request)?;
        let entry = self.entries.remove(index);
        let before = self.sequences.len();
        self.sequences.retain(|sequence| sequence.request != request);
        let samples = entry.reserved + before - self.sequences.len();
        self.rows -= samples * entry.plan.sample_rows();
        self.bytes -= samples as u64 * entry.plan.sample_bytes;
        let opened = matches!(entry.state, State::Reading(_) | State::Read(_));
        if opened && !entry.only_scores() {
            self.bytes -= entry.plan.root_bytes;
        }
        Some(entry.stats)
    }

    /// Fails a request as a whole.
    fn fail(&mut self, request: RequestId, error: EngineError) {
        if let Some(mut stats) = self.remove(request) {
            stats.failures += 1;
            self.outbox.push((request, Event::Failed { sample: None, error }));
            self.outbox.push((request, Event::Ended { stats }));
        }
    }

    /// Lets go of requests of which nothing more comes.
    fn sweep(&mut self) {
        let outbox = &mut self.outbox;
        self.entries.retain(|entry| {
            if entry.has_ended() {
                outbox.push((entry.id, Event::Ended { stats: entry.stats }));
            }
            !entry.has_ended()
        });
    }
}

/// Prompts that are only scored hold no rows; so many are read at a time, as [`MemoryPlan`](crate::MemoryPlan)
/// counts them.
const MOST_SCORING: usize = 1;

fn as_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("model", &self.model)
            .field("config", &self.config)
            .field("requests", &self.entries.len())
            .field("sequences", &self.sequences.len())
            .finish_non_exhaustive()
    }
}
