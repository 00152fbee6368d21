//! Products of the shapes of Llama 3.2 1B, by format and rows.
//!
//! All formats together take a while; name one: `cargo bench -p infer-code-cad-benches --bench kernels
//! -- Q8_0/head`.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use infer_code_cad_kernels::{Activations, Format, PackedMatrix, Pool, matmul};

const ROWS: [usize; 7] = [1, 2, 4, 8, 10, 20, 512];
/// (name, out_features, in_features)
const SHAPES: [(&str, usize, usize); 5] = [
    ("query_key_value", 3072, 2048),
    ("attention_output", 2048, 2048),
    ("gate_up", 16384, 2048),
    ("down", 2048, 8192),
    ("head", 128_256, 2048),
];

fn products(criterion: &mut Criterion) {
    let pool = Pool::new(std::thread::available_parallelism().map_or(1, usize::from));
    for format in Format::ALL {
        for (name, out_features, in_features) in SHAPES {
            let mut group = criterion.benchmark_group(format!("{format:?}/{name}"));
            group.sample_size(10).measurement_time(Duration::from_secs(1));
            let len = format.file_bytes(out_features, in_features).expect("whole blocks");
            group.throughput(Throughput::Bytes(len as u64));
            let mut matrix = None; // packed when the first benchmark of the group is not filtered out
            for rows in ROWS {
                let inputs: Vec<f32> = (0..rows * in_features)
                    .map(|i| ((i * 7919) % 255) as f32 / 127.0 - 1.0)
                    .collect();
                let mut out = Vec::new();
                group.bench_function(BenchmarkId::from_parameter(rows), |bencher| {
                    let matrix = matrix
                        .get_or_insert_with(|| packed(format, out_features, in_features, &pool));
                    let mut activations = Activations::default();
                    activations
                        .set(&inputs, in_features, format.encoding(), &pool)
                        .expect("whole rows");
                    out.resize(rows * out_features, 0.0);
                    bencher.iter(|| matmul(matrix, &activations, &mut out, &pool));
                });
            }
            group.finish();
        }
    }
}

/// Arbitrary weights, none of them infinite or subnormal.
fn packed(format: Format, out_features: usize, in_features: usize, pool: &Pool) -> PackedMatrix {
    let len = format.file_bytes(out_features, in_features).expect("whole blocks");
    let bytes: Vec<u8> = (0..len).map(|i| (i as u8).wrapping_mul(31) & 0x3f | 0x20).collect();
    PackedMatrix::pack(format, out_features, in_features, &bytes, pool).expect("the right length")
}

fn encoding(criterion: &mut Criterion) {
    let pool = Pool::new(1);
    let mut group = criterion.benchmark_group("activations");
    for rows in [1, 10, 512] {
        let inputs: Vec<f32> = (0..rows * 2048).map(|i| ((i * 7919) % 255) as f32).collect();
        let mut activations = Activations::default();
        group.throughput(Throughput::Elements(inputs.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(rows), |bencher| {
            let encoding = Format::Q8_0.encoding();
            bencher.iter(|| activations.set(&inputs, 2048, encoding, &pool));
        });
    }
    group.finish();
}

criterion_group!(benches, encoding, products);
criterion_main!(benches);
