//! The statistics against SciPy, statsmodels and exact rationals; `fixtures/make_fixtures.py` made the values.

use infer_code_cad_metrics::{
    Equivalence, McNemar, PairedDesign, SignFlip, Spread, clopper_pearson, exclusion_bound, holm,
    jeffreys, pass_at_k, pass_hat_k, student_interval,
};

/// Every line but the first, as cells of numbers.
fn rows(fixture: &str) -> Vec<Vec<Vec<f64>>> {
    let number = |text: &str| text.parse().expect("the fixture holds numbers");
    let cell = |text: &str| text.split(' ').map(number).collect();
    fixture.lines().skip(1).map(|line| line.split('\t').map(cell).collect()).collect()
}

/// The rows of a fixture with one number per cell.
fn flat_rows(fixture: &str) -> Vec<Vec<f64>> {
    rows(fixture).into_iter().map(|row| row.concat()).collect()
}

/// Equal to 1e-9, and where the value is small to a millionth of it.
fn assert_near(actual: f64, expected: f64, what: &str) {
    let error = (actual - expected).abs();
    assert!(
        error < 1e-9 && error <= 1e-6 * expected.abs(),
        "{what}: {actual}, expected {expected}"
    );
}

#[test]
fn pass_at_k_and_pass_hat_k_equal_exact_rationals() {
    let rows = flat_rows(include_str!("fixtures/pass_at_k.tsv"));
    assert!(rows.iter().any(|row| row[0] == 1e9), "the fixture goes up to n = 1e9");
    for row in rows {
        let (n, c, k) = (row[0] as u64, row[1] as u64, row[2] as u64);
        for (actual, expected) in [(pass_at_k(n, c, k), row[3]), (pass_hat_k(n, c, k), row[4])] {
            let actual = actual.expect("the fixture is valid");
            let error = (actual - expected).abs();
            assert!(error <= 1e-12 * expected, "n={n} c={c} k={k}: {actual}, expected {expected}");
        }
    }
}

#[test]
fn clopper_pearson_and_jeffreys_equal_statsmodels() {
    for row in flat_rows(include_str!("fixtures/rates.tsv")) {
        let (successes, n, level) = (row[0] as u64, row[1] as u64, row[2]);
        let what = format!("{successes}/{n} at {level}");
        let exact = clopper_pearson(successes, n, level).expect("the fixture is valid");
        let posterior = jeffreys(successes, n, level).expect("the fixture is valid");
        assert_near(exact.low, row[3], &what);
        assert_near(exact.high, row[4], &what);
        // At 0 and n statsmodels keeps the posterior's own end, Brown et al. replace it.
        let low = if successes == 0 { 0.0 } else { row[5] };
        let high = if successes == n { 1.0 } else { row[6] };
        assert_near(posterior.low, low, &what);
        assert_near(posterior.high, high, &what);
    }
}

#[test]
fn mcnemar_equals_statsmodels() {
    for row in flat_rows(include_str!("fixtures/mcnemar.tsv")) {
        let test = McNemar { first_only: row[0] as u64, second_only: row[1] as u64 };
        assert_near(test.exact(), row[2], &format!("{test:?}"));
        assert_near(test.mid_p(), row[3], &format!("{test:?}"));
    }
}

#[test]
fn sign_flips_equal_scipy() {
    for row in rows(include_str!("fixtures/sign_flip.tsv")) {
        let test = SignFlip::default().test(&row[1]).expect("the fixture is valid");
        assert!(test.exact);
        assert_near(test.p, row[0][0], &format!("{:?}", row[1]));
    }
}

#[test]
fn holm_equals_statsmodels() {
    for row in rows(include_str!("fixtures/holm.tsv")) {
        let names: Vec<String> = (0..row[0].len()).map(|i| i.to_string()).collect();
        let contrasts: Vec<_> = names.iter().map(String::as_str).zip(row[0].clone()).collect();
        let adjusted = holm(&contrasts).expect("the fixture is valid");
        for ((contrast, name), expected) in adjusted.iter().zip(&names).zip(&row[1]) {
            assert_eq!(&contrast.name, name, "the order is the caller's");
            assert_near(contrast.adjusted, *expected, name);
        }
    }
}

#[test]
fn smallest_detectable_differences_and_power_equal_statsmodels() {
    for row in flat_rows(include_str!("fixtures/design.tsv")) {
        let design = PairedDesign {
            problems: row[0] as u64,
            samples: 4,
            contrasts: row[1] as u64,
            alpha: row[2],
            power: row[3],
        };
        // A variance of 1 with four samples.
        let spread = Spread { between: 0.75, within: 1.0 };
        let smallest = design.smallest_detectable(&spread).expect("the fixture is valid");
        assert_near(smallest, row[4], &format!("{design:?}"));
        let power = design.power_at(&spread, 0.15).expect("the fixture is valid");
        assert_near(power, row[5], &format!("{design:?}"));
    }
}

#[test]
fn student_intervals_and_equivalence_equal_statsmodels() {
    for row in rows(include_str!("fixtures/equivalence.tsv")) {
        let [levels, lows, highs, margins, ps, values] = &row[..] else { panic!("{row:?}") };
        let what = format!("{} values", values.len());
        for ((&level, &low), &high) in levels.iter().zip(lows).zip(highs) {
            let interval = student_interval(values, level).expect("the fixture is valid");
            assert_near(interval.low, low, &what);
            assert_near(interval.high, high, &what);
            let bound = exclusion_bound(values, (1.0 - level) / 2.0).expect("the fixture is valid");
            assert_near(bound, low.abs().max(high.abs()), &what);
        }
        for (&margin, &p) in margins.iter().zip(ps) {
            let actual = Equivalence { margin }.test(values).expect("the fixture is valid");
            assert_near(actual, p, &what);
        }
    }
}
