use std::sync::Arc;

use infer_code_cad_decode::{Decoder, TokenId, Vocabulary};

use crate::{CausalLm, Cost, EngineConfig, EngineError, LogProbs, Request, StopStrings};

/// What the samples of a request share.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) request: Request,
    pub(super) stops: StopStrings,
    pub(super) vocabulary: Arc<dyn Vocabulary>,
    pub(super) vocab_size: usize,
    pub(super) arity: usize,
    pub(super) max_branches: usize,
    /// The most tokens of a completion, as the request and the model's positions allow.
    pub(super) max_tokens: usize,
    /// Memory that the streams of a sample may take; 0 where the model cannot tell.
    pub(super) sample_bytes: u64,
    /// Memory that the streams of the prompt may take.
    pub(super) root_bytes: u64,
}

impl Plan {
    /// Checks a request against the model and the engine.
    pub(super) fn new(
        request: Request,
        model: &dyn CausalLm,
        vocabulary: &Arc<dyn Vocabulary>,
        config: &EngineConfig,
    ) -> Result<Self, EngineError> {
        let (arity, max_branches) = (request.decoder.arity(), request.decoder.branches().max(1));
        let room = room(&request, model)?;
        let max_tokens = room.min(request.max_new_tokens);
        let [root_bytes, row_bytes] = memory(&request, model, max_tokens);
        let plan = Self {
            stops: StopStrings::new(&request.stop)?,
            vocabulary: Arc::clone(vocabulary),
            vocab_size: model.vocab_size(),
            sample_bytes: row_bytes.saturating_mul(arity.saturating_mul(max_branches) as u64),
            root_bytes: root_bytes.saturating_mul(arity as u64),
            arity,
            max_branches,
            max_tokens,
            request,
        };
        plan.check_room(config)?;
        Ok(plan)
    }

    /// Rows set aside for a sample.
    pub(super) fn sample_rows(&self) -> usize {
        self.arity.saturating_mul(self.max_branches)
    }

    pub(super) fn streams(&self) -> &[Vec<TokenId>] {
        &self.request.streams
    }

    pub(super) fn prompt_tokens(&self) -> usize {
        self.streams().iter().map(Vec::len).sum()
    }

    pub(super) fn cost(&self) -> Cost {
        Cost { prompt_tokens: self.prompt_tokens(), ..Cost::default() }
    }

    /// Alternatives reported of every choice.
    pub(super) fn top(&self) -> usize {
        match self.request.log_probs {
            LogProbs::Top(n) => n,
            LogProbs::Off | LogProbs::Chosen => 0,
        }
    }

    /// Of the stream that is to be scored, the position whose logits are the first to be wanted.
    pub(super) fn scored_from(&self, stream: usize) -> Option<usize> {
        let scored = self.request.prompt_log_probs.filter(|scored| scored.stream == stream)?;
        Some(scored.from.max(1) - 1)
    }

    fn check_room(&self, config: &EngineConfig) -> Result<(), EngineError> {
        let Self { arity, max_branches: branches, .. } = *self;
        let generates = self.max_tokens > 0 && !self.request.samples.is_empty();
        if generates && self.sample_rows() > config.max_rows {
            let (task, max_rows) = (self.request.task.clone(), config.max_rows);
            return Err(EngineError::RowCap { task, max_rows, arity, branches });
        }
        let needed_bytes = self.root_bytes.saturating_add(self.sample_bytes);
        match config.cache_bytes {
            Some(available_bytes) if generates && needed_bytes > available_bytes => {
                Err(EngineError::SequenceMemory { needed_bytes, available_bytes })
            }
            _ => Ok(()),
        }
    }
}

/// Bytes of the longest stream of the prompt, and at the end of a completion with its row of logits.
fn memory(request: &Request, model: &dyn CausalLm, max_tokens: usize) -> [u64; 2] {
    let longest = request.streams.iter().map(Vec::len).max().unwrap_or(0);
    let most = longest.saturating_add(max_tokens).min(model.max_positions());
    let row = (size_of::<f32>() * model.vocab_size()) as u64;
    [longest, most]
        .map(|len| model.cache_bytes(len).map_or(0, |bytes| bytes.saturating_add(2 * row)))
}

/// How many tokens may be generated before a stream is longer than the model allows.
///
/// The last token of a completion is never fed back, so a prompt as long as the model's limit still yields
/// one.
fn room(request: &Request, model: &dyn CausalLm) -> Result<usize, EngineError> {
    let (task, expected, actual) = (&request.task, request.decoder.arity(), request.streams.len());
    if expected == 0 {
        return Err(EngineError::NoStreams { task: task.clone() });
    }
    if actual != expected {
        return Err(EngineError::StreamCount { task: task.clone(), expected, actual });
    }
    if let Some(scored) = request.prompt_log_probs.filter(|scored| scored.stream >= actual) {
        let (task, stream) = (task.clone(), scored.stream);
        return Err(EngineError::ScoredStream { task, stream, streams: actual });
    }
    let (max_positions, vocab_size) = (model.max_positions(), model.vocab_size());
    let mut room = usize::MAX;
    for (stream, tokens) in request.streams.iter().enumerate() {
        if tokens.is_empty() {
            return Err(EngineError::EmptyStream { task: task.clone(), stream });
        }
        if let Some(position) = tokens.iter().position(|&token| token as usize >= vocab_size) {
            let (task, token) = (task.clone(), tokens[position]);
            return Err(EngineError::PromptToken { task, stream, position, token, vocab_size });
        }
        if tokens.len() > max_positions {
            let (task, tokens) = (task.clone(), tokens.len());
            return Err(EngineError::PromptTooLong { task, stream, tokens, max_positions });
        }
        room = room.min(max_positions - tokens.len() + 1);
    }
    Ok(room)
}
