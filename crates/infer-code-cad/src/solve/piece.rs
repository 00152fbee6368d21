use std::collections::BTreeSet;
use std::ops::Range;

use infer_code_cad_engine::Request;

use crate::draft::Addresses;

/// Drafts of one request that wait for their turn.
pub(super) struct Piece {
    pub(super) problem: usize,
    /// Whether it is of the technique's own prompt, whose faults are the whole problem's.
    pub(super) first: bool,
    pub(super) request: Request,
}

impl Piece {
    /// A request of these drafts, in pieces that one pass of `rows` rows can hold.
    pub(super) fn cut(problem: usize, first: bool, request: &Request, rows: usize) -> Vec<Self> {
        let most = (rows / rows_of(request)).max(1);
        let Range { start, end } = request.samples;
        let piece = |start: usize| {
            let mut request = request.clone();
            request.samples = start..end.min(start + most);
            Self { problem, first, request }
        };
        (start..end).step_by(most).map(piece).collect()
    }

    /// Rows that all its drafts take.
    pub(super) fn rows(&self) -> usize {
        self.request.samples.len() * rows_of(&self.request)
    }
}

/// What is noted on a request under way.
pub(super) struct Note {
    pub(super) problem: usize,
    pub(super) first: bool,
    pub(super) role: u32,
    pub(super) addresses: Addresses,
    /// Rows per draft.
    pub(super) rows: usize,
    /// Drafts of which nothing was heard yet.
    pub(super) open: BTreeSet<usize>,
}

/// Rows that a draft of a request takes.
pub(super) fn rows_of(request: &Request) -> usize {
    (request.decoder.arity() * request.decoder.branches()).max(1)
}

/// Neighbours of a range that satisfy a condition, as ranges.
pub(super) fn runs(range: Range<usize>, holds: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for index in range.filter(|index| holds(*index)) {
        match runs.last_mut() {
            Some(run) if run.end == index => run.end += 1,
            _ => runs.push(index..index + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use infer_code_cad_decode::{ContextAware, Greedy};

    use super::*;

    #[test]
    fn a_piece_fits_into_a_pass() {
        let decoder = Arc::new(ContextAware::new(0.5, Greedy));
        let mut request = Request::new("t", vec![vec![1], vec![2]], decoder);
        request.samples = 3..10;
        let cut = |rows| -> Vec<Range<usize>> {
            let pieces = Piece::cut(0, true, &request, rows);
            pieces.into_iter().map(|piece| piece.request.samples).collect()
        };
        assert_eq!(cut(64), vec![3..10]);
        assert_eq!(cut(7), [3..6, 6..9, 9..10]);
        assert_eq!(cut(1).len(), 7, "what fits nowhere is for the engine to refuse");
    }

    #[test]
    fn what_is_not_drawn_parts_the_runs() {
        assert_eq!(runs(2..9, |index| ![4, 5, 8].contains(&index)), [2..4, 6..8]);
        assert!(runs(0..3, |_| false).is_empty());
    }
}
