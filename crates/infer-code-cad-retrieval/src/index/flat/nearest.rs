use std::cmp::Ordering;

use crate::index::Neighbor;

/// Results collected before the worse half is thrown away, at least.
const ROOM: usize = 16;
/// Scores compared with the threshold together.
pub(super) const LANES: usize = 16;

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

    /// The least score that may still be among the best.
    pub(super) fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Others have found enough that are at least as good.
    pub(super) fn raise_threshold(&mut self, to: f32) {
        self.threshold = self.threshold.max(to);
    }

    /// Takes the scores of the vectors with these numbers. A NaN is never among the best.
    pub(super) fn offer(&mut self, ids: &[i64], scores: &[f32]) {
        self.offer_near(ids, scores, |_| 0.0, |_, score| score);
    }

    /// Takes scores that are too small by the slack of their [`LANES`] at most; those that may be among the best are
    /// looked at exactly.
    pub(super) fn offer_near(
        &mut self,
        ids: &[i64],
        scores: &[f32],
        slack: impl Fn(usize) -> f32,
        exact: impl Fn(usize, f32) -> f32,
    ) {
        for (tile, (tile_ids, near)) in ids.chunks(LANES).zip(scores.chunks(LANES)).enumerate() {
            let slack = slack(tile);
            let least = self.threshold - slack;
            if !near.iter().fold(false, |any, &score| any | (score >= least)) {
                continue;
            }
            for (lane, (&id, &score)) in tile_ids.iter().zip(near).enumerate() {
                if score >= self.threshold - slack {
                    let score = exact(tile * LANES + lane, score);
                    if score >= self.threshold {
                        self.push(Neighbor { id, score: score + 0.0 }); // no -0.0, which comes after 0.0
                    }
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
            self.threshold = self.threshold.max(last.score);
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
