use std::collections::{BTreeMap, BTreeSet};

use super::{PaperFigures, Study, StudyArm};
use crate::ReportError;

impl Study {
    /// What [`StudyReport::new`](crate::StudyReport::new) relies on.
    pub(crate) fn check(&self) -> Result<(), ReportError> {
        if self.tested_k == 0 || self.ks.contains(&0) {
            return Err(ReportError::ZeroK);
        }
        let mut known = BTreeSet::new();
        for arm in &self.arms {
            if !known.insert((&arm.benchmark, &arm.model, &arm.name)) {
                return Err(ReportError::DuplicateArm { arm: arm.in_words() });
            }
            check_problems(arm)?;
        }
        self.check_numbers()?;
        self.check_same_problems()?;
        self.arms.iter().try_for_each(|arm| self.check_control(arm))
    }

    /// Refuses NaN, infinities and what is below 0.
    pub(crate) fn check_numbers(&self) -> Result<(), ReportError> {
        for arm in &self.arms {
            let wrong = |(_, value): &(_, f64)| !(value.is_finite() && *value >= 0.0);
            if let Some((field, value)) = numbers(arm).into_iter().find(wrong) {
                return Err(ReportError::NotANumber { arm: arm.in_words(), field, value });
            }
        }
        Ok(())
    }

    fn check_same_problems(&self) -> Result<(), ReportError> {
        let mut firsts: BTreeMap<&str, &StudyArm> = BTreeMap::new();
        for arm in self.arms.iter().filter(|arm| !arm.problems.is_empty()) {
            let first = *firsts.entry(&arm.benchmark).or_insert(arm);
            for (has, lacks) in [(first, arm), (arm, first)] {
                let known = task_ids(lacks);
                if let Some(task_id) = task_ids(has).difference(&known).next() {
                    return Err(ReportError::DifferentProblems {
                        first: has.in_words(),
                        second: lacks.in_words(),
                        task_id: (*task_id).to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    fn check_control(&self, arm: &StudyArm) -> Result<(), ReportError> {
        let Some(name) = arm.role.control() else { return Ok(()) };
        let control = self.control_of(arm).ok_or_else(|| ReportError::UnknownControl {
            arm: arm.in_words(),
            control: name.to_owned(),
            known: self
                .candidates(arm)
                .map(|other| other.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        match [arm, &self.arms[control]].into_iter().find(|side| side.problems.is_empty()) {
            Some(side) => {
                Err(ReportError::NotJudged { arm: arm.in_words(), side: side.name.clone() })
            }
            None => Ok(()),
        }
    }

    /// The index of the arm that `arm` is compared with.
    pub(crate) fn control_of(&self, arm: &StudyArm) -> Option<usize> {
        let name = arm.role.control()?;
        let control = self.candidates(arm).find(|other| other.name == name)?;
        self.arms.iter().position(|other| std::ptr::eq(other, control))
    }

    /// What `arm` could be compared with.
    fn candidates<'a>(&'a self, arm: &'a StudyArm) -> impl Iterator<Item = &'a StudyArm> {
        self.arms.iter().filter(move |other| {
            (&other.model, &other.benchmark) == (&arm.model, &arm.benchmark)
                && other.name != arm.name
        })
    }
}

fn check_problems(arm: &StudyArm) -> Result<(), ReportError> {
    let mut known = BTreeSet::new();
    for problem in &arm.problems {
        let task_id = problem.task_id.clone();
        if !known.insert(&problem.task_id) {
            return Err(ReportError::DuplicateProblem { arm: arm.in_words(), task_id });
        }
        if problem.samples.is_empty() {
            return Err(ReportError::NoSample { arm: arm.in_words(), task_id });
        }
    }
    Ok(())
}

fn task_ids(arm: &StudyArm) -> BTreeSet<&str> {
    arm.problems.iter().map(|problem| problem.task_id.as_str()).collect()
}

/// Every number of an arm that may be no number.
fn numbers(arm: &StudyArm) -> Vec<(&'static str, f64)> {
    let speed = &arm.speed;
    let percentile = |of: fn(&super::Percentiles) -> f64| speed.answer_seconds.as_ref().map(of);
    let fields = [
        ("tokens_per_second", speed.tokens_per_second),
        ("mean_of_rates", speed.mean_of_rates),
        ("prefill_tokens_per_second", speed.prefill_tokens_per_second),
        ("decode_tokens_per_second", speed.decode_tokens_per_second),
        ("first_token_seconds", speed.first_token_seconds),
        ("answer_seconds.p50", percentile(|p| p.p50)),
        ("answer_seconds.p95", percentile(|p| p.p95)),
        ("answer_seconds.p99", percentile(|p| p.p99)),
    ];
    let known = fields.into_iter().filter_map(|(field, value)| Some((field, value?)));
    known.chain(arm.paper.iter().flat_map(paper_numbers)).collect()
}

fn paper_numbers(paper: &PaperFigures) -> Vec<(&'static str, f64)> {
    let costs = [
        ("paper.tokens_per_second", paper.tokens_per_second),
        ("paper.memory_overhead_mb", paper.memory_overhead_mb),
    ];
    let costs = costs.into_iter().filter_map(|(field, value)| Some((field, value?)));
    costs.chain(paper.pass_at.iter().map(|(_, value)| ("paper.pass_at", *value))).collect()
}
