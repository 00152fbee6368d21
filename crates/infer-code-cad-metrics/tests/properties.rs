//! What holds for any problems: their order does not matter, and what is not defined is refused by name.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use infer_code_cad_metrics::{
    Bootstrap, McNemar, MetricError, PairedDesign, SignFlip, Spread, Tally, avg_at_n,
    clopper_pearson, exclusion_bound, holm, jeffreys, mean_pass_at_k, mean_pass_hat_k, pass_at_k,
    pass_hat_k, sign_flip_counts, student_interval, wilson,
};
use proptest::prelude::*;

const BOOTSTRAP: Bootstrap = Bootstrap { draws: 200, level: 0.95, seed: 0 };

fn tallies(least: u64) -> impl Strategy<Value = Vec<Tally>> {
    let tally = (least..30).prop_flat_map(|n| (Just(n), 0..=n)).prop_map(|(n, c)| Tally { n, c });
    prop::collection::vec(tally, 2..40)
}

fn near(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-12 * left.abs().max(1.0)
}

#[test]
fn no_problems_are_an_error_everywhere() {
    assert_eq!(mean_pass_hat_k(&[], 1), Err(MetricError::Empty));
    assert_eq!(avg_at_n(&[]), Err(MetricError::Empty));
    assert_eq!(BOOTSTRAP.bca(&[]), Err(MetricError::Empty));
    assert_eq!(BOOTSTRAP.two_level(&[], 1), Err(MetricError::Empty));
    assert_eq!(BOOTSTRAP.difference(&[]), Err(MetricError::Empty));
    assert_eq!(clopper_pearson(0, 0, 0.95), Err(MetricError::Empty));
    assert_eq!(jeffreys(0, 0, 0.95), Err(MetricError::Empty));
    assert_eq!(McNemar::of(&[], &[]), Err(MetricError::Empty));
    assert_eq!(Spread::of_differences(&[], &[]), Err(MetricError::Empty));
    assert_eq!(exclusion_bound(&[], 0.05), Err(MetricError::Empty));
    assert_eq!(holm(&[]), Err(MetricError::Empty));
}

#[test]
fn what_cannot_be_paired_or_split_is_an_error() {
    let two = [Tally { n: 2, c: 1 }; 2];
    let lengths = MetricError::Lengths { first: 2, second: 1 };
    assert_eq!(Spread::of_differences(&two, &two[1..]), Err(lengths.clone()));
    assert_eq!(McNemar::of(&[true, false], &[true]), Err(lengths));
    assert_eq!(Spread::of_rates(&two[1..]), Err(MetricError::OneProblem));
    let one_sample = [two[0], Tally { n: 1, c: 1 }];
    assert_eq!(Spread::of_rates(&one_sample), Err(MetricError::OneSample { problem: 1 }));
}

#[test]
fn holm_refuses_no_probability_and_no_second_of_a_name() {
    let error = holm(&[("a", 0.1), ("b", 1.5)]).expect_err("1.5 is no probability");
    assert_eq!(error.to_string(), "the p-value of b is 1.5, expected 0 <= p <= 1");
    assert!(matches!(holm(&[("a", f64::NAN)]), Err(MetricError::Contrast { .. })));
    assert!(matches!(holm(&[("a", 0.1), ("a", 0.2)]), Err(MetricError::DuplicateName { .. })));
}

#[test]
fn differences_that_are_all_equal_have_a_bound() {
    let at = |value: f64| BOOTSTRAP.difference(&[value; 50]).expect("the values are finite");
    let unseen = wilson(0, 50, 0.95).expect("the counts are valid").high;
    assert_eq!((at(0.0).low, at(0.0).high), (-unseen, unseen));
    assert_eq!(at(1.0).high, 1.0);
    assert_eq!(at(-1.0).low, -1.0);
    assert_eq!((at(7.0).low, at(7.0).high), (7.0, 7.0), "no bound is known beyond [-1, 1]");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_of_problems_does_not_matter(
        (problems, shuffled) in tallies(2).prop_flat_map(|t| (Just(t.clone()), Just(t).prop_shuffle()))
    ) {
        for k in [1, 2] {
            prop_assert!(near(mean_pass_at_k(&problems, k).unwrap(), mean_pass_at_k(&shuffled, k).unwrap()));
            prop_assert!(near(mean_pass_hat_k(&problems, k).unwrap(), mean_pass_hat_k(&shuffled, k).unwrap()));
        }
        let (spread, other) = (Spread::of_rates(&problems).unwrap(), Spread::of_rates(&shuffled).unwrap());
        prop_assert!(near(spread.between, other.between) && near(spread.within, other.within));
        let counts = |tallies: &[Tally]| tallies.iter().map(|t| t.c as i64 - 9).collect::<Vec<_>>();
        let p = sign_flip_counts(&counts(&problems)).unwrap();
        prop_assert!(near(p, sign_flip_counts(&counts(&shuffled)).unwrap()));
    }

    #[test]
    fn all_of_k_is_rarer_than_one_of_k(n in 1u64..5_000, c in 0.0..=1.0f64, k in 0.0..1.0f64) {
        let (c, k) = ((c * n as f64) as u64, 1 + (k * n as f64) as u64);
        let (any, all) = (pass_at_k(n, c, k).unwrap(), pass_hat_k(n, c, k).unwrap());
        let rate = c as f64 / n as f64;
        prop_assert!((0.0..=1.0).contains(&all));
        prop_assert!(all <= rate + 1e-15 && rate <= any + 1e-15);
        if k < n {
            prop_assert!(pass_hat_k(n, c, k + 1).unwrap() <= all + 1e-13);
        }
        if n < 1_000 {
            prop_assert!(near(all, 1.0 - pass_at_k(n, n - c, k).unwrap()));
        }
    }

    #[test]
    fn intervals_are_ordered_and_within_what_is_possible(problems in tallies(1)) {
        let rates: Vec<f64> = problems.iter().map(|t| t.c as f64 / t.n as f64).collect();
        for interval in [BOOTSTRAP.bca(&rates), BOOTSTRAP.two_level(&problems, 1)] {
            let interval = interval.unwrap();
            prop_assert!(0.0 <= interval.low && interval.low <= interval.high && interval.high <= 1.0);
        }
        prop_assert_eq!(BOOTSTRAP.two_level(&problems, 1), BOOTSTRAP.two_level(&problems, 1));
    }

    #[test]
    fn exact_intervals_hold_the_others(n in 1u64..3_000, share in 0.0..=1.0f64) {
        let successes = (share * n as f64) as u64;
        let (exact, middle) = (clopper_pearson(successes, n, 0.9).unwrap(), jeffreys(successes, n, 0.9).unwrap());
        prop_assert!(exact.low <= middle.low && middle.high <= exact.high);
        prop_assert!(middle.contains(successes as f64 / n as f64));
        let mirrored = jeffreys(n - successes, n, 0.9).unwrap();
        prop_assert!((mirrored.low - (1.0 - middle.high)).abs() < 1e-12);
    }

    #[test]
    fn not_a_number_is_refused_wherever_it_stands(
        mut values in prop::collection::vec(-1.0..1.0f64, 2..20), at in any::<prop::sample::Index>()
    ) {
        let index = at.index(values.len());
        values[index] = f64::NAN;
        let refused = |error: Option<MetricError>| {
            matches!(error, Some(MetricError::NotFinite { index: found, .. }) if found == index)
        };
        prop_assert!(refused(BOOTSTRAP.bca(&values).err()));
        prop_assert!(refused(BOOTSTRAP.difference(&values).err()));
        prop_assert!(refused(SignFlip::default().test(&values).err()));
        prop_assert!(refused(student_interval(&values, 0.95).err()));
    }

    #[test]
    fn holm_never_lowers_a_p_and_keeps_their_order(p in prop::collection::vec(0.0..=1.0f64, 1..12)) {
        let names: Vec<String> = (0..p.len()).map(|i| i.to_string()).collect();
        let contrasts: Vec<_> = names.iter().map(String::as_str).zip(p).collect();
        let adjusted = holm(&contrasts).unwrap();
        for one in &adjusted {
            prop_assert!(one.p <= one.adjusted && one.adjusted <= 1.0);
            for other in &adjusted {
                prop_assert!(one.p > other.p || one.adjusted <= other.adjusted);
            }
        }
    }

    #[test]
    fn four_times_the_problems_find_half_the_difference(
        between in 0.0..0.3f64, within in 0.01..0.5f64, problems in 1u64..1_000, samples in 1u64..50
    ) {
        let spread = Spread { between, within };
        let smallest = |problems| PairedDesign::new(problems, samples).smallest_detectable(&spread).unwrap();
        prop_assert!(near(smallest(problems), 2.0 * smallest(4 * problems)));
    }
}
