//! One model's part of a plan.

use infer_code_cad::engine::EngineConfig;
use infer_code_cad::{Experiment, Folders, Judging, Plan, Solver};

use crate::common::{Failure, progress};
use crate::forecast::Forecast;
use crate::{Args, inputs};

/// Runs with one model what is not done.
pub(crate) fn run(
    args: &Args,
    plan: &mut Plan,
    spec: Option<&str>,
    folders: &Folders,
) -> Result<(), Failure> {
    let tasks = inputs::tasks(plan, args.plan.data.as_deref())?;
    let supplies = inputs::supplies(plan, &args.passages)?;
    let model = args.holding.open(spec)?;
    let name = inputs::model_name(spec.unwrap_or("tiny")).to_owned();
    let solver = Solver::new(&model, &EngineConfig::default());
    let mut executor = args.judge.executor(solver, None, &tasks.concat())?;
    if args.judge_after {
        executor.judging = Judging::After;
    }
    let folders = folders.clone();
    let experiment = Experiment { plan, model: name, tasks, executor, supplies, folders };
    let forecast = Forecast::new(&experiment)?;
    forecast.say()?;
    if args.dry_run {
        return Ok(());
    }
    forecast.run(|unit, name| {
        let mut bar = progress(name, experiment.samples(unit));
        let evaluation = experiment.run(unit, &mut |progress| bar.show(&progress));
        bar.finish();
        match evaluation?.cancelled {
            true => Err("stopped; what is done is stored, and the same command goes on".into()),
            false => Ok(()),
        }
    })
}
