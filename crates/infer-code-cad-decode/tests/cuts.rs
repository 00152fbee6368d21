//! The typical cut and top-n-sigma, worked out by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use infer_code_cad_decode::{Logits, Nucleus, SamplerOrder, TokenId};

/// What is left of a row, and each share of it.
fn left(decoder: &Nucleus, row: &[f32]) -> Vec<(TokenId, f32)> {
    let mut left = decoder.distribution(Logits::new(row, 1, row.len()).unwrap()).unwrap();
    left.sort_by_key(|share| share.0);
    left
}

fn tokens(decoder: &Nucleus, row: &[f32]) -> Vec<TokenId> {
    left(decoder, row).iter().map(|share| share.0).collect()
}

/// By hand: of .6, .1, .1, .1, .1 the entropy is 1.228, -ln .6 = .51 and -ln .1 = 2.30; so .6 is the nearest. Of .4,
/// .2, .2, .2 it is 1.33, and -ln .2 = 1.61 is nearer than -ln .4 = .92: the most probable token goes first.
#[test]
fn the_typical_is_what_is_expected() {
    for order in [SamplerOrder::Hf, SamplerOrder::LlamaCpp] {
        let typical = |typical_p| Nucleus { typical_p, order, ..Nucleus::default() };
        assert_eq!(tokens(&typical(0.5), &[0.6, 0.1, 0.1, 0.1, 0.1].map(f32::ln)), [0]);
        let row = [0.2, 0.4, 0.2, 0.2].map(f32::ln);
        assert_eq!(tokens(&typical(0.35), &row), [0, 2]);
        assert_eq!(tokens(&typical(0.7), &row), [0, 1, 2, 3]);
        // So cold that the best that is left must be what weights are relative to.
        let cold = Nucleus { temperature: 1e-3, ..typical(0.35) };
        let cold = Nucleus { order: SamplerOrder::LlamaCpp, ..cold };
        let shares = left(&cold, &row);
        assert_eq!(shares.iter().map(|s| s.1).collect::<Vec<_>>(), [0.5, 0.5]);
    }
}

/// Of the logits 3, 1, 1, 1, -1, -5 (and one that is masked) the mean is 0 and the deviation sqrt(38 / 6) = 2.517.
#[test]
fn top_n_sigma_keeps_what_stands_out() {
    let row = [1.0, 3.0, f32::NEG_INFINITY, 1.0, 1.0, -1.0, -5.0];
    for temperature in [0.5, 1.0, 3.0] {
        for order in [SamplerOrder::Hf, SamplerOrder::LlamaCpp] {
            let sampler = Nucleus { temperature, order, ..Nucleus::default() };
            let kept = |top_n_sigma| tokens(&Nucleus { top_n_sigma, ..sampler.clone() }, &row);
            assert_eq!(kept(0.0), [1]);
            assert_eq!(kept(0.79), [1]); // from 1.01 up
            assert_eq!(kept(0.8), [0, 1, 3, 4]); // from 0.99 up
            assert_eq!(kept(1.6), [0, 1, 3, 4, 5]);
            assert_eq!(kept(f32::INFINITY), [0, 1, 3, 4, 5, 6]);
        }
    }
}
