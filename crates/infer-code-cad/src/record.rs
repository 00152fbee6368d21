use infer_code_cad_sandbox::{Report, Verdict};
use serde::{Deserialize, Serialize};

use crate::Solution;

/// All samples of one problem under one technique: a line of a result file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The problem.
    pub task_id: String,
    /// Identifiers of the passages that were in the prompt.
    pub passages: Vec<String>,
    /// In the order of their random streams.
    pub samples: Vec<SampleRecord>,
}

impl Record {
    /// How many samples passed.
    pub fn passes(&self) -> usize {
        self.samples.iter().filter(|s| s.verdict == Verdict::Passed).count()
    }
}

/// One judged sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleRecord {
    /// What the model wrote.
    pub completion: String,
    /// Tokens of it.
    pub tokens: usize,
    /// Tokens of all the drafts it was chosen from.
    pub draft_tokens: usize,
    /// How the program did.
    pub verdict: Verdict,
    /// The failing assertion, the exception or the limit; empty when it passed.
    pub reason: String,
    /// Processor time of the program in seconds.
    pub cpu_seconds: f64,
    /// Wall time of the program in seconds.
    pub wall_seconds: f64,
}

impl SampleRecord {
    pub(crate) fn new(solution: Solution, report: Report) -> Self {
        Self {
            completion: solution.completion,
            tokens: solution.tokens,
            draft_tokens: solution.draft_tokens,
            verdict: report.verdict,
            reason: report.reason,
            cpu_seconds: report.cpu_time.as_secs_f64(),
            wall_seconds: report.wall_time.as_secs_f64(),
        }
    }
}
