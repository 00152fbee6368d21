//! Programs judged per second, one at a time, by one warm worker.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use criterion::{Criterion, criterion_group, criterion_main};
use infer_code_cad::sandbox::{Limits, Sandbox, SandboxConfig, Submission, Tests};

fn execute(criterion: &mut Criterion) {
    let config = SandboxConfig { workers: 1, ..SandboxConfig::default() };
    let sandbox = Sandbox::start(&config).expect("python3 is installed");
    let limits = Limits::default();
    let program = "def f(xs):\n    return sorted(xs)[-1]\n";
    let mut group = criterion.benchmark_group("execute");
    for (name, asserts) in
        [("passed", "assert f([1, 3, 2]) == 3"), ("failed", "assert f([1]) == 2")]
    {
        let tests = Tests::new(asserts);
        let submission = Submission::new(program, &tests);
        group.bench_function(name, |bencher| {
            bencher.iter(|| sandbox.execute(&submission, &limits));
        });
    }
    group.finish();
}

criterion_group!(benches, execute);
criterion_main!(benches);
