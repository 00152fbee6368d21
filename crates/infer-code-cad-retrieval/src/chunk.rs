//! Documents cut into passages of a size that an embedder and a prompt can take.

mod pack;
mod units;

use std::collections::HashSet;
use std::fmt::{self, Display};
use std::ops::Range;
use std::str::FromStr;

use twox_hash::XxHash3_128;

use crate::{Document, DocumentKind, Passage};

/// How documents are cut.
///
/// Written and read as `words:500`, `tokens:256`, or with an overlap `tokens:256:32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Chunking {
    /// As the paper cuts: after so many words between white space, whatever they are.
    Words {
        /// Words of a chunk, the title not counted.
        words: usize,
        /// Words at the end of a chunk that are repeated at the begin of the next.
        overlap: usize,
    },
    /// As many whole paragraphs as fit. A paragraph that does not fit alone is cut between lines, a line that does not
    /// between sentences or words. An example (a doctest, a block between fences, an indented block after `::`) is
    /// never cut: one that does not fit is a chunk of its own, and the embedder reports what it does not read of it.
    Tokens {
        /// Tokens of a chunk, the title and what the embedder adds counted in.
        max: usize,
        /// Tokens at the end of a chunk that are at most repeated at the begin of the next: whole lines or sentences,
        /// and never a part of an example.
        overlap: usize,
    },
}

impl Default for Chunking {
    fn default() -> Self {
        Self::Words { words: 500, overlap: 0 }
    }
}

impl Chunking {
    /// The fewest tokens of a chunk: below, nothing is left beside a title.
    const LEAST_TOKENS: usize = 16;

    /// Whether chunks can be made so.
    ///
    /// # Errors
    /// [`ChunkError::Size`] for chunks of no word or less than 16 tokens; [`ChunkError::Overlap`] for an overlap of
    /// more than half a chunk.
    pub fn check(self) -> Result<(), ChunkError> {
        let (size, least, overlap) = match self {
            Self::Words { words, overlap } => (words, 1, overlap),
            Self::Tokens { max, overlap } => (max, Self::LEAST_TOKENS, overlap),
        };
        if size < least {
            return Err(ChunkError::Size { size, least });
        }
        if overlap > size / 2 {
            return Err(ChunkError::Overlap { overlap, most: size / 2 });
        }
        Ok(())
    }
}

impl Display for Chunking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size, overlap) = match self {
            Self::Words { words, overlap } => ("words", words, overlap),
            Self::Tokens { max, overlap } => ("tokens", max, overlap),
        };
        write!(f, "{unit}:{size}")?;
        if *overlap > 0 { write!(f, ":{overlap}") } else { Ok(()) }
    }
}

impl FromStr for Chunking {
    type Err = ChunkError;

    fn from_str(text: &str) -> Result<Self, ChunkError> {
        let unknown = || ChunkError::Unknown { text: text.to_owned() };
        let mut parts = text.split(':');
        let unit = parts.next().unwrap_or_default();
        let mut number = |or: Option<usize>| match parts.next() {
            Some(part) => part.parse().map_err(|_| unknown()),
            None => or.ok_or_else(unknown),
        };
        let (size, overlap) = (number(None)?, number(Some(0))?);
        let chunking = match (unit, parts.next()) {
            ("words", None) => Self::Words { words: size, overlap },
            ("tokens", None) => Self::Tokens { max: size, overlap },
            _ => return Err(unknown()),
        };
        chunking.check()?;
        Ok(chunking)
    }
}

/// Why documents cannot be cut so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// Not the text of a [`Chunking`].
    #[error(
        "{text:?} is no way to cut documents; expected words:SIZE, tokens:SIZE, or either with :OVERLAP"
    )]
    Unknown {
        /// What was given.
        text: String,
    },
    /// Chunks too small.
    #[error("chunks of {size} are too small; take at least {least}")]
    Size {
        /// What was asked for.
        size: usize,
        /// The least allowed.
        least: usize,
    },
    /// Chunks that mostly repeat the one before.
    #[error("an overlap of {overlap} is more than half a chunk; take at most {most}")]
    Overlap {
        /// What was asked for.
        overlap: usize,
        /// The most allowed.
        most: usize,
    },
}

/// Cuts documents into passages, one document after the other, and drops texts that it has seen.
///
/// The first chunk of a document has the document's id, the second that id with `~2`, and so on; an id that is taken
/// gets the next free number. Every passage has the title of its document.
///
/// Two texts are the same if they differ in white space alone and belong to one origin and version: what a library says
/// in two of its versions is found in both. Of a [`DocumentKind::Object`] the title must be the same too, as of passages
/// without text.
///
/// # Examples
/// ```
/// use infer_code_cad_retrieval::{Chunker, Chunking, Document};
///
/// let words = |text: &str| text.split_whitespace().count();
/// let mut chunker = Chunker::new("words:3".parse()?, &words)?;
/// let passages = chunker.cut(&Document::new("zip", "zip", "Takes several lists in parallel."));
/// assert_eq!((passages[0].id.as_str(), passages[0].text.as_str()), ("zip", "Takes several lists"));
/// assert_eq!((passages[1].id.as_str(), passages[1].text.as_str()), ("zip~2", "in parallel."));
/// # Ok::<(), infer_code_cad_retrieval::ChunkError>(())
/// ```
pub struct Chunker<'a> {
    chunking: Chunking,
    count: &'a (dyn Fn(&str) -> usize + Sync),
    ids: HashSet<String>,
    texts: HashSet<u128>,
    counts: ChunkCounts,
}

/// What a [`Chunker`] has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChunkCounts {
    /// Documents cut.
    pub documents: usize,
    /// Chunks made of them.
    pub chunks: usize,
    /// Chunks dropped because their text had been seen.
    pub duplicates: usize,
}

impl<'a> Chunker<'a> {
    /// Cuts by `chunking`; `count` says how many tokens a text is, as
    /// [`Embedder::token_count`](crate::Embedder::token_count) does. It is asked for [`Chunking::Tokens`] alone.
    ///
    /// # Errors
    /// Those of [`Chunking::check`].
    pub fn new(
        chunking: Chunking,
        count: &'a (dyn Fn(&str) -> usize + Sync),
    ) -> Result<Self, ChunkError> {
        chunking.check()?;
        let (ids, texts, counts) = Default::default();
        Ok(Self { chunking, count, ids, texts, counts })
    }

    /// The passages of a document whose texts have not been seen yet.
    pub fn cut(&mut self, document: &Document) -> Vec<Passage> {
        let chunks = match self.chunking {
            Chunking::Words { words, overlap } => {
                whole(document, |text| by_words(text, words, overlap))
            }
            Chunking::Tokens { max, overlap } => {
                pack::by_tokens(document, max, overlap, self.count)
            }
        };
        self.counts.documents += 1;
        self.counts.chunks += chunks.len();
        let mut passages = Vec::with_capacity(chunks.len());
        for (number, (title, text)) in (1..).zip(chunks) {
            if !self.texts.insert(fingerprint(document, &title, &text)) {
                self.counts.duplicates += 1;
                continue;
            }
            let mut passage = Passage::new(self.free_id(&document.id, number), title, text);
            passage.origin.clone_from(&document.origin);
            passage.version.clone_from(&document.version);
            passage.location.clone_from(&document.location);
            passages.push(passage);
        }
        passages
    }

    /// What has been done so far.
    pub fn counts(&self) -> ChunkCounts {
        self.counts
    }

    fn free_id(&mut self, id: &str, number: usize) -> String {
        let numbered = |number| if number == 1 { id.to_owned() } else { format!("{id}~{number}") };
        let free = (number..).map(numbered).find(|id| !self.ids.contains(id));
        let free = free.expect("there are more numbers than passages");
        self.ids.insert(free.clone());
        free
    }
}

impl fmt::Debug for Chunker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunker")
            .field("chunking", &self.chunking)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// Title and text of each range that `cut` gives; a document of a title alone is one chunk.
fn whole(document: &Document, cut: impl Fn(&str) -> Vec<Range<usize>>) -> Vec<(String, String)> {
    let chunk = |range: Range<usize>| (document.title.clone(), document.text[range].to_owned());
    if document.text.trim().is_empty() && !document.title.trim().is_empty() {
        return vec![chunk(0..0)];
    }
    cut(&document.text).into_iter().map(chunk).collect()
}

/// Ranges of `words` words each, the last of fewer.
fn by_words(text: &str, words: usize, overlap: usize) -> Vec<Range<usize>> {
    let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    let ranges: Vec<Range<usize>> =
        text.split_whitespace().map(|word| start(word)..start(word) + word.len()).collect();
    let mut chunks = Vec::new();
    let mut first = 0;
    while first < ranges.len() {
        let end = (first + words).min(ranges.len());
        chunks.push(ranges[first].start..ranges[end - 1].end);
        if end == ranges.len() {
            break;
        }
        first = end - overlap;
    }
    chunks
}

/// Equal for what [`Chunker`] calls the same text.
fn fingerprint(document: &Document, title: &str, text: &str) -> u128 {
    let with_title = document.kind == DocumentKind::Object || text.is_empty();
    let title = if with_title { title } else { "" };
    let mut hasher = XxHash3_128::new();
    for part in [&document.origin, &document.version, title, text] {
        for word in part.split_whitespace() {
            hasher.write(word.as_bytes());
            hasher.write(b" ");
        }
        hasher.write(b"\n");
    }
    hasher.finish_128()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests;
