mod arm;
mod comparison;

use std::collections::BTreeMap;

use infer_code_cad_metrics::{Bootstrap, MetricError, SignFlip, Tally, holm};
use serde::Serialize;

pub use arm::{ArmResult, PassAt};
pub use comparison::{Comparison, DifferenceAt, Finding, PairedTest};

use crate::{ReportError, Role, Study};

/// How figures are made of tallies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// Intervals: BCa over problems.
    pub bootstrap: Bootstrap,
    /// The paired test, where samples are too unequal to test exactly.
    pub sign_flip: SignFlip,
    /// The chance of even one false alarm among the confirmatory contrasts.
    pub alpha: f64,
    /// The chance aimed at to find the smallest detectable difference.
    pub power: f64,
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            bootstrap: Bootstrap::default(),
            sign_flip: SignFlip::default(),
            alpha: 0.05,
            power: 0.8,
        }
    }
}

/// All figures of a study.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Results {
    /// Per arm, in the study's order.
    pub arms: Vec<ArmResult>,
    /// Every arm that has a control, in the study's order.
    pub comparisons: Vec<Comparison>,
}

impl Results {
    /// Figures of a study that was checked.
    pub(crate) fn new(study: &Study, statistics: &Statistics) -> Result<Self, ReportError> {
        let tallies = aligned_tallies(study);
        let arms = study.arms.iter().zip(&tallies).map(|(arm, tallies)| {
            ArmResult::new(arm, tallies, &study.ks, statistics).map_err(wrong(arm.in_words()))
        });
        let arms = arms.collect::<Result<_, _>>()?;
        let contrasts = study.arms.iter().filter(|arm| is_confirmatory(&arm.role)).count() as u64;
        let mut comparisons = vec![];
        for (index, arm) in study.arms.iter().enumerate() {
            let Some(control) = study.control_of(arm) else { continue };
            let sides = comparison::Sides {
                arm: (index, &tallies[index]),
                control: (control, &tallies[control]),
                // An exploratory comparison is planned as if it were the only one.
                contrasts: if is_confirmatory(&arm.role) { contrasts } else { 1 },
            };
            let made = Comparison::new(&sides, &study.ks, study.tested_k, statistics);
            comparisons.push(made.map_err(wrong(arm.in_words()))?);
        }
        correct(study, &mut comparisons, statistics.alpha)?;
        Ok(Self { arms, comparisons })
    }
}

pub(crate) fn is_confirmatory(role: &Role) -> bool {
    matches!(role, Role::Confirmatory { .. })
}

fn wrong(arm: String) -> impl Fn(MetricError) -> ReportError {
    move |reason| ReportError::Statistics { arm: arm.clone(), reason }
}

/// Holm's correction over the confirmatory contrasts, and what they found.
fn correct(study: &Study, comparisons: &mut [Comparison], alpha: f64) -> Result<(), ReportError> {
    let mut contrasts: Vec<&mut Comparison> = comparisons
        .iter_mut()
        .filter(|comparison| is_confirmatory(&study.arms[comparison.arm].role))
        .collect();
    if contrasts.is_empty() {
        return Ok(());
    }
    let names: Vec<String> =
        contrasts.iter().map(|contrast| study.arms[contrast.arm].in_words()).collect();
    let named: Vec<(&str, f64)> = names
        .iter()
        .zip(&contrasts)
        .map(|(name, contrast)| (name.as_str(), contrast.test.p))
        .collect();
    let adjusted = holm(&named).map_err(ReportError::Correction)?;
    for (contrast, adjusted) in contrasts.iter_mut().zip(adjusted) {
        contrast.correct(adjusted.adjusted, alpha);
    }
    Ok(())
}

/// The tallies of each arm, those of one benchmark in the order of its first judged arm: a bootstrap depends on
/// the order of problems, and comparisons go problem by problem.
fn aligned_tallies(study: &Study) -> Vec<Vec<Tally>> {
    let mut orders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let of_arm = |arm| {
        let order = task_order(study, arm);
        let tallies: BTreeMap<&str, Tally> = study.arms[arm]
            .problems
            .iter()
            .map(|problem| (problem.task_id.as_str(), problem.tally()))
            .collect();
        if tallies.is_empty() {
            return vec![];
        }
        let order = orders.entry(&study.arms[arm].benchmark).or_insert(order);
        order.iter().map(|task_id| tallies[task_id]).collect()
    };
    (0..study.arms.len()).map(of_arm).collect()
}

/// The problems of the benchmark of an arm, in the order of its first judged arm.
pub(crate) fn task_order(study: &Study, arm: usize) -> Vec<&str> {
    let benchmark = &study.arms[arm].benchmark;
    let judged =
        study.arms.iter().find(|arm| &arm.benchmark == benchmark && !arm.problems.is_empty());
    let problems = judged.iter().flat_map(|arm| &arm.problems);
    problems.map(|problem| problem.task_id.as_str()).collect()
}
