use std::ops::Range;
use std::sync::Arc;

use infer_code_cad_decode::{RowLogProbs, TokenId};

use super::plan::Plan;
use super::prefix::{Prefixes, SHORTEST, beginning, common};
use crate::{CausalLm, KvCache, LogitRows, RequestId, Step, TokenLogProb};

/// Positions per pass whose logits are only scored, of all prompts: bounds the logits held at once.
pub(super) const SCORED: usize = 64;

/// A prompt that is being read, piece by piece.
#[derive(Debug)]
pub(super) struct Reading {
    streams: Vec<StreamReading>,
    /// `(arity, vocab_size)`, after the last prompt token.
    logits: Vec<f32>,
    scored: Vec<TokenLogProb>,
    pub(super) reused: usize,
}

#[derive(Debug)]
struct StreamReading {
    cache: Box<dyn KvCache>,
    /// A stream that reads what this one begins with, and how much of it.
    waits: Option<Wait>,
    /// What the next pass reads.
    piece: Option<(Range<usize>, LogitRows)>,
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    request: RequestId,
    stream: usize,
    len: usize,
}

/// A prompt that has been read, from which samples are forked.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) caches: Vec<Box<dyn KvCache>>,
    pub(super) logits: Arc<Vec<f32>>,
}

/// The streams of a prompt with their places.
fn streams_of(id: RequestId, plan: &Plan) -> impl Iterator<Item = (RequestId, usize, &[TokenId])> {
    plan.streams().iter().enumerate().map(move |(index, tokens)| (id, index, &tokens[..]))
}

impl Reading {
    /// Begins with what is known of the streams; `others` are being read, those that came first in front.
    pub(super) fn new(
        id: RequestId,
        plan: &Plan,
        model: &dyn CausalLm,
        prefixes: &mut Prefixes,
        others: &[(RequestId, &Plan)],
    ) -> Self {
        let mut streams = Vec::with_capacity(plan.arity);
        for (index, stream) in plan.streams().iter().enumerate() {
            let most = plan.scored_from(index).unwrap_or(usize::MAX);
            let cache = prefixes.longest(stream, most).unwrap_or_else(|| model.new_cache());
            let before = others.iter().flat_map(|(request, other)| streams_of(*request, other));
            let before = before.chain(streams_of(id, plan).take(index));
            let wait = |(request, of, tokens): (RequestId, usize, &[TokenId])| Wait {
                request,
                stream: of,
                len: common(stream, tokens).min(most),
            };
            let waits = before
                .map(wait)
                .filter(|wait| wait.len >= SHORTEST && wait.len > cache.len())
                .reduce(|best, other| if other.len > best.len { other } else { best });
            streams.push(StreamReading { cache, waits, piece: None });
        }
        let reused = streams.iter().map(|stream| stream.cache.len()).sum();
        let logits = vec![0.0; plan.arity * plan.vocab_size];
        Self { streams, logits, scored: Vec::new(), reused }
    }

    /// Tokens known so far, all streams together.
    pub(super) fn known(&self) -> usize {
        self.streams.iter().map(|stream| stream.cache.len()).sum()
    }

    /// Whether the next pass reads of it.
    pub(super) fn has_pieces(&self) -> bool {
        self.streams.iter().any(|stream| stream.piece.is_some())
    }

    pub(super) fn is_complete(&self, plan: &Plan) -> bool {
        let mut streams = self.streams.iter().zip(plan.streams());
        streams.all(|(reading, tokens)| reading.cache.len() == tokens.len())
    }

    /// What others wait for: the stream's cache once it holds `len` tokens, `None` until then.
    fn beginning(&self, stream: usize, len: usize) -> Option<Box<dyn KvCache>> {
        let cache = self.streams[stream].cache.as_ref();
        (cache.len() >= len).then(|| beginning(cache, len))
    }

    /// Takes over what a stream has waited for. `find` gives a prompt that is still being read; one that is
    /// no more has left its streams in `prefixes`, or is to be read here.
    pub(super) fn end_waits<'a>(
        &mut self,
        id: RequestId,
        plan: &Plan,
        prefixes: &mut Prefixes,
        find: impl Fn(RequestId) -> Option<&'a Self>,
    ) {
        for index in 0..self.streams.len() {
            let Some(Wait { request, stream, len }) = self.streams[index].waits else { continue };
            let source = if request == id { Some(&*self) } else { find(request) };
            let known = match source {
                Some(source) => match source.beginning(stream, len) {
                    None => continue,
                    known => known,
                },
                None => prefixes.longest(&plan.streams()[index], len),
            };
            let reading = &mut self.streams[index];
            reading.waits = None;
            if let Some(known) = known.filter(|known| known.len() > reading.cache.len()) {
                self.reused += known.len() - reading.cache.len();
                reading.cache = known;
            }
        }
    }

    /// Chooses what the next pass reads of the streams, `budget` tokens at most, of which `scored_left` may be
    /// scored; returns their number.
    pub(super) fn plan_pieces(
        &mut self,
        plan: &Plan,
        budget: usize,
        scored_left: &mut usize,
    ) -> usize {
        let mut left = budget;
        for (index, reading) in self.streams.iter_mut().enumerate() {
            let (start, len) = (reading.cache.len(), plan.streams()[index].len());
            reading.piece = None;
            if left == 0 || start == len || reading.waits.is_some() {
                continue;
            }
            let scored = plan.scored_from(index).unwrap_or(usize::MAX);
            let (end, rows) = match scored {
                from if start < from => {
                    let end = len.min(from).min(start.saturating_add(left));
                    (end, if end == len { LogitRows::Last } else { LogitRows::None })
                }
                _ => {
                    let end = len.min(start.saturating_add(left.min(*scored_left)));
                    *scored_left -= end - start;
                    (end, LogitRows::All)
                }
            };
            left -= end - start;
            reading.piece = (start < end).then_some((start..end, rows));
        }
        budget - left
    }

    /// The pieces that were chosen, as steps of a batch.
    pub(super) fn steps<'a>(&'a mut self, plan: &'a Plan) -> impl Iterator<Item = Step<'a>> {
        self.streams.iter_mut().zip(plan.streams()).filter_map(|(reading, tokens)| {
            let (range, logits) = reading.piece.clone()?;
            Some(Step { cache: reading.cache.as_mut(), tokens: &tokens[range], logits })
        })
    }

    /// Takes its rows from the front of the logits of a pass; returns the number of tokens read.
    pub(super) fn take_rows(&mut self, plan: &Plan, logits: &mut &[f32]) -> usize {
        let (vocab_size, mut read) = (plan.vocab_size, 0);
        for (index, reading) in self.streams.iter_mut().enumerate() {
            let Some((range, rows)) = reading.piece.take() else { continue };
            let tokens = &plan.streams()[index];
            read += range.len();
            let n_rows = rows.of(range.len());
            let own =
                logits.split_off(..n_rows * vocab_size).expect("the pass gave the rows asked for");
            if rows == LogitRows::All {
                let top = plan.request.prompt_log_probs.map_or(0, |scored| scored.top);
                let next = &tokens[range.start + 1..];
                for (row, &token) in own.chunks_exact(vocab_size).zip(next) {
                    let log_probs = RowLogProbs::of(row);
                    let log_prob = log_probs.of_token(token);
                    self.scored.push(TokenLogProb { token, log_prob, top: log_probs.top(top) });
                }
            }
            if range.end == tokens.len() {
                let last = &own[own.len() - vocab_size..];
                self.logits[index * vocab_size..][..vocab_size].copy_from_slice(last);
            }
        }
        read
    }

    /// What samples begin with, and the scores asked for. The streams are kept for later prompts.
    pub(super) fn complete(
        self,
        plan: &Plan,
        model: &dyn CausalLm,
        prefixes: &mut Prefixes,
    ) -> (Root, Vec<TokenLogProb>) {
        for (reading, tokens) in self.streams.iter().zip(plan.streams()) {
            prefixes.keep(tokens, reading.cache.as_ref(), model);
        }
        let caches = self.streams.into_iter().map(|reading| reading.cache).collect();
        (Root { caches, logits: Arc::new(self.logits) }, self.scored)
    }
}
