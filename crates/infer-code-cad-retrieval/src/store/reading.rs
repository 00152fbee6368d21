use super::{Contents, SourceSummary};
use crate::{ChunkError, Chunker, Chunking, Document, Skipped, Source, SourceError};

/// What sources gave.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reading {
    /// The passages, as they go into an index.
    pub contents: Contents,
    /// What could not be read, and why.
    pub skipped: Vec<Skipped>,
}

/// Why sources could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadingError {
    /// A source that cannot be read at all.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Documents that cannot be cut so.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
}

impl Contents {
    /// Reads sources one after the other and cuts their documents into passages; a text that came before is dropped.
    ///
    /// `count` says how many tokens a text is, for [`Chunking::Tokens`]. `on_document` sees after each document what the
    /// source has given so far.
    ///
    /// # Errors
    /// [`ReadingError`]; a file that cannot be read is none, it is among [`Reading::skipped`].
    pub fn read(
        sources: &[Box<dyn Source>],
        chunking: Chunking,
        count: &(dyn Fn(&str) -> usize + Sync),
        on_document: &mut dyn FnMut(&SourceSummary),
    ) -> Result<Reading, ReadingError> {
        let mut chunker = Chunker::new(chunking, count)?;
        let contents = Self { chunking: chunking.to_string(), ..Self::default() };
        let mut reading = Reading { contents, skipped: Vec::new() };
        for source in sources {
            let mut summary =
                SourceSummary { source: source.settings().to_string(), ..SourceSummary::default() };
            for document in source.documents()? {
                reading.take(document, &mut chunker, &mut summary);
                on_document(&summary);
            }
            reading.contents.sources.push(summary);
        }
        Ok(reading)
    }
}

impl Reading {
    fn take(
        &mut self,
        document: Result<Document, Skipped>,
        chunker: &mut Chunker<'_>,
        summary: &mut SourceSummary,
    ) {
        let document = match document {
            Ok(document) => document,
            Err(skipped) => {
                summary.skipped += 1;
                return self.skipped.push(skipped);
            }
        };
        let before = chunker.counts().duplicates;
        let passages = chunker.cut(&document);
        summary.documents += 1;
        summary.duplicates += chunker.counts().duplicates - before;
        summary.passages += passages.len();
        self.contents.passages.extend(passages);
    }
}
