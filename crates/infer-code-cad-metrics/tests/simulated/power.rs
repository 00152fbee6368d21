//! How often tests find what is there, and what is not.

use infer_code_cad_metrics::{
    PairedDesign, SignFlip, Spread, Tally, differences, pass_at_k_of_each, sign_flip_counts,
    student_interval,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::world::{MEAN_RATE, PROBLEMS, better, experiments, rates, sampled};

const SAMPLES: u64 = 5;

/// Two techniques on the same new problems, of which the first solves the share `gain` of what the second misses.
fn pair(gain: f64, rng: &mut ChaCha8Rng) -> (Vec<Tally>, Vec<Tally>) {
    let rates = rates(rng);
    let first = sampled(&better(&rates, gain), SAMPLES, rng);
    (first, sampled(&rates, SAMPLES, rng))
}

fn gains((first, second): &(Vec<Tally>, Vec<Tally>)) -> Vec<f64> {
    let values = |tallies| pass_at_k_of_each(tallies, 1).expect("there are samples");
    differences(&values(first), &values(second)).expect("the problems are the same")
}

#[test]
fn the_planned_power_is_the_power() {
    let gain = 0.085;
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let pilots = (0..300).map(|_| {
        let (first, second) = pair(gain, &mut rng);
        Spread::of_differences(&first, &second).expect("there are samples")
    });
    let sum =
        pilots.fold((0.0, 0.0), |sum, s| (sum.0 + s.between / 300.0, sum.1 + s.within / 300.0));
    let spread = Spread { between: sum.0, within: sum.1 };
    let design = PairedDesign::new(PROBLEMS as u64, SAMPLES);
    let planned = design.power_at(&spread, gain * (1.0 - MEAN_RATE)).expect("the design is valid");
    let found = experiments(|_, rng| {
        let interval = student_interval(&gains(&pair(gain, rng)), 0.95).expect("the gains differ");
        !interval.contains(0.0)
    });
    println!("power: {planned:.3} planned, {found:.3} found");
    assert!((planned - found).abs() < 0.03 && planned > 0.7, "{planned} planned, {found} found");
}

#[test]
fn false_alarms_keep_to_the_level() {
    let counts = experiments(|_, rng| {
        let (first, second) = pair(0.0, rng);
        let differences: Vec<i64> = first
            .iter()
            .zip(&second)
            .map(|(first, second)| first.c as i64 - second.c as i64)
            .collect();
        sign_flip_counts(&differences).expect("the counts are small") <= 0.05
    });
    let drawn = experiments(|seed, rng| {
        let test = SignFlip { draws: 399, seed };
        test.test(&gains(&pair(0.0, rng))).expect("the gains are finite").p <= 0.05
    });
    println!("false alarms at 5 %: {counts:.4} exact, {drawn:.4} by draws");
    for share in [counts, drawn] {
        assert!((0.035..=0.06).contains(&share), "{share}");
    }
}

/// The planned standard error is the one that the means of experiments have.
#[test]
fn planned_standard_errors() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let experiment = |rng: &mut ChaCha8Rng| {
        let rates = rates(rng);
        sampled(&rates, 4, rng)
    };
    let pilots: Vec<Spread> = (0..200)
        .map(|_| Spread::of_rates(&experiment(&mut rng)).expect("there are samples"))
        .collect();
    let average = |of: fn(&Spread) -> f64| pilots.iter().map(of).sum::<f64>() / pilots.len() as f64;
    // The variance of Beta(0.3, 0.9) is m (1 - m) / 2.2; what is left of m (1 - m) is the samples'.
    let total = MEAN_RATE * (1.0 - MEAN_RATE);
    let (between, within) = (average(|spread| spread.between), average(|spread| spread.within));
    assert!((between / (total / 2.2) - 1.0).abs() < 0.05, "{between}");
    assert!((within / (total * 1.2 / 2.2) - 1.0).abs() < 0.05, "{within}");
}
