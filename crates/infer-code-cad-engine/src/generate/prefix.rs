use infer_code_cad_decode::TokenId;

use crate::KvCache;

/// Beginnings shorter than this are read again: a pass over them costs next to nothing.
pub(super) const SHORTEST: usize = 16;

/// The streams of the prompt read last, for prompts that begin as it does: with the same system
/// message, instruction or worked examples.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    kept: Vec<(Vec<TokenId>, Box<dyn KvCache>)>,
}

impl Prefixes {
    /// A cache that holds as much as possible of the stream, though never its last token, whose
    /// logits are wanted.
    pub(super) fn longest(&self, stream: &[TokenId]) -> Option<Box<dyn KvCache>> {
        let known = self.kept.iter().map(|(kept, cache)| (common(stream, kept), cache));
        let (len, cache) = known.max_by_key(|(len, _)| *len)?;
        (len >= SHORTEST).then(|| beginning(cache.as_ref(), len))
    }

    /// Keeps the streams of a prompt instead of those there were.
    pub(super) fn keep(&mut self, streams: &[Vec<TokenId>], caches: &[Box<dyn KvCache>]) {
        let forks = caches.iter().map(|cache| cache.fork());
        self.kept = streams.iter().cloned().zip(forks).collect();
    }
}

/// How many tokens all streams of a prompt begin with, short of the last of any; zero where it is
/// not worth a pass of its own.
pub(super) fn shared(streams: &[Vec<TokenId>]) -> usize {
    let Some((first, others)) = streams.split_first() else {
        return 0;
    };
    let shortest = others.iter().map(|other| common(other, first).min(common(first, other))).min();
    shortest.filter(|&len| len >= SHORTEST).unwrap_or(0)
}

/// A fork of a stream's first `len` tokens.
pub(super) fn beginning(cache: &dyn KvCache, len: usize) -> Box<dyn KvCache> {
    let mut fork = cache.fork();
    fork.truncate(len);
    fork
}

/// How many tokens `stream`, without its last, has in common with the beginning of `other`.
fn common(stream: &[TokenId], other: &[TokenId]) -> usize {
    let before_last = &stream[..stream.len().saturating_sub(1)];
    before_last.iter().zip(other).take_while(|(a, b)| a == b).count()
}
