//! A whole forward pass: a decode step at several numbers of rows that share a prefix, and a prompt.
//!
//! The embedded model, and random weights of the shape of Llama 3.2 1B, which take some seconds to
//! make: `cargo bench -p infer-code-cad-benches --bench forward -- tiny` leaves them out.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::cell::LazyCell;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use infer_code_cad::checkpoint::TransformerConfig;
use infer_code_cad::embedded;
use infer_code_cad::engine::{CausalLm, KvCache, LogitRows, Step};
use infer_code_cad::native::{Format, NativeModel, NativeOptions};

fn tiny(criterion: &mut Criterion) {
    let model = embedded::model().expect("the embedded model loads").causal_lm;
    let mut group = criterion.benchmark_group("forward/tiny");
    decode_step(&mut group, &|| &*model, &[1, 8, 64], 150);
    group.finish();
}

fn llama(criterion: &mut Criterion) {
    let config = TransformerConfig::named("llama-3.2-1b").expect("a known shape");
    for format in [Format::Q8_0, Format::Q4_0, Format::Bf16] {
        let mut group = criterion.benchmark_group(format!("forward/llama-3.2-1b {format:?}"));
        group.sample_size(10).measurement_time(Duration::from_secs(4));
        // Made when the first benchmark of the group is not filtered out.
        let model = LazyCell::new(|| {
            let options = NativeOptions { weights: Some(format), ..NativeOptions::default() };
            NativeModel::random_with(&config, 0, &options).expect("the weights fit into memory")
        });
        decode_step(&mut group, &|| &*model, &[1, 2, 4, 8, 10, 20], 128);
        prefill(&mut group, &|| &*model, 512);
        group.finish();
    }
}

/// One token for each of some streams that share `context` tokens.
fn decode_step<'m>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    model: &dyn Fn() -> &'m dyn CausalLm,
    rows: &[usize],
    context: usize,
) {
    for &rows in rows {
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(BenchmarkId::new("step", rows), |bencher| {
            let (model, mut logits) = (model(), Vec::new());
            let mut root = model.new_cache();
            read(model, root.as_mut(), context, &mut logits);
            let mut caches: Vec<_> = (0..rows).map(|_| root.fork()).collect();
            bencher.iter(|| {
                let mut batch: Vec<Step<'_>> = caches
                    .iter_mut()
                    .map(|cache| {
                        cache.truncate(context);
                        Step { cache: cache.as_mut(), tokens: &[42], logits: LogitRows::Last }
                    })
                    .collect();
                model.forward(&mut batch, &mut logits)
            });
        });
    }
}

/// A prompt in one pass.
fn prefill<'m>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    model: &dyn Fn() -> &'m dyn CausalLm,
    tokens: usize,
) {
    group.throughput(Throughput::Elements(tokens as u64));
    group.bench_function(BenchmarkId::new("prefill", tokens), |bencher| {
        let (model, mut logits) = (model(), Vec::new());
        bencher.iter(|| read(model, model.new_cache().as_mut(), tokens, &mut logits));
    });
}

fn read(model: &dyn CausalLm, cache: &mut dyn KvCache, tokens: usize, logits: &mut Vec<f32>) {
    let tokens: Vec<u32> = (0..tokens as u32).map(|i| 10 + i % 900).collect();
    let step = Step { cache, tokens: &tokens, logits: LogitRows::Last };
    model.forward(&mut [step], logits).expect("the prompt fits");
}

criterion_group!(benches, tiny, llama);
criterion_main!(benches);
