use crate::{Logits, TokenId};

/// Names one continuation of a sequence. A name is never used twice within a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchId(pub(crate) u32);

/// One continuation of a sequence, as a [`Decoding`](crate::Decoding) sees it: a sampler has one, a beam
/// several.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Branch<'a> {
    /// Its name.
    pub id: BranchId,
    /// One row per stream, after the last token of `past`. An ended branch has none.
    pub logits: Logits<'a>,
    /// What was generated, without the prompt; after a rewind it is shorter than at the last call.
    pub past: &'a [TokenId],
    /// The sum of the natural log-probabilities of `past`, each of the row that the token was chosen
    /// from.
    pub log_prob: f64,
    /// Whether it met an end of text, a stop string or its longest length.
    pub ended: bool,
}

impl<'a> Branch<'a> {
    /// A branch as an engine shows it; where it has ended, see [`Branch::ended_with`].
    pub fn new(id: BranchId, logits: Logits<'a>, past: &'a [TokenId], log_prob: f64) -> Self {
        Self { id, logits, past, log_prob, ended: false }
    }

    /// A branch that goes no further and has no logits.
    pub fn ended_with(id: BranchId, past: &'a [TokenId], log_prob: f64) -> Self {
        Self { id, logits: Logits::NONE, past, log_prob, ended: true }
    }

    /// The same branch with one row instead of its own: what a wrapper, such as a contrast, shows its
    /// inner decoder.
    #[must_use]
    pub fn with_row(self, row: &'a [f32]) -> Self {
        Self { logits: Logits::single(row), ..self }
    }
}
