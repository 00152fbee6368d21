//! What a run is made of, as result files keep it.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use infer_code_cad_engine::{FinishReason, GenerateStats};
use infer_code_cad_metrics::Throughput;
use infer_code_cad_sandbox::{Report, Verdict};
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::form;
use crate::{Difference, Draft, Judging, Prompted, Solution, Stream};

/// One problem under one technique: its prompt, every draft that was paid for, the answers, and what
/// failed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// The problem.
    pub task_id: String,
    /// What the model read; `None` when no prompt could be written.
    pub prompt: Option<PromptRecord>,
    /// By role and index.
    pub drafts: Vec<Draft>,
    /// The judged samples, in their order.
    pub samples: Vec<SampleRecord>,
    /// What has no verdict: the problem as a whole first, then samples in their order.
    pub failures: Vec<FailureRecord>,
}

impl Record {
    /// A problem of which nothing is known yet.
    pub fn new(task_id: impl Into<String>) -> Self {
        let (prompt, drafts, samples, failures) = Default::default();
        Self { task_id: task_id.into(), prompt, drafts, samples, failures }
    }

    /// How many samples passed.
    pub fn passes(&self) -> usize {
        self.samples.iter().filter(|s| s.verdict == Verdict::Passed).count()
    }

    /// Identifiers of the passages that were in the prompt.
    pub fn passages(&self) -> impl Iterator<Item = &str> {
        let shown = self.prompt.iter().flat_map(|prompt| &prompt.shown);
        shown.filter(|shown| shown.kept).map(|shown| shown.id.as_str())
    }
}

/// What the model read of a problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PromptRecord {
    /// The problem.
    pub task_id: String,
    /// A fingerprint of all streams as tokens: it covers chat template and tokenizer too.
    pub fingerprint: String,
    /// The text of each stream, row 0 first.
    pub streams: Vec<String>,
    /// The beginning of the answer, where the prompt has opened it.
    pub written: String,
    /// The passages that were found, those that were left out too.
    pub shown: Vec<ShownRecord>,
}

/// A passage that was found for a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ShownRecord {
    /// The passage.
    pub id: String,
    /// Its score, as the retriever gave it.
    #[serde(with = "form::float")]
    pub score: f32,
    /// Whether it is in the prompt.
    pub kept: bool,
    /// Why it is, or is not.
    pub why: String,
}

impl PromptRecord {
    /// The record of a prompt.
    pub fn new(task_id: impl Into<String>, prompted: &Prompted) -> Self {
        let shown = prompted.shown.iter().map(|shown| ShownRecord {
            id: shown.passage.id.clone(),
            score: shown.score,
            kept: shown.kept,
            why: shown.why.clone(),
        });
        Self {
            task_id: task_id.into(),
            fingerprint: fingerprint(prompted),
            streams: prompted.streams.iter().map(|stream| stream.text.clone()).collect(),
            written: prompted.written.clone(),
            shown: shown.collect(),
        }
    }

    /// In what the prompt differs from that of another run.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let setting = |part: &str| format!("the {part} of {}", self.task_id);
        let [was, now_text] =
            [self, now].map(|prompt| (prompt.streams.join("\n"), &prompt.written));
        let (part, was, now) = if was != now_text {
            let text = |(streams, written): (String, &String)| streams + written;
            ("prompt", text(was), text(now_text))
        } else if self.fingerprint != now.fingerprint {
            ("fingerprint of the prompt", self.fingerprint.clone(), now.fingerprint.clone())
        } else {
            return vec![];
        };
        vec![Difference { setting: setting(part), was, now }]
    }
}

fn fingerprint(prompted: &Prompted) -> String {
    let streams = &prompted.streams;
    let hash = Fingerprint::new().number(streams.len() as u64).text(&prompted.written);
    let add =
        |hash: Fingerprint, stream: &Stream| hash.numbers(stream.tokens.iter().map(|&t| t.into()));
    streams.iter().fold(hash, add).to_string()
}

/// One judged sample.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SampleRecord {
    /// Which sample of the problem.
    pub sample: usize,
    /// The chosen draft's [`Draft::role`].
    pub role: u32,
    /// The chosen draft's [`Draft::index`].
    pub draft: usize,
    /// The drafts that belong to the sample.
    pub drafts: Range<usize>,
    /// Why this draft: the rule or the fallback that chose.
    pub why: String,
    /// What the model wrote.
    pub completion: String,
    /// What was judged.
    pub program: String,
    /// Why the completion ended.
    pub finish: FinishReason,
    /// Tokens of the completion.
    pub tokens: usize,
    /// Tokens of all the drafts it was chosen from.
    pub draft_tokens: usize,
    /// Seconds that the answer took, from the beginning of its first draft, beside all others; `None` where drafts
    /// were known, and in older files.
    pub answer_seconds: Option<f64>,
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
    /// The record of an answer and its judgement.
    pub fn new(sample: usize, solution: Solution, report: Report) -> Self {
        Self {
            sample,
            role: solution.role,
            draft: solution.draft,
            drafts: solution.drafts,
            why: solution.why,
            completion: solution.completion,
            program: solution.program,
            finish: solution.finish,
            tokens: solution.tokens,
            draft_tokens: solution.draft_tokens,
            answer_seconds: None,
            verdict: report.verdict,
            reason: report.reason,
            cpu_seconds: report.cpu_time.as_secs_f64(),
            wall_seconds: report.wall_time.as_secs_f64(),
        }
    }
}

/// A problem or a sample without a verdict: it counts as neither passed nor failed, and is tried again when
/// the run goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FailureRecord {
    /// The problem.
    pub task_id: String,
    /// Which of its samples; `None`: all of them.
    pub sample: Option<usize>,
    /// Where it happened.
    pub stage: Stage,
    /// What happened.
    pub reason: String,
}

impl FailureRecord {
    /// A failure; `sample` is `None` when it is that of the whole problem.
    pub fn new(
        task_id: impl Into<String>,
        sample: Option<usize>,
        stage: Stage,
        reason: impl Into<String>,
    ) -> Self {
        Self { task_id: task_id.into(), sample, stage, reason: reason.into() }
    }
}

/// What was under way when something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Stage {
    /// Prompting, generating or selecting.
    Solving,
    /// Judging: the fault is the judge's, never the program's.
    Judging,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Solving => "solving",
            Self::Judging => "judging",
        })
    }
}

/// What one session of a run cost; a session that was killed leaves none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SessionRecord {
    /// Prompt tokens run through the model.
    pub prefill_tokens: u64,
    /// Seconds of it, and of drawing the first token of each draft.
    pub prefill_seconds: f64,
    /// Tokens generated, those of drafts that failed or were given up included.
    pub decode_tokens: u64,
    /// Seconds of generating them after the first of each draft.
    pub decode_seconds: f64,
    /// Problems whose prompts were read to the end. Files of the first days have none.
    #[serde(default)]
    pub prompts: u64,
    /// Tokens that were the first of their draft, see [`Throughput::first_tokens`].
    #[serde(default)]
    pub first_tokens: u64,
    /// When programs ran while that was timed.
    #[serde(default)]
    pub judging: Judging,
    /// The most memory the process held, in bytes, where the system tells.
    pub peak_bytes: Option<u64>,
    /// The weights' part of it, where the model tells.
    #[serde(default)]
    pub weight_bytes: Option<u64>,
    /// The most that keys and values took of it at once, where the model tells.
    #[serde(default)]
    pub kv_cache_bytes: Option<u64>,
    /// What the process held at the end beyond what it held at the beginning, in bytes: the paper's memory overhead.
    #[serde(default)]
    pub left_over_bytes: Option<u64>,
}

/// What memory a run took, in bytes, as far as it is known: the most of its sessions, see [`SessionRecord`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RunMemory {
    /// The most that the process held.
    pub peak_bytes: Option<u64>,
    /// The weights' part of it.
    pub weight_bytes: Option<u64>,
    /// The part of keys and values.
    pub kv_cache_bytes: Option<u64>,
    /// What was held at the end and not at the beginning.
    pub left_over_bytes: Option<u64>,
}

impl RunMemory {
    /// The larger of each.
    pub(crate) fn most(self, other: Self) -> Self {
        Self {
            peak_bytes: self.peak_bytes.max(other.peak_bytes),
            weight_bytes: self.weight_bytes.max(other.weight_bytes),
            kv_cache_bytes: self.kv_cache_bytes.max(other.kv_cache_bytes),
            left_over_bytes: self.left_over_bytes.max(other.left_over_bytes),
        }
    }
}

impl SessionRecord {
    /// The record of what an engine did; what it does not count is left at its default.
    pub fn new(stats: &GenerateStats, peak_bytes: Option<u64>) -> Self {
        Self {
            prefill_tokens: stats.prefill_tokens as u64,
            prefill_seconds: stats.prefill_time.as_secs_f64(),
            decode_tokens: stats.decode_tokens as u64,
            decode_seconds: stats.decode_time.as_secs_f64(),
            first_tokens: stats.first_tokens as u64,
            peak_bytes,
            ..Self::default()
        }
    }

    /// Its memory.
    pub fn memory(&self) -> RunMemory {
        RunMemory {
            peak_bytes: self.peak_bytes,
            weight_bytes: self.weight_bytes,
            kv_cache_bytes: self.kv_cache_bytes,
            left_over_bytes: self.left_over_bytes,
        }
    }

    /// Its tokens and times.
    pub fn throughput(&self) -> Throughput {
        let seconds = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let counts = self.prompts > 0;
        Throughput {
            prefill_tokens: self.prefill_tokens,
            prefill_time: seconds(self.prefill_seconds),
            decode_tokens: self.decode_tokens,
            decode_time: seconds(self.decode_seconds),
            prompts: self.prompts,
            prompts_time: seconds(if counts { self.prefill_seconds } else { 0.0 }),
            first_tokens: self.first_tokens,
        }
    }
}
