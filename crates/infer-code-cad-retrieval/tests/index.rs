//! The indexes of this crate, by the suite that every index passes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod index_suite;

use index_suite::{random_unit, suite};
use infer_code_cad_retrieval::{FlatConfig, FlatIndex, IndexError, ShardedIndex, VectorIndex};

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
fn a_sharded_index() {
    suite(&|dimension| Box::new(sharded(3, dimension)));
}

#[test]
fn shards_find_what_one_index_finds() {
    let (vectors, queries) = (random_unit(200, 24, 1), random_unit(9, 24, 2));
    let mut one = flat(24);
    let mut shards = sharded(4, 24);
    for (i, vector) in vectors.outer_iter().enumerate() {
        let vector = vector.insert_axis(infer_code_cad_retrieval::ndarray::Axis(0));
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
