//! Flags that choose problems.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use infer_code_cad::hub::{self, HubError, ProblemSource};
use infer_code_cad::tasks::{MbppSplit, Renaming, Task, load_humaneval, load_mbpp, load_problems};
use infer_code_cad::{Error, embedded};

use super::Failure;
use super::model::downloading;

/// Which problems to solve.
#[derive(Args)]
pub(crate) struct BenchmarkArgs {
    /// The problem set.
    #[arg(long, value_enum, default_value = "tiny")]
    pub(crate) benchmark: Benchmark,
    /// Its file, `.jsonl` or `.jsonl.gz` (or parquet); of humaneval and mbpp also org/name[/configuration][@revision] of a
    /// data set on the Hugging Face hub, and without it the hub's own (`--features hub,parquet`).
    #[arg(long, required_if_eq("benchmark", "own"))]
    pub(crate) data: Option<String>,
    /// Which part of MBPP: prompt (tasks 1 to 10), test (11 to 510), validation (511 to 600), train (601
    /// to 974) or all.
    #[arg(long, default_value = "test")]
    pub(crate) split: MbppSplit,
    /// Gives functions and their arguments made-up names, chosen by this seed, so that no answer is one from memory.
    #[arg(long, value_name = "SEED")]
    pub(crate) rename: Option<u64>,
    /// Shows each problem's asserts in its prompt, as MBPP's authors do, and to `visible-tests`. They then also score.
    #[arg(long)]
    pub(crate) show_tests: bool,
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
            Benchmark::Humaneval => humaneval(spec("humaneval")),
            Benchmark::Mbpp => mbpp(spec("mbpp"), self.split),
            Benchmark::Own => Ok(load_problems(Path::new(spec("")))?),
            Benchmark::Tiny => Ok(embedded::tasks()?),
        };
        let tasks = tasks.map_err(|error| match self.data {
            None => Failure(format!("{error}; or give the file of the problems by --data")),
            Some(_) => error,
        })?;
        let tasks = match self.renaming() {
            Some(renaming) => {
                tasks.iter().map(|task| renaming.task(task)).collect::<Result<_, _>>()?
            }
            None => tasks,
        };
        if !self.show_tests {
            return Ok(tasks);
        }
        let shown: Vec<_> = tasks.iter().cloned().map(Task::with_tests_shown).collect();
        if shown.iter().zip(&tasks).all(|(shown, task)| shown.problem == task.problem) {
            let why =
                "no problem has an assert that calls its function by name; leave --show-tests out";
            return Err(Failure(why.to_owned()));
        }
        Ok(shown)
    }

    /// The file of the problems, where it is one that the user has given.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.data.as_deref().map(Path::new).filter(|path| path.exists() && !path.is_dir())
    }

    fn renaming(&self) -> Option<Renaming> {
        self.rename.map(|seed| Renaming { seed })
    }
}

/// HumanEval, from a file or the hub.
pub(crate) fn humaneval(spec: &str) -> Result<Vec<Task>, Failure> {
    read(&files(spec, "test")?, |file| Ok(load_humaneval(file)?))
}

/// A part of MBPP, from a file or the hub.
pub(crate) fn mbpp(spec: &str, split: MbppSplit) -> Result<Vec<Task>, Failure> {
    let is_of_hub = matches!(spec.parse(), Ok(ProblemSource::Hub(_)));
    let parts = match split {
        MbppSplit::All if is_of_hub => MbppSplit::PARTS.to_vec(),
        split => vec![split],
    };
    let mut tasks = vec![];
    for part in parts {
        match files(spec, &part.to_string()) {
            // MBPP+ has one file for all of its tasks.
            Err(Error::Hub(HubError::DatasetSplit { .. })) if tasks.is_empty() => {
                return read(&files(spec, "test")?, |file| Ok(load_mbpp(file, split)?));
            }
            files => tasks.extend(read(&files?, |file| Ok(load_mbpp(file, part)?))?),
        }
    }
    Ok(tasks)
}

fn files(spec: &str, split: &str) -> Result<Vec<PathBuf>, Error> {
    downloading(|progress| hub::problem_files(spec, split, progress))
}

fn read(
    files: &[PathBuf],
    load: impl Fn(&Path) -> Result<Vec<Task>, Failure>,
) -> Result<Vec<Task>, Failure> {
    let tasks: Result<Vec<_>, _> = files.iter().map(|file| load(file)).collect();
    Ok(tasks?.concat())
}

impl fmt::Display for BenchmarkArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.benchmark {
            Benchmark::Humaneval => f.write_str("humaneval"),
            Benchmark::Mbpp => write!(f, "mbpp {}", self.split),
            Benchmark::Own => f.write_str("own"),
            Benchmark::Tiny => f.write_str("tiny"),
        }?;
        self.renaming().map_or(Ok(()), |renaming| write!(f, " {renaming}"))?;
        if self.show_tests { f.write_str(" with its tests shown") } else { Ok(()) }
    }
}
