//! What every kind of index must do: call [`suite`] with a way to make an empty one.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test binary uses a part")]

use infer_code_cad_retrieval::ndarray::{Array2, ArrayView2, Axis, array, s};
use infer_code_cad_retrieval::{IndexError, Neighbor, VectorIndex};

/// Makes an empty index for vectors of a dimension.
pub type Make<'a> = &'a dyn Fn(usize) -> Box<dyn VectorIndex>;

/// All checks, on an index that is exact.
pub fn suite(make: Make<'_>) {
    finds_what_comparing_all_finds(make);
    many_queries_are_one_by_one(make);
    equal_scores_come_by_number(make);
    removed_vectors_are_gone(make);
    vectors_come_back_as_they_are(make);
    refuses_bad_vectors_and_stays_as_it_was(make);
    refuses_bad_queries(make);
    an_empty_index_finds_nothing(make);
    settings_are_read_back(make);
}

/// Pseudo-random values in -1..1, the same everywhere.
pub fn random(rows: usize, dimension: usize, seed: u64) -> Array2<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    Array2::from_shape_simple_fn((rows, dimension), || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    })
}

/// Random vectors of length 1.
pub fn random_unit(rows: usize, dimension: usize, seed: u64) -> Array2<f32> {
    let mut vectors = random(rows, dimension, seed);
    for mut vector in vectors.outer_iter_mut() {
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.mapv_inplace(|x| x / length);
    }
    vectors
}

/// Small whole numbers: their inner products are exact in f32, and many are equal.
fn whole(rows: usize, dimension: usize, seed: u64) -> Array2<f32> {
    random(rows, dimension, seed).mapv(|x| (x * 3.0).round())
}

/// The numbers and scores that comparing all in f64 finds.
pub fn brute_force(
    ids: &[i64],
    vectors: &Array2<f32>,
    query: &[f32],
    top_k: usize,
) -> Vec<(i64, f64)> {
    let dot = |vector: &[f32]| -> f64 {
        vector.iter().zip(query).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>() + 0.0
    };
    let mut all: Vec<_> =
        ids.iter().zip(vectors.outer_iter()).map(|(&id, v)| (id, dot(&v.to_vec()))).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(top_k);
    all
}

fn ids_of(found: &[Neighbor]) -> Vec<i64> {
    found.iter().map(|neighbor| neighbor.id).collect()
}

fn finds_what_comparing_all_finds(make: Make<'_>) {
    for (dimension, n) in [(1, 3), (17, 40), (64, 500)] {
        let mut index = make(dimension);
        let vectors = whole(n, dimension, 1);
        let ids: Vec<i64> = (0..n as i64).map(|i| (i * 7) % n as i64 + 5).collect();
        let half = n / 2;
        index.add(&ids[..half], vectors.slice(s![..half, ..])).unwrap();
        index.add(&ids[half..], vectors.slice(s![half.., ..])).unwrap();
        assert_eq!((index.len(), index.dimension(), index.is_empty()), (n, dimension, false));
        let queries = whole(6, dimension, 2);
        for top_k in [1, 5, n, n + 10, usize::MAX] {
            let found = index.search(queries.view(), top_k).unwrap();
            assert_eq!(found.len(), 6);
            for (found, query) in found.iter().zip(queries.outer_iter()) {
                let expected = brute_force(&ids, &vectors, &query.to_vec(), top_k);
                let found: Vec<_> = found.iter().map(|n| (n.id, f64::from(n.score))).collect();
                assert_eq!(found, expected, "the best {top_k} of {n} vectors of {dimension}");
            }
        }
    }
}

fn many_queries_are_one_by_one(make: Make<'_>) {
    let mut index = make(48);
    let ids: Vec<i64> = (0..300).collect();
    index.add(&ids, random_unit(300, 48, 3).view()).unwrap();
    let queries = random_unit(37, 48, 4);
    let together = index.search(queries.view(), 4).unwrap();
    for (query, expected) in queries.axis_chunks_iter(Axis(0), 1).zip(&together) {
        assert_eq!(index.search(query, 4).unwrap().concat(), *expected);
    }
    // A view that is not row after row.
    let columns = queries.t().as_standard_layout().into_owned();
    assert_eq!(index.search(columns.t(), 4).unwrap(), together);
}

fn equal_scores_come_by_number(make: Make<'_>) {
    let mut index = make(2);
    let ids = [30, 10, 20, 40, 5];
    let vectors = array![[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 1.0]];
    index.add(&ids, vectors.view()).unwrap();
    let found = index.search(array![[1.0, 0.0], [-1.0, 0.0], [0.0, -0.0]].view(), 3).unwrap();
    assert_eq!(ids_of(&found[0]), [40, 10, 20]);
    assert_eq!(ids_of(&found[1]), [5, 10, 20]);
    assert_eq!(ids_of(&found[2]), [5, 10, 20]);
}

fn removed_vectors_are_gone(make: Make<'_>) {
    let mut index = make(8);
    let (ids, vectors) = (Vec::from_iter(0..20), random_unit(20, 8, 5));
    index.add(&ids, vectors.view()).unwrap();
    match index.remove(&[3, 0, 19, 3, 77]) {
        Ok(removed) => assert_eq!(removed, 3),
        Err(IndexError::Unsupported { .. }) => return,
        Err(error) => panic!("{error}"),
    }
    assert_eq!((index.len(), index.remove(&[]).unwrap()), (17, 0));
    assert_eq!(index.vector(3).unwrap(), None);
    let kept: Vec<i64> = ids.into_iter().filter(|id| ![0, 3, 19].contains(id)).collect();
    let query = vectors.slice(s![3..4, ..]);
    let mut found = ids_of(&index.search(query, 20).unwrap()[0]);
    found.sort_unstable();
    assert_eq!(found, kept);
    index.add(&[3], query).unwrap(); // the number is free again
    assert_eq!(index.search(query, 1).unwrap()[0][0].id, 3);
}

fn vectors_come_back_as_they_are(make: Make<'_>) {
    let mut index = make(5);
    let vectors = whole(3, 5, 6);
    index.add(&[1 << 40, 2, 0], vectors.view()).unwrap();
    for (id, vector) in [1 << 40, 2, 0].into_iter().zip(vectors.outer_iter()) {
        assert_eq!(index.vector(id).unwrap(), Some(vector.to_vec()));
    }
    assert_eq!(index.vector(1).unwrap(), None);
}

fn refuses_bad_vectors_and_stays_as_it_was(make: Make<'_>) {
    let mut index = make(2);
    index.add(&[1], array![[1.0, 0.0]].view()).unwrap();
    let two = array![[1.0, 0.0], [0.0, 1.0]];
    let mut refuses = |ids: &[i64], vectors: ArrayView2<'_, f32>, is: fn(&IndexError) -> bool| {
        let error = index.add(ids, vectors).unwrap_err();
        assert!(is(&error), "{error:?}");
        assert_eq!((index.len(), index.vector(2).unwrap()), (1, None));
        assert_eq!(ids_of(&index.search(array![[0.0, 1.0]].view(), 9).unwrap()[0]), [1]);
    };
    refuses(&[2, 1], two.view(), |e| matches!(e, IndexError::DuplicateId { id: 1 }));
    refuses(&[2, 2], two.view(), |e| matches!(e, IndexError::DuplicateId { id: 2 }));
    refuses(&[2], two.view(), |e| matches!(e, IndexError::Ids { ids: 1, vectors: 2 }));
    let three = Array2::zeros((1, 3));
    refuses(&[2], three.view(), |e| matches!(e, IndexError::Dimension { index: 2, given: 3 }));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let vectors = array![[1.0, 0.0], [0.0, bad]];
        refuses(&[2, 3], vectors.view(), |e| matches!(e, IndexError::NotFinite { row: 1, .. }));
    }
    index.add(&[], Array2::zeros((0, 2)).view()).unwrap();
    assert_eq!(index.len(), 1);
}

fn refuses_bad_queries(make: Make<'_>) {
    let mut index = make(2);
    index.add(&[1], array![[1.0, 0.0]].view()).unwrap();
    let error = index.search(array![[1.0]].view(), 1).unwrap_err();
    assert!(matches!(error, IndexError::Dimension { index: 2, given: 1 }), "{error:?}");
    let error = index.search(array![[1.0, 1.0]].view(), 0).unwrap_err();
    assert!(matches!(error, IndexError::ZeroTopK), "{error:?}");
    let error = index.search(array![[1.0, 1.0], [f32::NAN, 1.0]].view(), 1).unwrap_err();
    assert!(matches!(error, IndexError::NotFinite { row: 1, .. }), "{error:?}");
    assert_eq!(index.search(Array2::zeros((0, 2)).view(), 1).unwrap(), Vec::<Vec<_>>::new());
}

fn an_empty_index_finds_nothing(make: Make<'_>) {
    let index = make(3);
    assert!(index.is_empty());
    assert_eq!(index.search(Array2::ones((2, 3)).view(), 4).unwrap(), [[], []]);
    assert_eq!(index.vector(0).unwrap(), None);
}

fn settings_are_read_back(make: Make<'_>) {
    let settings = make(3).settings();
    assert_eq!(settings.to_string().parse(), Ok(settings));
}
