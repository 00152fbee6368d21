//! Intervals against SciPy; `fixtures/intervals.py` made the values.

use infer_code_cad_metrics::{Bootstrap, Interval, wilson};

struct Row {
    successes: u64,
    n: u64,
    level: f64,
    wilson: Interval,
    /// Where the ends of the bootstrap interval must lie.
    bootstrap_low: Interval,
    bootstrap_high: Interval,
}

fn rows() -> Vec<Row> {
    include_str!("fixtures/intervals.tsv").lines().skip(1).map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<f64> =
        line.split('\t').map(|cell| cell.parse().expect("the fixture holds numbers")).collect();
    let interval = |first: usize| Interval { low: cells[first], high: cells[first + 1] };
    Row {
        successes: cells[0] as u64,
        n: cells[1] as u64,
        level: cells[2],
        wilson: interval(3),
        bootstrap_low: interval(5),
        bootstrap_high: interval(7),
    }
}

#[test]
fn wilson_equals_scipy() {
    for Row { successes, n, level, wilson: expected, .. } in rows() {
        let actual = wilson(successes, n, level).expect("the fixture is valid");
        assert!((actual.low - expected.low).abs() < 1e-14, "{successes}/{n} at {level}");
        assert!((actual.high - expected.high).abs() < 1e-14, "{successes}/{n} at {level}");
    }
}

#[test]
fn bootstrap_percentiles_are_those_of_the_binomial() {
    let within =
        |value: f64, range: Interval| range.low - 1e-12 <= value && value <= range.high + 1e-12;
    for Row { successes, n, level, wilson, bootstrap_low, bootstrap_high } in rows() {
        let values: Vec<f64> = (0..n).map(|i| if i < successes { 1.0 } else { 0.0 }).collect();
        let bootstrap = Bootstrap { level, ..Bootstrap::default() };
        let Interval { low, high } = bootstrap.percentile(&values).expect("the fixture is valid");
        if successes == 0 || successes == n {
            // Equal values: Wilson's interval instead of one without width.
            assert!((low - wilson.low).abs() < 1e-14 && (high - wilson.high).abs() < 1e-14);
            continue;
        }
        assert!(within(low, bootstrap_low), "low {low} of {successes}/{n} at {level}");
        assert!(within(high, bootstrap_high), "high {high} of {successes}/{n} at {level}");
    }
}
