use std::fmt;
use std::time::Duration;

/// How far an indexing run is. First the texts without a vector are counted, while
/// [`done_tokens`](Self::done_tokens) is 0 and the totals grow; then they are embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct IndexProgress {
    /// Texts embedded in this run.
    pub done_passages: usize,
    /// Texts that this run must embed.
    pub total_passages: usize,
    /// Tokens read in this run.
    pub done_tokens: u64,
    /// Tokens that this run must read.
    pub total_tokens: u64,
    /// Time since the first text was given to the embedder.
    pub elapsed: Duration,
}

impl IndexProgress {
    /// Tokens read in a second, where any were.
    pub fn tokens_per_second(&self) -> Option<f64> {
        let rate = self.done_tokens as f64 / self.elapsed.as_secs_f64();
        (self.done_tokens > 0 && rate.is_finite()).then_some(rate)
    }

    /// The time that the rest takes at the rate so far.
    pub fn remaining(&self) -> Option<Duration> {
        let tokens = self.total_tokens.saturating_sub(self.done_tokens) as f64;
        self.tokens_per_second().and_then(|rate| Duration::try_from_secs_f64(tokens / rate).ok())
    }
}

/// What an indexing run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexReport {
    /// Passages in the index.
    pub passages: usize,
    /// Passages of the index before that are in it no more, by their id.
    pub removed: usize,
    /// Texts embedded in this run; passages with equal texts share a vector.
    pub embedded: usize,
    /// Texts whose vector an earlier run had made before it was stopped.
    pub resumed: usize,
    /// Texts whose vector was in the index before.
    pub reused: usize,
    /// Tokens read in this run.
    pub embedded_tokens: u64,
    /// Passages that are longer than what the embedder reads.
    pub cut_passages: usize,
    /// Tokens of them that were not read.
    pub cut_tokens: u64,
    /// Time in the embedder.
    pub embedding_time: Duration,
    /// Time of all.
    pub total_time: Duration,
}

impl fmt::Display for IndexReport {
    /// Five lines for a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passages, removed, embedded, resumed, reused, cut_passages, cut_tokens, .. } =
            self;
        let share = 100.0 * *cut_passages as f64 / (*passages).max(1) as f64;
        writeln!(f, "passages   {passages} in the index, {removed} removed")?;
        writeln!(
            f,
            "vectors    {embedded} made, {resumed} made by a stopped run, {reused} taken over"
        )?;
        let remedy =
            if share < 5.0 { "" } else { "; chunks of as many tokens as it reads lose none" };
        writeln!(
            f,
            "too long   {cut_passages} passages ({share:.1} %), {cut_tokens} tokens not read{remedy}"
        )?;
        let [embedding, total] = [self.embedding_time, self.total_time].map(|it| it.as_secs_f64());
        writeln!(f, "embedding  {embedding:.1} s for {} tokens", self.embedded_tokens)?;
        write!(f, "in all     {total:.1} s")
    }
}
