//! Attention of an encoder: near the exact one, and the same bits on every path.
#![allow(clippy::unwrap_used, reason = "tests")]

use infer_code_cad_kernels::{Isa, KernelError, Pool, SelfAttention};
use proptest::prelude::*;

mod common;
use common::random_rows;

fn softmax(scores: &mut [f32], len: usize) {
    let max = scores[..len].iter().copied().fold(f32::MIN, f32::max);
    scores[..len].iter_mut().for_each(|x| *x = (*x - max).exp());
    let total: f32 = scores[..len].iter().sum();
    scores[..len].iter_mut().for_each(|x| *x /= total);
    scores[len..].fill(0.0);
}

fn attend(text: &SelfAttention<'_>, pool: &Pool) -> Vec<f32> {
    let n_tokens = text.qkv.len() / (3 * text.n_heads * text.head_dim);
    let mut out = vec![f32::NAN; text.qkv.len() / 3];
    // A bias by head and distance, as MPNet has one.
    text.attend(&mut out, pool, |head, i, scores| {
        for (j, score) in scores.iter_mut().enumerate() {
            *score = *score * 0.25 + head as f32 * 0.1 * (i as f32 - j as f32).abs().min(9.0);
        }
        softmax(scores, n_tokens);
    })
    .unwrap();
    out
}

/// In f64.
fn exact(text: &SelfAttention<'_>) -> Vec<f64> {
    let SelfAttention { n_heads, head_dim, qkv } = *text;
    let n_tokens = qkv.len() / (3 * n_heads * head_dim);
    let at = |token: usize, which: usize, head: usize, d: usize| {
        f64::from(qkv[((token * 3 + which) * n_heads + head) * head_dim + d])
    };
    let mut out = Vec::new();
    for i in 0..n_tokens {
        for head in 0..n_heads {
            let score = |j: usize| {
                let product: f64 =
                    (0..head_dim).map(|d| at(i, 0, head, d) * at(j, 1, head, d)).sum();
                let distance = (i as f64 - j as f64).abs().min(9.0);
                (product * 0.25 + head as f64 * 0.1 * distance).exp()
            };
            let weights: Vec<f64> = (0..n_tokens).map(score).collect();
            let total: f64 = weights.iter().sum();
            for d in 0..head_dim {
                let mixed = weights.iter().enumerate().map(|(j, w)| w * at(j, 2, head, d));
                out.push(mixed.sum::<f64>() / total);
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn results_are_those_of_f64_and_the_same_bits_on_every_path(
        seed: u64,
        n_tokens in prop_oneof![1usize..20, 250usize..270],
        n_heads in 1usize..4,
        head_dim in prop::sample::select(vec![8usize, 20, 32, 64]),
        threads in 1usize..4,
    ) {
        let qkv: Vec<f32> = random_rows(n_tokens * 3 * n_heads * head_dim, seed)
            .iter()
            .map(|x| x * 0.3)
            .collect();
        let text = SelfAttention { n_heads, head_dim, qkv: &qkv };
        let expected = attend(&text, &Pool::with_isa(1, Isa::Scalar).unwrap());
        for (&actual, exact) in expected.iter().zip(exact(&text)) {
            prop_assert!((f64::from(actual) - exact).abs() < 1e-5);
        }
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
            let out = attend(&text, &Pool::with_isa(threads, isa).unwrap());
            let same = out.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits());
            prop_assert!(same, "{:?}", isa);
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let pool = Pool::new(1);
    let nothing = |_: usize, _: usize, _: &mut [f32]| {};
    let text = SelfAttention { n_heads: 2, head_dim: 4, qkv: &[0.0; 48] };
    assert_eq!(text.attend(&mut [0.0; 16], &pool, nothing), Ok(()));
    for len in [8, 15] {
        let error = text.attend(&mut vec![0.0; len], &pool, nothing).unwrap_err();
        assert!(matches!(error, KernelError::Length { .. }), "{error}");
    }
    let none = SelfAttention { n_heads: 0, ..text };
    assert!(matches!(none.attend(&mut [], &pool, nothing), Err(KernelError::Shape { .. })));
    let empty = SelfAttention { qkv: &[], ..text };
    assert_eq!(empty.attend(&mut [], &pool, nothing), Ok(()));
}
