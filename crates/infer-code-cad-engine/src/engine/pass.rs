use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::entry::{Entry, State};
use super::reading::{Reading, SCORED};
use super::sequence::Sequence;
use super::{Engine, Told};
use crate::{EngineError, Event, RequestId, Step};

/// Rows per pass up to which guesses are fed: bounds the logits held at once. Beyond it guesses would cost more
/// than they save.
const MOST_GUESSED: usize = 128;

/// What a pass reads.
struct Load {
    /// Streams that generate, and the tokens they bring.
    rows: usize,
    decoded: usize,
    /// Tokens of prompts.
    read: usize,
}

impl Engine {
    /// Decodes the first token of every sample that has just begun. That is the end of its prefill.
    pub(super) fn begin(&mut self, told: &mut Told<'_>) {
        let begun = self.share(|sequence| usize::from(sequence.is_new()));
        if begun > 0 {
            let clock = Instant::now();
            self.decode(true, &[]);
            let time = clock.elapsed();
            self.stats.prefill_time += time;
            for entry in self.entries.iter_mut().filter(|entry| entry.rows > 0) {
                entry.stats.prefill_time += part(time, entry.rows, begun);
            }
            self.retire(told);
        }
    }

    /// Notes the rows that the sequences of each request bring; returns their sum.
    fn share(&mut self, rows: impl Fn(&Sequence) -> usize) -> usize {
        let Self { entries, sequences, .. } = self;
        entries.iter_mut().for_each(|entry| entry.rows = 0);
        let mut sum = 0;
        for sequence in sequences {
            let entry = entries.iter_mut().find(|entry| entry.id == sequence.request);
            let (entry, own) = (entry.expect("a request outlives its sequences"), rows(sequence));
            entry.rows += own;
            sum += own;
        }
        sum
    }

    /// One forward pass and the decoding after it.
    pub(super) fn pass(&mut self, told: &mut Told<'_>) {
        let load = self.plan_pass();
        if load.decoded + load.read == 0 {
            return;
        }
        let clock = Instant::now();
        if let Err(error) = tracing::trace_span!("forward pass").in_scope(|| self.forward()) {
            self.fail_pass(error);
            return;
        }
        let logits = mem::take(&mut self.logits);
        let own = self.sequences.iter().map(|s| s.streams() * s.width()).sum::<usize>();
        let (own, mut rest) = logits.split_at(own * self.model.vocab_size());
        tracing::trace_span!("decoder").in_scope(|| self.decode(false, own));
        self.account(&load, clock.elapsed());
        self.take_prompt_rows(&mut rest, told);
        self.logits = logits;
        self.retire(told);
        self.sweep();
    }

    /// Guesses for sequences, and chooses the pieces of prompts that are read beside them.
    fn plan_pass(&mut self) -> Load {
        let budget = self.config.tokens_per_pass;
        let rows: usize = self.sequences.iter().map(|sequence| sequence.streams()).sum();
        let guesses = budget.min(MOST_GUESSED).saturating_sub(rows) / rows.max(1);
        let times = &self.times;
        self.sequences.iter_mut().for_each(|sequence| sequence.guess(guesses, rows, times));
        let decoded = self.share(|sequence| sequence.streams() * sequence.width());
        let mut left = budget.saturating_sub(decoded).max(budget / 8).max(1);
        let (before, mut scored_left) = (left, SCORED);
        for index in 0..self.entries.len() {
            let read = self.plan_pieces(index, left, &mut scored_left);
            self.entries[index].read = read;
            left -= read;
        }
        Load { rows, decoded, read: before - left }
    }

    /// Chooses what is read of one prompt; returns the number of tokens.
    fn plan_pieces(&mut self, index: usize, budget: usize, scored_left: &mut usize) -> usize {
        let Self { entries, prefixes, .. } = self;
        let (id, plan) = (entries[index].id, Arc::clone(&entries[index].plan));
        let state = mem::replace(&mut entries[index].state, State::Queued);
        let State::Reading(mut reading) = state else {
            entries[index].state = state;
            return 0;
        };
        let find = |request: RequestId| {
            entries.iter().find(|entry| entry.id == request).and_then(|entry| entry.reading())
        };
        reading.end_waits(id, &plan, prefixes, find);
        let read = reading.plan_pieces(&plan, budget, scored_left);
        entries[index].state = State::Reading(reading);
        read
    }

    /// The pass itself: the sequences first, then the prompts.
    fn forward(&mut self) -> Result<(), EngineError> {
        let Self { model, sequences, entries, logits, batch, .. } = self;
        let mut steps = emptied(mem::take(batch));
        steps.extend(sequences.iter_mut().flat_map(|sequence| sequence.steps()));
        steps.extend(entries.iter_mut().flat_map(|entry| {
            let plan = &*entry.plan;
            let reading = match &mut entry.state {
                State::Reading(reading) => Some(reading),
                _ => None,
            };
            reading.into_iter().flat_map(|reading| reading.steps(plan))
        }));
        let rows: usize = steps.iter().map(Step::rows).sum();
        let outcome = model.forward(&mut steps, logits);
        *batch = emptied(steps);
        outcome?;
        let expected = rows * model.vocab_size();
        assert_eq!(logits.len(), expected, "the model must write the rows asked for");
        Ok(())
    }

    /// A pass that failed leaves its caches in no known state: what it advanced fails with it.
    fn fail_pass(&mut self, error: EngineError) {
        let error = Arc::new(error);
        let reads = |entry: &&Entry| entry.reading().is_some_and(Reading::has_pieces);
        let read = self.entries.iter().filter(reads);
        let mut failed: Vec<RequestId> = read.map(|entry| entry.id).collect();
        failed.extend(self.sequences.iter().map(|sequence| sequence.request));
        failed.dedup();
        for request in failed {
            self.fail(request, EngineError::Pass(Arc::clone(&error)));
        }
    }

    /// Decodes for every sequence that is `new`, or for all others from their rows, on all threads.
    fn decode(&mut self, new: bool, logits: &[f32]) {
        let Self { model, sequences, .. } = self;
        let rooms = &self.rooms;
        let (vocab_size, done) = (model.vocab_size(), AtomicUsize::new(0));
        let parts = sequences.iter().filter(|sequence| sequence.is_new() == new).count();
        let own = sequences.iter_mut().filter(|sequence| sequence.is_new() == new);
        // Whoever calls takes the next one: each is handed out once.
        let work = std::sync::Mutex::new((own, logits));
        model.run_parts(parts, &|_| {
            let mut next = work.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(sequence) = next.0.next() else { return };
            let mut rows: &[f32] = &[];
            if !new {
                (rows, next.1) =
                    next.1.split_at(sequence.streams() * sequence.width() * vocab_size);
            }
            drop(next);
            let pool = || rooms.lock().unwrap_or_else(PoisonError::into_inner);
            let mut room = pool().pop().unwrap_or_default();
            match new {
                true => sequence.begin(&mut room),
                false => sequence.advance(rows, &mut room),
            }
            pool().push(room);
            done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.into_inner(), parts, "run_parts must call every part");
    }

    fn account(&mut self, load: &Load, time: Duration) {
        let all = load.read + load.decoded;
        for entry in self.entries.iter_mut().filter(|entry| entry.read + entry.rows > 0) {
            entry.stats.prefill_time += part(time, entry.read, all);
            entry.stats.decode_time += part(time, entry.rows, all);
        }
        let reading = part(time, load.read, all);
        if load.read == 0 {
            self.times.see(load.decoded, time);
        }
        let stats = &mut self.stats;
        stats.prefill_tokens += load.read;
        stats.prefill_time += reading;
        if load.rows > 0 {
            stats.decode_time += time.saturating_sub(reading);
            stats.decode_steps += 1;
            stats.decode_rows += load.rows;
            stats.peak_rows = stats.peak_rows.max(load.rows);
        }
    }

    /// Hands prompts their rows. One that is whole waits for its samples to start, in the next step.
    fn take_prompt_rows(&mut self, rest: &mut &[f32], told: &mut Told<'_>) {
        let Self { entries, prefixes, model, stats, .. } = self;
        for entry in entries {
            let State::Reading(reading) = &mut entry.state else { continue };
            let (plan, id) = (&entry.plan, entry.id);
            let before = entry.stats.prefill_tokens;
            entry.stats.prefill_tokens += reading.take_rows(plan, rest);
            if entry.stats.prefill_tokens > before {
                told.tell(
                    id,
                    Event::Prefilled { tokens: reading.known(), of: plan.prompt_tokens() },
                );
            }
            if !reading.is_complete(plan) {
                continue;
            }
            entry.stats.reused_tokens = reading.reused;
            stats.reused_tokens += reading.reused;
            if let State::Reading(whole) = mem::replace(&mut entry.state, State::Spent) {
                let (root, log_probs) = whole.complete(plan, model.as_ref(), prefixes);
                if plan.request.prompt_log_probs.is_some() {
                    told.tell(id, Event::PromptScored { log_probs });
                }
                if !entry.waiting.is_empty() {
                    entry.state = State::Read(root);
                }
            }
        }
    }

    /// Tells what is new of every sequence, and lets go of those that have ended.
    fn retire(&mut self, told: &mut Told<'_>) {
        let mut index = 0;
        while let Some(sequence) = self.sequences.get_mut(index) {
            let (request, sample) = (sequence.request, sequence.sample);
            let entry = self.entries.iter_mut().find(|entry| entry.id == request);
            let entry = entry.expect("a request outlives its sequences");
            let first = usize::from(sequence.shown.begins());
            self.stats.first_tokens += first;
            entry.stats.first_tokens += first;
            sequence.shown.tell(sample, &mut |event| {
                self.stats.decode_tokens += 1;
                entry.stats.decode_tokens += 1;
                told.tell(request, event);
            });
            if !sequence.has_ended() {
                index += 1;
                continue;
            }
            let sequence = self.sequences.remove(index);
            self.rows -= sequence.plan().sample_rows();
            self.bytes -= sequence.plan().sample_bytes;
            entry.live -= 1;
            match sequence.finish() {
                Ok(completion) => {
                    self.stats.completions += 1;
                    entry.stats.completions += 1;
                    told.tell(request, Event::Finished { sample, completion });
                }
                Err(error) => {
                    entry.stats.failures += 1;
                    told.tell(request, Event::Failed { sample: Some(sample), error });
                }
            }
        }
    }
}

/// What of a time falls to some of all rows.
fn part(time: Duration, rows: usize, all: usize) -> Duration {
    time.mul_f64(rows as f64 / all as f64)
}

/// The same vector, empty, for steps that live as long as need be.
fn emptied<'b>(mut batch: Vec<Step<'_>>) -> Vec<Step<'b>> {
    batch.clear();
    // In place, as the standard library does it: `tests/allocations.rs` notices if it no longer does.
    batch.into_iter().map(|_| unreachable!("it is empty")).collect()
}
