use std::sync::Arc;

use infer_code_cad_decode::{Decoder, Logits, TokenId, Vocabulary};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::text::CompletionText;
use super::{Completion, FinishReason, GenerateConfig};
use crate::{EngineError, KvCache, LogitRows, Step, StopStrings};

/// A prompt that has been read, from which samples are forked.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) prompt: usize,
    pub(super) task: Arc<str>,
    pub(super) caches: Vec<Box<dyn KvCache>>, // one per stream
    pub(super) logits: Vec<f32>,              // (arity, vocab_size), after the last prompt token
    pub(super) max_tokens: usize,
    pub(super) next_sample: usize,
    pub(super) n_samples: usize,
}

impl Root {
    pub(super) fn is_spent(&self) -> bool {
        self.next_sample == self.n_samples
    }

    /// The next sample. The last one takes the caches over, the others fork them.
    ///
    /// # Panics
    /// When the root is spent.
    pub(super) fn start<'a>(
        &mut self,
        config: &GenerateConfig,
        stops: &'a StopStrings,
    ) -> Sequence<'a> {
        assert!(!self.is_spent(), "all samples of the prompt were started");
        let sample = self.next_sample;
        self.next_sample += 1;
        let caches = match self.is_spent() {
            true => std::mem::take(&mut self.caches),
            false => self.caches.iter().map(|cache| cache.fork()).collect(),
        };
        Sequence {
            prompt: self.prompt,
            task: Arc::clone(&self.task),
            sample,
            caches,
            rng: sample_rng(config.seed, &self.task, sample),
            tokens: Vec::new(),
            text: CompletionText::new(stops),
            max_tokens: self.max_tokens,
        }
    }
}

/// One completion in the making and the streams that feed it.
#[derive(Debug)]
pub(super) struct Sequence<'a> {
    pub(super) prompt: usize,
    task: Arc<str>,
    pub(super) sample: usize,
    caches: Vec<Box<dyn KvCache>>, // one per stream
    rng: ChaCha8Rng,
    tokens: Vec<TokenId>,
    text: CompletionText<'a>,
    max_tokens: usize,
}

impl Sequence<'_> {
    /// Picks the next token. `logits`: `(arity, vocab_size)`.
    pub(super) fn decode(
        &mut self,
        decoder: &dyn Decoder,
        logits: &[f32],
        vocab_size: usize,
    ) -> Result<TokenId, EngineError> {
        Logits::new(logits, decoder.arity(), vocab_size)
            .and_then(|logits| decoder.decode(logits, &mut self.rng))
            .map_err(|source| EngineError::Decode {
                task: self.task.to_string(),
                sample: self.sample,
                position: self.tokens.len(),
                source,
            })
    }

    /// Appends a token; says whether it was the last one.
    pub(super) fn push(
        &mut self,
        token: TokenId,
        vocabulary: &dyn Vocabulary,
        eos: &[TokenId],
    ) -> Option<FinishReason> {
        self.tokens.push(token);
        let ended = eos.contains(&token);
        let bytes = if ended { &[] } else { vocabulary.token_bytes(token) };
        let stopped = self.text.push(bytes);
        let finish = match (ended, stopped) {
            (true, _) => FinishReason::Eos,
            (_, true) => FinishReason::Stop,
            _ if self.tokens.len() == self.max_tokens => FinishReason::Length,
            _ => return None,
        };
        self.text.flush();
        Some(finish)
    }

    /// The text the last token made certain.
    pub(super) fn fresh_text(&self) -> &str {
        self.text.fresh()
    }

    /// One step per stream, each feeding the token generated last.
    ///
    /// # Panics
    /// When no token was generated yet.
    pub(super) fn steps(&mut self) -> impl Iterator<Item = Step<'_>> {
        let tokens = &self.tokens[self.tokens.len() - 1..];
        self.caches.iter_mut().map(move |cache| Step {
            cache: cache.as_mut(),
            tokens,
            logits: LogitRows::Last,
        })
    }

    pub(super) fn finish(self, finish: FinishReason) -> Completion {
        Completion { tokens: self.tokens, text: self.text.into_string(), finish }
    }
}

/// The random numbers of one sample: ChaCha8 keyed with `seed`, `fnv1a(task)` and `sample`.
///
/// The key is the three numbers as little-endian 64-bit words and a word of zeros.
pub(super) fn sample_rng(seed: u64, task: &str, sample: usize) -> ChaCha8Rng {
    let mut key = [0; 32];
    let words = [seed, fnv1a(task.as_bytes()), sample as u64];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// The 64-bit hash of Fowler, Noll and Vo, [FNV-1a](http://www.isthe.com/chongo/tech/comp/fnv/).
///
/// It is the same on every machine and in every release, which the standard library does not
/// promise of its own.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::RngCore;

    #[test]
    fn fnv1a_gives_the_published_values() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    /// The value comes from a separate implementation of ChaCha8; results of old runs rest on it.
    #[test]
    fn random_numbers_never_change() {
        assert_eq!(sample_rng(42, "HumanEval/7", 3).next_u64(), 0xbfb7_2216_a54a_4af9);
    }

    #[test]
    fn every_part_of_the_key_changes_the_random_numbers() {
        let first = |seed, task, sample| sample_rng(seed, task, sample).next_u64();
        let base = first(0, "HumanEval/0", 0);
        assert_eq!(first(0, "HumanEval/0", 0), base);
        for other in
            [first(1, "HumanEval/0", 0), first(0, "HumanEval/1", 0), first(0, "HumanEval/0", 1)]
        {
            assert_ne!(other, base);
        }
    }
}
