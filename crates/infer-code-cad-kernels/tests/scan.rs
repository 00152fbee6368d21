//! Inner products with stored rows: near the exact ones, and the same bits on every path.
#![allow(clippy::unwrap_used, reason = "tests")]

use half::f16;
use infer_code_cad_kernels::{Isa, Rows, ScanQueries};
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
}
