use crate::MetricError;

/// The samples of one problem and how many of them passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tally {
    /// Samples drawn.
    pub n: u64,
    /// Samples that passed, at most `n`.
    pub c: u64,
}

/// The unbiased estimate of the chance that at least one of `k` samples passes, from `n` samples of
/// which `c` passed.
///
/// That is `1 - C(n-c, k) / C(n, k)`, the share of `k`-subsets with a pass in them. Written as
/// `-expm1(sum_{j < min(c,k)} ln1p(-max(c,k) / (n-j)))` it keeps full relative precision where the
/// usual product loses digits to `1 - x` (small `c k / n`) and log-gamma forms cancel (large `n`).
/// Chen et al., [Evaluating Large Language Models Trained on Code](https://arxiv.org/abs/2107.03374),
/// equation 1.
///
/// # Errors
/// [`MetricError::ZeroK`] for `k = 0`, [`MetricError::TooManyPasses`] for `c > n`,
/// [`MetricError::TooFewSamples`] for `n < k`.
///
/// # Examples
/// ```
/// // 5 samples, 2 of them pass: C(3, 2) = 3 of the C(5, 2) = 10 pairs hold no pass.
/// let estimate = infer_code_cad_metrics::pass_at_k(5, 2, 2)?;
/// assert!((estimate - 0.7).abs() < 1e-15);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
pub fn pass_at_k(n: u64, c: u64, k: u64) -> Result<f64, MetricError> {
    check(n, c, k)?;
    if c == 0 {
        return Ok(0.0);
    }
    if n - c < k {
        return Ok(1.0);
    }
    // Below -50 `exp_m1` is -1 whatever follows.
    Ok(-log_miss(n, c.max(k), c.min(k), -50.0).exp_m1())
}

/// pass^k: the unbiased estimate of the chance that all of `k` samples pass, from `n` samples of which `c` passed.
///
/// That is `C(c, k) / C(n, k)`, the share of `k`-subsets without a failure: how reliable a technique is, where
/// [`pass_at_k`] says how lucky one may get.
/// Yao et al., [tau-bench](https://arxiv.org/abs/2406.12045), whose `pass^k` is said "pass hat k".
///
/// # Errors
/// As [`pass_at_k`].
///
/// # Examples
/// ```
/// // 5 samples, 3 of them pass: C(3, 2) = 3 of the C(5, 2) = 10 pairs hold no failure.
/// let estimate = infer_code_cad_metrics::pass_hat_k(5, 3, 2)?;
/// assert!((estimate - 0.3).abs() < 1e-15);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
pub fn pass_hat_k(n: u64, c: u64, k: u64) -> Result<f64, MetricError> {
    check(n, c, k)?;
    if c < k {
        return Ok(0.0);
    }
    let failures = n - c;
    // Below -750 the result is 0.
    Ok(log_miss(n, failures.max(k), failures.min(k), -750.0).exp())
}

fn check(n: u64, c: u64, k: u64) -> Result<(), MetricError> {
    if k == 0 {
        return Err(MetricError::ZeroK);
    }
    if c > n {
        return Err(MetricError::TooManyPasses { n, c });
    }
    if n < k {
        return Err(MetricError::TooFewSamples { n, k });
    }
    Ok(())
}

/// `ln(C(n-c, k) / C(n, k))`, the log chance that `k` samples all fail, with `more = max(c, k)` and
/// `fewer = min(c, k)`; needs `more + fewer <= n`.
///
/// Every term is negative, and what follows once the sum is below `enough` is left out: that bounds the loop by
/// about `sqrt(-enough n)` terms. The rounding of every sum is carried along (Kahan), or 200,000 of them would
/// cost digits.
fn log_miss(n: u64, more: u64, fewer: u64, enough: f64) -> f64 {
    let (mut sum, mut lost) = (0.0, 0.0);
    for j in 0..fewer {
        let (left, miss) = (n - j, n - j - more);
        // The logarithm of `miss / left`, by whichever of the two shares is known better.
        let log = if miss < more {
            (miss as f64 / left as f64).ln()
        } else {
            (-(more as f64) / left as f64).ln_1p()
        };
        let term = log - lost;
        let next = sum + term;
        lost = (next - sum) - term;
        sum = next;
        if sum < enough {
            break;
        }
    }
    sum
}

/// The [`pass_at_k`] of every problem, for intervals and tests over problems.
///
/// # Errors
/// As [`mean_pass_at_k`].
pub fn pass_at_k_of_each(tallies: &[Tally], k: u64) -> Result<Vec<f64>, MetricError> {
    of_each(tallies, |tally| pass_at_k(tally.n, tally.c, k))
}

/// The mean of [`pass_at_k`] over problems, which may have unequal numbers of samples.
///
/// A problem that was not attempted is the caller's decision: leave it out, or pass `c = 0` with the
/// samples it should have had.
///
/// # Errors
/// [`MetricError::Empty`] without problems; [`MetricError::Problem`] with the index of the first
/// problem for which pass@k is not defined.
pub fn mean_pass_at_k(tallies: &[Tally], k: u64) -> Result<f64, MetricError> {
    Ok(mean(&pass_at_k_of_each(tallies, k)?))
}

/// The mean of [`pass_hat_k`] over problems, which may have unequal numbers of samples.
///
/// # Errors
/// As [`mean_pass_at_k`].
pub fn mean_pass_hat_k(tallies: &[Tally], k: u64) -> Result<f64, MetricError> {
    Ok(mean(&of_each(tallies, |tally| pass_hat_k(tally.n, tally.c, k))?))
}

/// avg@n: the mean over problems of the share of its samples that passed, which is pass@1 and pass^1.
///
/// Every problem counts alike, however many samples it has.
///
/// # Errors
/// As [`mean_pass_at_k`].
///
/// # Examples
/// ```
/// use infer_code_cad_metrics::{Tally, avg_at_n};
///
/// assert_eq!(avg_at_n(&[Tally { n: 4, c: 1 }, Tally { n: 8, c: 6 }])?, 0.5);
/// # Ok::<(), infer_code_cad_metrics::MetricError>(())
/// ```
pub fn avg_at_n(tallies: &[Tally]) -> Result<f64, MetricError> {
    mean_pass_at_k(tallies, 1)
}

fn of_each(
    tallies: &[Tally],
    score: impl Fn(&Tally) -> Result<f64, MetricError>,
) -> Result<Vec<f64>, MetricError> {
    if tallies.is_empty() {
        return Err(MetricError::Empty);
    }
    let of = |(problem, tally)| {
        score(tally).map_err(|reason| MetricError::Problem { problem, reason: Box::new(reason) })
    };
    tallies.iter().enumerate().map(of).collect()
}

/// The mean of `values`, of which there is at least one.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equals_the_enumeration_of_subsets() {
        for n in 1..=12u32 {
            for k in 1..=n {
                let subsets = || (0u32..1 << n).filter(move |subset| subset.count_ones() == k);
                for c in 0..=n {
                    let passing = (1u32 << c) - 1;
                    let hits = subsets().filter(|subset| subset & passing != 0).count();
                    let expected = hits as f64 / subsets().count() as f64;
                    let actual = pass_at_k(n.into(), c.into(), k.into()).unwrap();
                    assert!((actual - expected).abs() <= 4e-16, "n={n} c={c} k={k}: {actual}");
                }
            }
        }
    }

    #[test]
    fn undefined_inputs_are_errors() {
        assert_eq!(pass_at_k(5, 2, 0), Err(MetricError::ZeroK));
        assert_eq!(pass_at_k(0, 0, 1), Err(MetricError::TooFewSamples { n: 0, k: 1 }));
        assert_eq!(pass_at_k(5, 5, 6), Err(MetricError::TooFewSamples { n: 5, k: 6 }));
        assert_eq!(pass_at_k(5, 6, 1), Err(MetricError::TooManyPasses { n: 5, c: 6 }));
    }

    #[test]
    fn the_largest_inputs_keep_their_precision() {
        assert_eq!(pass_at_k(u64::MAX, u64::MAX / 2, u64::MAX / 2), Ok(1.0));
        assert_eq!(pass_at_k(u64::MAX, u64::MAX, u64::MAX), Ok(1.0));
        let rare = pass_at_k(u64::MAX, 1, 1).unwrap() * u64::MAX as f64;
        assert!((rare - 1.0).abs() < 1e-15, "{rare}");
    }

    #[test]
    fn the_mean_takes_unequal_sample_counts_and_names_a_bad_problem() {
        let tallies = [Tally { n: 1, c: 1 }, Tally { n: 4, c: 1 }];
        assert_eq!(mean_pass_at_k(&tallies, 1), Ok(0.625));
        assert_eq!(mean_pass_at_k(&[], 1), Err(MetricError::Empty));
        let error = mean_pass_at_k(&tallies, 2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "problem 0 cannot be scored: k = 2 needs at least 2 samples, got 1; \
             draw more samples or lower k"
        );
    }

    /// `(n, c, k)` for which pass@k is defined.
    fn inputs() -> impl Strategy<Value = (u64, u64, u64)> {
        (1u64..2_000_000).prop_flat_map(|n| (Just(n), 0..=n, 1..=n))
    }

    proptest! {
        #[test]
        fn is_a_probability((n, c, k) in inputs()) {
            let estimate = pass_at_k(n, c, k).unwrap();
            prop_assert!((0.0..=1.0).contains(&estimate), "{estimate}");
        }

        #[test]
        fn one_try_is_the_pass_rate((n, c, _) in inputs()) {
            let expected = c as f64 / n as f64;
            prop_assert!((pass_at_k(n, c, 1).unwrap() - expected).abs() <= 2e-16);
        }

        #[test]
        fn passes_and_tries_only_help((n, c, k) in inputs()) {
            let rounding = 1e-13;
            let here = pass_at_k(n, c, k).unwrap();
            if c < n {
                prop_assert!(pass_at_k(n, c + 1, k).unwrap() >= here - rounding);
            }
            if k < n {
                prop_assert!(pass_at_k(n, c, k + 1).unwrap() >= here - rounding);
            }
        }

        #[test]
        fn passes_and_tries_are_exchangeable((n, c, k) in inputs()) {
            prop_assume!(c > 0);
            prop_assert_eq!(pass_at_k(n, c, k).unwrap(), pass_at_k(n, k, c).unwrap());
        }
    }
}
