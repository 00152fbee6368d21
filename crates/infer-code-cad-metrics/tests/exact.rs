//! pass@k against exact rationals.

use infer_code_cad_metrics::pass_at_k;
use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;

/// `n (n-1) .. (n-k+1)`.
fn falling_factorial(n: u64, k: u64) -> BigInt {
    (0..k).map(|j| BigInt::from(n - j)).product()
}

/// `1 - C(n-c, k) / C(n, k)` without rounding; `k!` cancels.
fn exact(n: u64, c: u64, k: u64) -> BigRational {
    let misses = if n - c < k { BigInt::ZERO } else { falling_factorial(n - c, k) };
    BigRational::from(BigInt::from(1)) - BigRational::new(misses, falling_factorial(n, k))
}

/// The error of [`pass_at_k`] in units of `f64::EPSILON`, relative to the exact value.
fn error_in_epsilons(n: u64, c: u64, k: u64) -> f64 {
    let actual = pass_at_k(n, c, k).expect("the input is valid");
    let actual = BigRational::from_float(actual).expect("the estimate is finite");
    let exact = exact(n, c, k);
    if exact == BigRational::from(BigInt::ZERO) {
        assert_eq!(actual, exact);
        return 0.0;
    }
    let error = (&actual - &exact) / exact;
    // In units of 2^-62, which fit an i64 for every error below 1 and an f64 for the comparison.
    let scaled = (error * BigInt::from(1i64 << 62)).to_integer();
    let scaled = i64::try_from(scaled).expect("the relative error is below 1");
    scaled.abs() as f64 / 2f64.powi(62) / f64::EPSILON
}

#[test]
fn large_n_with_few_passes_or_tries() {
    for n in [1_000_000, 123_456_789, 1_000_000_000] {
        for (c, k) in [(1, 1), (1, 100), (3, 10), (10, 1_000), (200, 7)] {
            let error = error_in_epsilons(n, c, k);
            assert!(error <= 2.0, "n={n} c={c} k={k}: {error} epsilons");
        }
    }
}

#[test]
fn thousands_of_samples() {
    for (n, c, k) in [(2_000, 1, 1_999), (2_000, 40, 100), (3_000, 30, 200), (5_000, 2_500, 3)] {
        let error = error_in_epsilons(n, c, k);
        assert!(error <= 4.0, "n={n} c={c} k={k}: {error} epsilons");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tally((n, c, k) in (1u64..1_500).prop_flat_map(|n| (Just(n), 0..=n, 1..=n))) {
        let error = error_in_epsilons(n, c, k);
        prop_assert!(error <= 4.0, "{} epsilons", error);
    }

    // Most tallies above are all but certain to pass; these are not.
    #[test]
    fn doubtful_tallies(
        (n, c, k) in (100u64..3_000).prop_flat_map(|n| (Just(n), 0..=n / 25, 1..=n / 25))
    ) {
        let error = error_in_epsilons(n, c, k);
        prop_assert!(error <= 4.0, "{} epsilons", error);
    }
}
