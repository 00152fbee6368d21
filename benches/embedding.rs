//! One layer of an encoder of BGE-base's shape over a text of 512 tokens, its products, and what is between
//! them. A chunk takes twelve layers.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use infer_code_cad_kernels::{DenseFormat, DenseMatrix, DenseRows, Pool, SelfAttention};

const TOKENS: usize = 512;
const HIDDEN: usize = 768;
const INNER: usize = 3072;
const HEADS: usize = 12;
const FORMATS: [DenseFormat; 2] = [DenseFormat::F32, DenseFormat::Int8];
/// (name, out_features, in_features)
const PRODUCTS: [(&str, usize, usize); 4] = [
    ("query_key_value", 3 * HIDDEN, HIDDEN),
    ("attention_output", HIDDEN, HIDDEN),
    ("up", INNER, HIDDEN),
    ("down", HIDDEN, INNER),
];

/// Arbitrary numbers within ±1.
fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919) % 255) as f32 / 127.0 - 1.0).collect()
}

fn matrix(format: DenseFormat, outputs: usize, inputs: usize, pool: &Pool) -> DenseMatrix {
    let (weights, bias) = (numbers(outputs * inputs), numbers(outputs));
    DenseMatrix::pack(format, inputs, &weights, &bias, pool).expect("a shape that fits")
}

/// Rounds the rows and multiplies them.
fn multiply(matrix: &DenseMatrix, x: &[f32], rows: &mut DenseRows, pool: &Pool) -> Vec<f32> {
    let mut out = vec![0.0; x.len() / matrix.in_features() * matrix.out_features()];
    rows.set(matrix.format(), matrix.in_features(), x, pool).expect("whole rows");
    matrix.multiply(rows, &mut out, pool).expect("rows of this matrix");
    out
}

/// Softmax left out: the weights are the scores.
fn attend(qkv: &[f32], pool: &Pool) -> Vec<f32> {
    let mut out = vec![0.0; qkv.len() / 3];
    let text = SelfAttention { n_heads: HEADS, head_dim: HIDDEN / HEADS, qkv };
    let scale = |_, _, scores: &mut [f32]| scores.iter_mut().for_each(|x| *x *= 0.01);
    text.attend(&mut out, pool, scale).expect("a whole text");
    out
}

fn layers(criterion: &mut Criterion) {
    let pool = Pool::all_threads();
    let mut rows = DenseRows::default();
    let x = numbers(TOKENS * HIDDEN);
    let mut group = criterion.benchmark_group("embedding/layer");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    let products: usize = PRODUCTS.iter().map(|(_, outputs, inputs)| outputs * inputs).sum();
    let flop = 2 * TOKENS * (products + 2 * TOKENS * HIDDEN);
    group.throughput(Throughput::Elements(flop as u64));
    for format in FORMATS {
        let [qkv, output, up, down] =
            PRODUCTS.map(|(_, outputs, inputs)| matrix(format, outputs, inputs, &pool));
        group.bench_function(format!("{format:?}"), |bencher| {
            bencher.iter(|| {
                let attended = attend(&multiply(&qkv, &x, &mut rows, &pool), &pool);
                let mixed = multiply(&output, &attended, &mut rows, &pool);
                let mut inner = multiply(&up, &mixed, &mut rows, &pool);
                pool.gelu(&mut inner);
                multiply(&down, &inner, &mut rows, &pool)
            });
        });
    }
    group.finish();
}

fn products(criterion: &mut Criterion) {
    let pool = Pool::all_threads();
    let mut rows = DenseRows::default();
    for (name, outputs, inputs) in PRODUCTS {
        let mut group = criterion.benchmark_group(format!("embedding/{name}"));
        group.sample_size(10).measurement_time(Duration::from_secs(1));
        group.throughput(Throughput::Elements((2 * TOKENS * outputs * inputs) as u64));
        let x = numbers(TOKENS * inputs);
        for format in FORMATS {
            let matrix = matrix(format, outputs, inputs, &pool);
            group.bench_function(format!("{format:?}"), |bencher| {
                bencher.iter(|| multiply(&matrix, &x, &mut rows, &pool));
            });
        }
        group.finish();
    }
}

fn between(criterion: &mut Criterion) {
    let pool = Pool::all_threads();
    let mut group = criterion.benchmark_group("embedding/between");
    group.sample_size(10).measurement_time(Duration::from_secs(1));
    let qkv = numbers(TOKENS * 3 * HIDDEN);
    group.bench_function("attention", |bencher| bencher.iter(|| attend(&qkv, &pool)));
    let mut inner = numbers(TOKENS * INNER);
    group.bench_function("gelu", |bencher| bencher.iter(|| pool.gelu(&mut inner)));
    group.finish();
}

criterion_group!(benches, layers, products, between);
criterion_main!(benches);
