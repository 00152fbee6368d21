//! One decode step of the embedded model at 1, 8 and 64 rows, each 150 tokens into its stream.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use infer_code_cad::embedded;
use infer_code_cad::models::{KvCache, LogitRows, Step};

const CONTEXT: usize = 150;

fn decode_step(criterion: &mut Criterion) {
    let model = embedded::model().expect("the embedded model loads").causal_lm;
    let context: Vec<u32> = (0..CONTEXT as u32).map(|i| 10 + i % 900).collect();
    let mut root = model.new_cache();
    let mut logits = Vec::new();
    let step = Step { cache: root.as_mut(), tokens: &context, logits: LogitRows::None };
    model.forward(&mut [step], &mut logits).expect("the context fits");

    let mut group = criterion.benchmark_group("forward");
    for rows in [1, 8, 64] {
        let mut caches: Vec<Box<dyn KvCache>> = (0..rows).map(|_| root.fork()).collect();
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(BenchmarkId::new("tiny", rows), |bencher| {
            bencher.iter(|| {
                let mut batch: Vec<Step<'_>> = caches
                    .iter_mut()
                    .map(|cache| {
                        cache.truncate(CONTEXT);
                        Step { cache: cache.as_mut(), tokens: &[42], logits: LogitRows::Last }
                    })
                    .collect();
                model.forward(&mut batch, &mut logits)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode_step);
criterion_main!(benches);
