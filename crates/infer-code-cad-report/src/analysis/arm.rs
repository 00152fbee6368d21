use std::collections::BTreeMap;

use infer_code_cad_metrics::{MetricError, Tally, mean_pass_at_k, pass_at_k_of_each};
use serde::Serialize;

use super::Statistics;
use crate::StudyArm;

/// The figures of one arm.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ArmResult {
    /// The arm's name.
    pub name: String,
    /// Its model.
    pub model: String,
    /// Its benchmark.
    pub benchmark: String,
    /// Problems judged.
    pub problems: usize,
    /// The fewest samples of a problem; 0 where nothing was judged.
    pub fewest_samples: u64,
    /// The most samples of a problem.
    pub most_samples: u64,
    /// pass@k for each k of the study that every problem has samples for.
    pub pass_at: Vec<PassAt>,
    /// Samples by verdict.
    pub verdicts: BTreeMap<String, u64>,
    /// Mean tokens of the samples whose tokens were counted.
    pub mean_tokens: Option<f64>,
}

/// A pass@k with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PassAt {
    /// Samples that may be tried.
    pub k: u64,
    /// Mean over problems.
    pub value: f64,
    /// Lower end of the BCa interval over problems; Wilson's where all problems have one value.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl ArmResult {
    pub(super) fn new(
        arm: &StudyArm,
        tallies: &[Tally],
        ks: &[u64],
        statistics: &Statistics,
    ) -> Result<Self, MetricError> {
        let fewest_samples = tallies.iter().map(|tally| tally.n).min().unwrap_or(0);
        let possible = ks.iter().filter(|&&k| k <= fewest_samples);
        Ok(Self {
            name: arm.name.clone(),
            model: arm.model.clone(),
            benchmark: arm.benchmark.clone(),
            problems: tallies.len(),
            fewest_samples,
            most_samples: tallies.iter().map(|tally| tally.n).max().unwrap_or(0),
            pass_at: possible
                .map(|&k| pass_at(tallies, k, statistics))
                .collect::<Result<_, _>>()?,
            verdicts: verdicts(arm),
            mean_tokens: mean_tokens(arm),
        })
    }

    /// Its pass@k.
    pub fn pass_at(&self, k: u64) -> Option<&PassAt> {
        self.pass_at.iter().find(|pass_at| pass_at.k == k)
    }
}

fn pass_at(tallies: &[Tally], k: u64, statistics: &Statistics) -> Result<PassAt, MetricError> {
    let interval = statistics.bootstrap.bca(&pass_at_k_of_each(tallies, k)?)?;
    Ok(PassAt { k, value: mean_pass_at_k(tallies, k)?, low: interval.low, high: interval.high })
}

fn verdicts(arm: &StudyArm) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (verdict, count) in arm.problems.iter().flat_map(|problem| problem.verdicts()) {
        *counts.entry(verdict.to_owned()).or_default() += count;
    }
    counts
}

fn mean_tokens(arm: &StudyArm) -> Option<f64> {
    let samples = arm.problems.iter().flat_map(|problem| &problem.samples);
    let counted: Vec<u64> = samples.filter_map(|sample| sample.tokens).collect();
    let sum: f64 = counted.iter().map(|&tokens| tokens as f64).sum();
    (!counted.is_empty()).then(|| sum / counted.len() as f64)
}
