//! Attention on a page: against the plain sums, and the same bits on every instruction set, in every
//! group.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use half::f16;
use infer_code_cad_kernels::{Isa, KvFormat, KvPage, KvQueries};
use proptest::prelude::*;

const N_HEADS: usize = 2;
const SCALE: f32 = 0.3;

/// Pages of random positions, their keys and values as `(positions, N_HEADS, head_dim)`, queries
/// and weights.
#[derive(Debug)]
struct Case {
    format: KvFormat,
    pages: Vec<Arc<KvPage>>,
    head_dim: usize,
    group: usize,
    keys: Vec<f32>,
    values: Vec<f32>,
    queries: Vec<f32>,
    weights: Vec<f32>, // (group, positions)
    n_positions: usize,
}

fn case() -> impl Strategy<Value = Case> {
    let formats = prop::sample::select(&KvFormat::ALL[..]);
    (1usize..70, 1usize..20, 1usize..21, 0usize..=16, formats).prop_flat_map(
        |(head_dim, group, n_pages, in_last, format)| {
            let floats = |n: usize| prop::collection::vec(-3.0f32..3.0, n);
            let weights = prop::collection::vec(0.0f32..3.0, group * n_pages * KvPage::POSITIONS);
            let positions = n_pages * KvPage::POSITIONS;
            let (width, n_positions) = (N_HEADS * head_dim, positions - 16 + in_last);
            let (keys, values) = (floats(positions * width), floats(positions * width));
            (keys, values, floats(group * head_dim), weights).prop_map(
                move |(keys, values, queries, weights)| {
                    let page = |(keys, values): (&[f32], &[f32])| {
                        let mut page = KvPage::new(format, N_HEADS, head_dim);
                        for (slot, (k, v)) in
                            keys.chunks(width).zip(values.chunks(width)).enumerate()
                        {
                            page.put(Isa::best(), slot, k, v);
                        }
                        Arc::new(page)
                    };
                    let of_page = KvPage::POSITIONS * width;
                    let pages =
                        keys.chunks(of_page).zip(values.chunks(of_page)).map(page).collect();
                    let round = |x: &f32| match format {
                        KvFormat::F32 | KvFormat::Int8 => *x,
                        KvFormat::F16 => f16::from_f32(*x).to_f32(),
                    };
                    let keys = keys.iter().map(round).collect();
                    let values = values.iter().map(round).collect();
                    Case {
                        format,
                        pages,
                        head_dim,
                        group,
                        keys,
                        values,
                        queries,
                        weights,
                        n_positions,
                    }
                },
            )
        },
    )
}

impl Case {
    /// Positions of all pages.
    fn len(&self) -> usize {
        self.pages.len() * KvPage::POSITIONS
    }

    fn score(&self, isa: Isa, head: usize, queries: &[f32]) -> Vec<f32> {
        let n = queries.len() / self.head_dim;
        let mut scores = vec![f32::NAN; n * self.len()];
        let queries = prepared(self.format, isa, self.head_dim, queries);
        KvPage::score(&self.pages, isa, head, &queries, 0..n, &mut scores, self.len());
        scores
    }

    fn mix(&self, isa: Isa, head: usize, weights: &[f32]) -> Vec<f32> {
        let mut out = vec![1.0; weights.len() / self.len() * self.head_dim];
        KvPage::mix(&self.pages, isa, head, weights, self.len(), self.n_positions, &mut out);
        out
    }

    /// The same, a page after the other.
    fn page_by_page(&self, isa: Isa, head: usize) -> (Vec<f32>, Vec<f32>) {
        let queries = prepared(self.format, isa, self.head_dim, &self.queries);
        let mut scores = vec![f32::NAN; self.group * self.len()];
        let mut out = vec![1.0; self.group * self.head_dim];
        for (i, page) in self.pages.chunks(1).enumerate() {
            let at = i * KvPage::POSITIONS;
            let n_positions = (self.n_positions - at.min(self.n_positions)).min(KvPage::POSITIONS);
            KvPage::score(page, isa, head, &queries, 0..self.group, &mut scores[at..], self.len());
            KvPage::mix(page, isa, head, &self.weights[at..], self.len(), n_positions, &mut out);
        }
        (scores, out)
    }

    /// How far from the plain sum a score may be: rounding moves a vector by half a step in each of its places
    /// at most, where its length has 127 steps or more.
    fn score_bound(&self, query: usize, position: usize, head: usize) -> f64 {
        if self.format != KvFormat::Int8 {
            return 2e-4;
        }
        let length = |at: &dyn Fn(usize) -> f64| {
            (0..self.head_dim).map(|d| at(d).powi(2)).sum::<f64>().sqrt()
        };
        let query = length(&|d| f64::from(self.queries[query * self.head_dim + d]));
        let key = length(&|d| self.at(&self.keys, position, head, d));
        let moved = (self.head_dim as f64).sqrt() / 254.0 * 1.001;
        1e-4 + f64::from(SCALE) * query * key * (2.0 + moved) * moved
    }

    /// The same of a mixed value: each value is moved by half its position's step, each weight by half its
    /// page's.
    fn mix_bound(&self, query: usize, head: usize) -> f64 {
        if self.format != KvFormat::Int8 {
            return 1e-3;
        }
        let scaled = |t: usize| {
            let peak = (0..self.head_dim)
                .map(|d| self.at(&self.values, t, head, d).abs())
                .fold(0.0, f64::max);
            f64::from(self.weights[query * self.len() + t]) * peak / 127.0
        };
        let scaled: Vec<f64> = (0..self.n_positions).map(scaled).collect();
        let of_weights =
            |page: &[f64]| page.len() as f64 * page.iter().copied().fold(0.0, f64::max);
        let of_pages: f64 = scaled.chunks(KvPage::POSITIONS).map(of_weights).sum();
        1e-3 + 0.501 * (scaled.iter().sum::<f64>() + of_pages)
    }

    fn at(&self, all: &[f32], position: usize, head: usize, d: usize) -> f64 {
        f64::from(all[(position * N_HEADS + head) * self.head_dim + d])
    }
}

fn prepared(format: KvFormat, isa: Isa, head_dim: usize, queries: &[f32]) -> KvQueries {
    let mut prepared = KvQueries::default();
    prepared.set(format, isa, head_dim, SCALE, queries.chunks(head_dim));
    prepared
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

proptest! {
    #[test]
    fn products_are_the_plain_sums(case in case(), head in 0..N_HEADS) {
        let Case { head_dim, group, .. } = case;
        let (scores, out) = (
            case.score(Isa::best(), head, &case.queries),
            case.mix(Isa::best(), head, &case.weights),
        );
        for q in 0..group {
            for t in 0..case.len() {
                let product = |d| f64::from(case.queries[q * head_dim + d]) * case.at(&case.keys, t, head, d);
                let expected = f64::from(SCALE) * (0..head_dim).map(product).sum::<f64>();
                prop_assert!((f64::from(scores[q * case.len() + t]) - expected).abs() < case.score_bound(q, t, head));
            }
            for d in 0..head_dim {
                let product = |t| f64::from(case.weights[q * case.len() + t]) * case.at(&case.values, t, head, d);
                let expected = 1.0 + (0..case.n_positions).map(product).sum::<f64>();
                prop_assert!((f64::from(out[q * head_dim + d]) - expected).abs() < case.mix_bound(q, head));
            }
        }
    }

    #[test]
    fn every_instruction_set_and_every_group_gives_the_same_bits(case in case(), head in 0..N_HEADS) {
        let scores = bits(&case.score(Isa::Scalar, head, &case.queries));
        let out = bits(&case.mix(Isa::Scalar, head, &case.weights));
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
            prop_assert_eq!(&bits(&case.score(isa, head, &case.queries)), &scores);
            prop_assert_eq!(&bits(&case.mix(isa, head, &case.weights)), &out);
        }
        let (one_by_one, mixed) = case.page_by_page(Isa::best(), head);
        prop_assert_eq!((&bits(&one_by_one), &bits(&mixed)), (&scores, &out));
        for q in 0..case.group {
            let query = &case.queries[q * case.head_dim..][..case.head_dim];
            let weights = &case.weights[q * case.len()..][..case.len()];
            let alone = bits(&case.score(Isa::best(), head, query));
            prop_assert_eq!(&alone[..], &scores[q * case.len()..][..case.len()]);
            let alone = bits(&case.mix(Isa::best(), head, weights));
            prop_assert_eq!(&alone[..], &out[q * case.head_dim..][..case.head_dim]);
        }
    }
}

#[test]
fn half_precision_saturates_and_keeps_what_is_not_a_number() {
    let mut page = KvPage::new(KvFormat::F16, 1, 1);
    for (slot, key) in [1e9, -1e9, f32::NAN, 0.5].into_iter().enumerate() {
        page.put(Isa::best(), slot, &[key], &[key]);
    }
    let mut scores = [0.0; KvPage::POSITIONS];
    let queries = prepared(KvFormat::F16, Isa::best(), 1, &[1.0]);
    KvPage::score(&[&page], Isa::best(), 0, &queries, 0..1, &mut scores, KvPage::POSITIONS);
    let scores = scores.map(|score| score / SCALE);
    assert_eq!((scores[0], scores[1], scores[3]), (65504.0, -65504.0, 0.5));
    assert!(scores[2].is_nan());
}

/// Every place where a NaN may be, on every instruction set: it reaches what it takes part in.
#[test]
fn a_nan_of_a_key_a_query_a_value_or_a_weight_reaches_the_results() {
    const DIM: usize = 20;
    let formats = KvFormat::ALL.into_iter();
    for (format, isa) in formats.flat_map(|f| Isa::ALL.map(|isa| (f, isa))) {
        if !isa.is_supported() {
            continue;
        }
        for at in [0, 7, 16, DIM - 1] {
            let mut bad = [1.0; DIM];
            bad[at] = -f32::NAN;
            let mut page = KvPage::new(format, 1, DIM);
            page.put(Isa::best(), 5, &bad, &bad);
            let scores = |queries: &[f32]| {
                let mut scores = [0.0; 2 * KvPage::POSITIONS];
                let queries = prepared(format, isa, DIM, queries);
                KvPage::score(&[&page], isa, 0, &queries, 0..2, &mut scores, KvPage::POSITIONS);
                scores.map(f32::is_nan)
            };
            let of_key = scores(&[1.0; 2 * DIM]);
            assert!((0..32).all(|t| of_key[t] == (t % 16 == 5)), "{format} {isa} {at}");
            let of_query = scores(&[[1.0; DIM], bad].concat());
            assert!((0..32).all(|t| of_query[t] == (t >= 16 || t == 5)), "{format} {isa} {at}");
            let mixed = |page: &KvPage, weights: &[f32]| {
                let mut out = [0.0; 2 * DIM];
                KvPage::mix(&[page], isa, 0, weights, KvPage::POSITIONS, 9, &mut out);
                out.map(f32::is_nan)
            };
            let of_value = mixed(&page, &[0.1; 2 * KvPage::POSITIONS]);
            // A position's bytes have one scale.
            let is_bad = |d: usize| format == KvFormat::Int8 || d % DIM == at;
            assert!((0..2 * DIM).all(|d| of_value[d] == is_bad(d)), "{format} {isa} {at}");
            let mut weights = [0.1; 2 * KvPage::POSITIONS];
            weights[3] = f32::NAN;
            let of_weight = mixed(&KvPage::new(format, 1, DIM), &weights);
            assert!((0..DIM).all(|d| of_weight[d]) && !of_weight[DIM + (at + 1) % DIM]);
        }
    }
}

#[test]
#[should_panic(expected = "no slot 16")]
fn a_page_has_sixteen_slots() {
    KvPage::new(KvFormat::F32, 1, 2).put(Isa::best(), 16, &[0.0; 2], &[0.0; 2]);
}
