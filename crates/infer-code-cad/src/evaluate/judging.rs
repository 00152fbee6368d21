use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use infer_code_cad_decode::Settings;
use infer_code_cad_sandbox::{Judge, JudgeError, Limits, Observation, Probe, Report, Submission};
use serde::{Deserialize, Serialize};

/// When programs run: it changes no verdict, and decides what times of generation mean.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Judging {
    /// While the model writes, which is the fastest for a whole run. Programs and model share the processors,
    /// so that tokens per second are too low.
    #[default]
    Beside,
    /// Once all is written, so that generation is timed undisturbed.
    After,
}

impl fmt::Display for Judging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Beside => "beside",
            Self::After => "after",
        })
    }
}

/// The judge of selections, which notes whether one of them ran a program while drafts were written.
#[derive(Debug)]
pub(super) struct Watched {
    judge: Arc<dyn Judge>,
    was_asked: AtomicBool,
}

impl Watched {
    pub(super) fn new(judge: Arc<dyn Judge>) -> Self {
        Self { judge, was_asked: AtomicBool::new(false) }
    }

    pub(super) fn was_asked(&self) -> bool {
        self.was_asked.load(Ordering::Relaxed)
    }

    fn asked(&self) -> &dyn Judge {
        self.was_asked.store(true, Ordering::Relaxed);
        self.judge.as_ref()
    }
}

impl Judge for Watched {
    fn judge(&self, submission: &Submission<'_>, limits: &Limits) -> Result<Report, JudgeError> {
        self.asked().judge(submission, limits)
    }

    fn observe(
        &self,
        program: &str,
        probes: &[Probe<'_>],
        limits: &Limits,
    ) -> Result<Vec<Observation>, JudgeError> {
        self.asked().observe(program, probes, limits)
    }

    fn settings(&self) -> Settings {
        self.judge.settings()
    }

    fn workers(&self) -> usize {
        self.judge.workers()
    }
}
