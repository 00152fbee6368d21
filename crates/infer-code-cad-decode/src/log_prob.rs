use std::cmp::Ordering;

use crate::certainty::Distribution;
use crate::{Logits, TokenId};

/// A token with its natural log-probability under the row it was chosen from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Chosen {
    /// The token.
    pub token: TokenId,
    /// `ln softmax(row)[token]`. NaN where the row has a NaN, `+inf` or nothing but `-inf`, or no such
    /// token.
    pub log_prob: f64,
    /// The most probable tokens of the row, best first; equal ones by index. As many as were asked for.
    pub top: Vec<(TokenId, f64)>,
}

/// Log-probabilities of single tokens of a row, in f64: `row[token] - ln sum exp(row)`.
///
/// # Examples
/// ```
/// use infer_code_cad_decode::RowLogProbs;
///
/// let row = [1.0, 1.0, f32::NEG_INFINITY];
/// let log_probs = RowLogProbs::of(&row);
/// assert!((log_probs.of_token(0) - 0.5f64.ln()).abs() < 1e-6);
/// assert_eq!(log_probs.of_token(2), f64::NEG_INFINITY);
/// assert_eq!(log_probs.top(1)[0].0, 0);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RowLogProbs<'a> {
    row: &'a [f32],
    peak: f64,
    log_mass: f64, // of the row counted from its peak
}

impl<'a> RowLogProbs<'a> {
    /// Sums the row up. A row without a finite largest value has no probabilities: all are NaN.
    pub fn of(row: &'a [f32]) -> Self {
        let (peak, log_mass) = Distribution::of(Logits::single(row), 0)
            .map_or((f64::NAN, f64::NAN), |row| (f64::from(row.peak()), row.log_mass()));
        Self { row, peak, log_mass }
    }

    /// Of one token; NaN outside the row.
    pub fn of_token(&self, token: TokenId) -> f64 {
        let logit = self.row.get(token as usize).copied().unwrap_or(f32::NAN);
        f64::from(logit) - self.peak - self.log_mass
    }

    /// The `n` most probable tokens, best first, equal ones by index.
    pub fn top(&self, n: usize) -> Vec<(TokenId, f64)> {
        let n = n.min(self.row.len());
        if n == 0 {
            return Vec::new();
        }
        let better = |a: &TokenId, b: &TokenId| -> Ordering {
            let logit = |token: TokenId| self.row[token as usize];
            logit(*b).total_cmp(&logit(*a)).then(a.cmp(b))
        };
        let mut tokens: Vec<TokenId> = (0..self.row.len() as TokenId).collect();
        if n < tokens.len() {
            tokens.select_nth_unstable_by(n, better);
            tokens.truncate(n);
        }
        tokens.sort_unstable_by(better);
        tokens.into_iter().map(|token| (token, self.of_token(token))).collect()
    }
}

/// The choice of a token from a row.
pub(crate) fn choose(row: &[f32], token: TokenId, top: usize) -> Chosen {
    let log_probs = RowLogProbs::of(row);
    Chosen { token, log_prob: log_probs.of_token(token), top: log_probs.top(top) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_the_logarithms_of_softmax(row in prop::collection::vec(-30f32..30.0, 1..200)) {
            let mass: f64 = row.iter().map(|&logit| f64::from(logit).exp()).sum();
            let log_probs = RowLogProbs::of(&row);
            for (token, &logit) in row.iter().enumerate() {
                let expected = f64::from(logit) - mass.ln();
                prop_assert!((log_probs.of_token(token as TokenId) - expected).abs() < 1e-5);
            }
        }

        #[test]
        fn the_top_are_the_first_of_all_sorted(
            row in prop::collection::vec((-8i8..8).prop_map(f32::from), 1..60), n in 0usize..70,
        ) {
            let mut all: Vec<(TokenId, f32)> = (0..).zip(row.iter().copied()).collect();
            all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let log_probs = RowLogProbs::of(&row);
            let top = log_probs.top(n);
            prop_assert_eq!(top.len(), n.min(row.len()));
            for (found, expected) in top.iter().zip(&all) {
                prop_assert_eq!(found.0, expected.0);
                prop_assert_eq!(found.1.to_bits(), log_probs.of_token(found.0).to_bits());
            }
        }
    }

    #[test]
    fn a_row_without_a_distribution_has_no_numbers() {
        for row in [&[f32::NAN, 0.0][..], &[f32::INFINITY, 0.0], &[f32::NEG_INFINITY; 2], &[]] {
            assert!(choose(row, 0, 0).log_prob.is_nan(), "{row:?}");
        }
        assert!(choose(&[0.0], 1, 0).log_prob.is_nan(), "there is no such token");
    }
}
