mod event;
mod prefix;
mod request;
mod sequence;
#[cfg(test)]
mod tests;
mod text;

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use infer_code_cad_decode::{Decoder, TokenId, Vocabulary};

pub use event::{Completion, Event, FinishReason, GenerateStats};
use prefix::Prefixes;
pub use request::{GenerateConfig, Prompt};
use sequence::{Root, Sequence};

use crate::{CausalLm, EngineError, LogitRows, Step, StopStrings};

/// Completes prompts, many at a time.
///
/// This is continuous batching (Yu et al.,
/// [Orca](https://www.usenix.org/conference/osdi22/presentation/yu)): all live sequences advance by
/// one token per forward pass, each with as many streams as the decoder reads, and as soon as one
/// ends the next takes its rows. A prompt is read once and forked for its samples; what it begins with
/// in common with the prompt before, or its streams with each other, is not read again. Prompts are
/// drawn from the iterator when there is room for them, so they may be made lazily.
///
/// A sample's random numbers belong to `(seed, task, sample)` alone: its tokens depend neither on
/// the row cap, the chunk size and the number of threads nor on what else is generated, beyond the
/// rounding that the model states for its batches.
///
/// `sink` hears of every token as it is generated. [`ControlFlow::Break`] ends the run at once;
/// what was unfinished is dropped and [`GenerateStats::cancelled`] says so.
///
/// # Errors
/// Before any prompt is drawn: [`EngineError::RowCap`] when `max_rows` cannot hold one sequence,
/// [`EngineError::EmptyPrefillChunk`] and [`EngineError::EmptyStop`]. Before the prompt is read:
/// [`EngineError::StreamCount`] when it has not as many streams as the decoder reads,
/// [`EngineError::EmptyStream`], [`EngineError::PromptToken`] for a token outside the vocabulary and
/// [`EngineError::PromptTooLong`] when a stream does not fit the model. Later:
/// [`EngineError::Decode`], which says where, and the errors of [`CausalLm::forward`].
///
/// # Panics
/// When the model writes another number of logits than it was asked for, or leaves out parts that it was
/// to run.
pub fn generate(
    model: &dyn CausalLm,
    vocabulary: &dyn Vocabulary,
    prompts: impl IntoIterator<Item = Prompt>,
    decoder: &dyn Decoder,
    config: &GenerateConfig,
    sink: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<GenerateStats, EngineError> {
    config.check(decoder)?;
    let stops = StopStrings::new(&config.stop)?;
    let mut run = Run {
        model,
        vocabulary,
        decoder,
        config,
        stops: &stops,
        sink,
        live: Vec::new(),
        logits: Vec::new(),
        room: Room::default(),
        prefixes: Prefixes::default(),
        stats: GenerateStats::default(),
    };
    match run.complete(&mut prompts.into_iter().enumerate()) {
        Ok(()) => {}
        Err(Halt::Cancelled) => run.stats.cancelled = true,
        Err(Halt::Failed(error)) => return Err(error),
    }
    Ok(run.stats)
}

struct Run<'a> {
    model: &'a dyn CausalLm,
    vocabulary: &'a dyn Vocabulary,
    decoder: &'a dyn Decoder,
    config: &'a GenerateConfig,
    stops: &'a StopStrings,
    sink: &'a mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    live: Vec<Sequence<'a>>,
    logits: Vec<f32>, // of the last forward pass
    room: Room<'a>,
    prefixes: Prefixes,
    stats: GenerateStats,
}

/// Vectors that are empty between two steps; kept, so that a step allocates nothing.
#[derive(Default)]
struct Room<'a> {
    live: Vec<Sequence<'a>>,
    batch: Vec<Step<'static>>,
    tokens: Vec<Option<Result<TokenId, EngineError>>>,
}

/// Why a run ends early.
enum Halt {
    Cancelled,
    Failed(EngineError),
}

impl From<EngineError> for Halt {
    fn from(error: EngineError) -> Self {
        Self::Failed(error)
    }
}

type Prompts<'p> = dyn Iterator<Item = (usize, Prompt)> + 'p;

impl<'a> Run<'a> {
    fn complete(&mut self, prompts: &mut Prompts<'_>) -> Result<(), Halt> {
        let mut root = None;
        loop {
            self.fill(&mut root, prompts)?;
            if self.live.is_empty() {
                return Ok(());
            }
            self.advance()?;
        }
    }

    /// Starts samples until the rows or the prompts run out.
    fn fill(&mut self, root: &mut Option<Root>, prompts: &mut Prompts<'_>) -> Result<(), Halt> {
        let arity = self.decoder.arity();
        while (self.live.len() + 1) * arity <= self.config.max_rows {
            if let Some(open) = root.as_mut().filter(|root| !root.is_spent()) {
                self.start(open)?;
            } else if let Some((index, prompt)) = prompts.next() {
                *root = self.open(index, prompt)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Checks and reads a prompt; gives nothing when nothing is to be generated.
    fn open(&mut self, index: usize, prompt: Prompt) -> Result<Option<Root>, Halt> {
        let room = prompt.room(self.model, self.decoder)?;
        if self.config.max_new_tokens == 0 {
            for sample in 0..prompt.n_samples {
                let completion = Completion::empty(FinishReason::Length);
                self.stats.completions += 1;
                self.emit(Event::Finished { prompt: index, sample, completion })?;
            }
            return Ok(None);
        }
        if prompt.n_samples == 0 {
            return Ok(None);
        }
        let mut root = Root {
            prompt: index,
            task: prompt.task.into(),
            caches: prompt.streams.iter().map(|_| self.model.new_cache()).collect(),
            logits: vec![0.0; prompt.streams.len() * self.model.vocab_size()],
            max_tokens: room.min(self.config.max_new_tokens),
            next_sample: 0,
            n_samples: prompt.n_samples,
        };
        self.prefill(&mut root, &prompt.streams)?;
        Ok(Some(root))
    }

    /// Reads what is not known of a prompt: first what its streams share, then the rest of each.
    fn prefill(&mut self, root: &mut Root, streams: &[Vec<TokenId>]) -> Result<(), Halt> {
        for (cache, stream) in root.caches.iter_mut().zip(streams) {
            if let Some(known) = self.prefixes.longest(stream) {
                self.stats.reused_tokens += known.len();
                *cache = known;
            }
        }
        self.share(root, streams)?;
        self.read(root, streams, streams, usize::MAX)?;
        self.prefixes.keep(streams, &root.caches);
        Ok(())
    }

    /// Reads once what all streams of a prompt begin with.
    fn share(&mut self, root: &mut Root, streams: &[Vec<TokenId>]) -> Result<(), Halt> {
        let shared = prefix::shared(streams);
        if root.caches.iter().all(|cache| cache.len() >= shared) {
            return Ok(());
        }
        self.read(root, streams, &streams[..1], shared)?;
        let (first, others) = root.caches.split_at_mut(1);
        for cache in others.iter_mut().filter(|cache| cache.len() < shared) {
            self.stats.reused_tokens += shared - cache.len();
            *cache = prefix::beginning(first[0].as_ref(), shared);
        }
        Ok(())
    }

    /// Reads some of a prompt's streams side by side up to position `until`, a chunk of each per
    /// forward pass.
    fn read(
        &mut self,
        root: &mut Root,
        all: &[Vec<TokenId>],
        streams: &[Vec<TokenId>],
        until: usize,
    ) -> Result<(), Halt> {
        let of = all.iter().map(Vec::len).sum();
        loop {
            let clock = Instant::now();
            let read = self.read_chunk(root, streams, until)?;
            if read == 0 {
                return Ok(());
            }
            self.stats.prefill_time += clock.elapsed();
            self.stats.prefill_tokens += read;
            let tokens = root.caches.iter().map(|cache| cache.len()).sum();
            self.emit(Event::Prefilled { prompt: root.prompt, tokens, of })?;
        }
    }

    /// Reads the next chunk of each stream that does not reach `until` yet; returns the number of
    /// tokens read.
    fn read_chunk(
        &mut self,
        root: &mut Root,
        streams: &[Vec<TokenId>],
        until: usize,
    ) -> Result<usize, EngineError> {
        let mut batch = Vec::with_capacity(streams.len());
        let mut complete = Vec::with_capacity(streams.len()); // the rows of `root.logits` to be had
        let vocab_size = self.model.vocab_size();
        let rows = root.logits.chunks_exact_mut(vocab_size);
        for ((cache, stream), row) in root.caches.iter_mut().zip(streams).zip(rows) {
            let (start, end) = (cache.len(), until.min(stream.len()));
            if start >= end {
                continue;
            }
            let end = start.saturating_add(self.config.prefill_chunk).min(end);
            let logits = match end < stream.len() {
                true => LogitRows::None,
                false => {
                    complete.push(row);
                    LogitRows::Last
                }
            };
            batch.push(Step { cache: cache.as_mut(), tokens: &stream[start..end], logits });
        }
        let read = batch.iter().map(|step| step.tokens.len()).sum();
        if read > 0 {
            forward(self.model, &mut batch, complete.len(), &mut self.logits)?;
        }
        for (row, logits) in complete.into_iter().zip(self.logits.chunks_exact(vocab_size)) {
            row.copy_from_slice(logits);
        }
        Ok(read)
    }

    /// Starts the next sample of a prompt, with the token that the prompt's own logits give.
    fn start(&mut self, root: &mut Root) -> Result<(), Halt> {
        let clock = Instant::now();
        let mut sequence = root.start(self.config, self.stops);
        let token = sequence.decode(self.decoder, &root.logits, self.model.vocab_size())?;
        self.stats.decode_time += clock.elapsed();
        self.push(sequence, token)
    }

    /// Feeds the last token of every live sequence and picks the next.
    fn advance(&mut self) -> Result<(), Halt> {
        let clock = Instant::now();
        let Room { live: next, batch, mut tokens } = std::mem::take(&mut self.room);
        let mut live = std::mem::replace(&mut self.live, next);
        let mut batch = emptied(batch);
        batch.extend(live.iter_mut().flat_map(Sequence::steps));
        let rows = batch.len();
        tracing::trace_span!("forward pass")
            .in_scope(|| forward(self.model, &mut batch, rows, &mut self.logits))?;
        let batch = emptied(batch);
        tracing::trace_span!("decoder").in_scope(|| self.decode(&mut live, &mut tokens));
        self.stats.decode_time += clock.elapsed();
        self.stats.decode_steps += 1;
        self.stats.decode_rows += rows;
        self.stats.peak_rows = self.stats.peak_rows.max(rows);
        for (sequence, token) in live.drain(..).zip(tokens.drain(..)) {
            self.push(sequence, token.expect("run_parts calls every part")?)?;
        }
        self.room = Room { live, batch, tokens };
        Ok(())
    }

    /// Picks the next token of every sequence, on all threads.
    fn decode(
        &self,
        live: &mut [Sequence<'_>],
        tokens: &mut Vec<Option<Result<TokenId, EngineError>>>,
    ) {
        let (parts, vocab_size) = (live.len(), self.model.vocab_size());
        let rows = self.logits.chunks_exact(self.decoder.arity() * vocab_size);
        tokens.resize_with(parts, || None);
        // Whoever calls takes the next one: each is handed out once.
        let work = Mutex::new(live.iter_mut().zip(rows).zip(tokens));
        self.model.run_parts(parts, &|_| {
            let next = work.lock().unwrap_or_else(PoisonError::into_inner).next();
            if let Some(((sequence, logits), token)) = next {
                *token = Some(sequence.decode(self.decoder, logits, vocab_size));
            }
        });
    }

    /// Appends a token to a sequence, which then is live or finished.
    fn push(&mut self, mut sequence: Sequence<'a>, token: TokenId) -> Result<(), Halt> {
        let finish = sequence.push(token, self.vocabulary, &self.config.eos);
        self.stats.decode_tokens += 1;
        let (prompt, sample) = (sequence.prompt, sequence.sample);
        self.emit(Event::Token { prompt, sample, token, text: sequence.fresh_text() })?;
        let Some(finish) = finish else {
            self.live.push(sequence);
            return Ok(());
        };
        self.stats.completions += 1;
        self.emit(Event::Finished { prompt, sample, completion: sequence.finish(finish) })
    }

    fn emit(&mut self, event: Event<'_>) -> Result<(), Halt> {
        match (self.sink)(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Halt::Cancelled),
        }
    }
}

/// The same vector, empty, for steps that live as long as need be.
fn emptied<'b>(mut batch: Vec<Step<'_>>) -> Vec<Step<'b>> {
    batch.clear();
    // In place, as the standard library does it: `tests/allocations.rs` notices if it no longer does.
    batch.into_iter().map(|_| unreachable!("it is empty")).collect()
}

/// One forward pass that must give `rows` rows of logits.
fn forward(
    model: &dyn CausalLm,
    batch: &mut [Step<'_>],
    rows: usize,
    logits: &mut Vec<f32>,
) -> Result<(), EngineError> {
    model.forward(batch, logits)?;
    assert_eq!(logits.len(), rows * model.vocab_size(), "the model must write the rows asked for");
    Ok(())
}
