//! Inner products with stored rows: near the exact ones, and the same bits on every path.
#![allow(clippy::unwrap_used, reason = "tests")]

use half::f16;
use infer_code_cad_kernels::{ByteQueries, ByteRows, Isa, Rows, ScanQueries};
use proptest::prelude::*;

mod common;
use common::random_rows;

fn supported() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_supported())
}

/// At an odd address, as a file's rows are.
fn shifted(bytes: impl Iterator<Item = u8>) -> Vec<u8> {
    std::iter::once(0).chain(bytes).collect()
}

fn scan(isa: Isa, queries: &ScanQueries, rows: Rows<'_>, n_rows: usize) -> Vec<f32> {
    let mut products = vec![f32::NAN; queries.len() * n_rows];
    queries.scan(isa, 0..queries.len(), rows, &mut products);
    products
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn products_are_the_sums_and_depend_on_the_pair_alone(
        dimension in 1usize..100, n_queries in 0usize..14, n_rows in 0usize..12, seed: u64,
    ) {
        let queries = random_rows(n_queries * dimension, seed);
        let values = random_rows(n_rows * dimension, seed ^ 1);
        let halves: Vec<f16> = values.iter().map(|&x| f16::from_f32(x)).collect();
        let as_f32 = shifted(values.iter().flat_map(|x| x.to_le_bytes()));
        let as_f16 = shifted(halves.iter().flat_map(|x| x.to_le_bytes()));
        let widened: Vec<f32> = halves.iter().map(|x| x.to_f32()).collect();
        let arranged = ScanQueries::new(dimension, &queries);
        let cases = [(Rows::F32(&as_f32[1..]), &values), (Rows::F16(&as_f16[1..]), &widened)];
        for (rows, values) in cases {
            let expected = scan(Isa::Scalar, &arranged, rows, n_rows);
            for (q, query) in queries.chunks(dimension).enumerate() {
                for (r, row) in values.chunks(dimension).enumerate() {
                    let terms = query.iter().zip(row).map(|(x, y)| f64::from(*x) * f64::from(*y));
                    let (exact, size) = terms.fold((0.0, 0.0), |(a, b), t| (a + t, b + t.abs()));
                    let near = (f64::from(expected[q * n_rows + r]) - exact).abs();
                    prop_assert!(near <= 1e-5 * size + 1e-30);
                }
            }
            for isa in supported() {
                let all = scan(isa, &arranged, rows, n_rows);
                prop_assert!(all.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()));
                for q in 0..n_queries {
                    let mut alone = vec![f32::NAN; n_rows];
                    arranged.scan(isa, q..q + 1, rows, &mut alone);
                    prop_assert_eq!(&alone, &expected[q * n_rows..][..n_rows]);
                }
            }
        }
    }

    #[test]
    fn products_of_bytes_are_near_and_depend_on_the_pair_alone(
        dimension in 1usize..70, n_queries in 0usize..20, n_rows in 0usize..40, seed: u64,
    ) {
        let queries = random_rows(n_queries * dimension, seed);
        let values = random_rows(n_rows * dimension, seed ^ 1);
        let mut rows = ByteRows::new(dimension);
        let distances: Vec<f32> = values.chunks(dimension).map(|row| rows.push(row)).collect();
        let length = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let scan = |isa, queries: &ByteQueries, rows: &ByteRows| {
            let mut products = vec![f32::NAN; queries.len() * rows.len()];
            rows.scan(isa, queries, 0..rows.len(), &mut products);
            products
        };
        let all = ByteQueries::new(dimension, &queries);
        let expected = scan(Isa::Scalar, &all, &rows);
        for (q, query) in queries.chunks(dimension).enumerate() {
            for (r, row) in values.chunks(dimension).enumerate() {
                let exact: f64 = query.iter().zip(row).map(|(x, y)| f64::from(x * y)).sum();
                let near = (f64::from(expected[q * n_rows + r]) - exact).abs();
                let (a, b) = (f64::from(all.distance(q)), f64::from(distances[r]));
                prop_assert!(a <= 0.01 * length(query) * (dimension as f64).sqrt());
                prop_assert!(near <= a * (length(row) + b) + b * length(query) + 1e-4);
            }
            let alone = scan(Isa::best(), &ByteQueries::new(dimension, query), &rows);
            prop_assert_eq!(&alone, &expected[q * n_rows..][..n_rows]);
        }
        for isa in supported() {
            prop_assert_eq!(&scan(isa, &all, &rows), &expected);
        }
        if n_rows > 16 {
            let mut part = vec![f32::NAN; n_queries * (n_rows - 16)];
            rows.scan(Isa::best(), &all, 16..n_rows, &mut part);
            for (part, all) in part.chunks(n_rows - 16).zip(expected.chunks(n_rows)) {
                prop_assert_eq!(part, &all[16..]);
            }
        }
    }
}

#[test]
fn rows_of_extreme_values_stay_finite() {
    let mut rows = ByteRows::new(3);
    for row in [[0.0; 3], [1e18, -1e18, 1e18], [f32::MIN_POSITIVE / 8.0; 3]] {
        assert!(
            rows.push(&row) <= 1e-6 * row[0].abs().max(1e-30),
            "{row:?} is held nearly exactly"
        );
    }
    let mut products = [f32::NAN; 3];
    rows.scan(Isa::best(), &ByteQueries::new(3, &[1e18, 0.0, 1.0]), 0..3, &mut products);
    assert!(products[0] == 0.0 && products[1] > 0.99e36 && products[2].is_finite(), "{products:?}");
}

#[test]
fn what_is_no_finite_number_is_infinitely_far() {
    let mut rows = ByteRows::new(2);
    for row in [[f32::NAN, 1.0], [f32::INFINITY, 1.0], [1.0, f32::NEG_INFINITY]] {
        assert_eq!(rows.push(&row), f32::INFINITY);
    }
    let mut products = [f32::NAN; 3];
    rows.scan(Isa::best(), &ByteQueries::new(2, &[1.0, 1.0]), 0..3, &mut products);
    assert!(products.iter().all(|product| product.is_finite()), "{products:?}");
}
