use std::mem;

use infer_code_cad_decode::TokenId;

use crate::{CausalLm, KvCache};

/// Beginnings shorter than this are read again: a pass over them costs next to nothing.
pub(super) const SHORTEST: usize = 16;

/// Streams of a model that cannot tell what they take are kept up to this many.
const MOST_UNKNOWN: u64 = 8;

/// Streams of prompts that were read, for prompts that begin as they do: with the same system message,
/// instruction or worked examples. The one used longest ago makes room for a new one.
#[derive(Debug)]
pub(super) struct Prefixes {
    kept: Vec<Kept>,
    bytes: u64,
    limit: u64,
    clock: u64,
}

#[derive(Debug)]
struct Kept {
    stream: Vec<TokenId>,
    cache: Box<dyn KvCache>,
    bytes: u64,
    used: u64,
}

impl Prefixes {
    pub(super) fn new(limit: u64) -> Self {
        Self { kept: Vec::new(), bytes: 0, limit, clock: 0 }
    }

    /// A cache that holds as much as possible of the stream's first `most` tokens, though never its last,
    /// whose logits are wanted.
    pub(super) fn longest(&mut self, stream: &[TokenId], most: usize) -> Option<Box<dyn KvCache>> {
        let known = self.kept.iter_mut().map(|kept| (common(stream, &kept.stream).min(most), kept));
        let (len, kept) = known.max_by_key(|(len, kept)| (*len, kept.used))?;
        if len < SHORTEST {
            return None;
        }
        self.clock += 1;
        kept.used = self.clock;
        Some(beginning(kept.cache.as_ref(), len))
    }

    /// Keeps a stream that was read. Its bytes count in full, though streams may share pages.
    pub(super) fn keep(&mut self, stream: &[TokenId], cache: &dyn KvCache, model: &dyn CausalLm) {
        let bytes = model.cache_bytes(stream.len()).unwrap_or(self.limit / MOST_UNKNOWN);
        if stream.len() < SHORTEST || bytes > self.limit || self.limit == 0 {
            return;
        }
        self.clock += 1;
        if let Some(known) = self.kept.iter_mut().find(|kept| kept.stream.starts_with(stream)) {
            known.used = self.clock;
            return;
        }
        // A longer stream serves whatever its beginning did.
        for kept in mem::take(&mut self.kept) {
            if !stream.starts_with(&kept.stream) {
                self.kept.push(kept);
            }
        }
        self.bytes = self.kept.iter().map(|kept| kept.bytes).sum();
        while self.bytes + bytes > self.limit {
            let Some(oldest) = (0..self.kept.len()).min_by_key(|&i| self.kept[i].used) else {
                break;
            };
            self.bytes -= self.kept.swap_remove(oldest).bytes;
        }
        self.bytes += bytes;
        let (stream, cache, used) = (stream.to_vec(), cache.fork(), self.clock);
        self.kept.push(Kept { stream, cache, bytes, used });
    }
}

/// A fork of a stream's first `len` tokens.
pub(super) fn beginning(cache: &dyn KvCache, len: usize) -> Box<dyn KvCache> {
    let mut fork = cache.fork();
    fork.truncate(len);
    fork
}

/// How many tokens `stream`, without its last, has in common with the beginning of `other`.
pub(super) fn common(stream: &[TokenId], other: &[TokenId]) -> usize {
    let before_last = &stream[..stream.len().saturating_sub(1)];
    before_last.iter().zip(other).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::TableModel;

    fn stream(first: TokenId, len: usize) -> Vec<TokenId> {
        (0..len).map(|at| if at == 0 { first } else { at as TokenId % 3 }).collect()
    }

    fn keep(prefixes: &mut Prefixes, stream: &[TokenId]) {
        let model = TableModel::new(8);
        let mut cache = model.new_cache();
        let step =
            crate::Step { cache: &mut *cache, tokens: stream, logits: crate::LogitRows::None };
        model.forward(&mut [step], &mut vec![]).unwrap();
        prefixes.keep(stream, cache.as_ref(), &model);
    }

    /// Of a table model a stream takes four bytes a token.
    #[test]
    fn the_one_used_longest_ago_makes_room() {
        let mut prefixes = Prefixes::new(2 * 4 * 30);
        keep(&mut prefixes, &stream(5, 30));
        keep(&mut prefixes, &stream(6, 30));
        assert!(prefixes.longest(&stream(5, 40), usize::MAX).is_some());
        keep(&mut prefixes, &stream(7, 20));
        assert!(prefixes.longest(&stream(6, 40), usize::MAX).is_none(), "it was used longest ago");
        assert_eq!(prefixes.longest(&stream(5, 40), usize::MAX).unwrap().len(), 30);
        assert_eq!(prefixes.longest(&stream(7, 20), usize::MAX).unwrap().len(), 19);
        assert_eq!(prefixes.longest(&stream(7, 40), 17).unwrap().len(), 17);
        assert!(
            prefixes.longest(&stream(7, 40), 15).is_none(),
            "that is read sooner than looked up"
        );
        assert!(prefixes.bytes <= prefixes.limit);
    }

    #[test]
    fn a_longer_stream_takes_the_place_of_its_beginning() {
        let mut prefixes = Prefixes::new(1000);
        keep(&mut prefixes, &stream(5, 20));
        keep(&mut prefixes, &stream(5, 40));
        keep(&mut prefixes, &stream(5, 30));
        assert_eq!((prefixes.kept.len(), prefixes.bytes), (1, 160));
        keep(&mut prefixes, &stream(5, 300));
        assert_eq!(prefixes.kept[0].stream.len(), 40, "what does not fit pushes nothing out");
        let mut none = Prefixes::new(0);
        keep(&mut none, &stream(5, 20));
        assert!(none.longest(&stream(5, 40), usize::MAX).is_none());
    }
}
