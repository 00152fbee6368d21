//! Flags that say how programs are judged.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use infer_code_cad::sandbox::{Judge, Limits, Sandbox, SandboxConfig, SandboxError, Tier};
use infer_code_cad::tasks::Task;
use infer_code_cad::{CpuScale, Deduplicated, Executor, Solver, TaskLimits};

use super::{Failure, positive};

/// Where programs run.
#[derive(Args)]
pub(crate) struct IsolationArgs {
    /// How far programs are shut in: full, container, no-userns, macos or none. What the system cannot hold
    /// of it is refused.
    #[arg(long, value_name = "TIER", default_value_t)]
    isolation: Tier,
    /// The interpreter, CPython 3.8 or newer, such as that of a virtual environment; without it python3.
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Lets programs and tests import what is installed beside the interpreter; without it the standard
    /// library alone.
    #[arg(long)]
    site_packages: bool,
}

impl IsolationArgs {
    /// How to start a sandbox.
    fn config(&self) -> SandboxConfig {
        let mut config = SandboxConfig { tier: self.isolation, ..SandboxConfig::default() };
        config.site_packages = self.site_packages;
        if let Some(python) = &self.python {
            config.python.clone_from(python);
        }
        config
    }

    /// A sandbox with a worker per core.
    pub(crate) fn sandbox(&self) -> Result<Arc<Sandbox>, SandboxError> {
        Ok(Arc::new(Sandbox::start(&self.config())?))
    }
}

/// Where programs run, how many at a time, and what each may use.
#[derive(Args)]
pub(crate) struct JudgeArgs {
    #[command(flatten)]
    isolation: IsolationArgs,
    /// Programs that run at a time; without it one per core.
    #[arg(long, value_name = "N", value_parser = positive)]
    workers: Option<usize>,
    /// Runs what is the same, program, tests and limits, only once.
    #[arg(long)]
    dedup: bool,
    #[command(flatten)]
    limits: LimitArgs,
    /// Takes each task's CPU limit from its reference solution: ten times its time, rounded up to 1, 2, 5,
    /// 10 or 30 s. Measured once and kept in FILE; without FILE beside the problems, with .limits.json appended.
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "cpu_seconds")]
    scale_limits: Option<Option<PathBuf>>,
}

impl JudgeArgs {
    /// The judge.
    pub(crate) fn judge(&self) -> Result<Arc<dyn Judge>, SandboxError> {
        let mut config = self.isolation.config();
        config.workers = self.workers.unwrap_or(config.workers);
        let sandbox = Sandbox::start(&config)?;
        Ok(if self.dedup { Arc::new(Deduplicated::new(sandbox)) } else { Arc::new(sandbox) })
    }

    /// Such a judge for the solver's programs, for its selections and for their tests; `data` as in [`Self::limits`].
    pub(crate) fn executor(
        &self,
        mut solver: Solver,
        data: Option<&Path>,
        tasks: &[Task],
    ) -> Result<Executor, Failure> {
        let judge = self.judge()?;
        let limits = self.limits(data, tasks, &judge)?;
        solver.judge = judge.clone();
        Ok(Executor::new(solver, judge, limits))
    }

    /// What the program of a task may use; `data` is the file that the tasks are from.
    pub(crate) fn limits(
        &self,
        data: Option<&Path>,
        tasks: &[Task],
        judge: &Arc<dyn Judge>,
    ) -> Result<TaskLimits, Failure> {
        let mut limits = TaskLimits::from(self.limits.limits());
        let Some(file) = &self.scale_limits else { return Ok(limits) };
        let beside = || data.map(|data| PathBuf::from(format!("{}.limits.json", data.display())));
        let missing = "these problems are in no file; say --scale-limits FILE";
        let file = file.clone().or_else(beside).ok_or(missing)?;
        let scale = CpuScale::load_or_measure(&file, tasks, judge, &limits)?;
        let unscaled: Vec<&str> = scale.unscaled().collect();
        if !unscaled.is_empty() {
            let unscaled = unscaled.join(", ");
            eprintln!("notice: no reference to scale by, so the common limit: {unscaled}");
        }
        limits.scale = Some(scale);
        Ok(limits)
    }
}

const HEADING: &str = "What one program may use";

/// What one program may use; each without its flag as the sandbox has it.
#[derive(Args)]
struct LimitArgs {
    /// CPU time [default: 10].
    #[arg(long, value_name = "X", value_parser = seconds, help_heading = HEADING)]
    cpu_seconds: Option<Duration>,
    /// Wall time [default: 30].
    #[arg(long, value_name = "X", value_parser = seconds, help_heading = HEADING)]
    wall_seconds: Option<Duration>,
    /// Memory, in MiB [default: 512].
    #[arg(long, value_name = "N", value_parser = mebibytes, help_heading = HEADING)]
    memory_mb: Option<u64>,
    /// What it prints, in MiB [default: 1].
    #[arg(long, value_name = "N", value_parser = mebibytes, help_heading = HEADING)]
    output_mb: Option<u64>,
    /// The largest file, in MiB [default: 16].
    #[arg(long, value_name = "N", value_parser = mebibytes, help_heading = HEADING)]
    file_mb: Option<u64>,
    /// Processes at a time [default: 1, no new ones].
    #[arg(long, value_name = "N", help_heading = HEADING)]
    max_processes: Option<u32>,
    /// Threads at a time [default: 64].
    #[arg(long, value_name = "N", help_heading = HEADING)]
    max_threads: Option<u32>,
    /// Open files [default: 64].
    #[arg(long, value_name = "N", help_heading = HEADING)]
    open_files: Option<u32>,
    /// All its files, in MiB [default: 64].
    #[arg(long, value_name = "N", value_parser = mebibytes, help_heading = HEADING)]
    scratch_mb: Option<u64>,
    /// How many files [default: 1024].
    #[arg(long, value_name = "N", help_heading = HEADING)]
    scratch_files: Option<u64>,
}

impl LimitArgs {
    fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            cpu_time: self.cpu_seconds.unwrap_or(usual.cpu_time),
            wall_time: self.wall_seconds.unwrap_or(usual.wall_time),
            memory_bytes: self.memory_mb.unwrap_or(usual.memory_bytes),
            output_bytes: self.output_mb.unwrap_or(usual.output_bytes),
            file_bytes: self.file_mb.unwrap_or(usual.file_bytes),
            processes: self.max_processes.unwrap_or(usual.processes),
            threads: self.max_threads.unwrap_or(usual.threads),
            open_files: self.open_files.unwrap_or(usual.open_files),
            scratch_bytes: self.scratch_mb.unwrap_or(usual.scratch_bytes),
            scratch_files: self.scratch_files.unwrap_or(usual.scratch_files),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map(Duration::try_from_secs_f64);
    match seconds {
        Ok(Ok(time)) if time.as_millis() > 0 => Ok(time),
        _ => Err("expected seconds, at least 0.001".to_owned()),
    }
}

/// MiB as bytes.
fn mebibytes(text: &str) -> Result<u64, String> {
    let number: Option<u64> = text.parse().ok().filter(|number| (1..1 << 33).contains(number));
    number
        .map(|number| number << 20)
        .ok_or_else(|| "expected a whole number of MiB, at least 1".to_owned())
}
