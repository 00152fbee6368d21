//! What is FAISS's own in `FaissIndex`: kinds, files, and what a kind cannot do.
#![cfg(feature = "faiss")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::process::Command;

use infer_code_cad_retrieval::ndarray::{Array2, Axis, array, s};
use infer_code_cad_retrieval::{
    FaissError, FaissIndex, FaissOptions, FlatConfig, FlatIndex, IndexError, Neighbor, VectorIndex,
};
use proptest::prelude::*;

const DIMENSION: usize = 16;

/// Exact, or with options that make them so for few vectors; the last two round.
const EXACT: [&str; 3] = ["Flat", "HNSW32", "IVF8,Flat"];
const ROUNDED: [&str; 3] = ["SQ8", "PQ4x4", "PCA8,IVF4,Flat"];

/// Vectors of length 1 from a linear congruence.
fn vectors(count: usize, seed: u64) -> Array2<f32> {
    let mut state = seed;
    let mut rows = Array2::from_shape_simple_fn((count, DIMENSION), || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    });
    for mut row in rows.rows_mut() {
        let norm = row.dot(&row).sqrt();
        row /= norm;
    }
    rows
}

fn ids(count: usize) -> Vec<i64> {
    (0..count as i64).map(|i| i * 3 + 5).collect()
}

fn index(kind: &str, rows: &Array2<f32>) -> FaissIndex {
    let mut index = FaissIndex::new(DIMENSION, kind, FaissOptions::default()).unwrap();
    index.train(rows.view()).unwrap();
    index.add(&ids(rows.nrows()), rows.view()).unwrap();
    index
}

fn by_hand(rows: &Array2<f32>, query: usize, queries: &Array2<f32>, top_k: usize) -> Vec<i64> {
    let scores = rows.dot(&queries.row(query));
    let mut order: Vec<usize> = (0..rows.nrows()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    order.into_iter().take(top_k).map(|i| ids(rows.nrows())[i]).collect()
}

#[test]
fn exact_kinds_find_what_plain_arithmetic_finds() {
    let (rows, queries) = (vectors(400, 1), vectors(50, 2));
    for kind in EXACT {
        let found = index(kind, &rows).search(queries.view(), 5).unwrap();
        for (query, found) in found.iter().enumerate() {
            let numbers: Vec<i64> = found.iter().map(|neighbor| neighbor.id).collect();
            assert_eq!(numbers, by_hand(&rows, query, &queries, 5), "{kind}, query {query}");
        }
    }
}

#[test]
fn an_answer_does_not_depend_on_the_other_queries() {
    let (rows, queries) = (vectors(400, 3), vectors(50, 4));
    for kind in EXACT.into_iter().chain(ROUNDED).filter(|kind| !kind.starts_with("PCA")) {
        let index = index(kind, &rows);
        let together = index.search(queries.view(), 7).unwrap();
        for (query, together) in queries.axis_chunks_iter(Axis(0), 1).zip(together) {
            assert_eq!(index.search(query, 7).unwrap(), [together], "{kind}");
        }
    }
}

#[test]
fn a_graph_is_the_same_whatever_the_threads() {
    let (rows, queries) = (vectors(2000, 5), vectors(200, 6));
    let (one, other) = (index("HNSW16", &rows), index("HNSW16", &rows));
    let found = |index: &FaissIndex| index.search(queries.view(), 20).unwrap();
    assert_eq!(found(&one), found(&other));
    let options = FaissOptions { parallel_build: true, ..FaissOptions::default() };
    let mut parallel = FaissIndex::new(DIMENSION, "HNSW16", options).unwrap();
    parallel.add(&ids(2000), rows.view()).unwrap();
    assert_eq!(parallel.len(), 2000);
}

#[test]
fn equal_scores_come_by_number_across_the_cut() {
    let mut rows = vectors(60, 7);
    for i in 10..60 {
        let first = rows.row(10).to_owned();
        rows.row_mut(i).assign(&first);
    }
    let query = rows.slice(s![10..11, ..]);
    for kind in EXACT {
        let index = index(kind, &rows);
        for top_k in [1, 3, 40, 60] {
            let found = index.search(query, top_k).unwrap().remove(0);
            let equal = found.iter().take(50).map(|neighbor| neighbor.id);
            let expected = ids(60).into_iter().skip(10).take(top_k);
            assert!(equal.eq(expected), "{kind}, {top_k}: {found:?}");
        }
    }
}

#[test]
fn files_of_each_kind_are_read_back_and_go_on() {
    let (rows, queries) = (vectors(400, 8), vectors(20, 9));
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("vectors.faiss");
    for kind in EXACT.into_iter().chain(ROUNDED) {
        let written = index(kind, &rows);
        written.write(&path).unwrap();
        let mut read = FaissIndex::read(&path, FaissOptions::default()).unwrap();
        let found = |index: &FaissIndex| index.search(queries.view(), 9).unwrap();
        assert_eq!(found(&read), found(&written), "{kind}");
        assert_eq!((read.len(), read.dimension()), (400, DIMENSION));
        let taken = read.add(&[5], rows.slice(s![..1, ..]));
        assert!(matches!(taken, Err(IndexError::DuplicateId { id: 5 })), "{kind}");
        read.add(&[1], rows.slice(s![..1, ..])).unwrap();
        assert_eq!(read.len(), 401);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "no temporary file stays");
    }
}

#[test]
fn damaged_files_are_errors() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("vectors.faiss");
    let read = || FaissIndex::read(&path, FaissOptions::default());
    assert!(matches!(read(), Err(IndexError::Faiss(FaissError::Io { .. }))));
    for kind in EXACT {
        index(kind, &vectors(40, 10)).write(&path).unwrap();
        let whole = fs::read(&path).unwrap();
        // Without its checksum, or with a part of it, the file is whole as FAISS has it.
        for length in (0..whole.len() - 32).step_by(1 + whole.len() / 300) {
            fs::write(&path, &whole[..length]).unwrap();
            let error = read().map(|_| kind).unwrap_err();
            let damaged = matches!(error, IndexError::Faiss(FaissError::Damaged { .. }));
            assert!(damaged, "{kind} cut to {length}: {error}");
        }
    }
    for kind in ["HNSW32", "IVF8,Flat"] {
        index(kind, &vectors(40, 10)).write(&path).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len() - 32).step_by(1 + whole.len() / 300) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x40;
            fs::write(&path, &flipped).unwrap();
            assert!(read().is_err(), "{kind} with another byte at {at}");
        }
    }
}

#[test]
fn what_a_kind_cannot_do_is_said() {
    let rows = vectors(400, 11);
    for kind in ["HNSW32", "IDMap2,IVF8,Flat"] {
        let removed = index(kind, &rows).remove(&[5]);
        assert!(matches!(removed, Err(IndexError::Unsupported { .. })), "{kind}: {removed:?}");
    }
    for kind in ["Flat", "IVF8,Flat", "SQ8"] {
        let mut index = index(kind, &rows);
        assert_eq!(index.remove(&[8, 5, 8, 1]).unwrap(), 2, "{kind}");
        assert_eq!((index.len(), index.vector(5).unwrap()), (398, None));
        let found = index.search(rows.slice(s![..3, ..]), 1).unwrap().concat();
        assert_eq!(found[2].id, 11, "{kind}");
        assert!(found[..2].iter().all(|neighbor| ![5, 8].contains(&neighbor.id)), "{kind}");
        index.add(&[5], rows.slice(s![..1, ..])).unwrap();
        assert_eq!(index.search(rows.slice(s![..1, ..]), 1).unwrap()[0][0].id, 5);
    }
    for kind in ["Flat", "HNSW32"] {
        let vector = index(kind, &rows).vector(8).unwrap().unwrap();
        assert_eq!(vector, rows.row(1).to_vec(), "{kind}");
    }
    let lists = index("IVF8,Flat", &rows);
    assert!(matches!(lists.vector(5), Err(IndexError::Unsupported { .. })));
    assert_eq!(lists.vector(6).unwrap(), None);
}

#[test]
fn bad_requests_are_named() {
    let made = |dimension, kind| FaissIndex::new(dimension, kind, FaissOptions::default());
    for (dimension, kind) in [
        (0, "Flat"),
        (16, "Nonsense"),
        (16, ""),
        (16, "PQ0"),
        (16, "IVF0,Flat"),
        (16, "PQ5"),
        (16, "a\0b"),
        (1 << 40, "Flat"),
    ] {
        let error = made(dimension, kind).unwrap_err();
        assert!(matches!(error, IndexError::Faiss(FaissError::Kind { .. })), "{kind:?}: {error}");
    }
    let mut lists = made(16, "IVF8,Flat").unwrap();
    assert!(!lists.is_trained());
    let rows = vectors(8, 12);
    let added = lists.add(&ids(8), rows.view());
    assert!(matches!(added, Err(IndexError::Faiss(FaissError::Untrained { .. }))), "{added:?}");
    let few = lists.train(rows.slice(s![..3, ..]));
    assert!(matches!(few, Err(IndexError::Faiss(FaissError::Native { .. }))), "{few:?}");
    let mut flat = made(16, "Flat").unwrap();
    let added = flat.add(&[-1], rows.slice(s![..1, ..]));
    assert!(matches!(added, Err(IndexError::Faiss(FaissError::ReservedId))));
    flat.add(&[-2, i64::MIN, i64::MAX], rows.slice(s![..3, ..])).unwrap();
    let found = flat.search(rows.slice(s![..3, ..]), 1).unwrap().concat();
    let numbers: Vec<i64> = found.iter().map(|neighbor| neighbor.id).collect();
    assert_eq!(numbers, [-2, i64::MIN, i64::MAX]);
    assert_eq!(flat.settings().to_string(), "faiss(kind=\"IDMap2,Flat\")");
    assert_eq!(lists.settings().to_string(), "faiss(kind=\"IVF8,Flat\",nprobe=8)");
    let unwritten = flat.write("/no/such/folder/vectors.faiss".as_ref());
    assert!(matches!(unwritten, Err(IndexError::Faiss(FaissError::Io { .. }))), "{unwritten:?}");
}

/// Vectors, some of them several times, under numbers of any order, and queries; values drawn by `value`.
fn case(
    value: impl Strategy<Value = f32> + Clone + 'static,
) -> impl Strategy<Value = (Array2<f32>, Vec<i64>, Array2<f32>)> {
    let matrix = move |rows: usize, dimension: usize| {
        let values = prop::collection::vec(value.clone(), rows * dimension);
        values.prop_map(move |values| Array2::from_shape_vec((rows, dimension), values).unwrap())
    };
    (1..70_usize, 1..40_usize, 1..60_usize, 1..25_usize).prop_flat_map(
        move |(dimension, kinds, count, queries)| {
            let copies = prop::collection::vec(0..kinds, count);
            let ids = prop::collection::btree_set(0..1000_i64, count).prop_map(Vec::from_iter);
            let kinds = matrix(kinds, dimension);
            (kinds, copies, ids.prop_shuffle(), matrix(queries, dimension)).prop_map(
                |(kinds, copies, ids, queries)| (kinds.select(Axis(0), &copies), ids, queries),
            )
        },
    )
}

/// What `FlatIndex` finds, and what FAISS's does.
fn both(
    rows: &Array2<f32>,
    ids: &[i64],
    queries: &Array2<f32>,
    top_k: usize,
) -> [Vec<Vec<Neighbor>>; 2] {
    let ours: Box<dyn VectorIndex> = Box::new(FlatIndex::new(rows.ncols(), FlatConfig::default()));
    let faiss = FaissIndex::new(rows.ncols(), "Flat", FaissOptions::default()).unwrap();
    [ours, Box::new(faiss)].map(|mut index| {
        index.add(ids, rows.view()).unwrap();
        index.search(queries.view(), top_k).unwrap()
    })
}

proptest! {
    /// Small whole numbers: every sum is exact, whatever its order, and many are equal.
    #[test]
    fn flat_is_faiss_flat_bit_for_bit_where_sums_are_exact(
        (rows, ids, queries) in case((-3..4_i8).prop_map(f32::from)),
        top_k in 1..80_usize,
    ) {
        let [ours, faiss] = both(&rows, &ids, &queries, top_k);
        prop_assert_eq!(&ours, &faiss);
        prop_assert!(ours.iter().all(|found| found.len() == top_k.min(ids.len())));
    }

    /// Any numbers: the two add up in another order, so scores that are nearer than their rounding may change places.
    #[test]
    fn flat_is_faiss_flat_up_to_rounding(
        (rows, ids, queries) in case(-1.0..1.0_f32),
        top_k in 1..80_usize,
    ) {
        let [ours, faiss] = both(&rows, &ids, &queries, top_k);
        let rounding = 2.0 * rows.ncols() as f32 * f32::EPSILON;
        for (query, (ours, faiss)) in queries.rows().into_iter().zip(ours.iter().zip(&faiss)) {
            prop_assert_eq!(ours.len(), faiss.len());
            for (our, their) in ours.iter().zip(faiss) {
                prop_assert!((our.score - their.score).abs() <= rounding);
                let row = ids.iter().position(|id| *id == our.id).unwrap();
                let apart = (rows.row(row).dot(&query) - their.score).abs();
                prop_assert!(our.id == their.id || apart <= 2.0 * rounding, "{our:?} {their:?}");
            }
        }
    }
}

/// Both ways between this crate and the faiss of an interpreter that `INFER_CODE_CAD_PYTHON_FAISS` names.
#[test]
fn python_reads_ours_and_we_read_pythons() {
    let Some(python) = std::env::var_os("INFER_CODE_CAD_PYTHON_FAISS") else {
        eprintln!("skipped: INFER_CODE_CAD_PYTHON_FAISS names no interpreter with faiss");
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let rows = vectors(400, 13);
    let values: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(at("rows.f32"), values).unwrap();
    let kinds = ["Flat", "HNSW32", "IVF8,Flat", "SQ8"];
    for kind in kinds {
        index(kind, &rows).write(&at(&format!("ours.{kind}"))).unwrap();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faiss_files.py");
    let mut command = Command::new(python);
    command.arg(script).arg(place.path()).args(kinds);
    assert!(command.status().unwrap().success());
    for kind in kinds {
        let path = at(&format!("theirs.{kind}"));
        let read = FaissIndex::read(&path, FaissOptions::default()).unwrap();
        let found = read.search(rows.view(), 3).unwrap();
        let expected = index(kind, &rows).search(rows.view(), 3).unwrap();
        assert_eq!(numbers(&found), numbers(&expected), "{kind}");
    }
    let euclidean = FaissIndex::read(&at("theirs.l2"), FaissOptions::default());
    assert!(matches!(euclidean, Err(IndexError::Faiss(FaissError::Metric { metric: 1, .. }))));
    let mut plain = FaissIndex::read(&at("theirs.plain"), FaissOptions::default()).unwrap();
    assert_eq!(plain.search(rows.slice(s![7..8, ..]), 1).unwrap()[0][0].id, 7);
    let added = plain.add(&[9000], array![[0.0; DIMENSION]].view());
    assert!(matches!(added, Err(IndexError::Unsupported { .. })), "{added:?}");
}

fn numbers(found: &[Vec<Neighbor>]) -> Vec<Vec<i64>> {
    found.iter().map(|row| row.iter().map(|neighbor| neighbor.id).collect()).collect()
}
