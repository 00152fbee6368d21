use std::collections::BTreeMap;

use infer_code_cad_metrics::Tally;
use serde::{Deserialize, Serialize};

/// The verdict that counts; every other name is a way to fail.
pub const PASSED: &str = "passed";

/// What an arm made of one problem.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyProblem {
    /// The problem.
    pub task_id: String,
    /// Its judged samples, in their order. Tallies are counted from them, so that no two numbers can disagree.
    pub samples: Vec<Sample>,
    /// What the model read; empty where it was not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<Prompt>,
}

impl StudyProblem {
    /// Samples, and those that passed.
    pub fn tally(&self) -> Tally {
        let passed = self.samples.iter().filter(|sample| sample.passed()).count();
        Tally { n: self.samples.len() as u64, c: passed as u64 }
    }

    /// How often each verdict was given.
    pub fn verdicts(&self) -> BTreeMap<&str, u64> {
        let mut counts = BTreeMap::new();
        for sample in &self.samples {
            *counts.entry(sample.verdict.as_str()).or_default() += 1;
        }
        counts
    }

    /// The first sample that did, or did not, pass and whose program was kept.
    pub(crate) fn example(&self, passed: bool) -> Option<&Sample> {
        self.samples.iter().find(|sample| sample.passed() == passed && sample.program.is_some())
    }
}

/// One judged sample.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The verdict's name: [`PASSED`], or how it failed.
    pub verdict: String,
    /// The failing assertion, the exception or the limit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What was judged, where it was kept. Bytes that are no UTF-8 are to be replaced before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Tokens of the completion, where they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

impl Sample {
    /// A sample of which only the verdict is known.
    pub fn new(verdict: impl Into<String>) -> Self {
        Self { verdict: verdict.into(), ..Self::default() }
    }

    /// Whether the verdict is [`PASSED`].
    pub fn passed(&self) -> bool {
        self.verdict == PASSED
    }
}

/// The text of one stream of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// Which stream, such as `context`.
    pub name: String,
    /// What the model read.
    pub text: String,
}
