use std::cmp::Ordering;

use crate::index::Neighbor;

/// Results collected before the worse half is thrown away, at least.
const ROOM: usize = 32;
/// Scores compared with the threshold together.
const LANES: usize = 16;

/// The best results of a query so far, in no order.
#[derive(Debug)]
pub(super) struct Nearest {
    top_k: usize,
    /// The least score that may still be among the best.
    threshold: f32,
    found: Vec<Neighbor>,
}

/// Larger scores first, equal ones by number.
pub(in crate::index) fn order(a: &Neighbor, b: &Neighbor) -> Ordering {
    b.score.total_cmp(&a.score).then(a.id.cmp(&b.id))
}

impl Nearest {
    pub(super) fn new(top_k: usize) -> Self {
        Self { top_k, threshold: f32::NEG_INFINITY, found: Vec::new() }
    }

    /// Takes the scores of the vectors with these numbers. A NaN is never among the best.
    pub(super) fn offer(&mut self, ids: &[i64], scores: &[f32]) {
        for (ids, scores) in ids.chunks(LANES).zip(scores.chunks(LANES)) {
            let threshold = self.threshold;
            if !scores.iter().fold(false, |any, &score| any | (score >= threshold)) {
                continue;
            }
            for (&id, &score) in ids.iter().zip(scores) {
                if score >= self.threshold {
                    self.push(Neighbor { id, score: score + 0.0 }); // no -0.0, which comes after 0.0
                }
            }
        }
    }

    fn push(&mut self, neighbor: Neighbor) {
        self.found.push(neighbor);
        if self.found.len() >= self.top_k.saturating_mul(2).max(ROOM) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.found.len() >= self.top_k {
            let (_, last, _) = self.found.select_nth_unstable_by(self.top_k - 1, order);
            self.threshold = last.score;
            self.found.truncate(self.top_k);
        }
    }

    /// Takes what another has found.
    pub(super) fn merge(&mut self, other: Self) {
        self.found.extend(other.found);
        self.cut();
    }

    /// The best, in order.
    pub(super) fn finish(mut self) -> Vec<Neighbor> {
        self.found.sort_unstable_by(order);
        self.found.truncate(self.top_k);
        self.found
    }
}
