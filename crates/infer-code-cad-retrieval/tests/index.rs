//! The indexes of this crate, by the suite that every index passes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod index_suite;

use std::sync::Arc;

use index_suite::{random_unit, suite};
use infer_code_cad_retrieval::ndarray::{Array2, Axis, s};
use infer_code_cad_retrieval::{
    FlatConfig, FlatIndex, IndexError, Pool, ShardedIndex, VectorFormat, VectorIndex,
};
use proptest::prelude::*;

fn flat(dimension: usize) -> Box<dyn VectorIndex> {
    Box::new(FlatIndex::new(dimension, FlatConfig::default()))
}

fn sharded(n_shards: usize, dimension: usize) -> ShardedIndex {
    ShardedIndex::new((0..n_shards).map(|_| flat(dimension)).collect()).unwrap()
}

#[test]
fn a_flat_index() {
    suite(&flat);
}

#[test]
fn a_flat_index_that_scans_its_vectors() {
    suite(&|dimension| Box::new(FlatIndex::new(dimension, scans(VectorFormat::F32))));
}

#[test]
fn a_flat_index_that_scans_half_precision() {
    suite(&|dimension| Box::new(FlatIndex::new(dimension, scans(VectorFormat::F16))));
}

fn scans(format: VectorFormat) -> FlatConfig {
    FlatConfig { format, ..FlatConfig::default() }
}

/// Vectors of which many are as near to each other as half precision and bytes can tell, of lengths far apart.
fn close(rows: usize, dimension: usize, scale: f32, seed: u64) -> Array2<f32> {
    let (all, one) = (random_unit(rows, dimension, seed), random_unit(1, dimension, seed ^ 1));
    let near = |row: usize| if row.is_multiple_of(3) { 1.0 } else { 1e-3 };
    let length = |row: usize| [1.0, 1.0, 1e-20, 3e3, 1e6][row % 5] * scale;
    let value = |((row, i), x): ((usize, usize), &f32)| (one[[0, i]] + near(row) * x) * length(row);
    Array2::from_shape_vec((rows, dimension), all.indexed_iter().map(value).collect()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn copies_change_no_result(
        n in 1usize..400, dimension in 1usize..80, top_k in 1usize..12, removed in 0i64..40, seed: u64,
        scale in prop::sample::select(vec![1.0, 1e-22, 1e-27, 1e11]),
    ) {
        let (vectors, queries) = (close(n, dimension, scale, seed), close(9, dimension, scale, seed ^ 2));
        let ids: Vec<i64> = (0..n as i64).map(|id| id * 7 % 1009).collect();
        let (first, rest) = ids.split_at(n / 2);
        let search = |format, threads| {
            let pool = Arc::new(Pool::new(threads));
            let mut index = FlatIndex::new(dimension, FlatConfig { format, pool });
            index.add(first, vectors.slice(s![..n / 2, ..])).unwrap();
            index.search(queries.view(), top_k).unwrap(); // makes the copy
            index.add(rest, vectors.slice(s![n / 2.., ..])).unwrap();
            let whole = index.search(queries.view(), top_k).unwrap();
            index.remove(&(0..removed).collect::<Vec<_>>()).unwrap();
            (whole, index.search(queries.view(), top_k).unwrap())
        };
        let expected = search(VectorFormat::F32, 1);
        for format in VectorFormat::ALL {
            prop_assert_eq!(&search(format, 3), &expected, "{}", format);
        }
    }
}

/// Of a vector with a value of 1 bytes keep nothing below a hundredth; the other side of the product is kept whole.
#[test]
fn what_bytes_do_not_keep_is_found() {
    let rising = |i: usize| if i == 0 { 1.0 } else { i as f32 * 1e-5 };
    let axes = Array2::from_shape_fn((499, 500), |(row, i)| if row + 1 == i { 1.0 } else { 0.0 });
    let long = Array2::from_shape_fn((1, 500), |(_, i)| rising(i));
    let rows =
        Array2::from_shape_fn((499, 2), |(row, i)| if i == 0 { 1.0 } else { rising(row + 1) });
    let axis = Array2::from_shape_fn((1, 2), |(_, i)| i as f32);
    for (vectors, query) in [(axes, long), (rows, axis)] {
        let mut index = FlatIndex::new(query.ncols(), FlatConfig::default());
        index.add(&(0..499).collect::<Vec<_>>(), vectors.view()).unwrap();
        let found: Vec<i64> =
            index.search(query.view(), 3).unwrap()[0].iter().map(|found| found.id).collect();
        assert_eq!(found, [498, 497, 496]);
    }
}

#[test]
fn a_sharded_index() {
    suite(&|dimension| Box::new(sharded(3, dimension)));
}

#[test]
fn shards_find_what_one_index_finds() {
    let (vectors, queries) = (random_unit(200, 24, 1), random_unit(9, 24, 2));
    let mut one = flat(24);
    let mut shards = sharded(4, 24);
    for (i, vector) in vectors.outer_iter().enumerate() {
        let vector = vector.insert_axis(Axis(0));
        one.add(&[i as i64 * 3], vector).unwrap();
        shards.add(&[i as i64 * 3], vector).unwrap();
    }
    assert_eq!(shards.shards().iter().map(|s| s.len()).collect::<Vec<_>>(), [50; 4]);
    for top_k in [1, 7, 60, 300] {
        let expected = one.search(queries.view(), top_k).unwrap();
        assert_eq!(shards.search(queries.view(), top_k).unwrap(), expected);
    }
}

#[test]
fn shards_must_fit_together() {
    let error = ShardedIndex::new(vec![flat(2), flat(3)]).unwrap_err();
    assert!(matches!(error, IndexError::Dimension { index: 2, given: 3 }), "{error:?}");
    assert!(matches!(ShardedIndex::new(Vec::new()), Err(IndexError::NoShards)));
}
