//! Which part of a run this process does: a flag, or what a scheduler has put into the environment.

use std::env::{VarError, var, var_os};

use clap::Args;
use infer_code_cad::Shard;

use super::Failure;

/// Which part of the run.
#[derive(Args)]
pub(crate) struct ShardArgs {
    /// Does a part of the run: 2/4 is the second of four; none is all of it. Without it what a scheduler says in
    /// the environment (docs/clusters.md), and else all. `merge` puts the parts together.
    #[arg(long, value_name = "I/N or none")]
    shard: Option<String>,
}

impl ShardArgs {
    /// The part; where one is asked for, standard error tells which and by what.
    pub(crate) fn shard(&self) -> Result<Shard, Failure> {
        let (shard, why) = match self.shard.as_deref() {
            Some("none") => return Ok(Shard::default()),
            Some(text) => (text.parse()?, "--shard".to_owned()),
            None => match from_environment()? {
                Some(said) => said,
                None => return Ok(Shard::default()),
            },
        };
        eprintln!("notice: shard {shard}, by {why}");
        Ok(shard)
    }
}

/// How a scheduler numbers the processes of a run, by the names of its variables.
struct Scheduler {
    /// The number of this process.
    index: &'static str,
    count: &'static str,
    /// The number of the first process, or what has it.
    first: Result<usize, &'static str>,
}

const OWN_COUNT: &str = "INFER_CODE_CAD_SHARDS";

#[rustfmt::skip]
const SCHEDULERS: [Scheduler; 4] = [
    Scheduler { index: "SLURM_ARRAY_TASK_ID", count: "SLURM_ARRAY_TASK_COUNT", first: Err("SLURM_ARRAY_TASK_MIN") },
    Scheduler { index: "HQ_TASK_ID", count: OWN_COUNT, first: Ok(1) },
    Scheduler { index: "JOB_COMPLETION_INDEX", count: OWN_COUNT, first: Ok(0) },
    Scheduler { index: "RANK", count: "WORLD_SIZE", first: Ok(0) },
];

/// What the one scheduler that speaks says, and by which variables.
fn from_environment() -> Result<Option<(Shard, String)>, Failure> {
    let mut speak = SCHEDULERS.iter().filter(|scheduler| var_os(scheduler.index).is_some());
    match (speak.next(), speak.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.shard().map(Some),
        (Some(Scheduler { index: one, .. }), Some(Scheduler { index: other, .. })) => {
            Err(format!("{one} and {other} are both set; say --shard I/N, or --shard none").into())
        }
    }
}

impl Scheduler {
    fn shard(&self) -> Result<(Shard, String), Failure> {
        let Self { index: name, count: of, first } = self;
        let (index, count) = (self.number(name)?, self.number(of)?);
        let first = first.or_else(|variable| self.number(variable))?;
        let why = format!("{name}={index}, {of}={count}, which counts from {first}");
        // A number below the first is out of range, as 0 is.
        match Shard::new((index + 1).saturating_sub(first), count) {
            Ok(shard) => Ok((shard, why)),
            Err(error) => Err(format!("{why}: {error}, or say --shard I/N").into()),
        }
    }

    fn number(&self, variable: &str) -> Result<usize, Failure> {
        let fault = match var(variable) {
            Ok(text) => match text.parse::<u32>() {
                Ok(number) => return Ok(number as usize),
                Err(_) => format!("{variable}={text} is no number"),
            },
            Err(VarError::NotPresent) => format!("{variable} is missing beside {}", self.index),
            Err(error) => format!("{variable}: {error}"),
        };
        Err(format!("{fault}; set it, or say --shard I/N, or --shard none for all").into())
    }
}
