//! Files of vectors: FAISS's own, byte for byte, and NumPy's; damaged ones are errors.
//!
//! With INFER_CODE_CAD_PYTHON_FAISS naming a Python that has faiss, files also go there and back.
#![allow(clippy::unwrap_used, reason = "tests")]

mod index_suite;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use index_suite::random_unit;
use infer_code_cad_retrieval::ndarray::{Array2, array};
use infer_code_cad_retrieval::{
    FlatConfig, FlatIndex, IndexError, Pool, VectorFileError, VectorFormat, VectorIndex, read_npy,
    write_npy,
};
use proptest::prelude::*;
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/vectors").join(name)
}

/// Without threads to start for each file.
fn alone() -> FlatConfig {
    FlatConfig { pool: Arc::new(Pool::new(1)), ..FlatConfig::default() }
}

fn open(path: &Path) -> Result<FlatIndex, VectorFileError> {
    FlatIndex::open(path, alone())
}

fn load(path: &Path) -> Result<FlatIndex, VectorFileError> {
    FlatIndex::load(path, alone())
}

fn written(dir: &TempDir, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join("vectors");
    fs::write(&path, bytes).unwrap();
    path
}

/// The vectors of the fixtures.
fn vectors() -> Array2<f32> {
    Array2::from_shape_fn((3, 5), |(i, j)| ((i * 5 + j) as f32 - 7.0) / 4.0)
}

fn saved(index: &FlatIndex) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("index.faiss");
    index.save(&path).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "a part is left over");
    fs::read(path).unwrap()
}

#[test]
fn files_are_those_of_faiss_byte_for_byte() {
    for (name, ids) in [("flat.faiss", [0, 1, 2]), ("numbered.faiss", [40, -2, 7])] {
        let mut index = FlatIndex::new(5, FlatConfig::default());
        index.add(&ids, vectors().view()).unwrap();
        assert!(saved(&index) == fs::read(fixture(name)).unwrap(), "{name}");
    }
}

#[test]
fn every_kind_of_file_is_read() {
    let mut units = vectors();
    for mut vector in units.outer_iter_mut() {
        let length = vector.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
        vector.mapv_inplace(|x| (f64::from(x) / length) as f32);
    }
    let (zero, own) = ([0, 1, 2], [40, -2, 7]);
    for (name, ids, expected) in [
        ("flat.faiss", zero, &vectors()),
        ("numbered.faiss", own, &vectors()),
        ("numbered2.faiss", own, &vectors()),
        ("distance.faiss", zero, &units),
        ("matrix.npy", zero, &vectors()),
        ("half.npy", zero, &vectors()),
        ("double.npy", zero, &vectors()),
    ] {
        for index in [open(&fixture(name)).unwrap(), load(&fixture(name)).unwrap()] {
            assert_eq!((index.ids(), index.dimension()), (&ids[..], 5), "{name}");
            for (id, vector) in ids.into_iter().zip(expected.outer_iter()) {
                assert_eq!(index.vector(id).unwrap(), Some(vector.to_vec()), "{name}");
            }
            let best = index.search(array![[0.0, 0.0, 0.0, 0.0, 9.0]].view(), 1).unwrap();
            // By direction the vector in the middle is nearer than the longest one.
            assert_eq!(best[0][0].id, ids[if *expected == units { 1 } else { 2 }], "{name}");
        }
    }
}

#[test]
fn other_files_are_refused_with_a_reason() {
    let dir = TempDir::new().unwrap();
    let message = |path: &Path| open(path).unwrap_err().to_string();
    let hnsw = message(&fixture("hnsw.faiss"));
    assert!(hnsw.contains("begins with \"IHNf\"") && hnsw.contains("feature faiss"), "{hnsw}");
    let columns = message(&fixture("columns.npy"));
    assert!(columns.contains("fortran_order is True"), "{columns}");
    assert!(message(&dir.path().join("none")).contains("No such file"));
    assert!(message(dir.path()).contains(dir.path().to_str().unwrap()));
    assert!(message(&written(&dir, b"")).contains("the kind of index needs 4 bytes where 0"));
    for (shape, dtype) in [("(3,)", "<f4"), ("(1, 0)", "<f4"), ("(1, 1)", "<i4"), ("(1, 1)", ">f4")]
    {
        let text = format!("{{'shape': {shape}, 'fortran_order': False, 'descr': '{dtype}'}}\n");
        let header = [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..]].concat();
        let path = written(&dir, &[&header, text.as_bytes(), &[0; 4]].concat());
        assert!(matches!(read_npy(&path), Err(VectorFileError::Field { .. })), "{shape} {dtype}");
    }
}

#[test]
fn lengths_that_lie_cost_neither_memory_nor_a_panic() {
    let dir = TempDir::new().unwrap();
    let flat = fs::read(fixture("numbered.faiss")).unwrap();
    // Every byte of the headers and counts, with all its bits set and with its highest bit changed.
    for (at, change) in (0..flat.len()).flat_map(|at| [(at, 0xff), (at, flat[at] ^ 0x80)]) {
        let mut bytes = flat.clone();
        bytes[at] = change;
        let _ = open(&written(&dir, &bytes));
    }
    let mut huge = fs::read(fixture("flat.faiss")).unwrap();
    huge[8..16].copy_from_slice(&(1u64 << 60).to_le_bytes());
    huge[37..45].copy_from_slice(&(5u64 << 60).to_le_bytes());
    let error = load(&written(&dir, &huge)).unwrap_err();
    assert!(matches!(error, VectorFileError::Length { what: "the vectors", .. }), "{error}");
}

#[test]
fn what_is_cut_short_or_goes_on_is_an_error() {
    let dir = TempDir::new().unwrap();
    for name in ["flat.faiss", "numbered.faiss", "matrix.npy"] {
        let whole = fs::read(fixture(name)).unwrap();
        for len in 0..whole.len() {
            let path = written(&dir, &whole[..len]);
            assert!(open(&path).is_err() && load(&path).is_err(), "{len} bytes of {name}");
        }
        let path = written(&dir, &[&whole[..], b"x"].concat());
        assert!(matches!(open(&path), Err(VectorFileError::Length { left: 1, .. })), "{name}");
    }
}

#[test]
fn what_an_index_cannot_hold_is_refused_when_read() {
    let dir = TempDir::new().unwrap();
    let mut twice = fs::read(fixture("numbered.faiss")).unwrap();
    let end = twice.len();
    twice.copy_within(end - 8.., end - 16);
    let error = open(&written(&dir, &twice)).unwrap_err();
    assert!(matches!(error, VectorFileError::DuplicateId { id: 7, .. }), "{error}");
    let mut nan = fs::read(fixture("flat.faiss")).unwrap();
    nan[45 + 20..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let path = written(&dir, &nan);
    assert!(matches!(load(&path), Err(VectorFileError::NotFinite { row: 1, .. })));
    let found = open(&path).unwrap().search(Array2::ones((1, 5)).view(), 3).unwrap();
    assert_eq!(found[0].iter().map(|neighbor| neighbor.id).collect::<Vec<_>>(), [2, 0]);
}

#[test]
fn a_file_that_shrinks_is_an_error_and_one_that_is_replaced_is_not() {
    let dir = TempDir::new().unwrap();
    let path = written(&dir, &fs::read(fixture("flat.faiss")).unwrap());
    let index = open(&path).unwrap();
    let query = Array2::ones((1, 5));
    let before = index.search(query.view(), 3).unwrap();
    FlatIndex::new(5, FlatConfig::default()).save(&path).unwrap();
    assert_eq!(index.search(query.view(), 3).unwrap(), before);
    fs::copy(fixture("flat.faiss"), &path).unwrap();
    let index = open(&path).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(60).unwrap();
    let error = index.search(query.view(), 3).unwrap_err();
    assert!(matches!(error, IndexError::File(VectorFileError::Changed { .. })), "{error}");
    assert!(error.to_string().contains("had 105 bytes when it was opened and has 60"), "{error}");
    assert!(index.vector(0).is_err() && index.save(&dir.path().join("copy")).is_err());
}

#[test]
fn an_opened_index_can_be_changed_and_saved_over_its_file() {
    let dir = TempDir::new().unwrap();
    let path = written(&dir, &fs::read(fixture("flat.faiss")).unwrap());
    let mut index = open(&path).unwrap();
    assert_eq!(index.remove(&[1]).unwrap(), 1);
    index.add(&[9], Array2::ones((1, 5)).view()).unwrap();
    index.save(&path).unwrap();
    let again = open(&path).unwrap();
    assert_eq!(again.ids(), [0, 2, 9]);
    assert_eq!(again.vector(2).unwrap(), Some(vectors().row(2).to_vec()));
    assert_eq!(again.vector(9).unwrap(), Some(vec![1.0; 5]));
}

#[test]
fn an_opened_file_is_scanned_in_any_format() {
    let query = array![[0.5, 1.0, -1.0, 0.25, 2.0]];
    let search = |format| {
        let index = FlatIndex::open(&fixture("numbered.faiss"), FlatConfig { format, ..alone() });
        index.unwrap().search(query.view(), 3).unwrap()
    };
    for format in VectorFormat::ALL {
        assert_eq!(search(format), search(VectorFormat::F32), "{format}");
    }
}

#[test]
fn a_file_that_cannot_be_written_names_its_path() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("no/such/directory");
    let error = FlatIndex::new(5, FlatConfig::default()).save(&path).unwrap_err().to_string();
    assert!(error.contains("no/such/directory") && error.contains("No such file"), "{error}");
}

#[test]
fn arrays_go_there_and_back() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x.npy");
    for matrix in [vectors(), random_unit(7, 33, 1), Array2::zeros((0, 4))] {
        write_npy(&path, matrix.view()).unwrap();
        assert_eq!(read_npy(&path).unwrap(), matrix);
        write_npy(&path, matrix.t().as_standard_layout().t()).unwrap();
        assert_eq!(read_npy(&path).unwrap(), matrix);
    }
    write_npy(&path, vectors().view()).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert!(bytes == fs::read(fixture("matrix.npy")).unwrap(), "as numpy.save writes it");
    assert!(matches!(read_npy(&fixture("flat.faiss")), Err(VectorFileError::Kind { .. })));
}

const THERE_AND_BACK: &str = "
import sys, faiss, numpy as np
index = faiss.read_index(sys.argv[1])
mapped = faiss.read_index(sys.argv[1], faiss.IO_FLAG_MMAP)
queries = np.load(sys.argv[2])
scores, ids = index.search(queries, 5)
assert (mapped.search(queries, 5)[1] == ids).all()
faiss.write_index(index, sys.argv[3])
np.save(sys.argv[4], np.concatenate([ids, scores], axis=1).astype(np.float64))
";

#[test]
fn faiss_itself_reads_and_writes_our_files() {
    let Some(python) = std::env::var_os("INFER_CODE_CAD_PYTHON_FAISS") else {
        return println!("not tried with faiss: INFER_CODE_CAD_PYTHON_FAISS names no Python");
    };
    let (vectors, queries) = (random_unit(100, 32, 1), random_unit(4, 32, 2));
    for step in [1, 3] {
        let dir = TempDir::new().unwrap();
        let at = |name| dir.path().join(name);
        let mut index = FlatIndex::new(32, FlatConfig::default());
        index.add(&(0..100).map(|i| i * step).collect::<Vec<_>>(), vectors.view()).unwrap();
        index.save(&at("ours")).unwrap();
        write_npy(&at("queries"), queries.view()).unwrap();
        let names = ["ours", "queries", "theirs", "found.npy"].map(at);
        let status = Command::new(&python).args(["-c", THERE_AND_BACK]).args(names).status();
        assert!(status.unwrap().success());
        assert!(fs::read(at("ours")).unwrap() == fs::read(at("theirs")).unwrap());
        let theirs = read_npy(&at("found.npy")).unwrap();
        let ours = open(&at("theirs")).unwrap().search(queries.view(), 5).unwrap();
        for (ours, theirs) in ours.iter().zip(theirs.outer_iter()) {
            for (i, neighbor) in ours.iter().enumerate() {
                assert_eq!(neighbor.id, theirs[i] as i64);
                assert!((neighbor.score - theirs[5 + i]).abs() < 1e-6);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_read_or_an_error(
        start in prop::sample::select(vec!["", "IxFI", "IxF2", "IxMp", "IxM2", "\u{93}NUMPY"]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let dir = TempDir::new().unwrap();
        let start: Vec<u8> = start.chars().map(|c| c as u8).collect();
        let path = written(&dir, &[start, rest].concat());
        let _ = (open(&path), load(&path), read_npy(&path));
    }
}
