//! What is stored in a format without products, in the format that holds it.
#![allow(clippy::unwrap_used, reason = "tests")]

use half::f16;
use infer_code_cad_kernels::{Format, KernelError, PackedMatrix, Pool, StoredFormat};
use proptest::prelude::*;

mod common;
use common::Rng;

fn all() -> impl Iterator<Item = StoredFormat> {
    (0..64).filter_map(StoredFormat::from_code)
}

fn converted() -> impl Iterator<Item = StoredFormat> {
    all().filter(|format| format.is_decoded() && Format::try_from(*format).is_err())
}

/// Random blocks, of which no scale is infinite or NaN.
fn random_blocks(format: StoredFormat, elements: usize, seed: u64) -> Vec<u8> {
    use StoredFormat::*;
    let mut bytes = vec![0; elements / format.block_len() * format.block_bytes()];
    let mut rng = Rng::new(seed);
    rng.fill(&mut bytes);
    let halves: &[usize] = match format {
        IQ4_NL | IQ4_XS | Q1_0 | Q2_0 => &[0],
        TQ1_0 => &[52],
        TQ2_0 => &[64],
        Q2_K => &[80, 82],
        Q3_K => &[108],
        _ => &[],
    };
    for block in bytes.chunks_mut(format.block_bytes()) {
        for &at in halves {
            let exponent = (rng.symmetric() * 12.0) as i32;
            let scale = f16::from_f32(rng.symmetric() * 2f32.powi(exponent - 8));
            block[at..at + 2].copy_from_slice(&scale.to_le_bytes());
        }
        if format == MXFP4 {
            block[0] = 104 + block[0] % 40;
        }
    }
    bytes
}

fn decoded(format: StoredFormat, bytes: &[u8]) -> Vec<f32> {
    let mut values = vec![0.0; bytes.len() / format.block_bytes() * format.block_len()];
    format.decode(bytes, &mut values).unwrap();
    values
}

fn held(format: StoredFormat, bytes: &[u8]) -> Vec<f32> {
    let (to, elements) =
        (format.held_in().unwrap(), bytes.len() / format.block_bytes() * format.block_len());
    let mut blocks = vec![0; elements / to.block_len() * to.block_bytes()];
    format.hold(bytes, &mut blocks).unwrap();
    decoded(to.into(), &blocks)
}

fn bits(values: &[f32]) -> Vec<u32> {
    // Which of two NaNs a sum hands on depends on the processor.
    values.iter().map(|x| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }).collect()
}

/// How far `held` may be from a value, by the largest magnitude of the 32 it shares a scale with.
fn bound(format: StoredFormat, value: f32, largest: f32) -> f32 {
    match format {
        // Half a unit of the scale in its last place, times at most 127 where that is the smallest of f16.
        StoredFormat::IQ4_XS => value.abs() * 2f32.powi(-11) + 127.0 * 2f32.powi(-25),
        // Half a step of 127, and the scale's rounding.
        StoredFormat::Q2_K | StoredFormat::NVFP4 => {
            largest * (0.5 / 127.0 + 2f32.powi(-11)) + 127.0 * 2f32.powi(-25)
        }
        _ => 0.0,
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_but_what_is_said(seed: u64) {
        for format in converted() {
            let bytes = random_blocks(format, 1024, seed);
            let (exact, held) = (decoded(format, &bytes), held(format, &bytes));
            if bound(format, 1.0, 1.0) == 0.0 {
                prop_assert_eq!(bits(&exact), bits(&held), "{}", format);
            }
            for (exact, held) in exact.chunks(32).zip(held.chunks(32)) {
                let largest = exact.iter().fold(0.0, |peak: f32, x| peak.max(x.abs()));
                for (exact, held) in exact.iter().zip(held) {
                    let bound = bound(format, *exact, largest);
                    prop_assert!((exact - held).abs() <= bound, "{} {} {}", format, exact, held);
                }
            }
        }
    }

    /// Any bytes are held or refused; a scale that f16 does not have is infinite or zero, not another.
    #[test]
    fn any_bytes_are_held(bytes in prop::collection::vec(any::<u8>(), 292 * 4)) {
        for format in all() {
            let len = format.size_of(&[1024]).unwrap();
            let Some(to) = format.held_in() else { continue };
            let Some(bytes) = bytes.get(..len) else { continue };
            let mut blocks = vec![0; 1024 / to.block_len() * to.block_bytes()];
            format.hold(bytes, &mut blocks).unwrap();
            if Format::try_from(format).is_ok() {
                prop_assert_eq!(&blocks, bytes);
            }
        }
    }
}

/// Every scale of MXFP4: those of f16 exactly; larger ones are infinite, which every logit shows, and smaller
/// ones zero or a unit in the last place.
#[test]
fn scales_beyond_f16_are_told() {
    for exponent in 0..=u8::MAX {
        let block = [&[exponent][..], &[0x71; 16]].concat();
        let (exact, held) =
            (decoded(StoredFormat::MXFP4, &block), held(StoredFormat::MXFP4, &block));
        match exponent {
            104..=143 => assert_eq!(bits(&exact), bits(&held), "{exponent}"),
            144.. => assert!(held.iter().all(|x| x.is_infinite()), "{exponent}"),
            _ => assert!(held.iter().all(|x| x.abs() <= 12.0 * 2f32.powi(-24)), "{exponent}"),
        }
    }
}

#[test]
fn every_scale_of_nvfp4_is_half_of_its_float() {
    for byte in 0..=u8::MAX {
        let block = [&[byte; 4][..], &[0x22; 32]].concat();
        let (exponent, mantissa) = (byte >> 3 & 15, f64::from(byte & 7));
        let scale = match exponent {
            0 => mantissa / 8.0 * 2f64.powi(-6),
            _ => (1.0 + mantissa / 8.0) * 2f64.powi(i32::from(exponent) - 7),
        };
        let expected = if byte == 0x7f { 0.0 } else { scale };
        let values = decoded(StoredFormat::NVFP4, &block);
        assert!(values.iter().all(|&x| f64::from(x) == expected), "{byte}: {values:?}");
    }
}

/// Rows of two matrices, in tiles that neither fills.
#[test]
fn a_matrix_is_held_as_its_rows_are() {
    let pool = Pool::new(2);
    for format in all().filter(|format| format.is_decoded()) {
        let parts =
            [(5, random_blocks(format, 5 * 512, 1)), (20, random_blocks(format, 20 * 512, 2))];
        let borrowed = parts.each_ref().map(|(rows, bytes)| (*rows, bytes.as_slice()));
        let matrix = PackedMatrix::hold(format, 512, &borrowed, &pool).unwrap();
        assert_eq!((Some(matrix.format()), matrix.out_features()), (format.held_in(), 25));
        let expected = parts.each_ref().map(|(_, bytes)| held(format, bytes)).concat();
        let mut row = vec![0.0; 512];
        for (i, expected) in expected.chunks(512).enumerate() {
            matrix.row_f32(i, &mut row).unwrap();
            assert_eq!(bits(&row), bits(expected), "{format} row {i}");
        }
    }
}

#[test]
fn lengths_and_formats_that_do_not_fit_are_refused() {
    let pool = Pool::new(1);
    for format in all() {
        let bytes = vec![0; format.block_bytes()];
        let Some(to) = format.held_in() else {
            let refused = Err(KernelError::NotDecoded { format });
            assert_eq!(format.hold(&bytes, &mut []), refused);
            let matrix = PackedMatrix::hold(format, 256, &[(1, &bytes)], &pool);
            assert_eq!(matrix.map(|_| ()), refused);
            continue;
        };
        let len = format.block_len() / to.block_len() * to.block_bytes();
        let mut out = vec![0; len + 1];
        format.hold(&bytes, &mut out[..len]).unwrap();
        for (from, to) in [(bytes.len(), len - 1), (bytes.len(), len + 1), (bytes.len() - 1, len)] {
            let error = format.hold(&bytes[..from], &mut out[..to]).unwrap_err();
            assert!(matches!(error, KernelError::Length { .. }), "{format}: {error}");
        }
        let whole = vec![0; format.size_of(&[2, 512]).unwrap()];
        for (rows, inputs) in [(1, 512), (2, 511), (2, 544), (3, 512), (0, 512), (2, 0)] {
            let error = PackedMatrix::hold(format, inputs, &[(rows, &whole)], &pool).unwrap_err();
            let text = error.to_string();
            assert!(!matches!(error, KernelError::NotDecoded { .. }), "{format}: {text}");
        }
    }
}

/// The rows of the table of `docs/formats.md` that name a format, cell by cell.
fn page() -> Vec<Vec<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats.md");
    let page = std::fs::read_to_string(path).unwrap();
    let cells =
        |line: &str| line.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect();
    let rows = page.lines().filter(|line| line.starts_with('|')).map(cells);
    rows.filter(|row: &Vec<String>| row[0].parse::<StoredFormat>().is_ok()).collect()
}

#[test]
fn the_page_says_of_every_format_what_becomes_of_it() {
    let page = page();
    let listed: Vec<StoredFormat> = page.iter().map(|row| row[0].parse().unwrap()).collect();
    let mut sorted = listed.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        all().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    );
    for (format, row) in listed.into_iter().zip(&page) {
        let bits = format.block_bytes() as f64 * 8.0 / format.block_len() as f64;
        let told: f64 = row[2].parse().unwrap();
        assert!((told - bits).abs() < 0.005, "{format}: {bits}");
        assert_eq!(row[1], format.code().to_string(), "{format}");
        let held = format.held_in().map_or("refused".to_owned(), |to| to.to_string());
        assert_eq!(row[3], held, "{format}");
        let is_exact = format.is_decoded() && bound(format, 1.0, 1.0) == 0.0;
        assert_eq!(row[4].starts_with("none"), is_exact, "{format}: {}", row[4]);
    }
}
