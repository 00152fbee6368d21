//! Flags that choose problems.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use infer_code_cad::embedded;
use infer_code_cad::tasks::{MbppSplit, Renaming, Task, load_humaneval, load_mbpp, load_problems};

use super::Failure;

/// Which problems to solve.
#[derive(Args)]
pub(crate) struct BenchmarkArgs {
    /// The problem set.
    #[arg(long, value_enum, default_value = "tiny")]
    pub(crate) benchmark: Benchmark,
    /// Its file, `.jsonl` or `.jsonl.gz`; the embedded set needs none.
    #[arg(long, required_if_eq_any([("benchmark", "humaneval"), ("benchmark", "mbpp"), ("benchmark", "own")]))]
    pub(crate) data: Option<PathBuf>,
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
        let path = self.data.as_deref().unwrap_or(Path::new(""));
        let tasks = match self.benchmark {
            Benchmark::Humaneval => load_humaneval(path)?,
            Benchmark::Mbpp => load_mbpp(path, self.split)?,
            Benchmark::Own => load_problems(path)?,
            Benchmark::Tiny => embedded::tasks()?,
        };
        let Some(renaming) = self.renaming() else { return Ok(tasks) };
        Ok(tasks.iter().map(|task| renaming.task(task)).collect::<Result<_, _>>()?)
    }

    fn renaming(&self) -> Option<Renaming> {
        self.rename.map(|seed| Renaming { seed })
    }
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
