//! Flags that choose problems.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use infer_code_cad::embedded;
use infer_code_cad::tasks::{MbppSplit, Problem, load_humaneval, load_mbpp};

use super::Failure;

/// Which problems to solve.
#[derive(Args)]
pub(crate) struct BenchmarkArgs {
    /// The problem set.
    #[arg(long, value_enum, default_value = "tiny")]
    pub(crate) benchmark: Benchmark,
    /// Its file, `.jsonl` or `.jsonl.gz`; the embedded set needs none.
    #[arg(long, required_if_eq_any([("benchmark", "humaneval"), ("benchmark", "mbpp")]))]
    pub(crate) data: Option<PathBuf>,
    /// Which part of MBPP.
    #[arg(long, value_enum, default_value = "test")]
    pub(crate) split: Split,
}

/// Problem sets by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Benchmark {
    /// HumanEval, 164 problems.
    Humaneval,
    /// MBPP, 974 problems in four splits.
    Mbpp,
    /// The embedded problems.
    Tiny,
}

/// Parts of MBPP by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Split {
    /// Tasks 1 to 10.
    Prompt,
    /// Tasks 11 to 510.
    Test,
    /// Tasks 511 to 600.
    Validation,
    /// Tasks 601 to 974.
    Train,
    /// All of them.
    All,
}

impl BenchmarkArgs {
    /// Whether these are the problems that the embedded passages were written for.
    pub(crate) fn is_embedded(&self) -> bool {
        self.benchmark == Benchmark::Tiny
    }

    /// Reads the problems.
    pub(crate) fn load(&self) -> Result<Vec<Problem>, Failure> {
        let split = match self.split {
            Split::Prompt => MbppSplit::Prompt,
            Split::Test => MbppSplit::Test,
            Split::Validation => MbppSplit::Validation,
            Split::Train => MbppSplit::Train,
            Split::All => MbppSplit::All,
        };
        let path = self.data.as_deref().unwrap_or(Path::new(""));
        Ok(match self.benchmark {
            Benchmark::Humaneval => load_humaneval(path)?,
            Benchmark::Mbpp => load_mbpp(path, split)?,
            Benchmark::Tiny => embedded::problems()?,
        })
    }
}

impl fmt::Display for BenchmarkArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.benchmark {
            Benchmark::Mbpp => write!(f, "mbpp {:?}", self.split),
            other => write!(f, "{other:?}"),
        }
    }
}
