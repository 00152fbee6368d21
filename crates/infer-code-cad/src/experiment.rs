//! Studies that are written down before they are run.

mod archive;
mod collect;
mod error;
mod estimate;
mod plan;
mod pool;
mod tune;
mod unit;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use infer_code_cad_tasks::Task;

use crate::{
    Evaluation, Executor, Progress, Recipe, RunHeader, SolveConfig, StoredRun, Supplies, Technique,
    evaluate_into,
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
        self.tasks[unit.benchmark].len() * self.arm(unit).samples(self.plan)
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

/// Samples that have a verdict.
fn judged(run: &StoredRun) -> usize {
    let header = run.header();
    let samples =
        |task_id| (0..header.n_samples).filter(move |sample| run.has_verdict(task_id, *sample));
    header.tasks.iter().map(|task_id| samples(task_id).count()).sum()
}
