//! How often the intervals hold the truth.
//!
//! A nominal 95 % must come to 93 to 97 %. By chance alone 2,000 experiments move it by .5 points (one standard
//! error), and 400 draws where the default is 10,000 lower a bootstrap's by about as much.

use infer_code_cad_metrics::{
    Bootstrap, Interval, clopper_pearson, differences, jeffreys, pass_at_k_of_each,
    student_interval, wilson,
};
use rand_chacha::ChaCha8Rng;

use crate::world::{MEAN_RATE, PROBLEMS, better, experiments, rates, sampled, uniform};

fn bootstrap(seed: u64) -> Bootstrap {
    Bootstrap { draws: 400, level: 0.95, seed }
}

/// The true mean pass@k over problems: `1 - E (1 - p)^k`, with the moments of a Beta(0.9, 0.3).
fn true_pass_at(k: u64) -> f64 {
    1.0 - (0..k).map(|j| (0.9 + j as f64) / (1.2 + j as f64)).product::<f64>()
}

/// The share of experiments whose interval holds `truth`.
fn coverage(truth: f64, interval: impl Fn(u64, &mut ChaCha8Rng) -> Interval) -> f64 {
    experiments(|seed, rng| interval(seed, rng).contains(truth))
}

fn assert_nominal(name: &str, coverage: f64) {
    println!("{name}: {:.2} %", 100.0 * coverage);
    assert!((0.93..=0.97).contains(&coverage), "{name} covers {coverage}");
}

#[test]
fn bootstraps_of_pass_at_1() {
    for n in [1, 10] {
        let values = |rng: &mut ChaCha8Rng| {
            let rates = rates(rng);
            pass_at_k_of_each(&sampled(&rates, n, rng), 1).expect("there are samples")
        };
        let percentile = |seed, rng: &mut ChaCha8Rng| {
            bootstrap(seed).percentile(&values(rng)).expect("the values are finite")
        };
        assert_nominal(&format!("percentile, pass@1 of {n}"), coverage(MEAN_RATE, percentile));
        let bca = |seed, rng: &mut ChaCha8Rng| {
            bootstrap(seed).bca(&values(rng)).expect("the values are finite")
        };
        assert_nominal(&format!("BCa, pass@1 of {n}"), coverage(MEAN_RATE, bca));
    }
}

#[test]
fn two_level_bootstraps() {
    for (n, k) in [(2, 1), (10, 1), (10, 10)] {
        let two_level = |seed, rng: &mut ChaCha8Rng| {
            let rates = rates(rng);
            bootstrap(seed).two_level(&sampled(&rates, n, rng), k).expect("there are samples")
        };
        assert_nominal(
            &format!("two-level, pass@{k} of {n}"),
            coverage(true_pass_at(k), two_level),
        );
    }
}

#[test]
fn bootstraps_of_pass_at_10() {
    let values = |rng: &mut ChaCha8Rng| {
        let rates = rates(rng);
        pass_at_k_of_each(&sampled(&rates, 10, rng), 10).expect("there are samples")
    };
    let percentile = |seed, rng: &mut ChaCha8Rng| {
        bootstrap(seed).percentile(&values(rng)).expect("the values are finite")
    };
    assert_nominal("percentile, pass@10 of 10", coverage(true_pass_at(10), percentile));
}

#[test]
fn paired_differences() {
    let gains = |rng: &mut ChaCha8Rng| {
        let rates = rates(rng);
        let first = pass_at_k_of_each(&sampled(&better(&rates, 0.2), 5, rng), 1)
            .expect("there are samples");
        let second = pass_at_k_of_each(&sampled(&rates, 5, rng), 1).expect("there are samples");
        differences(&first, &second).expect("the problems are the same")
    };
    let truth = 0.2 * (1.0 - MEAN_RATE);
    let paired = |seed, rng: &mut ChaCha8Rng| {
        bootstrap(seed).difference(&gains(rng)).expect("the values are finite")
    };
    assert_nominal("paired bootstrap", coverage(truth, paired));
    let student =
        |_, rng: &mut ChaCha8Rng| student_interval(&gains(rng), 0.95).expect("the gains differ");
    assert_nominal("Student", coverage(truth, student));
}

#[test]
fn intervals_of_a_rate() {
    let solved = |rng: &mut ChaCha8Rng| {
        rates(rng).into_iter().filter(|&rate| uniform(rng) < rate).count() as u64
    };
    let n = PROBLEMS as u64;
    let by = |interval: fn(u64, u64, f64) -> Result<Interval, _>| {
        coverage(MEAN_RATE, |_, rng| interval(solved(rng), n, 0.95).expect("the counts are valid"))
    };
    assert_nominal("Wilson", by(wilson));
    assert_nominal("Jeffreys", by(jeffreys));
    let exact = by(clopper_pearson);
    println!("Clopper-Pearson: {:.2} %", 100.0 * exact);
    assert!(
        (0.94..=0.98).contains(&exact),
        "Clopper-Pearson covers {exact}, at least 95 % in truth"
    );
}
