//! Studies that are written down before they are run.

mod archive;
mod error;
mod estimate;
mod plan;
mod pool;
mod tune;
mod unit;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use infer_code_cad_report::{Role, Study, StudyArm};
use infer_code_cad_tasks::Task;

use crate::study::{arm_of, beside_note, name_controls, take_common};
use crate::{
    Evaluation, Executor, Judging, Progress, Recipe, RunHeader, SolveConfig, StoredRun, Supplies,
    Technique, evaluate_into,
};

pub use archive::Archive;
pub use error::ExperimentError;
pub use estimate::Pace;
pub use plan::{Plan, PlannedArm};
pub use unit::Unit;

/// Where an experiment keeps what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// The journals, with all programs: outside of a checkout, for they are large.
    pub journals: PathBuf,
    /// The archives of finished runs, if any are to be kept: small enough for a repository, and taken as done by a
    /// machine that has no journal.
    pub archives: Option<PathBuf>,
}

/// What runs a [`Plan`] with one model.
#[derive(Debug)]
pub struct Experiment<'a> {
    /// What is to be run.
    pub plan: &'a Plan,
    /// What the model is called in the names of files and in tables.
    pub model: String,
    /// The problems of each benchmark of the plan, in its order.
    pub tasks: Vec<Vec<Task>>,
    /// Writes and judges.
    pub executor: Executor,
    /// What techniques need.
    pub supplies: Supplies,
    /// Where results are.
    pub folders: Folders,
}

/// How far a [`Unit`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Every sample has its verdict.
    Done,
    /// So many samples have one.
    Begun {
        /// How many.
        judged: usize,
    },
}

impl Experiment<'_> {
    /// How far a unit is, by its archive or else its journal.
    ///
    /// # Errors
    /// [`ExperimentError::OtherSettings`] for a file that was made otherwise; those of reading it.
    pub fn state(&self, unit: &Unit) -> Result<State, ExperimentError> {
        let header = self.header(unit)?;
        let check = |path: PathBuf, was: &RunHeader| match was.differences(&header) {
            none if none.is_empty() => Ok(()),
            differences => Err(ExperimentError::OtherSettings { path, differences }),
        };
        let archive = self.folders.archives.as_ref().map(|folder| unit.archive(folder));
        if let Some(path) = archive.filter(|path| path.exists()) {
            let archive = Archive::read(&path)?;
            return check(path, &archive.header).map(|()| State::Done);
        }
        let path = unit.journal(&self.folders.journals);
        if !path.exists() {
            return Ok(State::Begun { judged: 0 });
        }
        let run = StoredRun::read(&path)?;
        check(path, run.header())?;
        let judged = judged(&run);
        // A run that is whole and has no archive yet is not done: running it makes the archive.
        let lacks_archive = self.folders.archives.is_some();
        Ok(match judged == self.samples(unit) && !lacks_archive {
            true => State::Done,
            false => State::Begun { judged },
        })
    }

    /// The samples of a unit.
    pub fn samples(&self, unit: &Unit) -> usize {
        self.tasks[unit.benchmark].len() * self.plan.samples
    }

    /// Runs what a unit lacks, and archives it once it is done. Drafts that another journal of the model and
    /// benchmark has are taken from there, as those of vanilla for self-consistency.
    ///
    /// # Errors
    /// Those of [`evaluate_into`], and of the archive.
    pub fn run(
        &self,
        unit: &Unit,
        sink: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Evaluation, ExperimentError> {
        let path = unit.journal(&self.folders.journals);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| ExperimentError::Io { path: folder.to_owned(), source })?;
        }
        let Put { technique, tasks, config } = self.put(unit)?;
        let mut executor = self.executor.clone();
        executor.solver.known = Some(Arc::new(unit::Siblings::of(unit, &path)?));
        let benchmark = &self.plan.benchmarks[unit.benchmark];
        let evaluation =
            evaluate_into(&path, benchmark, &technique, &tasks, &executor, &config, sink)?;
        // What failed is tried again, so that only a run of verdicts is kept as done.
        if let Some(folder) = &self.folders.archives
            && evaluation.records.iter().map(|record| record.samples.len()).sum::<usize>()
                == self.samples(unit)
        {
            Archive::of_journal(&path)?.write(&unit.archive(folder))?;
        }
        Ok(evaluation)
    }

    /// The header that a unit's journal has.
    fn header(&self, unit: &Unit) -> Result<RunHeader, ExperimentError> {
        let Put { technique, tasks, config } = self.put(unit)?;
        let benchmark = &self.plan.benchmarks[unit.benchmark];
        Ok(RunHeader::new(benchmark, &technique, &tasks, &self.executor, &config)?)
    }

    fn arm(&self, unit: &Unit) -> &PlannedArm {
        &self.plan.arms[unit.arm]
    }

    fn recipe(&self, unit: &Unit) -> Result<Recipe, ExperimentError> {
        self.plan.recipe(self.arm(unit))
    }

    fn put(&self, unit: &Unit) -> Result<Put, ExperimentError> {
        let (arm, recipe) = (self.arm(unit), self.recipe(unit)?);
        Ok(Put {
            technique: recipe.build(&self.supplies).map_err(crate::Error::from)?,
            tasks: arm.preset(self.plan).tasks(&recipe, self.tasks[unit.benchmark].clone()),
            config: self.plan.config(arm, &recipe, unit.seed),
        })
    }
}

/// What a unit is run with: the problems are as the preset puts them to the technique.
struct Put {
    technique: Technique,
    tasks: Vec<Task>,
    config: SolveConfig,
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

/// Samples that have a verdict.
fn judged(run: &StoredRun) -> usize {
    let header = run.header();
    let samples =
        |task_id| (0..header.n_samples).filter(move |sample| run.has_verdict(task_id, *sample));
    header.tasks.iter().map(|task_id| samples(task_id).count()).sum()
}

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
    fn measured(
        &self,
        unit: &Unit,
        folders: &Folders,
    ) -> Result<Option<pool::Part>, ExperimentError> {
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
