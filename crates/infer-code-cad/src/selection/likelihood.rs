//! Which of several drafts the model held most probable.

use crate::Draft;

/// The sum of a draft's log-probabilities; unknown, no number, or of no token, it is below all others: minus infinity.
pub(super) fn total(draft: &Draft) -> f64 {
    let known = draft.log_prob.filter(|sum| sum.is_finite() && !draft.tokens.is_empty());
    known.unwrap_or(f64::NEG_INFINITY)
}

/// The same per token, so that a draft is not better for being short.
pub(super) fn mean(draft: &Draft) -> f64 {
    total(draft) / draft.tokens.len().max(1) as f64
}

/// The place of the largest key, the first of equal ones; `None` without places.
pub(super) fn first_best<K: PartialOrd>(
    places: impl IntoIterator<Item = usize>,
    key: impl Fn(usize) -> K,
) -> Option<usize> {
    places.into_iter().reduce(|best, place| if key(place) > key(best) { place } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selection::trial::draft;

    #[test]
    fn a_long_draft_is_measured_by_its_tokens_and_an_unknown_one_is_last() {
        let mut drafts = [draft("a", -3.0), draft("b", -2.0), draft("c", -2.0), draft("d", 0.0)];
        drafts[0].tokens = vec![0; 6];
        drafts[3].log_prob = None;
        assert_eq!(first_best(0..4, |at| mean(&drafts[at])), Some(0));
        assert_eq!(first_best(0..4, |at| total(&drafts[at])), Some(1), "the first of equals");
        drafts[1].tokens.clear();
        assert_eq!(
            first_best(0..4, |at| total(&drafts[at])),
            Some(2),
            "an empty draft says nothing"
        );
        assert_eq!(first_best([], |at| at), None);
    }
}
