use infer_code_cad_metrics::{
    Bootstrap, Interval, MetricError, PairedDesign, Spread, Tally, differences, exclusion_bound,
    pass_at_k_of_each, sign_flip_counts,
};
use serde::Serialize;

use super::Statistics;

/// An arm against its control, problem by problem.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// Index of the arm.
    pub arm: usize,
    /// Index of its control.
    pub control: usize,
    /// Problems that both have.
    pub problems: usize,
    /// Problems on which a larger share of the arm's samples passed.
    pub better_on: usize,
    /// Problems on which a smaller share did.
    pub worse_on: usize,
    /// The difference of pass@k for each k of the study that both have samples for.
    pub at: Vec<DifferenceAt>,
    /// The test at the study's tested k.
    pub test: PairedTest,
}

/// The pass@k of an arm less that of its control.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DifferenceAt {
    /// Samples that may be tried.
    pub k: u64,
    /// Mean over problems.
    pub value: f64,
    /// Lower end of the paired BCa interval over problems.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A paired sign-flip test and what goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PairedTest {
    /// The difference tested.
    pub difference: DifferenceAt,
    /// Two-sided, by itself.
    pub p: f64,
    /// Whether every sign was tried, rather than some drawn.
    pub exact: bool,
    /// Corrected over the confirmatory contrasts; `None` for an exploratory comparison.
    pub adjusted_p: Option<f64>,
    /// What was found; `None` for an exploratory comparison.
    pub finding: Option<Finding>,
    /// The true difference, in either direction, above which the data exclude any at the study's alpha. `None`
    /// with one problem.
    pub excluded_above: Option<f64>,
    /// The true difference that as many problems and samples find with the power aimed at, by the spread of these
    /// data. `None` with one problem.
    pub smallest_detectable: Option<f64>,
}

/// What a confirmatory contrast found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The arm is better than its control.
    Better,
    /// The arm is worse.
    Worse,
    /// No difference was found, which is not the same as none being there.
    NoneFound,
}

/// What is compared, tallies problem by problem.
pub(super) struct Sides<'a> {
    pub(super) arm: (usize, &'a [Tally]),
    pub(super) control: (usize, &'a [Tally]),
    /// Contrasts that are corrected together.
    pub(super) contrasts: u64,
}

impl Comparison {
    pub(super) fn new(
        sides: &Sides<'_>,
        ks: &[u64],
        tested_k: u64,
        statistics: &Statistics,
    ) -> Result<Self, MetricError> {
        let Sides { arm: (arm, first), control: (control, second), .. } = *sides;
        let fewest = first.iter().chain(second).map(|tally| tally.n).min().unwrap_or(0);
        let at = ks.iter().filter(|&&k| k <= fewest).map(|&k| {
            let gains = gains(first, second, k)?;
            difference(&gains, k, &statistics.bootstrap)
        });
        // Shares of passes as fractions: c / n against c' / n'.
        let share = |(a, b): (&Tally, &Tally)| (a.c * b.n).cmp(&(b.c * a.n));
        let ahead = |order| first.iter().zip(second).filter(|&pair| share(pair) == order).count();
        Ok(Self {
            arm,
            control,
            problems: first.len(),
            better_on: ahead(std::cmp::Ordering::Greater),
            worse_on: ahead(std::cmp::Ordering::Less),
            at: at.collect::<Result<_, _>>()?,
            test: PairedTest::new(sides, tested_k, statistics)?,
        })
    }

    pub(super) fn correct(&mut self, adjusted: f64, alpha: f64) {
        let difference = self.test.difference.value;
        self.test.adjusted_p = Some(adjusted);
        self.test.finding = Some(match adjusted <= alpha {
            true if difference > 0.0 => Finding::Better,
            true if difference < 0.0 => Finding::Worse,
            _ => Finding::NoneFound,
        });
    }
}

impl PairedTest {
    fn new(sides: &Sides<'_>, k: u64, statistics: &Statistics) -> Result<Self, MetricError> {
        let (first, second) = (sides.arm.1, sides.control.1);
        let gains = gains(first, second, k)?;
        let (p, exact) = match counts(first, second, k) {
            Some(counts) => (sign_flip_counts(&counts)?, true),
            None => {
                let tested = statistics.sign_flip.test(&gains)?;
                (tested.p, tested.exact)
            }
        };
        Ok(Self {
            difference: difference(&gains, k, &statistics.bootstrap)?,
            p,
            exact,
            adjusted_p: None,
            finding: None,
            excluded_above: excluded_above(&gains, statistics)?,
            smallest_detectable: smallest_detectable(&gains, sides.contrasts, statistics)?,
        })
    }
}

fn gains(first: &[Tally], second: &[Tally], k: u64) -> Result<Vec<f64>, MetricError> {
    differences(&pass_at_k_of_each(first, k)?, &pass_at_k_of_each(second, k)?)
}

fn difference(gains: &[f64], k: u64, bootstrap: &Bootstrap) -> Result<DifferenceAt, MetricError> {
    let Interval { low, high } = bootstrap.difference(gains)?;
    let value = gains.iter().sum::<f64>() / gains.len() as f64;
    Ok(DifferenceAt { k, value, low, high })
}

/// Differences of passes, where these are all that pass@1 depends on: equally many samples everywhere.
fn counts(first: &[Tally], second: &[Tally], k: u64) -> Option<Vec<i64>> {
    let n = first.first()?.n;
    let equal = first.iter().chain(second).all(|tally| tally.n == n);
    let pairs = first.iter().zip(second);
    (k == 1 && equal).then(|| pairs.map(|(a, b)| a.c as i64 - b.c as i64).collect())
}

/// By Student's interval, or where all differences are equal by the bound on what was never seen.
fn excluded_above(gains: &[f64], statistics: &Statistics) -> Result<Option<f64>, MetricError> {
    match exclusion_bound(gains, statistics.alpha) {
        Ok(bound) => Ok(Some(bound)),
        Err(MetricError::OneProblem) => Ok(None),
        Err(MetricError::NoSpread { .. }) => {
            let level = 1.0 - 2.0 * statistics.alpha;
            let bootstrap = Bootstrap { level, ..statistics.bootstrap };
            Ok(Some(bootstrap.difference(gains)?.farther_end()))
        }
        Err(other) => Err(other),
    }
}

/// The spread of the differences as they are has the samples' noise in it, so the design has one of each.
fn smallest_detectable(
    gains: &[f64],
    contrasts: u64,
    statistics: &Statistics,
) -> Result<Option<f64>, MetricError> {
    let problems = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / problems;
    let squares: f64 = gains.iter().map(|gain| (gain - mean).powi(2)).sum();
    if gains.len() < 2 || squares == 0.0 {
        return Ok(None);
    }
    let spread = Spread { between: squares / (problems - 1.0), within: 0.0 };
    let (alpha, power) = (statistics.alpha, statistics.power);
    let design =
        PairedDesign { contrasts, alpha, power, ..PairedDesign::new(gains.len() as u64, 1) };
    design.smallest_detectable(&spread).map(Some)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    fn tallies(n: u64, cs: &[u64]) -> Vec<Tally> {
        cs.iter().map(|&c| Tally { n, c }).collect()
    }

    fn compare(first: &[Tally], second: &[Tally]) -> Comparison {
        let sides = Sides { arm: (1, first), control: (0, second), contrasts: 1 };
        Comparison::new(&sides, &[1, 5, 99], 1, &Statistics::default()).unwrap()
    }

    #[test]
    fn equal_counts_are_tested_exactly() {
        let all_better = compare(&tallies(10, &[3; 12]), &tallies(10, &[2; 12]));
        assert_eq!((all_better.better_on, all_better.worse_on), (12, 0));
        assert!(all_better.test.exact && (all_better.test.p - 2f64.powi(-11)).abs() < 1e-15);
        assert_eq!(all_better.at.len(), 2, "no pass@99 of ten samples");
        assert_eq!(all_better.test.smallest_detectable, None, "no spread");
        assert!(all_better.test.excluded_above.unwrap() > 0.1, "bounded all the same");
    }

    #[test]
    fn unequal_counts_are_compared_as_shares() {
        let mixed = compare(&tallies(10, &[5, 5, 0]), &tallies(4, &[2, 3, 0]));
        assert_eq!((mixed.better_on, mixed.worse_on), (0, 1));
        assert!(mixed.test.difference.value < 0.0);
        assert_eq!(mixed.at.len(), 1);
    }

    #[test]
    fn one_problem_has_no_bound() {
        let one = compare(&tallies(10, &[5]), &tallies(10, &[2]));
        assert_eq!((one.test.excluded_above, one.test.smallest_detectable), (None, None));
        assert_eq!(one.test.p, 1.0);
    }

    #[test]
    fn a_finding_needs_the_corrected_p() {
        let mut contrast = compare(&tallies(10, &[3; 12]), &tallies(10, &[2; 12]));
        contrast.correct(0.06, 0.05);
        assert_eq!(contrast.test.finding, Some(Finding::NoneFound));
        contrast.correct(0.04, 0.05);
        assert_eq!(contrast.test.finding, Some(Finding::Better));
    }
}
