//! Products: near the exact ones, and the same bits on every path, whatever shares the batch.
#![allow(clippy::unwrap_used, reason = "tests")]

use infer_code_cad_kernels::{
    Activations, Encoding, Format, Isa, KernelError, PackedMatrix, Pool, matmul,
};
use proptest::prelude::*;

mod common;
use common::{random_bytes, random_rows};

fn product(matrix: &PackedMatrix, rows: &[f32], pool: &Pool) -> Vec<f32> {
    let mut activations = Activations::default();
    activations.set(rows, matrix.in_features(), matrix.format().encoding(), pool).unwrap();
    let mut out = vec![f32::NAN; activations.rows() * matrix.out_features()];
    matmul(matrix, &activations, &mut out, pool).unwrap();
    out
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn supported() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_supported())
}

fn packed(format: Format, out_features: usize, in_features: usize, seed: u64) -> PackedMatrix {
    let bytes = random_bytes(format, out_features * in_features, seed);
    PackedMatrix::pack(format, out_features, in_features, &bytes, &Pool::new(2)).unwrap()
}

/// What the row is rounded to: int8 in blocks of 32.
fn rounded(row: &[f32], encoding: Encoding) -> Vec<f64> {
    let round = |block: &[f32]| {
        let scale = f64::from(block.iter().fold(0.0f32, |peak, x| peak.max(x.abs()))) / 127.0;
        block.iter().map(|&x| (f64::from(x) / scale).round_ties_even() * scale).collect::<Vec<_>>()
    };
    match encoding {
        Encoding::Float => row.iter().map(|&x| f64::from(x)).collect(),
        Encoding::Int8 => row.chunks(32).flat_map(round).collect(),
    }
}

#[test]
fn results_are_the_dequantized_products() {
    let (out_features, in_features, n_rows) = (50, 1024, 13);
    for format in Format::ALL {
        let matrix = packed(format, out_features, in_features, 11);
        let rows = random_rows(n_rows * in_features, 12);
        let mut weights = vec![0.0; in_features];
        for isa in supported() {
            let out = product(&matrix, &rows, &Pool::with_isa(2, isa).unwrap());
            for o in 0..out_features {
                matrix.row_f32(o, &mut weights).unwrap();
                for (r, row) in rows.chunks(in_features).enumerate() {
                    let terms = |row: &[f64]| {
                        let terms = row.iter().zip(&weights).map(|(x, &w)| x * f64::from(w));
                        terms.fold((0.0, 0.0), |(sum, size), t| (sum + t, size + t.abs()))
                    };
                    let (expected, size) = terms(&rounded(row, format.encoding()));
                    let actual = f64::from(out[r * out_features + o]);
                    // A tie may be rounded the other way by the f64 twin: one step of one input.
                    assert!((actual - expected).abs() < 2e-5 * size, "{format:?} {isa:?} {r} {o}");
                    let exact: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
                    assert!((actual - terms(&exact).0).abs() < 5e-3 * size);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_row_has_the_same_bits_alone_and_on_every_path(
        seed: u64,
        format in prop::sample::select(Format::ALL.to_vec()),
        n_rows in prop_oneof![1usize..=12, 18usize..45],
        out_features in 1usize..70,
        blocks in 1usize..4,
        threads in 1usize..4,
    ) {
        let in_features = 256 * blocks;
        let matrix = packed(format, out_features, in_features, seed);
        let rows = random_rows(n_rows * in_features, seed ^ 1);
        let twin = Pool::with_isa(1, Isa::Scalar).unwrap();
        let alone: Vec<f32> =
            rows.chunks(in_features).flat_map(|row| product(&matrix, row, &twin)).collect();
        for isa in supported() {
            let pool = Pool::with_isa(threads, isa).unwrap();
            prop_assert_eq!(bits(&product(&matrix, &rows, &pool)), bits(&alone), "{:?}", isa);
        }
    }

    #[test]
    fn extreme_quants_do_not_overflow(
        byte in prop_oneof![Just(0), Just(0x7f), Just(0x80), Just(0xff), any::<u8>()],
        sign in prop::sample::select(vec![-1.0f32, 1.0]),
        n_rows in prop::sample::select(vec![1usize, 2, 10]),
    ) {
        let pool = Pool::new(1);
        let integers = Format::ALL.into_iter().filter(|f| f.encoding() == Encoding::Int8);
        for format in integers {
            let mut bytes = vec![byte; format.file_bytes(16, 256).unwrap()];
            for block in bytes.chunks_mut(format.block_bytes()) {
                let scales: &[usize] = match format {
                    Format::Q4_1 | Format::Q5_1 | Format::Q4_K | Format::Q5_K => &[0, 2],
                    Format::Q6_K => &[208],
                    _ => &[0],
                };
                scales.iter().for_each(|&at| block[at..at + 2].copy_from_slice(&[0, 0x3c])); // 1.0
            }
            let matrix = PackedMatrix::pack(format, 16, 256, &bytes, &pool).unwrap();
            let mut weights = [0.0; 256];
            matrix.row_f32(0, &mut weights).unwrap();
            let expected = weights.iter().map(|&w| f64::from(w)).sum::<f64>() * f64::from(sign);
            for isa in supported() {
                let pool = Pool::with_isa(1, isa).unwrap();
                for out in product(&matrix, &vec![sign; n_rows * 256], &pool).chunks(16) {
                    let error = (f64::from(out[0]) - expected).abs();
                    prop_assert!(error <= 1e-5 * 256.0 * 8192.0, "{:?} {:?} {}", format, isa, error);
                    prop_assert!(error <= 1e-4 * expected.abs().max(1000.0), "{:?} {:?}", format, isa);
                }
            }
        }
    }
}

#[test]
fn one_buffer_serves_batches_of_all_sizes() {
    let pool = Pool::new(2);
    let matrix = packed(Format::Q8_0, 40, 256, 5);
    let mut activations = Activations::default();
    for n_rows in [33, 1, 10, 0, 4] {
        let rows = random_rows(n_rows * 256, n_rows as u64);
        activations.set(&rows, 256, Encoding::Int8, &pool).unwrap();
        let mut out = vec![f32::NAN; n_rows * 40];
        matmul(&matrix, &activations, &mut out, &pool).unwrap();
        assert_eq!(bits(&out), bits(&product(&matrix, &rows, &pool)));
    }
}

#[test]
fn a_bad_row_spoils_its_own_results_only() {
    for (format, isa) in Format::ALL.into_iter().flat_map(|f| supported().map(move |isa| (f, isa)))
    {
        let pool = Pool::with_isa(2, isa).unwrap();
        let matrix = packed(format, 40, 256, 5);
        let rows = random_rows(3 * 256, 6);
        let before = product(&matrix, &rows, &pool);
        for (at, nan) in
            [(0, f32::NAN), (9, -f32::NAN), (31, f32::from_bits(0x7f80_0001)), (255, f32::NAN)]
        {
            let mut rows = rows.clone();
            rows[256 + at] = nan;
            let after = product(&matrix, &rows, &pool);
            assert!(after[40..80].iter().all(|y| y.is_nan()), "{format} {isa} {at}");
            assert_eq!(
                (bits(&after[..40]), bits(&after[80..])),
                (bits(&before[..40]), bits(&before[80..]))
            );
        }
    }
}

#[test]
fn a_nan_counts_even_beside_weights_that_are_all_zero() {
    for (format, isa) in Format::ALL.into_iter().flat_map(|f| supported().map(move |isa| (f, isa)))
    {
        let pool = Pool::with_isa(1, isa).unwrap();
        let matrix = PackedMatrix::quantize(format, 16, 256, &[0.0; 16 * 256], &pool).unwrap();
        let mut row = [1.0; 256];
        row[100] = f32::NAN;
        assert!(product(&matrix, &row, &pool).iter().all(|y| y.is_nan()), "{format} {isa}");
    }
}

#[test]
fn weights_that_are_not_finite_spoil_their_own_outputs_only() {
    for (format, isa) in Format::ALL.into_iter().flat_map(|f| supported().map(move |isa| (f, isa)))
    {
        let pool = Pool::with_isa(1, isa).unwrap();
        for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 17, 31, 255, 300, 511] {
                let mut weights = random_rows(3 * 512, 4);
                weights[512 + at] = bad;
                let matrix = PackedMatrix::quantize(format, 3, 512, &weights, &pool).unwrap();
                let mut decoded = [0.0; 512];
                matrix.row_f32(1, &mut decoded).unwrap();
                let kept =
                    if bad.is_nan() { decoded[at].is_nan() } else { !decoded[at].is_finite() };
                assert!(kept, "{format} {isa} {at}: {bad} becomes {}", decoded[at]);
                let out = product(&matrix, &random_rows(512, 5), &pool);
                assert!(out[0].is_finite() && !out[1].is_finite() && out[2].is_finite());
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let pool = Pool::new(1);
    let matrix = packed(Format::Q8_0, 20, 64, 5);
    let mut activations = Activations::default();
    let set = |activations: &mut Activations, len: usize, inputs, encoding| {
        activations.set(&vec![1.0; len], inputs, encoding, &pool)
    };
    for inputs in [0, 33] {
        let error = set(&mut activations, 66, inputs, Encoding::Int8).unwrap_err();
        assert_eq!(error, KernelError::Blocks { in_features: inputs });
    }
    let error = set(&mut activations, 65, 64, Encoding::Int8).unwrap_err();
    assert!(matches!(error, KernelError::Length { .. }));

    set(&mut activations, 64, 32, Encoding::Int8).unwrap();
    let error = matmul(&matrix, &activations, &mut [0.0; 40], &pool).unwrap_err();
    assert_eq!(error, KernelError::InnerDimension { matrix: 64, activations: 32 });

    set(&mut activations, 64, 64, Encoding::Float).unwrap();
    let error = matmul(&matrix, &activations, &mut [0.0; 20], &pool).unwrap_err();
    assert!(matches!(error, KernelError::Encoding { .. }));

    set(&mut activations, 64, 64, Encoding::Int8).unwrap();
    let error = matmul(&matrix, &activations, &mut [0.0; 21], &pool).unwrap_err();
    assert!(matches!(error, KernelError::Length { expected: 20, actual: 21, .. }));

    if Isa::best() != Isa::Scalar {
        let scalar = Pool::with_isa(1, Isa::Scalar).unwrap();
        let error = matmul(&matrix, &activations, &mut [0.0; 20], &scalar).unwrap_err();
        assert!(matches!(error, KernelError::OtherIsa { .. }));
    }
}

#[test]
fn a_foreign_instruction_set_is_refused() {
    let foreign = if cfg!(target_arch = "aarch64") { Isa::Avx2 } else { Isa::Neon };
    assert_eq!(
        Pool::with_isa(1, foreign).err(),
        Some(KernelError::UnsupportedIsa { isa: foreign })
    );
}
