#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use safetensors::SafeTensors;

use super::cursor::Cursor;
use super::metadata::read_metadata;
use super::*;
use crate::config::TransformerConfig;
use crate::conversion::Converted;
use crate::weights::TensorSource;
use infer_code_cad_kernels::StoredFormat;

mod ends;
mod metadata;
mod strings;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gguf").join(name)
}

/// Writes GGUF.
#[derive(Debug, Clone, Default)]
struct Writer {
    pairs: Vec<Vec<u8>>,
    tensors: Vec<Vec<u8>>,
    data: Vec<u8>,
}

impl Writer {
    fn pair(mut self, key: &str, kind: u32, value: &[u8]) -> Self {
        self.pairs.push([&string(key)[..], &kind.to_le_bytes(), value].concat());
        self
    }

    fn u32(self, key: &str, value: u32) -> Self {
        self.pair(key, 4, &value.to_le_bytes())
    }

    /// Dimensions innermost first.
    fn tensor(mut self, name: &str, dims: &[u64], code: u32, offset: u64) -> Self {
        let mut entry = string(name);
        entry.extend((dims.len() as u32).to_le_bytes());
        entry.extend(dims.iter().flat_map(|dim| dim.to_le_bytes()));
        entry.extend(code.to_le_bytes());
        entry.extend(offset.to_le_bytes());
        self.tensors.push(entry);
        self
    }

    fn data(mut self, bytes: &[u8]) -> Self {
        self.data = bytes.into();
        self
    }

    fn finish(&self) -> Vec<u8> {
        let (tensors, pairs) = (self.tensors.len() as u64, self.pairs.len() as u64);
        let mut bytes = header(3, tensors, pairs);
        bytes.extend(self.pairs.concat());
        bytes.extend(self.tensors.concat());
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend(&self.data);
        bytes
    }

    #[track_caller]
    fn fails(&self, words: &str) {
        refused(&self.finish(), words);
    }
}

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

fn header(version: u32, tensors: u64, pairs: u64) -> Vec<u8> {
    let version = version.to_le_bytes();
    [&b"GGUF"[..], &version, &tensors.to_le_bytes(), &pairs.to_le_bytes()].concat()
}

#[track_caller]
fn refused(bytes: &[u8], words: &str) {
    let message = Gguf::from_bytes(bytes).unwrap_err().to_string();
    assert!(message.contains(words), "{message:?} lacks {words:?}");
}

/// Two files of `make_gguf.py` and `make_stored.py`: every format that is decoded.
#[test]
fn every_format_is_turned_to_the_floats_of_gguf_py() {
    let mut decoded = BTreeSet::new();
    for (fixture_name, n_tensors) in [("formats", 13), ("stored", 20)] {
        let file = Gguf::open(&fixture(&format!("{fixture_name}.gguf"))).unwrap();
        let bytes = fs::read(fixture(&format!("{fixture_name}.safetensors"))).unwrap();
        let expected = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.tensors().count(), n_tensors);
        for TensorInfo { name, format, .. } in file.tensors() {
            let values = file.values(&name).unwrap().unwrap();
            assert_eq!(values.len() % 256, 0);
            assert!(name.ends_with(".bytes") || values.iter().any(|x| x.abs() > 10.0), "{name}");
            let words = expected.tensor(&name).unwrap().data().chunks_exact(4);
            let expected: Vec<_> =
                words.map(|word| f32::from_le_bytes(word.try_into().unwrap())).collect();
            // A scale that is no number may be another of them.
            let bits = |values: &[f32]| {
                let bits = values.iter().map(|x| if x.is_nan() { 0 } else { x.to_bits() });
                bits.collect::<Vec<_>>()
            };
            assert_eq!(bits(&values), bits(&expected), "{name}");
            decoded.insert(format);
        }
    }
    let all = StoredFormat::decoded_names();
    assert_eq!(decoded, all.split(", ").map(str::to_owned).collect());
}

/// Of the quantizer's own blocks nothing is lost but where the scales of 16 elements become one of 32, and
/// where a scale of IQ4_XS becomes one of f16.
#[test]
fn what_a_conversion_loses_is_measured() {
    let gguf = Arc::new(Gguf::open(&fixture("stored.gguf")).unwrap());
    let source = GgufWeights { gguf, config: TransformerConfig::default() };
    for (stored, bound) in [
        ("Q2_K", 6e-3),
        ("Q3_K", 0.0),
        ("IQ4_NL", 0.0),
        ("IQ4_XS", 3e-4),
        ("MXFP4", 0.0),
        ("NVFP4", 8e-3),
        ("TQ1_0", 0.0),
        ("TQ2_0", 0.0),
        ("Q1_0", 0.0),
        ("Q2_0", 0.0),
    ] {
        let mut converted = Converted::new(stored.parse().unwrap());
        let tensor = source.tensors().into_iter().find(|tensor| tensor.name == stored).unwrap();
        converted.add(&tensor, source.blocks(stored).as_deref(), 8).unwrap();
        let conversion = converted.finish();
        assert_eq!((conversion.tensors, conversion.measured), (1, 512), "{stored}");
        let error = conversion.relative_error.unwrap();
        eprintln!("{stored} in {}: {error:.1e}", conversion.held_in.unwrap());
        assert!(error <= bound && (error > 0.0 || bound == 0.0), "{stored}: {error}");
    }
    // Every format once, its tensors counted and the rows asked for measured.
    let conversions = crate::weights::conversions(&source, 1).unwrap();
    assert_eq!(conversions.len(), 10);
    assert!(conversions.iter().all(|found| found.tensors == 2 && found.measured == 512));
    let none = crate::weights::conversions(&source, 0).unwrap();
    assert!(none.iter().all(|found| found.measured == 512), "one row is the least");
}

#[test]
fn a_conversion_that_is_refused_is_told_without_an_error() {
    let file = Writer::default().tensor("t", &[256, 2], 16, 0).data(&[0; 132]);
    let gguf = Arc::new(Gguf::from_bytes(&file.finish()).unwrap());
    let source = GgufWeights { gguf, config: TransformerConfig::default() };
    let found = crate::weights::conversions(&source, 8).unwrap();
    let told: Vec<_> = found.iter().map(|c| (c.stored, c.held_in, c.relative_error)).collect();
    assert_eq!(told, [(StoredFormat::IQ2_XXS, None, None)]);
}

#[test]
fn values_keep_their_type_and_their_value() {
    let array = [&4u32.to_le_bytes()[..], &2u64.to_le_bytes(), &[7, 0, 0, 0, 9, 0, 0, 0]].concat();
    let texts = [&8u32.to_le_bytes()[..], &2u64.to_le_bytes(), &string("a"), &string("é")].concat();
    let file = Writer::default()
        .pair("u8", 0, &[255])
        .pair("i8", 1, &[255])
        .pair("f32", 6, &1.5f32.to_le_bytes())
        .pair("f64", 12, &0.1f64.to_le_bytes())
        .pair("u64", 10, &u64::MAX.to_le_bytes())
        .pair("yes", 7, &[1])
        .pair("text", 8, &string("words"))
        .pair("array", 9, &array)
        .pair("texts", 9, &texts);
    let file = Gguf::from_bytes(&file.finish()).unwrap();
    assert_eq!(file.size("u8").unwrap(), Some(255));
    assert_eq!(file.size("absent").unwrap(), None);
    assert_eq!(file.size("u64").unwrap(), usize::try_from(u64::MAX).ok());
    assert_eq!(file.number("f32").unwrap(), Some(1.5));
    assert_eq!(file.number("f64").unwrap(), Some(0.1));
    assert_eq!(file.number("i8").unwrap(), Some(-1.0));
    assert_eq!(file.string("text").unwrap(), Some("words"));
    assert_eq!(file.integers("array").unwrap(), Some(vec![7, 9]));
    assert_eq!(file.strings("texts").unwrap(), Some(vec!["a".into(), "é".into()]));
    let error = |result: Result<Option<usize>, CheckpointError>| result.unwrap_err().to_string();
    assert!(error(file.size("i8")).contains("i8 is -1, expected a whole number from 0 on"));
    assert!(error(file.size("text")).contains("text is words"));
    assert!(file.strings("array").unwrap_err().to_string().contains("2 values of type U32"));
    assert!(file.integers("texts").is_err());
    let brief: Vec<_> = file.metadata().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(brief[0], "array=2 values of type U32");
    assert_eq!(brief[3], "i8=-1");
}

#[test]
fn other_versions_and_byte_orders_are_refused_by_name() {
    refused(&header(1, 0, 0), "little-endian GGUF version 1");
    refused(&header(4, 0, 0), "little-endian GGUF version 4");
    refused(&header(3u32.swap_bytes(), 0, 0), "big-endian GGUF version 3");
    refused(b"GGML", "the letters GGUF is missing or wrong at byte 0");
    refused(b"", "the letters GGUF");
    Gguf::from_bytes(&header(2, 0, 0)).unwrap();
}

#[test]
fn counts_beyond_the_file_are_refused_before_anything_is_kept() {
    refused(&header(3, u64::MAX, 0), "the name of a tensor is missing or wrong at byte 24");
    refused(&header(3, 0, u64::MAX), "a metadata key is missing or wrong at byte 24");
    let long = [header(3, 0, 1), u64::MAX.to_le_bytes().into()].concat();
    refused(&long, "a metadata key");
    let array = |kind: u32, len: u64| [&kind.to_le_bytes()[..], &len.to_le_bytes()].concat();
    for kind in [0, 4, 8, 9, 10] {
        for len in [1 << 20, u64::MAX, u64::MAX / 8 + 2] {
            Writer::default().pair("a", 9, &array(kind, len)).fails("metadata");
        }
    }
}

#[test]
fn arrays_within_arrays_end_at_a_depth() {
    let nest = |depth: usize| {
        [9u32.to_le_bytes().to_vec(), 1u64.to_le_bytes().into()].concat().repeat(depth)
    };
    let leaf = [4u32.to_le_bytes().to_vec(), 0u64.to_le_bytes().into()].concat();
    let file = |depth| Writer::default().pair("a", 9, &[nest(depth), leaf.clone()].concat());
    Gguf::from_bytes(&file(4).finish()).unwrap();
    file(5).fails("an array of fewer levels");
    file(100_000).fails("an array of fewer levels");
}

#[test]
fn what_is_named_twice_is_refused() {
    Writer::default().u32("a", 1).u32("a", 1).fails("a metadata key not used before");
    let twice = Writer::default().tensor("t", &[1], 0, 0).tensor("t", &[1], 0, 0);
    twice.data(&[0; 32]).fails("a tensor not named before");
}

#[test]
fn tensors_share_no_bytes() {
    let file = |offset| {
        let file = Writer::default().tensor("a", &[16], 0, 0).tensor("b", &[8], 0, offset);
        file.tensor("empty", &[0], 0, 32).data(&[0; 96])
    };
    Gguf::from_bytes(&file(64).finish()).unwrap();
    file(32).fails("the tensors a and b share bytes");
    file(0).fails("share bytes; the file is damaged, fetch it again");
}

#[test]
fn tensors_are_whole_blocks_within_the_file() {
    let file = |dims: &[u64], code, offset| {
        Writer::default().tensor("t", dims, code, offset).data(&[0; 64])
    };
    let whole = Gguf::from_bytes(&file(&[8, 2], 0, 0).finish()).unwrap();
    assert_eq!(whole.shape("t"), Some(&[2, 8][..]));
    for (dims, code, offset) in [
        (&[17][..], 0, 0),
        (&[8], 0, 16),
        (&[8], 0, 64),
        (&[8], 0, u64::MAX - 31),
        (&[u64::MAX, 2], 0, 0),
        (&[1 << 62, 4], 0, 0),
        (&[1 << 63], 2, 0),
        (&[16, 2], 2, 0),
    ] {
        file(dims, code, offset).fails("tensor t of type");
    }
    file(&[1, 1, 1, 1, 1], 0, 0).fails("a tensor of at most 4 dimensions");
    file(&[8], 99, 0).fails("tensor t is stored as type 99");
    file(&[32], 9, 0).fails_to_decode("tensor t is stored as Q8_1; supported: F32, F16, Q4_0");
}

impl Writer {
    #[track_caller]
    fn fails_to_decode(&self, words: &str) {
        let file = Gguf::from_bytes(&self.finish()).unwrap();
        let message = file.values("t").unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn the_alignment_is_a_power_of_two() {
    let file = |n| Writer::default().u32("general.alignment", n).tensor("t", &[1], 0, 64);
    let file = |n| file(n).data(&[0; 128]);
    Gguf::from_bytes(&file(64).finish()).unwrap();
    for n in [0, 1, 4, 48, u32::MAX] {
        file(n).fails("expected a power of two from 8 on");
    }
    let text = Writer::default().pair("general.alignment", 8, &string("32"));
    text.fails("general.alignment is 32, expected");
}

/// A fixture in three files: metadata alone, then half of the tensors each.
fn split(dir: &Path) -> [PathBuf; 3] {
    let bytes = fs::read(fixture("qwen2.gguf")).unwrap();
    let mut cursor = Cursor::new("", &bytes, 16);
    let n_pairs = cursor.u64("").unwrap();
    read_metadata(&mut cursor, n_pairs).unwrap();
    let pairs = &bytes[24..cursor.position()];
    let whole = Header::read("", &bytes).unwrap();
    let names: Vec<_> = whole.tensors.keys().collect();
    let (front, back) = names.split_at(names.len() / 2);
    let paths = [1, 2, 3].map(|n| dir.join(format!("m-0000{n}-of-00003.gguf")));
    for (number, (path, names)) in paths.iter().zip([&[][..], front, back]).enumerate() {
        let mut shard = Writer::default()
            .u32("split.count", 3)
            .u32("split.no", number as u32)
            .u32("split.tensors.count", whole.tensors.len() as u32);
        let mut data = vec![];
        for name in names {
            let entry = &whole.tensors[*name];
            let dims: Vec<_> = entry.shape.iter().rev().map(|&dim| dim as u64).collect();
            shard = shard.tensor(name, &dims, entry.format.code(), data.len() as u64);
            data.extend(&bytes[entry.bytes.clone()]);
            data.resize(data.len().next_multiple_of(32), 0);
        }
        let mut shard = shard.data(&data);
        if number == 0 {
            shard.pairs.push(pairs.into());
            let mut first = shard.finish();
            first[16..24].copy_from_slice(&(n_pairs + 3).to_le_bytes());
            fs::write(path, first).unwrap();
        } else {
            fs::write(path, shard.finish()).unwrap();
        }
    }
    paths
}

#[test]
fn shards_make_the_model_of_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second, third] = split(dir.path());
    let (split, whole) = (Gguf::open(&first).unwrap(), Gguf::open(&fixture("qwen2.gguf")).unwrap());
    let sorted = |file: &Gguf| {
        let mut names: Vec<_> = file.tensors().map(|tensor| tensor.name).collect();
        names.sort();
        names
    };
    assert_eq!(sorted(&split), sorted(&whole));
    let embedding = |file: &Gguf| file.values("token_embd.weight").unwrap().unwrap();
    assert_eq!(embedding(&split), embedding(&whole));
    let checkpoint = crate::Checkpoint::open(&first).unwrap();
    checkpoint.check_finite().unwrap();

    let message = |path: &Path| Gguf::open(path).unwrap_err().to_string();
    assert!(message(&second).contains("is part 2 of a model in 3 files; give the first, m-00001"));
    let renamed = dir.path().join("first.gguf");
    fs::copy(&first, &renamed).unwrap();
    assert!(message(&renamed).contains("a file called NAME-00001-of-00003.gguf"));
    refused(&fs::read(&first).unwrap(), "split.count is 3, expected 1");
    let changed = |path: &Path, key: &str, value: u8| {
        let mut bytes = fs::read(path).unwrap();
        let at = bytes.windows(key.len()).position(|bytes| bytes == key.as_bytes()).unwrap();
        bytes[at + key.len() + 4] = value;
        bytes
    };
    let (front, count) = (fs::read(&first).unwrap(), sorted(&whole).len());
    fs::write(&first, changed(&first, "split.tensors.count", 99)).unwrap();
    let expected = format!("split.tensors.count is 99, expected {count}, which the files have");
    assert!(message(&first).contains(&expected), "{}", message(&first));
    fs::write(&first, front).unwrap();
    fs::write(&third, changed(&second, "split.no", 2)).unwrap();
    let text = message(&first);
    let both = format!("is in {} and in {}; ", second.display(), third.display());
    assert!(text.starts_with("tensor ") && text.contains(&both), "{text}");
    fs::copy(&second, &third).unwrap();
    assert!(message(&first).contains("split.no is 1, expected 2 of 3"));
    fs::remove_file(&third).unwrap();
    assert!(message(&first).contains("has no m-00003-of-00003.gguf; the first shard announces it"));
}

fn decoded_codes() -> Vec<u32> {
    let formats = (0..64).filter_map(StoredFormat::from_code);
    formats.filter(|format| format.is_decoded()).map(StoredFormat::code).collect()
}

proptest! {
    /// Any bytes are a tensor of any supported format: scales may be infinite, indices may not.
    #[test]
    fn any_bytes_can_be_dequantized(
        code in prop::sample::select(decoded_codes()),
        bytes in prop::collection::vec(any::<u8>(), 2 * 292 * 8),
    ) {
        let format = StoredFormat::from_code(code).unwrap();
        let shape = [2, 256];
        let len = format.size_of(&shape).unwrap();
        let file = Writer::default().tensor("t", &[256, 2], code, 0).data(&bytes[..len]);
        let file = Gguf::from_bytes(&file.finish()).unwrap();
        prop_assert_eq!(file.values("t").unwrap().unwrap().len(), 512);
    }

    #[test]
    fn any_header_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Gguf::from_bytes(&[header(3, 2, 3), bytes].concat());
    }
}
