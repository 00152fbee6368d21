#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;

/// By Pascal's triangle over whole numbers.
fn dominance_by_counting(most: usize, second: usize) -> f64 {
    let throws = most + second + 1;
    let mut row = vec![1_u128];
    for _ in 0..throws {
        let inner = row.windows(2).map(|two| two[0] + two[1]);
        row = [1].into_iter().chain(inner).chain([1]).collect();
    }
    row[..=most].iter().sum::<u128>() as f64 / 2.0_f64.powi(i32::try_from(throws).unwrap())
}

#[test]
fn the_beta_integral_is_a_tail_of_coin_throws() {
    for most in 0..40 {
        for second in 0..=most {
            let (found, exact) = (dominance(most, second), dominance_by_counting(most, second));
            assert!((found - exact).abs() < 1e-14, "{most} {second}: {found} {exact}");
        }
    }
    assert_eq!(dominance(4, 0), 31.0 / 32.0);
    assert_eq!(dominance(7, 7), 0.5);
    assert!((dominance(5000, 5000) - 0.5).abs() < 1e-9, "no count overflows");
    // Normal approximation: (5000.5 - 4900.5) / sqrt(9901 / 4) = 2.0.
    assert!((dominance(5000, 4900) - 0.8426).abs() < 1e-3);
    assert_eq!(dominance(5000, 0), 1.0);
}

/// The probability of stopping after 1, 2, ... `most` drafts: over all counts that go on, the mass of each.
fn exact(stopping: Stopping, shares: &[f64], most: usize) -> Vec<f64> {
    let mut going = BTreeMap::from([(vec![0; shares.len()], 1.0)]);
    let mut stopped = Vec::new();
    for drafts in 1..=most {
        let (mut next, mut ends) = (BTreeMap::<Vec<usize>, f64>::new(), 0.0);
        for (counts, mass) in going {
            for (class, share) in shares.iter().enumerate() {
                let mut counts = counts.clone();
                counts[class] += 1;
                if drafts == most || stopping.is_reached(drafts, counts[0], &counts) {
                    ends += mass * share;
                } else {
                    *next.entry(counts).or_default() += mass * share;
                }
            }
        }
        stopped.push(ends);
        going = next;
    }
    stopped
}

/// Pearson's statistic of runs against what is expected, over cells of at least five, and the number of cells.
fn chi_square(found: &[usize], expected: &[f64]) -> (f64, usize) {
    let runs = found.iter().sum::<usize>() as f64;
    let mut cells = vec![(0.0, 0.0)];
    for (found, share) in found.iter().zip(expected) {
        let last = cells.last_mut().unwrap();
        (last.0, last.1) = (last.0 + *found as f64, last.1 + share * runs);
        if last.1 >= 5.0 {
            cells.push((0.0, 0.0));
        }
    }
    let rest = cells.pop().unwrap();
    let last = cells.last_mut().unwrap();
    (last.0, last.1) = (last.0 + rest.0, last.1 + rest.1);
    (cells.iter().map(|(found, mean)| (found - mean).powi(2) / mean).sum(), cells.len())
}

#[test]
fn runs_stop_as_often_as_they_must() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let shares = [0.55, 0.3, 0.15];
    for stopping in [
        Stopping::All,
        Stopping::First,
        Stopping::Doubling(0.75),
        Stopping::Beta(0.95),
        Stopping::Beta(0.8),
    ] {
        let expected = exact(stopping, &shares, 16);
        assert!((expected.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let mut found = vec![0; 16];
        for _ in 0..4000 {
            let mut counts = vec![0; 3];
            let drafts = (1..=16).find(|drafts| {
                let uniform = f64::from(rng.next_u32()) / 2.0_f64.powi(32);
                counts[usize::from(uniform >= 0.55) + usize::from(uniform >= 0.85)] += 1;
                *drafts == 16 || stopping.is_reached(*drafts, counts[0], &counts)
            });
            found[drafts.unwrap() - 1] += 1;
        }
        let (statistic, cells) = chi_square(&found, &expected);
        // Mean and five standard deviations of a chi-square of so many cells.
        let freedom = cells as f64 - 1.0;
        assert!(
            statistic <= freedom + 5.0 * (2.0 * freedom).sqrt() + 1e-9,
            "{stopping}: {statistic} of {cells}"
        );
    }
}

#[test]
fn the_exact_times_of_two_equal_classes() {
    // Two drafts agree with probability 1/2; the rest comes to four drafts, the last.
    let times = exact(Stopping::Doubling(0.75), &[0.5, 0.5], 4);
    assert_eq!(times, [0.0, 0.5, 0.0, 0.5]);
    // Four alike are 31/32; five with one against them are 120/128, so everything else comes to the last.
    let times = exact(Stopping::Beta(0.95), &[0.5, 0.5], 6);
    assert_eq!(times, [0.0, 0.0, 0.0, 0.125, 0.0, 0.875]);
    let geometric = exact(Stopping::First, &[0.25, 0.75], 3);
    assert_eq!(geometric, [0.25, 0.1875, 0.5625]);
}

#[test]
fn names_are_read_back_and_others_refused() {
    for stopping in [Stopping::All, Stopping::First, Stopping::Doubling(0.75), Stopping::Beta(0.5)]
    {
        assert_eq!(stopping.to_string().parse::<Stopping>().unwrap(), stopping);
    }
    for name in ["", "last", "all:1", "first:", "doubling", "doubling:x", "beta:"] {
        let message = name.parse::<Stopping>().unwrap_err().to_string();
        assert!(
            message.contains("expected all, first, doubling:SHARE or beta:PROBABILITY"),
            "{message}"
        );
    }
    for (name, complaint) in [
        ("doubling:0", "doubling of stop is 0, expected a share above 0 and at most 1"),
        ("doubling:NaN", "doubling of stop is NaN, expected a share above 0 and at most 1"),
        ("beta:1", "beta of stop is 1, expected a probability of at least 0.5 and below 1"),
    ] {
        assert_eq!(name.parse::<Stopping>().unwrap_err().to_string(), complaint);
    }
}

#[test]
fn an_order_of_classes_does_not_count() {
    for stopping in [Stopping::Doubling(0.75), Stopping::Beta(0.8)] {
        assert!(stopping.is_reached(4, 0, &[0, 3, 1]) && stopping.is_reached(4, 0, &[1, 3]));
        assert!(!stopping.is_reached(4, 0, &[2, 2]) && !stopping.is_reached(4, 0, &[]));
    }
    assert!(!Stopping::Beta(0.5).is_reached(3, 0, &[]), "who has no vote is no majority");
}
