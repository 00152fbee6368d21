//! The statistics of one comparison: pass@k, bootstraps and paired tests over MBPP's test split, 10 samples each.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use criterion::{Criterion, criterion_group, criterion_main};
use infer_code_cad::metrics::{
    Bootstrap, McNemar, SignFlip, Tally, differences, mean_pass_at_k, pass_at_k, pass_at_k_of_each,
    sign_flip_counts,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const PROBLEMS: usize = 500;
const SAMPLES: u64 = 10;

/// Problems most of which are hardly ever solved, as by a small model.
fn tallies(seed: u64) -> Vec<Tally> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
    let passes = |_| Tally { n: SAMPLES, c: (uniform().powi(4) * SAMPLES as f64) as u64 };
    (0..PROBLEMS).map(passes).collect()
}

fn pass_at(criterion: &mut Criterion) {
    let tallies = tallies(0);
    let mut group = criterion.benchmark_group("pass@k");
    group.bench_function("mean of pass@5", |bencher| bencher.iter(|| mean_pass_at_k(&tallies, 5)));
    group.bench_function("n = 1e9, c = k = 30,000", |bencher| {
        bencher.iter(|| pass_at_k(1_000_000_000, 30_000, 30_000));
    });
    group.finish();
}

fn bootstraps(criterion: &mut Criterion) {
    let tallies = tallies(0);
    let values = pass_at_k_of_each(&tallies, 1).expect("there are samples");
    let bootstrap = Bootstrap::default();
    let mut group = criterion.benchmark_group("bootstrap");
    group.sample_size(10);
    group.bench_function("percentile", |bencher| bencher.iter(|| bootstrap.percentile(&values)));
    group.bench_function("bca", |bencher| bencher.iter(|| bootstrap.bca(&values)));
    group.bench_function("two_level", |bencher| bencher.iter(|| bootstrap.two_level(&tallies, 1)));
    group.finish();
}

fn paired_tests(criterion: &mut Criterion) {
    let (first, second) = (tallies(0), tallies(1));
    let values = |tallies| pass_at_k_of_each(tallies, 1).expect("there are samples");
    let gains = differences(&values(&first), &values(&second)).expect("the problems are the same");
    let counts: Vec<i64> =
        first.iter().zip(&second).map(|(a, b)| a.c as i64 - b.c as i64).collect();
    let pairs = McNemar { first_only: 60, second_only: 41 };
    let mut group = criterion.benchmark_group("paired tests");
    group.sample_size(10);
    group.bench_function("sign_flip_counts", |bencher| bencher.iter(|| sign_flip_counts(&counts)));
    group.bench_function("sign flips drawn", |bencher| {
        bencher.iter(|| SignFlip::default().test(&gains));
    });
    group.bench_function("mcnemar", |bencher| bencher.iter(|| pairs.mid_p()));
    group.finish();
}

criterion_group!(benches, pass_at, bootstraps, paired_tests);
criterion_main!(benches);
