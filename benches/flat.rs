//! Searches of a flat index of the paper's size: 44,007 vectors of 768 values, the best 5.
//!
//! `cargo bench -p infer-code-cad-benches --bench flat`

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use infer_code_cad_retrieval::ndarray::{Array2, s};
use infer_code_cad_retrieval::{FlatConfig, FlatIndex, VectorFormat, VectorIndex};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const DIMENSION: usize = 768;
const VECTORS: usize = 44_007;
const QUERIES: [usize; 3] = [1, 16, 164];

/// Random vectors of length 1; the directions are not even, which no product minds.
fn random_unit(rows: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let value = || rng.next_u32() as f32 / 2f32.powi(31) - 1.0;
    let mut vectors = Array2::from_shape_simple_fn((rows, DIMENSION), value);
    for mut vector in vectors.outer_iter_mut() {
        let length = vector.dot(&vector).sqrt();
        vector.mapv_inplace(|x| x / length);
    }
    vectors
}

fn search(criterion: &mut Criterion) {
    let (vectors, queries) = (random_unit(VECTORS, 1), random_unit(164, 2));
    let ids: Vec<i64> = (0..VECTORS as i64).collect();
    for format in VectorFormat::ALL {
        let config = FlatConfig { format, ..FlatConfig::default() };
        let mut index = FlatIndex::new(DIMENSION, config);
        index.add(&ids, vectors.view()).expect("finite vectors");
        let mut group = criterion.benchmark_group(format!("flat/{format}"));
        group.sample_size(20).measurement_time(Duration::from_secs(3));
        for n in QUERIES {
            group.throughput(Throughput::Elements((n * VECTORS) as u64));
            let queries = queries.slice(s![..n, ..]);
            group.bench_function(BenchmarkId::from_parameter(n), |bencher| {
                bencher.iter(|| index.search(queries, 5));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, search);
criterion_main!(benches);
