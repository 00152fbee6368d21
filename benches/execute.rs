//! Programs judged, and looked at, per second: one at a time, by one warm worker of the full isolation.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use infer_code_cad::sandbox::{Limits, Probe, Sandbox, SandboxConfig, Submission, Tests};

const PROGRAM: &str = "def f(xs):\n    return sorted(xs)[-1]\n";

fn sandbox() -> Sandbox {
    let config = SandboxConfig { workers: 1, ..SandboxConfig::default() };
    Sandbox::start(&config).expect("python3 is installed, and the isolation can be had")
}

fn judge(criterion: &mut Criterion) {
    let (sandbox, limits) = (sandbox(), Limits::default());
    let mut group = criterion.benchmark_group("execute");
    for (name, asserts) in
        [("passed", "assert f([1, 3, 2]) == 3"), ("failed", "assert f([1]) == 2")]
    {
        let tests = Tests::new(asserts);
        let submission = Submission::new(PROGRAM, &tests);
        group.bench_function(name, |bencher| {
            bencher.iter(|| sandbox.execute(&submission, &limits));
        });
    }
    // Each call goes to the program and back.
    let calls = Tests::new("for x in range(1000):\n    assert f([x, 1, 2]) >= x");
    let submission = Submission::new(PROGRAM, &calls);
    group.bench_function("1000 calls", |bencher| {
        bencher.iter(|| sandbox.execute(&submission, &limits));
    });
    group.finish();
}

/// One load of the program, and a fork of it for each probe.
fn observe(criterion: &mut Criterion) {
    let (sandbox, limits) = (sandbox(), Limits::default());
    let mut group = criterion.benchmark_group("observe");
    for count in [1, 16] {
        let probes = vec![Probe::Value("f([1, 3, 2])"); count];
        group.bench_with_input(BenchmarkId::from_parameter(count), &probes, |bencher, probes| {
            bencher.iter(|| sandbox.observe(PROGRAM, probes, &limits));
        });
    }
    group.finish();
}

criterion_group!(benches, judge, observe);
criterion_main!(benches);
