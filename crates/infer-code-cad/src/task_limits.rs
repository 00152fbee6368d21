use std::time::Duration;

use infer_code_cad_decode::Settings;
use infer_code_cad_sandbox::Limits;

use crate::CpuScale;

/// Wall time is a backstop: a program that computes is to meet its CPU limit first.
const WALL_PER_CPU: u32 = 3;

/// What the program of a task may use: the same for all, or CPU time by the task.
///
/// # Examples
/// ```
/// use infer_code_cad::TaskLimits;
/// use infer_code_cad::sandbox::Limits;
///
/// let limits = TaskLimits::from(Limits::default());
/// assert_eq!(limits.of("HumanEval/0"), Limits::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskLimits {
    /// Those of every task.
    pub common: Limits,
    /// CPU times by task, where they are scaled.
    pub scale: Option<CpuScale>,
}

impl From<Limits> for TaskLimits {
    fn from(common: Limits) -> Self {
        Self { common, scale: None }
    }
}

impl TaskLimits {
    /// The limits of a task. Where its CPU time is scaled the wall time is at least three times as long.
    pub fn of(&self, task_id: &str) -> Limits {
        let limits = self.common.clone();
        let Some(seconds) = self.scale.as_ref().and_then(|scale| scale.seconds(task_id)) else {
            return limits;
        };
        let cpu_time = Duration::from_secs(seconds);
        Limits { cpu_time, wall_time: limits.wall_time.max(WALL_PER_CPU * cpu_time), ..limits }
    }

    /// The limits as result files name them. Scaled ones have `cpu_seconds=scaled`, a fingerprint of the
    /// times, and the time of tasks that the scale has none for.
    pub fn settings(&self) -> Settings {
        let mut settings = self.common.settings();
        let Some(scale) = &self.scale else { return settings };
        let mut unscaled = "scaled".to_owned();
        for (key, value) in &mut settings.values {
            if key == "cpu_seconds" {
                std::mem::swap(value, &mut unscaled);
            }
        }
        settings.with("unscaled_cpu_seconds", unscaled).with("cpu_scale", scale.fingerprint())
    }
}
