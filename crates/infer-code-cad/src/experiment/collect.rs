//! What was run of a plan, as a study.

use infer_code_cad_report::{Role, Study, StudyArm};

use super::pool::{self, Part};
use super::{Archive, ExperimentError, Folders, Plan, Unit};
use crate::study::{arm_of, beside_note, name_controls, take_common};
use crate::{Judging, StoredRun};

impl Plan {
    /// What is there of this plan with some models, as a study: from journals, which also have programs and prompts,
    /// or else from archives. No model is needed.
    ///
    /// An arm has all seeds with which every arm was run whole; where there is none yet, those that it was run with
    /// itself. What was not run is in a note, and an arm whose control was not run is compared with nothing.
    ///
    /// # Errors
    /// Those of the files.
    pub fn study(&self, models: &[String], folders: &Folders) -> Result<Study, ExperimentError> {
        let mut study = Study {
            title: self.title.clone(),
            notes: self.notes.clone(),
            ks: self.k.clone(),
            tested_k: self.k.first().copied().unwrap_or(1),
            ..Study::default()
        };
        for model in models {
            self.add_model(&mut study, model, folders)?;
        }
        drop_comparisons_with_nothing(&mut study.arms);
        name_controls(&mut study.arms);
        study.settings = take_common(&mut study.arms);
        Ok(study)
    }

    fn add_model(
        &self,
        study: &mut Study,
        model: &str,
        folders: &Folders,
    ) -> Result<(), ExperimentError> {
        let mut found = vec![];
        for unit in self.units(model)? {
            if let Some(arm) = self.measured(&unit, folders)? {
                found.push((unit, arm));
            }
        }
        let has = |arm, benchmark, seed| {
            found.iter().any(|(unit, _): &(Unit, _)| {
                (unit.arm, unit.benchmark, unit.seed) == (arm, benchmark, seed)
            })
        };
        let benchmarks = 0..self.benchmarks.len();
        let whole = |arm, seed| benchmarks.clone().all(|benchmark| has(arm, benchmark, seed));
        let common: Vec<u64> = self
            .seeds
            .iter()
            .copied()
            .filter(|seed| (0..self.arms.len()).all(|arm| whole(arm, *seed)))
            .collect();
        let counts = |unit: &Unit| match common.is_empty() {
            true => self.pooled.is_none() || whole(unit.arm, unit.seed),
            false => common.contains(&unit.seed),
        };
        let (mut beside, mut missing) = (vec![], vec![]);
        for (index, planned) in self.arms.iter().enumerate() {
            for table in self.tables() {
                let parts = found.iter().filter(|(unit, _)| {
                    unit.arm == index && table.benchmarks.contains(&unit.benchmark) && counts(unit)
                });
                let parts: Vec<_> = parts.map(|(_, part)| part.clone()).collect();
                if parts.is_empty() {
                    missing.push(format!("{} on {}", planned.name, table.name));
                    continue;
                }
                if parts.iter().any(|(_, judging)| *judging == Some(Judging::Beside)) {
                    beside.push(format!("{} on {}", planned.name, table.name));
                }
                let arm = pool::pool(parts.into_iter().map(|(arm, _)| arm).collect());
                study.arms.push(planned.labelled(arm, model, &table.name));
            }
        }
        study.notes.extend(beside_note(&beside));
        if !missing.is_empty() {
            study.notes.push(format!("{model}, not run yet: {}.", missing.join(", ")));
        }
        Ok(())
    }

    /// A unit that is done, and when programs ran while it was timed.
    fn measured(&self, unit: &Unit, folders: &Folders) -> Result<Option<Part>, ExperimentError> {
        let journal = unit.journal(&folders.journals);
        if journal.exists() {
            let run = StoredRun::read(&journal)?;
            if run.is_complete() {
                return Ok(Some((arm_of(&run)?, run.judging())));
            }
        }
        let Some(folder) = &folders.archives else { return Ok(None) };
        let path = unit.archive(folder);
        if !path.exists() {
            return Ok(None);
        }
        let Archive { arm, judging, .. } = Archive::read(&path)?;
        Ok(Some((arm, judging)))
    }
}

/// An arm whose control was not run yet stands alone until it is.
fn drop_comparisons_with_nothing(arms: &mut [StudyArm]) {
    let key = |arm: &StudyArm, name: &str| [name, &arm.model, &arm.benchmark].map(str::to_owned);
    let there: Vec<_> = arms.iter().map(|arm| key(arm, &arm.name)).collect();
    for arm in arms {
        let control = arm.role.control().map(|control| key(arm, control));
        if control.is_some_and(|control| !there.contains(&control)) {
            arm.role = Role::default();
        }
    }
}
