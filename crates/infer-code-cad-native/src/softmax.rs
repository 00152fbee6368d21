use crate::exp::exp;

/// Values handled together, so that the compiler uses vector instructions.
pub(crate) const LANES: usize = 16;

/// Turns the first `len` scores to weights that sum to one, and the rest to zero. A NaN among the first
/// makes all weights NaN.
///
/// The order of the sums depends on `len` alone. The length of `scores` is a multiple of [`LANES`].
#[inline(always)]
pub(crate) fn softmax(scores: &mut [f32], len: usize) {
    let scale = exps(scores, len);
    scores.iter_mut().for_each(|score| *score *= scale);
}

/// The same, but for a factor that comes back: the greatest weight is one, or the factor NaN.
#[inline(always)]
pub(crate) fn exps(scores: &mut [f32], len: usize) -> f32 {
    scores[len..].fill(f32::NEG_INFINITY);
    let mut max = [f32::NEG_INFINITY; LANES];
    for scores in scores.chunks_exact(LANES) {
        for (max, &score) in max.iter_mut().zip(scores) {
            *max = if score > *max { score } else { *max }; // passes over NaN, which `exp` hands on
        }
    }
    let max = max.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let mut total = [0.0f32; LANES];
    for scores in scores.chunks_exact_mut(LANES) {
        for (total, score) in total.iter_mut().zip(scores) {
            *score = exp(*score - max);
            *total += *score;
        }
    }
    total.into_iter().sum::<f32>().recip()
}

/// Bounds `scores` smoothly: `cap * tanh(score / cap)`, by whole lanes. NaN stays NaN.
///
/// Gemma Team, [Gemma 2](https://arxiv.org/abs/2408.00118), section 2.
#[inline(always)]
pub(crate) fn soft_cap(scores: &mut [f32], cap: f32) {
    for score in scores {
        let x = *score / cap;
        let e = exp(-2.0 * x.abs());
        *score = (cap * (1.0 - e) / (1.0 + e)).copysign(x);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn softmax_is_that_of_f64(
            scores in prop::collection::vec(-50.0f32..50.0, 1..100),
        ) {
            let len = scores.len();
            let mut weights = scores.clone();
            weights.resize(len.next_multiple_of(LANES), 1e30);
            softmax(&mut weights, len);
            let max = scores.iter().copied().fold(f32::MIN, f32::max);
            let exps: Vec<f64> = scores.iter().map(|s| f64::from(s - max).exp()).collect();
            let total: f64 = exps.iter().sum();
            for (weight, exp) in weights.iter().zip(exps) {
                prop_assert!((f64::from(*weight) - exp / total).abs() < 1e-6);
            }
            prop_assert!(weights[len..].iter().all(|&w| w == 0.0));
        }
    }

    proptest! {
        #[test]
        fn a_nan_score_makes_every_weight_nan(
            mut scores in prop::collection::vec(-50.0f32..50.0, 1..100),
            at in any::<prop::sample::Index>(),
            bits in 0x7f80_0001u32..0x8000_0000,
            negative in any::<bool>(),
        ) {
            let (len, at) = (scores.len(), at.index(scores.len()));
            scores[at] = f32::from_bits(bits | u32::from(negative) << 31);
            scores.resize(len.next_multiple_of(LANES), 0.0);
            softmax(&mut scores, len);
            prop_assert!(scores.iter().all(|weight| weight.is_nan()));
        }

        #[test]
        fn a_nan_that_is_not_seen_counts_nothing(
            scores in prop::collection::vec(-50.0f32..50.0, 1..40),
        ) {
            let len = scores.len();
            let padded = |with| {
                let mut scores = scores.clone();
                scores.resize(len.next_multiple_of(LANES), with);
                softmax(&mut scores, len);
                scores
            };
            prop_assert_eq!(padded(f32::NAN), padded(0.0));
        }

        #[test]
        fn soft_cap_keeps_nan_where_it_is(
            scores in prop::collection::vec(
                prop_oneof![-90f32..90.0, Just(f32::NAN), Just(-f32::NAN)], 1..40),
            cap in 1.0f32..60.0,
        ) {
            let mut capped = scores.clone();
            soft_cap(&mut capped, cap);
            for (capped, score) in capped.iter().zip(&scores) {
                prop_assert_eq!(capped.is_nan(), score.is_nan());
            }
        }
    }

    proptest! {
        #[test]
        fn soft_cap_is_that_of_f64(score in -500.0f32..500.0, cap in 1.0f32..60.0) {
            let mut capped = [score];
            soft_cap(&mut capped, cap);
            let cap = f64::from(cap);
            let expected = cap * (f64::from(score) / cap).tanh();
            prop_assert!((f64::from(capped[0]) - expected).abs() <= 3e-7 * cap);
        }
    }
}
