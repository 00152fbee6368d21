//! Flags that choose problems.

use std::fmt;
use std::path::Path;

use clap::{Args, ValueEnum};
use infer_code_cad::embedded;
use infer_code_cad::hub::{self, ProblemSource};
use infer_code_cad::tasks::{MbppSplit, Renaming, Task, load_humaneval, load_mbpp, load_problems};

use super::Failure;
use super::model::downloading;

/// Which problems to solve.
#[derive(Args)]
pub(crate) struct BenchmarkArgs {
    /// The problem set.
    #[arg(long, value_enum, default_value = "tiny")]
    pub(crate) benchmark: Benchmark,
    /// Its file, `.jsonl` or `.jsonl.gz` (or parquet), or org/name[/configuration][@revision] of a data set on the
    /// Hugging Face hub; without it the hub's HumanEval or MBPP (`--features hub,parquet`).
    #[arg(long, required_if_eq("benchmark", "own"))]
    pub(crate) data: Option<String>,
    /// Which part of MBPP: prompt (tasks 1 to 10), test (11 to 510), validation (511 to 600), train (601
    /// to 974) or all.
    #[arg(long, default_value = "test")]
    pub(crate) split: MbppSplit,
    /// Gives functions and their arguments made-up names, chosen by this seed, so that no answer is one from memory.
    #[arg(long, value_name = "SEED")]
    pub(crate) rename: Option<u64>,
}

/// Problem sets by name.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Benchmark {
    /// HumanEval, 164 problems.
    Humaneval,
    /// MBPP, 974 problems in four splits.
    Mbpp,
    /// Problems of your own, see docs/your-own-problems.md.
    Own,
    /// The embedded problems.
    Tiny,
}

impl BenchmarkArgs {
    /// Whether these are the problems that the embedded passages were written for.
    pub(crate) fn is_embedded(&self) -> bool {
        self.benchmark == Benchmark::Tiny
    }

    /// Reads the tasks.
    pub(crate) fn load(&self) -> Result<Vec<Task>, Failure> {
        let spec = |name: &'static str| self.data.as_deref().unwrap_or(name);
        let tasks = match self.benchmark {
            Benchmark::Humaneval => humaneval(spec("humaneval"))?,
            Benchmark::Mbpp => mbpp(spec("mbpp"), self.split)?,
            Benchmark::Own => load_problems(Path::new(spec("")))?,
            Benchmark::Tiny => embedded::tasks()?,
        };
        let Some(renaming) = self.renaming() else { return Ok(tasks) };
        Ok(tasks.iter().map(|task| renaming.task(task)).collect::<Result<_, _>>()?)
    }

    /// The file of the problems, where it is one that the user has given.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.data.as_deref().map(Path::new).filter(|path| path.exists())
    }

    fn renaming(&self) -> Option<Renaming> {
        self.rename.map(|seed| Renaming { seed })
    }
}

/// HumanEval, from a file or the hub.
pub(crate) fn humaneval(spec: &str) -> Result<Vec<Task>, Failure> {
    read(spec, "test", load_humaneval)
}

/// A part of MBPP, from a file or the hub, which has a file for each part.
pub(crate) fn mbpp(spec: &str, split: MbppSplit) -> Result<Vec<Task>, Failure> {
    let is_of_hub = matches!(spec.parse(), Ok(ProblemSource::Hub(_)));
    let parts = match split {
        MbppSplit::All if is_of_hub => MbppSplit::PARTS.to_vec(),
        split => vec![split],
    };
    let read = |part: MbppSplit| read(spec, &part.to_string(), |file| load_mbpp(file, part));
    Ok(parts.into_iter().map(read).collect::<Result<Vec<_>, _>>()?.concat())
}

fn read<E: Into<Failure>>(
    spec: &str,
    split: &str,
    load: impl Fn(&Path) -> Result<Vec<Task>, E>,
) -> Result<Vec<Task>, Failure> {
    let files = downloading(|progress| hub::problem_files(spec, split, progress))
        .map_err(|error| format!("{error}; or give the file of the problems by --data"))?;
    let mut tasks = vec![];
    for file in &files {
        tasks.extend(load(file).map_err(Into::into)?);
    }
    Ok(tasks)
}

impl fmt::Display for BenchmarkArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.benchmark {
            Benchmark::Humaneval => f.write_str("humaneval"),
            Benchmark::Mbpp => write!(f, "mbpp {}", self.split),
            Benchmark::Own => f.write_str("own"),
            Benchmark::Tiny => f.write_str("tiny"),
        }?;
        self.renaming().map_or(Ok(()), |renaming| write!(f, " {renaming}"))
    }
}
