use std::collections::{BTreeMap, BTreeSet, VecDeque};

use infer_code_cad_engine::{EngineHandle, Event, GenerateStats, RequestId, RequestStats};

use super::Sink;
use super::inbox::Inbox;
use super::piece::{Note, Piece, rows_of, runs};
use super::run::{Halt, Run};
use super::sample::{Sample, Standing};
use crate::draft::Addresses;
use crate::technique::DraftCounts;
use crate::{Bench, Draft, DraftRequest, KnownDraft, Prompted, Solution, SolveEvent};

const NO_CONTRAST: &str = "the streams are one prompt, so there is no contrast";

/// A run under way, on the caller's thread.
pub(super) struct Drive<'r, 'a, 's> {
    run: &'r Run<'a>,
    sink: &'r mut Sink<'s>,
    /// The engine's.
    rows: usize,
    inbox: Inbox<Note>,
    queue: VecDeque<Piece>,
    /// Those that are open, by problem.
    samples: BTreeMap<(usize, usize), Sample>,
    /// The first problem whose turn has not come.
    next: usize,
    /// Rows of drafts under way.
    in_flight: usize,
    /// Completions that arrived.
    completions: usize,
    /// What the requests that ended cost.
    own: RequestStats,
}

impl<'r, 'a, 's> Drive<'r, 'a, 's> {
    pub(super) fn new(run: &'r Run<'a>, engine: EngineHandle, sink: &'r mut Sink<'s>) -> Self {
        let rows = engine.config().max_rows;
        let (queue, samples, own) = Default::default();
        let (inbox, next, in_flight, completions) = (Inbox::new(engine), 0, 0, 0);
        Self { run, sink, rows, inbox, queue, samples, next, in_flight, completions, own }
    }

    /// The statistics of the engine meanwhile, with this run's tokens and times in place of everybody's. Gives
    /// up what is open, and counts what was given up too.
    pub(super) fn stats(&mut self, all: impl FnOnce() -> GenerateStats) -> GenerateStats {
        let given_up = self.inbox.last_words();
        given_up.iter().for_each(|stats| self.count(stats));
        let mut stats = all();
        stats.completions = self.completions;
        stats.prefill_tokens = self.own.prefill_tokens;
        stats.reused_tokens = self.own.reused_tokens;
        stats.prefill_time = self.own.prefill_time;
        stats.decode_tokens = self.own.decode_tokens;
        stats.first_tokens = self.own.first_tokens;
        stats.decode_time = self.own.decode_time;
        stats
    }

    fn count(&mut self, stats: &RequestStats) {
        self.own.prefill_tokens += stats.prefill_tokens;
        self.own.reused_tokens += stats.reused_tokens;
        self.own.prefill_time += stats.prefill_time;
        self.own.decode_tokens += stats.decode_tokens;
        self.own.first_tokens += stats.first_tokens;
        self.own.decode_time += stats.decode_time;
    }

    /// Draws all there is to draw.
    pub(super) fn finish(&mut self) -> Result<(), Halt> {
        loop {
            self.fill()?;
            if self.inbox.is_empty() {
                return Ok(());
            }
            let arrived = self.inbox.wait()?;
            if arrived.is_empty() {
                self.tell(SolveEvent::Waiting)?;
            }
            // First of all, since hearing may break off or give up requests that have ended.
            for (_, event) in &arrived {
                if let Event::Ended { stats } = event {
                    self.count(stats);
                }
            }
            for (request, event) in arrived {
                self.hear(request, event)?;
            }
        }
    }

    /// Keeps two passes' worth of drafts under way.
    fn fill(&mut self) -> Result<(), Halt> {
        loop {
            let Some(piece) = self.queue.pop_front() else {
                if self.next == self.run.problems.len() {
                    return Ok(());
                }
                self.next += 1;
                self.open(self.next - 1)?;
                continue;
            };
            if !self.inbox.is_empty() && self.in_flight + piece.rows() > 2 * self.rows {
                self.queue.push_front(piece);
                return Ok(());
            }
            self.draw(&piece)?;
        }
    }

    /// A problem's turn has come.
    fn open(&mut self, problem: usize) -> Result<(), Halt> {
        let run = self.run;
        let prompted = match &run.prepared.prompts[problem] {
            Ok(prompted) => prompted,
            Err(error) => return self.fail(problem, None, error.to_string()),
        };
        let is_done = |sample: &usize| run.prepared.done.contains(&(problem, *sample));
        let mut samples = (0..run.config.n_samples).filter(|sample| !is_done(sample)).peekable();
        if samples.peek().is_none() {
            return Ok(());
        }
        self.tell(SolveEvent::Prompted { problem, prompted })?;
        samples.try_for_each(|sample| self.begin(problem, sample))?;
        let DraftCounts { most, first } = run.counts;
        let is_first = |draft| draft % most < first && self.is_open(problem, draft);
        for drafts in runs(0..run.config.n_samples * most, is_first) {
            let request = run.request(problem, prompted, &DraftRequest::new(0, drafts));
            self.queue.extend(Piece::cut(problem, true, &request, self.rows));
        }
        Ok(())
    }

    fn begin(&mut self, problem: usize, number: usize) -> Result<(), Halt> {
        match self.run.technique.selector.begin(&self.run.problems[problem], number) {
            Ok(selecting) => {
                let sample = Sample::new(selecting, self.run.own(number), self.run.counts.first);
                self.samples.insert((problem, number), sample);
                Ok(())
            }
            Err(error) => self.fail(problem, Some(number), error.to_string()),
        }
    }

    /// Takes what is known of a piece and submits the rest.
    fn draw(&mut self, piece: &Piece) -> Result<(), Halt> {
        let &Piece { problem, first, ref request } = piece;
        let addresses = Addresses::new(&self.run.model, request);
        let mut missing = BTreeSet::new();
        for index in request.samples.clone() {
            // An early draft may have answered the sample, which then needs no more of them.
            if self.is_open(problem, index) {
                match self.run.known(&addresses.of(index)) {
                    Some(known) => {
                        self.arrive(problem, request.role, index, &addresses, known, true)?
                    }
                    None => drop(missing.insert(index)),
                }
            }
        }
        let is_wanted = |index| missing.contains(&index) && self.is_open(problem, index);
        for samples in runs(request.samples.clone(), is_wanted) {
            let (role, rows, open) = (request.role, rows_of(request), samples.clone().collect());
            self.in_flight += samples.len() * rows;
            let mut request = request.clone();
            request.samples = samples;
            self.inbox.submit(request, Note { problem, first, role, addresses, rows, open });
        }
        Ok(())
    }

    fn hear(&mut self, id: RequestId, event: Event<'static>) -> Result<(), Halt> {
        let Some(note) = self.inbox.note(id) else { return Ok(()) };
        let &mut Note { problem, role, addresses, first, .. } = note;
        match event {
            Event::Prefilled { .. } => self.tell(SolveEvent::Prefilled { problem }),
            Event::Started { sample: draft } => {
                if let Some(sample) = self.sample(problem, draft) {
                    sample.start();
                }
                Ok(())
            }
            Event::Token { sample: draft, text, .. } => {
                self.tell(SolveEvent::Text { problem, role, draft, text: &text })
            }
            Event::Finished { sample: index, completion } => {
                self.settle(id, index);
                self.completions += 1;
                self.arrive(problem, role, index, &addresses, completion.into(), false)
            }
            Event::Failed { sample: Some(index), error } => {
                self.settle(id, index);
                self.lack(problem, role, index, &error.to_string())
            }
            Event::Failed { sample: None, error } if first => {
                self.fail_problem(problem, error.to_string())
            }
            Event::Failed { sample: None, error } => self.lack_all(id, &error.to_string()),
            Event::Ended { .. } => self.end(id),
            _ => Ok(()),
        }
    }

    /// Something was heard of a draft, so its rows are free.
    fn settle(&mut self, id: RequestId, index: usize) {
        if let Some(note) = self.inbox.note(id)
            && note.open.remove(&index)
        {
            self.in_flight -= note.rows;
        }
    }

    /// A request has ended; drafts of which nothing was heard will not come.
    fn end(&mut self, id: RequestId) -> Result<(), Halt> {
        self.lack_all(id, "the engine gave the draft up; somebody else cancelled its request")?;
        self.inbox.close(id);
        Ok(())
    }

    fn lack_all(&mut self, id: RequestId, reason: &str) -> Result<(), Halt> {
        let Some(note) = self.inbox.note(id) else { return Ok(()) };
        let (problem, role, rows) = (note.problem, note.role, note.rows);
        let open = std::mem::take(&mut note.open);
        self.in_flight -= rows * open.len();
        open.into_iter().try_for_each(|index| self.lack(problem, role, index, reason))
    }

    /// A draft is there.
    fn arrive(
        &mut self,
        problem: usize,
        role: u32,
        index: usize,
        addresses: &Addresses,
        draft: KnownDraft,
        known: bool,
    ) -> Result<(), Halt> {
        let address = addresses.of(index);
        let program = self.run.program(problem, &draft.text);
        let draft = Draft::with_program(program, role, index, address, draft);
        if known && let Some(sample) = self.sample(problem, index) {
            sample.take_known();
        }
        self.tell(SolveEvent::Drafted { problem, draft: &draft, known })?;
        self.proceed(problem, role, index, Ok(draft))
    }

    /// A draft will not come.
    fn lack(&mut self, problem: usize, role: u32, index: usize, reason: &str) -> Result<(), Halt> {
        self.proceed(problem, role, index, Err(reason.to_owned()))
    }

    /// Lets the sample of a draft go on.
    fn proceed(
        &mut self,
        problem: usize,
        role: u32,
        index: usize,
        outcome: Result<Draft, String>,
    ) -> Result<(), Halt> {
        let number = index / self.run.counts.most;
        let Some(mut sample) = self.samples.remove(&(problem, number)) else { return Ok(()) };
        sample.arrive(role, index, outcome);
        let bench = Bench::new(self.run.solver.judge.as_ref(), &self.run.writer);
        match sample.proceed(&bench) {
            Ok(Standing::Waits(more)) => {
                self.samples.insert((problem, number), sample);
                self.ask(problem, &more);
                return Ok(());
            }
            Ok(Standing::Answered(solution)) => {
                let (mut solution, time) = (*solution, sample.time());
                for remark in self.remarks(problem, &solution) {
                    solution.why += "; ";
                    solution.why += &remark;
                }
                self.tell(SolveEvent::Solution { problem, sample: number, solution, time })?;
            }
            Err(reason) => self.fail(problem, Some(number), reason)?,
        }
        self.give_up();
        Ok(())
    }

    /// What the technique could not do for an answer.
    fn remarks(&self, problem: usize, solution: &Solution) -> Vec<String> {
        let decoder = &self.run.technique.decoder;
        let Ok(Prompted { streams, written, .. }) = &self.run.prepared.prompts[problem] else {
            return vec![];
        };
        if solution.role != 0 {
            return vec![];
        }
        let is_one = streams.windows(2).all(|two| two[0].tokens == two[1].tokens);
        let contrast = (is_one && streams.len() > 1).then(|| NO_CONTRAST.to_owned());
        contrast.into_iter().chain(decoder.remark(written, &solution.completion)).collect()
    }

    /// Puts further waves before problems that have not begun.
    fn ask(&mut self, problem: usize, more: &[DraftRequest]) {
        let Ok(prompted) = &self.run.prepared.prompts[problem] else { return };
        for asked in more.iter().rev() {
            let request = self.run.request(problem, prompted, asked);
            for piece in Piece::cut(problem, false, &request, self.rows).into_iter().rev() {
                self.queue.push_front(piece);
            }
        }
    }

    /// Gives up requests whose drafts nobody waits for.
    fn give_up(&mut self) {
        let Self { inbox, samples, run, .. } = self;
        let is_open = |note: &Note, draft: &usize| {
            samples.contains_key(&(note.problem, draft / run.counts.most))
        };
        let is_idle = |note: &Note| {
            !note.open.is_empty() && !note.open.iter().any(|draft| is_open(note, draft))
        };
        for note in inbox.give_up(is_idle) {
            self.in_flight -= note.rows * note.open.len();
        }
    }

    /// The technique's own prompt cannot be drawn from; a problem fails once, however often that is said.
    fn fail_problem(&mut self, problem: usize, reason: String) -> Result<(), Halt> {
        let before = self.samples.len();
        self.samples.retain(|(of, _), _| *of != problem);
        self.give_up();
        if self.samples.len() == before {
            return Ok(());
        }
        self.fail(problem, None, reason)
    }

    /// The open sample that a draft belongs to.
    fn sample(&mut self, problem: usize, draft: usize) -> Option<&mut Sample> {
        self.samples.get_mut(&(problem, draft / self.run.counts.most))
    }

    fn is_open(&self, problem: usize, draft: usize) -> bool {
        self.samples.contains_key(&(problem, draft / self.run.counts.most))
    }

    fn fail(&mut self, problem: usize, sample: Option<usize>, reason: String) -> Result<(), Halt> {
        self.tell(SolveEvent::Failed { problem, sample, reason })
    }

    pub(super) fn tell(&mut self, event: SolveEvent<'_>) -> Result<(), Halt> {
        if (self.sink)(event).is_break() { Err(Halt::Cancelled) } else { Ok(()) }
    }
}
