//! Products of many rows: near the exact ones, and the same bits on every path, whatever shares the batch.
#![allow(clippy::unwrap_used, reason = "tests")]

use infer_code_cad_kernels::{DenseFormat, DenseMatrix, DenseRows, Isa, KernelError, Pool};
use proptest::prelude::*;

mod common;
use common::random_rows;

const FORMATS: [DenseFormat; 2] = [DenseFormat::F32, DenseFormat::Int8];

/// `(out_features, in_features)`, and what a test multiplies.
struct Layer {
    in_features: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Layer {
    fn random(out_features: usize, in_features: usize, seed: u64) -> Self {
        let weights = random_rows(out_features * in_features, seed);
        Self { in_features, weights, bias: random_rows(out_features, seed ^ 7) }
    }

    fn multiply(&self, format: DenseFormat, rows: &[f32], pool: &Pool) -> Vec<f32> {
        let matrix =
            DenseMatrix::pack(format, self.in_features, &self.weights, &self.bias, pool).unwrap();
        let mut dense = DenseRows::default();
        dense.set(format, self.in_features, rows, pool).unwrap();
        let mut out = vec![f32::NAN; dense.rows() * self.bias.len()];
        matrix.multiply(&dense, &mut out, pool).unwrap();
        out
    }

    /// In f64.
    fn exact(&self, rows: &[f32]) -> Vec<f64> {
        let of_row = |row| {
            let outputs = self.weights.chunks(self.in_features).zip(&self.bias);
            outputs.map(move |(weights, &bias)| product(row, weights, bias))
        };
        rows.chunks(self.in_features).flat_map(of_row).collect()
    }
}

fn product(row: &[f32], weights: &[f32], bias: f32) -> f64 {
    let terms = row.iter().zip(weights).map(|(&x, &w)| f64::from(x) * f64::from(w));
    terms.sum::<f64>() + f64::from(bias)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn supported() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_supported())
}

#[test]
fn results_are_near_the_exact_ones() {
    let pool = Pool::new(2);
    for (out_features, in_features) in [(40, 768), (33, 600), (1, 5), (64, 32)] {
        let layer = Layer::random(out_features, in_features, 3);
        let rows = random_rows(13 * in_features, 4);
        let exact = layer.exact(&rows);
        for (format, tolerance) in [(DenseFormat::F32, 1e-6), (DenseFormat::Int8, 2e-2)] {
            let out = layer.multiply(format, &rows, &pool);
            let pairs = out.iter().zip(&exact).map(|(&y, &exact)| (f64::from(y) - exact, exact));
            let squares = |(a, b), (error, exact)| (a + error * error, b + exact * exact);
            let (errors, size) = pairs.fold((0.0, 0.0), squares);
            let relative: f64 = (errors / size).sqrt();
            assert!(relative < tolerance, "{format:?} {in_features}: {relative}");
        }
    }
}

#[test]
fn outliers_of_a_row_cost_the_rest_little() {
    let (layer, pool) = (Layer::random(64, 768, 5), Pool::new(1));
    let mut rows = random_rows(768, 6);
    rows[300] = 60.0;
    let out = layer.multiply(DenseFormat::Int8, &rows, &pool);
    let errors = out.iter().zip(layer.exact(&rows)).map(|(&y, exact)| f64::from(y) - exact);
    let error = (errors.map(|error| error * error).sum::<f64>() / 64.0).sqrt();
    // Without mixing: 60 / 127 / sqrt(12) * sqrt(768 * 3) = 6.5.
    assert!(error < 2.0, "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_row_has_the_same_bits_alone_and_on_every_path(
        seed: u64,
        format in prop::sample::select(FORMATS.to_vec()),
        n_rows in prop_oneof![1usize..=14, 120usize..135],
        out_features in 1usize..70,
        in_features in prop_oneof![1usize..40, Just(256), Just(520), Just(768)],
        threads in 1usize..4,
    ) {
        let layer = Layer::random(out_features, in_features, seed);
        let rows = random_rows(n_rows * in_features, seed ^ 1);
        let twin = Pool::with_isa(1, Isa::Scalar).unwrap();
        let alone: Vec<f32> = rows
            .chunks(in_features)
            .take(10)
            .flat_map(|row| layer.multiply(format, row, &twin))
            .collect();
        for isa in supported() {
            let pool = Pool::with_isa(threads, isa).unwrap();
            let out = layer.multiply(format, &rows, &pool);
            prop_assert_eq!(bits(&out[..alone.len()]), bits(&alone), "{:?}", isa);
            let (first, rest) = rows.split_at(n_rows / 2 * in_features);
            let mut apart = layer.multiply(format, first, &pool);
            apart.extend(layer.multiply(format, rest, &pool));
            prop_assert_eq!(bits(&out), bits(&apart), "{:?}", isa);
        }
    }

    #[test]
    fn the_largest_products_do_not_overflow(
        signs in prop::collection::vec(prop::sample::select(vec![-1.0f32, 1.0]), 7),
        row in prop::sample::select(vec![-1.0f32, 1.0]),
        large in 0usize..7,
    ) {
        // Seven inputs are not mixed. Each weight is 127 in its scale, or one beside zeros.
        let mut alone = vec![0.0; 7];
        alone[large] = signs[large];
        for weights in [signs, alone] {
            let layer = Layer { in_features: 7, weights, bias: vec![0.0] };
            let exact = layer.exact(&[row; 7])[0];
            for isa in supported() {
                let pool = Pool::with_isa(1, isa).unwrap();
                let out = layer.multiply(DenseFormat::Int8, &[row; 7], &pool);
                prop_assert!((f64::from(out[0]) - exact).abs() < 1e-5, "{:?}", isa);
            }
        }
    }
}

#[test]
fn what_is_not_finite_spoils_its_own_results_only() {
    for (format, isa) in FORMATS.into_iter().flat_map(|f| supported().map(move |isa| (f, isa))) {
        let pool = Pool::with_isa(2, isa).unwrap();
        let layer = Layer::random(40, 96, 5);
        let rows = random_rows(3 * 96, 6);
        let before = bits(&layer.multiply(format, &rows, &pool));
        for (at, bad) in [(0, f32::NAN), (9, f32::INFINITY), (95, f32::NEG_INFINITY)] {
            let mut spoilt = rows.clone();
            spoilt[96 + at] = bad;
            let after = layer.multiply(format, &spoilt, &pool);
            assert!(after[40..80].iter().all(|y| !y.is_finite()), "{format:?} {isa} {at}");
            assert_eq!(bits(&after[..40]), before[..40]);
            assert_eq!(bits(&after[80..]), before[80..]);

            let mut weights = layer.weights.clone();
            weights[96 + at] = bad;
            let spoilt = Layer { in_features: 96, weights, bias: layer.bias.clone() };
            let after = spoilt.multiply(format, &rows, &pool);
            for (i, (after, before)) in after.iter().zip(&before).enumerate() {
                assert_eq!(after.is_finite(), i % 40 != 1, "{format:?} {isa} {i}");
                assert!(i % 40 == 1 || after.to_bits() == *before);
            }
        }
    }
}

#[test]
fn zeros_give_the_bias() {
    let pool = Pool::new(1);
    for format in FORMATS {
        let zeros = Layer { in_features: 8, weights: vec![0.0; 16], bias: vec![1.5, -2.0] };
        assert_eq!(zeros.multiply(format, &[3.0; 8], &pool), [1.5, -2.0]);
        let layer = Layer { in_features: 8, weights: vec![1.0; 16], bias: vec![1.5, -2.0] };
        assert_eq!(layer.multiply(format, &[0.0; 16], &pool), [1.5, -2.0, 1.5, -2.0]);
    }
}

#[test]
fn one_buffer_serves_batches_of_all_sizes() {
    let (layer, pool) = (Layer::random(40, 64, 5), Pool::new(2));
    let mut dense = DenseRows::default();
    for (i, n_rows) in [33, 1, 10, 0, 4].into_iter().enumerate() {
        let format = FORMATS[i % 2];
        let matrix = DenseMatrix::pack(format, 64, &layer.weights, &layer.bias, &pool).unwrap();
        let rows = random_rows(n_rows * 64, n_rows as u64);
        dense.set(format, 64, &rows, &pool).unwrap();
        let mut out = vec![f32::NAN; n_rows * 40];
        matrix.multiply(&dense, &mut out, &pool).unwrap();
        assert_eq!(bits(&out), bits(&layer.multiply(format, &rows, &pool)));
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let pool = Pool::new(1);
    let pack = |in_features, weights: &[f32], bias: &[f32]| {
        DenseMatrix::pack(DenseFormat::Int8, in_features, weights, bias, &pool)
    };
    assert!(matches!(pack(0, &[], &[1.0]), Err(KernelError::Shape { .. })));
    assert!(matches!(pack(3, &[], &[]), Err(KernelError::Shape { .. })));
    assert!(matches!(pack(1 << 17, &[], &[1.0]), Err(KernelError::Shape { .. })));
    let error = pack(3, &[0.0; 5], &[1.0; 2]).unwrap_err();
    assert_eq!(error, KernelError::Length { what: "the dense matrix", expected: 6, actual: 5 });

    let matrix = pack(3, &[1.0; 6], &[1.0; 2]).unwrap();
    let mut rows = DenseRows::default();
    for (inputs, len) in [(0, 4), (3, 4)] {
        let error = rows.set(DenseFormat::Int8, inputs, &vec![1.0; len], &pool).unwrap_err();
        assert!(matches!(error, KernelError::Length { .. }));
    }
    rows.set(DenseFormat::Int8, 2, &[1.0; 2], &pool).unwrap();
    let error = matrix.multiply(&rows, &mut [0.0; 2], &pool).unwrap_err();
    assert_eq!(error, KernelError::InnerDimension { matrix: 3, activations: 2 });
    rows.set(DenseFormat::F32, 3, &[1.0; 3], &pool).unwrap();
    let error = matrix.multiply(&rows, &mut [0.0; 2], &pool).unwrap_err();
    assert!(matches!(error, KernelError::DenseFormat { .. }));
    rows.set(DenseFormat::Int8, 3, &[1.0; 3], &pool).unwrap();
    let error = matrix.multiply(&rows, &mut [0.0; 3], &pool).unwrap_err();
    assert_eq!(error, KernelError::Length { what: "the product", expected: 2, actual: 3 });
    if Isa::best() != Isa::Scalar {
        let scalar = Pool::with_isa(1, Isa::Scalar).unwrap();
        let error = matrix.multiply(&rows, &mut [0.0; 2], &scalar).unwrap_err();
        assert!(matches!(error, KernelError::OtherIsa { .. }));
    }
}
