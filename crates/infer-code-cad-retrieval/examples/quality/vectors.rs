//! A store of the chunks for each embedder, built where it is not there yet.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use infer_code_cad_retrieval::{
    Contents, Dense, Embedder, EmbedderOptions, EncoderWeights, FlatConfig, FlatIndex,
    IndexProgress, Passage, Store, StoreWriter, VectorIndex, load_embedder, ndarray::Array2,
};

use crate::Outcome;

/// Between two lines on how far an embedding run is.
const BETWEEN_LINES: Duration = Duration::from_secs(20);

/// An embedder and the vectors that it made of all chunks.
pub(crate) struct Vectors {
    pub(crate) name: String,
    pub(crate) embedder: Arc<dyn Embedder>,
    pub(crate) dense: Arc<Dense>,
}

impl Vectors {
    /// Opens the store `directory/name`, after embedding what is missing there. A run that is killed goes on from there.
    pub(crate) fn open(
        directory: &Path,
        (name, model): (&str, &Path),
        weights: EncoderWeights,
        passages: &[Arc<Passage>],
    ) -> Outcome<Self> {
        let options = EmbedderOptions { weights, ..EmbedderOptions::default() };
        let embedder = load_embedder(model, &options)?;
        let directory = directory.join(format!("{name}-{weights}"));
        let passages = passages.iter().map(|passage| (**passage).clone()).collect();
        let contents = Contents { passages, chunking: "words:500".into(), ..Contents::default() };
        let mut line = Lines { name, last: Instant::now() };
        let report =
            StoreWriter::open(&directory)?
                .build(contents, Some(&*embedder), &mut |progress| line.tell(progress))?;
        println!("{name}: {weights} on {} threads\n{report}", options.pool.threads());
        let dense = Arc::new(Store::open(&directory)?.dense(Arc::clone(&embedder))?);
        Ok(Self { name: name.to_owned(), embedder, dense })
    }

    /// A search over some of the passages alone.
    pub(crate) fn only(&self, passages: &[Arc<Passage>]) -> Outcome<Arc<Dense>> {
        let mut index = FlatIndex::new(self.embedder.dimension(), FlatConfig::default());
        for (number, passage) in (0..).zip(passages) {
            let vector =
                Array2::from_shape_vec((1, index.dimension()), self.dense.vector(&passage.id)?)?;
            index.add(&[number], vector.view())?;
        }
        let (embedder, index) = (Arc::clone(&self.embedder), Arc::new(index));
        Ok(Arc::new(Dense::new(embedder, index, passages.to_vec())?))
    }
}

/// How far an embedding run is, on lines of their own.
struct Lines<'a> {
    name: &'a str,
    last: Instant,
}

impl Lines<'_> {
    fn tell(&mut self, progress: &IndexProgress) -> ControlFlow<()> {
        if self.last.elapsed() >= BETWEEN_LINES {
            self.last = Instant::now();
            let rate = progress.tokens_per_second().unwrap_or(0.0);
            let left = progress.remaining().map_or(0.0, |left| left.as_secs_f64());
            println!(
                "{}: {} of {} texts, {} of {} tokens, {rate:.0} tokens/s, {left:.0} s left",
                self.name,
                progress.done_passages,
                progress.total_passages,
                progress.done_tokens,
                progress.total_tokens
            );
        }
        ControlFlow::Continue(())
    }
}
