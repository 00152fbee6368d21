//! Rules for alpha and gates of the contrast, each against the plain definition in f64.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use infer_code_cad_decode::{Alpha, Contrast, ContrastGate, Logits, Mix};
use proptest::prelude::*;

fn two_rows() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
    prop::collection::vec((-12.0f32..12.0, -12.0f32..12.0), 1..100)
        .prop_map(|pairs| pairs.into_iter().unzip())
}

/// Natural log-probabilities.
fn log_softmax(row: &[f64]) -> Vec<f64> {
    let peak = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mass: f64 = row.iter().map(|l| (l - peak).exp()).sum();
    row.iter().map(|l| l - peak - mass.ln()).collect()
}

fn log_probs(row: &[f32]) -> Vec<f64> {
    log_softmax(&row.iter().copied().map(f64::from).collect::<Vec<_>>())
}

fn entropy(log_probs: &[f64]) -> f64 {
    -log_probs.iter().map(|l| l.exp() * l).sum::<f64>()
}

/// The log-probabilities of what the contrast makes of two rows.
fn mixed(mut contrast: Contrast, first: &[f32], second: &[f32]) -> Vec<f64> {
    contrast.check().expect("in range");
    let values = [first, second].concat();
    let mut row = vec![];
    let rows = Logits::new(&values, 2, first.len()).expect("two rows");
    contrast.mix(rows, &[], &mut row).expect("finite");
    log_probs(&row)
}

fn by_alpha(first: &[f64], second: &[f64], alpha: f64) -> Vec<f64> {
    let row: Vec<f64> =
        first.iter().zip(second).map(|(c, q)| (1.0 + alpha) * c - alpha * q).collect();
    log_softmax(&row)
}

fn assert_near(actual: &[f64], expected: &[f64]) {
    for (actual, expected) in actual.iter().zip(expected) {
        assert_eq!(actual.is_finite(), expected.is_finite());
        let probabilities = (actual.exp() - expected.exp()).abs();
        assert!(probabilities < 1e-4, "{actual} is not {expected}");
    }
}

/// The rule as COIECD's authors have it, term by term.
fn constrained(c: &[f64], q: &[f64], alpha: f64, factor: f64) -> (Vec<f64>, f64) {
    let shifted = log_softmax(&c.iter().map(|l| -l).collect::<Vec<_>>());
    let least = shifted.iter().copied().fold(f64::INFINITY, f64::min);
    let most = shifted.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (bound, filter) = (least + factor.ln(), most - factor.ln());
    let alone = shifted.iter().filter(|s| **s < bound).count() == 1;
    let mut nearest = f64::INFINITY;
    let merged = shifted.iter().zip(c.iter().zip(q)).map(|(s, (c, q))| {
        nearest = nearest.min((s - bound).abs()).min((s - filter).abs());
        let typical = alone || *s >= bound;
        let led_by_first = !typical || *s > filter;
        (if led_by_first { c } else { q }) + alpha * (c - q)
    });
    let merged = log_softmax(&merged.collect::<Vec<_>>());
    (merged, nearest)
}

proptest! {
    #[test]
    fn modulation_is_its_formula((first, second) in two_rows(), w in 1.0f32..20.0) {
        let c = log_probs(&first);
        let best = c.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let expected: Vec<f64> = first.iter().zip(&second).zip(&c).map(|((f, other), p)| {
            let difference = f64::from(*f) - f64::from(*other);
            f64::from(*f) + f64::from(w - 1.0) * (p - best).exp() * difference
        }).collect();
        let contrast = Contrast { modulation: true, ..Contrast::new(w - 1.0) };
        assert_near(&mixed(contrast, &first, &second), &log_softmax(&expected));
    }

    #[test]
    fn without_alpha_modulation_changes_no_bit((first, second) in two_rows()) {
        let values = [&first[..], &second].concat();
        let rows = Logits::new(&values, 2, first.len()).expect("two rows");
        let [mut plain, mut modulated] = [vec![], vec![]];
        Contrast::new(0.0).mix(rows, &[], &mut plain).expect("finite");
        let mut contrast = Contrast { modulation: true, ..Contrast::new(0.0) };
        contrast.mix(rows, &[], &mut modulated).expect("finite");
        prop_assert_eq!(plain, modulated);
    }

    #[test]
    fn alpha_is_the_divergence_of_the_streams((first, second) in two_rows(), floor in 0.0f32..0.7) {
        let (c, q) = (log_probs(&first), log_probs(&second));
        let mean: Vec<f64> = c.iter().zip(&q).map(|(c, q)| ((c.exp() + q.exp()) / 2.0).ln()).collect();
        let divergence = entropy(&mean) - (entropy(&c) + entropy(&q)) / 2.0;
        prop_assert!((-1e-9..=2f64.ln() + 1e-9).contains(&divergence));
        let contrast = Contrast { alpha: Alpha::Divergence { floor }, ..Contrast::new(0.0) };
        let alpha = divergence.max(f64::from(floor));
        assert_near(&mixed(contrast, &first, &second), &by_alpha(&c, &q, alpha));
    }

    #[test]
    fn a_gate_by_entropy_opens_where_the_context_is_unsure((first, second) in two_rows(), least in 0.0f32..3.0) {
        let (c, q) = (log_probs(&first), log_probs(&second));
        prop_assume!((entropy(&c) - f64::from(least)).abs() > 1e-4);
        let alpha = if entropy(&c) >= f64::from(least) { 0.5 } else { 0.0 };
        let contrast = Contrast { gate: ContrastGate::Entropy(least), ..Contrast::new(0.5) };
        assert_near(&mixed(contrast, &first, &second), &by_alpha(&c, &q, alpha));
    }

    #[test]
    fn a_gate_by_deviation_opens_where_no_token_stands_out((first, second) in two_rows(), most in 0.0f32..0.5) {
        let (c, q) = (log_probs(&first), log_probs(&second));
        let n = c.len() as f64;
        let deviation = (c.iter().map(|l| (l.exp() - 1.0 / n).powi(2)).sum::<f64>() / n).sqrt();
        prop_assume!((deviation - f64::from(most)).abs() > 1e-4);
        let alpha = if deviation <= f64::from(most) { 0.5 } else { 0.0 };
        let contrast = Contrast { gate: ContrastGate::Deviation(most), ..Contrast::new(0.5) };
        assert_near(&mixed(contrast, &first, &second), &by_alpha(&c, &q, alpha));
    }

    #[test]
    fn a_constraint_is_that_of_its_authors((first, second) in two_rows(), alpha in 0.0f32..1.5, factor in 1.5f32..8.0) {
        let (c, q) = (log_probs(&first), log_probs(&second));
        let (expected, nearest) = constrained(&c, &q, f64::from(alpha), f64::from(factor));
        prop_assume!(nearest > 1e-4); // a bound that rounding may move past a token
        let contrast = Contrast { gate: ContrastGate::Constraint(factor), ..Contrast::new(alpha) };
        assert_near(&mixed(contrast, &first, &second), &expected);
    }

    #[test]
    fn streams_that_agree_are_left_alone((first, _) in two_rows(), gate in prop_oneof![
        Just(ContrastGate::Open), Just(ContrastGate::Entropy(1.0)), Just(ContrastGate::Deviation(0.1)), Just(ContrastGate::Constraint(4.0)),
    ]) {
        for alpha in [Alpha::Fixed(0.5), Alpha::Divergence { floor: 0.3 }] {
            let contrast = Contrast { alpha, gate, ..Contrast::new(0.0) };
            assert_near(&mixed(contrast, &first, &first), &log_probs(&first));
        }
    }
}

#[test]
fn what_a_stream_excludes_stays_excluded() {
    let first = [2.0, f32::NEG_INFINITY, 1.0, 0.0];
    let second = [0.0, 1.0, f32::NEG_INFINITY, 0.5];
    for gate in [
        ContrastGate::Open,
        ContrastGate::Entropy(0.1),
        ContrastGate::Deviation(1.0),
        ContrastGate::Constraint(4.0),
    ] {
        for alpha in [Alpha::Fixed(0.5), Alpha::Divergence { floor: 0.1 }] {
            let contrast = Contrast { alpha: alpha.clone(), gate, ..Contrast::new(0.0) };
            let row = mixed(contrast, &first, &second);
            assert_eq!(
                (row[1], row[2]),
                (f64::NEG_INFINITY, f64::NEG_INFINITY),
                "{gate} {alpha:?}"
            );
            assert!(row[0].is_finite() && row[3].is_finite(), "{gate} {alpha:?}");
        }
    }
}

#[test]
fn behind_a_closed_gate_the_first_stream_stands_alone() {
    let (first, second) = ([9.0, 0.0, f32::NEG_INFINITY], [0.0, f32::NEG_INFINITY, 0.0]);
    for gate in [ContrastGate::Entropy(0.5), ContrastGate::Deviation(0.1)] {
        let contrast = Contrast { gate, plausibility: 0.1, ..Contrast::new(0.5) };
        assert_near(&mixed(contrast, &first, &second), &log_probs(&first));
    }
}

#[test]
fn modulation_excludes_and_is_told() {
    let first = [2.0, f32::NEG_INFINITY, 1.0, 0.0];
    let second = [0.0, 1.0, f32::NEG_INFINITY, 0.5];
    let contrast = Contrast { modulation: true, plausibility: 0.2, ..Contrast::new(9.0) };
    let text = "cad(alpha=9,plausibility=0.2,modulation=on)";
    assert_eq!(contrast.settings().to_string(), text);
    assert_eq!(
        Contrast { modulation: false, ..contrast.clone() }.settings().get("modulation"),
        None
    );
    let row = mixed(contrast, &first, &second);
    assert!(row[0].is_finite() && row[1..].iter().all(|l| *l == f64::NEG_INFINITY), "{row:?}");
    let weights =
        Contrast { alpha: Alpha::Weights(vec![1.5, -0.5]), modulation: true, ..Contrast::new(0.0) };
    assert!(weights.check().unwrap_err().to_string().contains("modulation"));
}

#[test]
fn bad_values_are_named() {
    let faults = [
        (Contrast { alpha: Alpha::Divergence { floor: -0.1 }, ..Contrast::new(0.0) }, "floor"),
        (Contrast { gate: ContrastGate::Entropy(-1.0), ..Contrast::new(0.5) }, "entropy"),
        (Contrast { gate: ContrastGate::Deviation(f32::NAN), ..Contrast::new(0.5) }, "deviation"),
        (Contrast { gate: ContrastGate::Constraint(0.5), ..Contrast::new(0.5) }, "constraint"),
    ];
    for (contrast, name) in faults {
        let error = contrast.check().unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    let three = Contrast {
        alpha: Alpha::Weights(vec![1.0, 0.5, -0.5]),
        gate: ContrastGate::Constraint(4.0),
        ..Contrast::new(0.0)
    };
    assert!(three.check().unwrap_err().to_string().contains("two"));
}
