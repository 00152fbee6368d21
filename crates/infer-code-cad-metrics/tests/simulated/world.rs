//! Problems and samples to experiment on.

use infer_code_cad_metrics::Tally;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub(crate) const EXPERIMENTS: u64 = 2_000;
pub(crate) const PROBLEMS: usize = 100;
pub(crate) const MEAN_RATE: f64 = 0.25;

/// The share of experiments, each with a seed and a generator of its own, in which `holds`.
pub(crate) fn experiments(holds: impl Fn(u64, &mut ChaCha8Rng) -> bool) -> f64 {
    let run = |&seed: &u64| holds(seed, &mut ChaCha8Rng::seed_from_u64(seed + 1_000_000));
    (0..EXPERIMENTS).filter(run).count() as f64 / EXPERIMENTS as f64
}

/// The pass rates of a technique that solves the share `gain` of what another misses.
pub(crate) fn better(rates: &[f64], gain: f64) -> Vec<f64> {
    rates.iter().map(|rate| rate + gain * (1.0 - rate)).collect()
}

pub(crate) fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Jöhnk's method, which suits parameters below 1.
fn beta(a: f64, b: f64, rng: &mut ChaCha8Rng) -> f64 {
    loop {
        let (x, y) = (uniform(rng).powf(1.0 / a), uniform(rng).powf(1.0 / b));
        if x + y <= 1.0 && x + y > 0.0 {
            return x / (x + y);
        }
    }
}

/// The pass rates of new problems.
pub(crate) fn rates(rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..PROBLEMS).map(|_| beta(0.3, 0.9, rng)).collect()
}

/// Samples of every problem.
pub(crate) fn sampled(rates: &[f64], n: u64, rng: &mut ChaCha8Rng) -> Vec<Tally> {
    let mut passes = |rate: f64| (0..n).filter(|_| uniform(rng) < rate).count() as u64;
    rates.iter().map(|&rate| Tally { n, c: passes(rate) }).collect()
}
