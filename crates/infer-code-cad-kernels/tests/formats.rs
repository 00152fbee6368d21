//! Packed matrices hold the values of the file: decoded here once more, from the formats' definition.
#![allow(clippy::unwrap_used, reason = "tests")]

use half::{bf16, f16};
use infer_code_cad_kernels::{Format, Isa, KernelError, PackedMatrix, Pool};
use proptest::prelude::*;

mod common;
use common::{Rng, random_bytes, random_rows};

/// The weights of one block of a file, as ggml's `dequantize_row_*` define them.
fn decode_block(format: Format, b: &[u8]) -> Vec<f32> {
    let half = |at: usize| f16::from_le_bytes([b[at], b[at + 1]]).to_f32();
    match format {
        Format::Q8_0 => (0..32).map(|i| half(0) * f32::from(b[2 + i] as i8)).collect(),
        Format::Q4_0 => {
            let quant = |i: usize| if i < 16 { b[2 + i] & 0xf } else { b[2 + i - 16] >> 4 };
            (0..32).map(|i| half(0) * (f32::from(quant(i)) - 8.0)).collect()
        }
        Format::Q4_1 => {
            let quant = |i: usize| if i < 16 { b[4 + i] & 0xf } else { b[4 + i - 16] >> 4 };
            (0..32).map(|i| f32::from(quant(i)) * half(0) + half(2)).collect()
        }
        Format::Q5_0 | Format::Q5_1 => {
            let (at, offset) = if format == Format::Q5_0 { (2, -16) } else { (4, 0) };
            let qh = u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]]);
            let qs = &b[at + 4..];
            let mut y = vec![0.0; 32];
            for j in 0..16 {
                let xh_0 = (((qh >> j) << 4) & 0x10) as u8;
                let xh_1 = ((qh >> (j + 12)) & 0x10) as u8;
                let x0 = i32::from((qs[j] & 0x0f) | xh_0) + offset;
                let x1 = i32::from((qs[j] >> 4) | xh_1) + offset;
                y[j] = x0 as f32 * half(0);
                y[j + 16] = x1 as f32 * half(0);
            }
            if format == Format::Q5_1 {
                y.iter_mut().for_each(|y| *y += half(2));
            }
            y
        }
        Format::Q4_K | Format::Q5_K => {
            let (d, dmin, scales) = (half(0), half(2), &b[4..16]);
            let (qh, qs) = b[16..].split_at(if format == Format::Q5_K { 32 } else { 0 });
            let mut y = Vec::new();
            for (is, q) in qs.chunks(32).enumerate() {
                for (sub, shift) in [(2 * is, 0), (2 * is + 1, 4)] {
                    let (sc, m) = if sub < 4 {
                        (scales[sub] & 63, scales[sub + 4] & 63)
                    } else {
                        (
                            (scales[sub + 4] & 0xf) | ((scales[sub - 4] >> 6) << 4),
                            (scales[sub + 4] >> 4) | ((scales[sub] >> 6) << 4),
                        )
                    };
                    let (d1, m1) = (d * f32::from(sc), dmin * f32::from(m));
                    y.extend(q.iter().enumerate().map(|(l, q)| {
                        let fifth = qh.get(l).map_or(0, |high| (high >> sub & 1) << 4);
                        d1 * f32::from((q >> shift & 0xf) + fifth) - m1
                    }));
                }
            }
            y
        }
        Format::Q6_K => {
            let (ql, qh, sc, d) = (&b[..128], &b[128..192], &b[192..208], half(208));
            let mut y = vec![0.0; 256];
            for n in 0..2 {
                let (ql, qh, sc) = (&ql[64 * n..], &qh[32 * n..], &sc[8 * n..]);
                for l in 0..32 {
                    let q = [
                        (ql[l] & 0xf) | ((qh[l] & 3) << 4),
                        (ql[l + 32] & 0xf) | (((qh[l] >> 2) & 3) << 4),
                        (ql[l] >> 4) | (((qh[l] >> 4) & 3) << 4),
                        (ql[l + 32] >> 4) | (((qh[l] >> 6) & 3) << 4),
                    ];
                    for (quarter, q) in q.into_iter().enumerate() {
                        let scale = d * f32::from(sc[l / 16 + 2 * quarter] as i8);
                        y[128 * n + 32 * quarter + l] = scale * (f32::from(q) - 32.0);
                    }
                }
            }
            y
        }
        Format::Bf16 => vec![bf16::from_le_bytes([b[0], b[1]]).to_f32()],
        Format::F16 => vec![half(0)],
        _ => vec![f32::from_le_bytes([b[0], b[1], b[2], b[3]])],
    }
}

fn decode(format: Format, bytes: &[u8]) -> Vec<f32> {
    bytes.chunks(format.block_bytes()).flat_map(|block| decode_block(format, block)).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn every_row_decodes_to_the_values_of_the_file() {
    let pool = Pool::new(2);
    for format in Format::ALL {
        for (out_features, in_features) in [(1, 256), (16, 512), (37, 768)] {
            let bytes = random_bytes(format, out_features * in_features, 7);
            let matrix =
                PackedMatrix::pack(format, out_features, in_features, &bytes, &pool).unwrap();
            let expected = decode(format, &bytes);
            let mut row = vec![0.0; in_features];
            for (i, expected) in expected.chunks(in_features).enumerate() {
                matrix.row_f32(i, &mut row).unwrap();
                assert_eq!(bits(&row), bits(expected), "{format:?} row {i}");
            }
        }
    }
}

#[test]
fn packed_is_no_larger_than_the_file_by_more_than_three_percent() {
    let pool = Pool::new(2);
    for format in Format::ALL {
        let bytes = random_bytes(format, 64 * 512, 3);
        let matrix = PackedMatrix::pack(format, 64, 512, &bytes, &pool).unwrap();
        assert!(matrix.bytes() as f64 <= bytes.len() as f64 * 1.03, "{format:?}");
    }
}

#[test]
fn joined_matrices_are_the_rows_of_all() {
    let pool = Pool::new(1);
    let (a, b) = (random_bytes(Format::Q4_0, 5 * 64, 1), random_bytes(Format::Q4_0, 20 * 64, 2));
    let joined = PackedMatrix::join(Format::Q4_0, 64, &[(5, &a), (20, &b)], &pool).unwrap();
    assert_eq!(joined.out_features(), 25);
    let expected: Vec<f32> = [a, b].iter().flat_map(|part| decode(Format::Q4_0, part)).collect();
    let mut row = vec![0.0; 64];
    for (i, expected) in expected.chunks(64).enumerate() {
        joined.row_f32(i, &mut row).unwrap();
        assert_eq!(bits(&row), bits(expected));
    }
}

#[test]
fn hostile_shapes_are_errors() {
    let pool = Pool::new(1);
    let pack = |format, out, inputs, len: usize| {
        PackedMatrix::pack(format, out, inputs, &vec![0; len], &pool).map(|_| ())
    };
    for format in Format::ALL {
        let right = format.file_bytes(3, 256).unwrap();
        for len in [0, 1, right - 1, right + 1, 2 * right] {
            let error = pack(format, 3, 256, len).unwrap_err();
            assert!(matches!(error, KernelError::Length { .. }), "{format:?} {error}");
        }
        for (out, inputs) in [(0, 256), (3, 0), (usize::MAX, 256), (1 << 40, 1 << 40)] {
            let error = pack(format, out, inputs, 64).unwrap_err();
            assert!(matches!(error, KernelError::Shape { .. }), "{format:?} {error}");
        }
        for inputs in [1, 31, 33, 255, usize::MAX] {
            let error = pack(format, 3, inputs, 64).unwrap_err();
            assert!(matches!(error, KernelError::InFeatures { .. }), "{format:?} {error}");
        }
    }
    let error = pack(Format::Q4_K, 3, 32, 64).unwrap_err();
    assert!(matches!(error, KernelError::InFeatures { multiple: 256, .. }));
    assert!(matches!(
        PackedMatrix::join(Format::F32, 32, &[], &pool).unwrap_err(),
        KernelError::Shape { .. }
    ));
}

#[test]
fn no_such_row() {
    let pool = Pool::new(1);
    let matrix = PackedMatrix::pack(Format::F32, 3, 32, &[0; 3 * 32 * 4], &pool).unwrap();
    let mut row = [0.0; 32];
    assert_eq!(matrix.row_f32(3, &mut row), Err(KernelError::Row { row: 3, out_features: 3 }));
    assert!(matches!(matrix.row_f32(0, &mut row[1..]), Err(KernelError::Length { .. })));
}

/// The reference rounding of the formats of 32, written as in ggml: the scale in full precision for the
/// quants, in half precision for the weights.
fn reference_rounding(format: Format, x: &[f32]) -> Vec<f32> {
    let half = |d: f32| f16::from_f32(d).to_f32();
    let inverse = |d: f32| if d == 0.0 { 0.0 } else { 1.0 / d };
    if format == Format::Q8_0 {
        let d = x.iter().map(|x| x.abs()).fold(0.0, f32::max) / ((1 << 7) - 1) as f32;
        return x.iter().map(|x| half(d) * (x * inverse(d)).round()).collect();
    }
    if let Some(steps) = [(Format::Q4_1, 15), (Format::Q5_1, 31)].iter().find(|f| f.0 == format) {
        let (mut min, mut max) = (f32::MAX, -f32::MAX);
        for &x in x {
            (min, max) = (min.min(x), max.max(x));
        }
        let d = (max - min) / steps.1 as f32;
        let quant = |x: f32| (((x - min) * inverse(d) + 0.5) as i8).min(steps.1) as f32;
        return x.iter().map(|&x| quant(x) * half(d) + half(min)).collect();
    }
    let levels = if format == Format::Q4_0 { 16i8 } else { 32 };
    let (mut amax, mut max) = (0.0, 0.0);
    for &x in x {
        if amax < x.abs() {
            (amax, max) = (x.abs(), x);
        }
    }
    let middle = f32::from(levels / 2);
    let d = max / -middle;
    let quant = |x: f32| ((x * inverse(d) + (middle + 0.5)) as i8).min(levels - 1) as f32;
    x.iter().map(|&x| half(d) * (quant(x) - middle)).collect()
}

proptest! {
    #[test]
    fn quantized_as_by_the_reference(seed: u64, exponent in -20i32..8) {
        let pool = Pool::new(1);
        let mut rng = Rng::new(seed);
        let weights: Vec<f32> = (0..2 * 64).map(|_| rng.symmetric() * 2f32.powi(exponent)).collect();
        let mut row = [0.0; 64];
        for format in [Format::Q8_0, Format::Q4_0, Format::Q4_1, Format::Q5_0, Format::Q5_1] {
            let matrix = PackedMatrix::quantize(format, 2, 64, &weights, &pool).unwrap();
            for (i, weights) in weights.chunks(64).enumerate() {
                matrix.row_f32(i, &mut row).unwrap();
                let expected: Vec<f32> =
                    weights.chunks(32).flat_map(|block| reference_rounding(format, block)).collect();
                prop_assert_eq!(&row[..], &expected[..]);
            }
        }
        for (format, bound) in [(Format::Bf16, 2f32.powi(-8)), (Format::F16, 2f32.powi(-11))] {
            let matrix = PackedMatrix::quantize(format, 2, 64, &weights, &pool).unwrap();
            matrix.row_f32(1, &mut row).unwrap();
            for (is, was) in row.iter().zip(&weights[64..]) {
                prop_assert!((is - was).abs() <= (was.abs() * bound).max(6e-8), "{} {}", is, was);
            }
        }
    }
}

fn mean_squared_error(format: Format, weights: &[f32]) -> f64 {
    let pool = Pool::new(1);
    let matrix = PackedMatrix::quantize(format, 1, weights.len(), weights, &pool).unwrap();
    let mut row = vec![0.0; weights.len()];
    matrix.row_f32(0, &mut row).unwrap();
    let errors = row.iter().zip(weights).map(|(is, was)| f64::from(is - was).powi(2));
    errors.sum::<f64>() / weights.len() as f64
}

#[test]
fn q4_k_is_nearer_than_q4_0() {
    let mut rng = Rng::new(4);
    // Sums of uniforms: nearly normal, as trained weights are.
    let mut normal = || (0..6).map(|_| rng.symmetric()).sum::<f32>() * 0.02;
    let centred: Vec<f32> = (0..4096).map(|_| normal()).collect();
    let (q4_k, q4_0) =
        (mean_squared_error(Format::Q4_K, &centred), mean_squared_error(Format::Q4_0, &centred));
    assert!(q4_k < 0.85 * q4_0, "{q4_k} {q4_0}");
    // A minimum is what Q4_0 lacks.
    let shifted: Vec<f32> = centred.iter().map(|x| x - 0.1).collect();
    assert!(mean_squared_error(Format::Q4_K, &shifted) < 1.3 * q4_k);
    // Weights above zero need no minimum.
    let positive: Vec<f32> = centred.iter().map(|x| x.abs() + 0.2).collect();
    assert!(mean_squared_error(Format::Q4_K, &positive) < 2e-4);
}

#[test]
fn q5_k_has_a_quarter_of_the_squared_error_of_q4_k() {
    for distribution in ["normal", "uniform", "shifted", "positive"] {
        let weights = weights_of(distribution);
        let [q4_k, q5_k] = [Format::Q4_K, Format::Q5_K].map(|f| mean_squared_error(f, &weights));
        assert!(q5_k < 0.3 * q4_k, "{distribution}: {q5_k} {q4_k}");
    }
}

#[test]
fn q4_k_keeps_what_it_can_hold() {
    let zeros = [0.0; 256];
    assert_eq!(mean_squared_error(Format::Q4_K, &zeros), 0.0);
    // 63 and 15 are the largest scale and quant: steps of 1, whatever the minimum.
    let steps: Vec<f32> = (0..256).map(|i| 63.0 * ((i * 7 % 16) as f32 - 4.0)).collect();
    assert!(mean_squared_error(Format::Q4_K, &steps) < 0.5);
    assert!(mean_squared_error(Format::Q4_K, &[-0.25; 256]) < 1e-8);
    for weights in [[f32::NAN; 256], [f32::MAX; 256], [f32::NEG_INFINITY; 256], [1e-40; 256]] {
        mean_squared_error(Format::Q4_K, &weights); // no panic
    }
}

#[test]
fn q6_k_is_within_half_a_step() {
    // A block's step is at most a 32nd of its largest weight, and a little for rounding its scale.
    let mut rng = Rng::new(9);
    let weights: Vec<f32> = (0..4096).map(|_| rng.symmetric()).collect();
    let step = 1.0 / 31.0 + 1.0 / 128.0 / 2.0;
    assert!(mean_squared_error(Format::Q6_K, &weights) < step * step / 12.0);
    assert_eq!(mean_squared_error(Format::Q6_K, &[0.0; 256]), 0.0);
    let steps: Vec<f32> = (0..256).map(|i| (i * 4 % 64) as f32 - 32.0).collect();
    assert_eq!(mean_squared_error(Format::Q6_K, &steps), 0.0);
    for weights in [[f32::NAN; 256], [f32::MAX; 256], [f32::NEG_INFINITY; 256], [1e-40; 256]] {
        mean_squared_error(Format::Q6_K, &weights); // no panic
    }
}

/// As in `fixtures/make_k_quants.py`.
fn weights_of(distribution: &str) -> Vec<f32> {
    let mut state = 1u32;
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    };
    let weight = |i: usize| {
        let u: [f64; 4] = std::array::from_fn(|_| uniform());
        let normal = u.iter().sum::<f64>() / 4.0;
        match distribution {
            "normal" => normal,
            "uniform" => u[0],
            "shifted" => normal - 0.5,
            "positive" => normal.abs() + 0.25,
            _ if i.is_multiple_of(37) => 8.0 * u[1],
            _ => normal / 8.0,
        }
    };
    (0..16384).map(weight).map(|x| x as f32).collect()
}

#[test]
fn squared_errors_are_close_to_those_of_ggml_or_less() {
    for line in include_str!("fixtures/k_quants.txt").lines() {
        let words: Vec<_> = line.split(' ').collect();
        let format: Format = words[1].parse().unwrap();
        let weights = weights_of(words[0]);
        let ours = mean_squared_error(format, &weights) * weights.len() as f64;
        let theirs: f64 = words[2].parse().unwrap();
        assert!(ours <= 1.05 * theirs, "{line}: {ours}");
    }
}

#[test]
fn every_instruction_set_rounds_alike() {
    let weights = random_rows(48 * 512, 3);
    for format in Format::ALL {
        let rows = |isa| {
            let pool = Pool::with_isa(1, isa).unwrap();
            let matrix = PackedMatrix::quantize(format, 48, 512, &weights, &pool).unwrap();
            let mut all = vec![0.0; weights.len()];
            for (i, row) in all.chunks_mut(512).enumerate() {
                matrix.row_f32(i, row).unwrap();
            }
            bits(&all)
        };
        let isas = Isa::ALL.into_iter().filter(|isa| isa.is_supported());
        let mut all = isas.map(rows);
        let first = all.next().unwrap();
        assert!(all.all(|other| other == first), "{format:?}");
    }
}
