//! The lines of a journal: their fields and the order of these are the file format.
//!
//! A change of any is a new [`VERSION`](crate::header::VERSION).

use std::ops::Range;

use infer_code_cad_decode::TokenId;
use infer_code_cad_engine::{Cost, FinishReason, TokenLogProb};
use infer_code_cad_sandbox::Verdict;
use serde::{Deserialize, Serialize};

use crate::{Draft, FailureRecord, PromptRecord, RunHeader, SampleRecord, SessionRecord, form};

/// One line, an object with one key.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first one.
    Run(Box<RunHeader>),
    Prompt(PromptRecord),
    Draft(DraftLine),
    Sample(SampleLine),
    Failure(FailureRecord),
    Session(SessionRecord),
}

impl Line {
    /// The problem that it is about.
    pub(super) fn task_id(&self) -> Option<&str> {
        match self {
            Self::Run(_) | Self::Session(_) => None,
            Self::Prompt(line) => Some(&line.task_id),
            Self::Draft(line) => Some(&line.task_id),
            Self::Sample(line) => Some(&line.task_id),
            Self::Failure(line) => Some(&line.task_id),
        }
    }
}

macro_rules! of_line {
    ($($variant:ident($line:ty)),*) => { $(
        impl TryFrom<Line> for $line {
            type Error = ();

            fn try_from(line: Line) -> Result<Self, ()> {
                if let Line::$variant(line) = line { Ok(line) } else { Err(()) }
            }
        }
    )* };
}
of_line!(
    Run(Box<RunHeader>),
    Prompt(PromptRecord),
    Draft(DraftLine),
    Sample(SampleLine),
    Failure(FailureRecord)
);

/// A [`Draft`] of a problem.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftLine {
    pub(super) task_id: String,
    pub(super) role: u32,
    pub(super) index: usize,
    pub(super) address: String,
    #[serde(with = "form::text")]
    pub(super) finish: FinishReason,
    #[serde(with = "form::float_or_null")]
    pub(super) log_prob: Option<f64>,
    #[serde(with = "CostForm")]
    pub(super) cost: Cost,
    pub(super) text: String,
    pub(super) program: String,
    pub(super) tokens: Vec<TokenId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "form::token_log_probs")]
    pub(super) log_probs: Vec<TokenLogProb>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Cost", deny_unknown_fields)]
struct CostForm {
    prompt_tokens: usize,
    kept: usize,
    thrown_away: usize,
    row_passes: usize,
}

impl DraftLine {
    pub(super) fn new(task_id: &str, draft: &Draft) -> Self {
        let Draft {
            index,
            role,
            text,
            program,
            tokens,
            finish,
            log_prob,
            log_probs,
            cost,
            address,
        } = draft.clone();
        let task_id = task_id.to_owned();
        Self {
            task_id,
            role,
            index,
            address,
            finish,
            log_prob,
            cost,
            text,
            program,
            tokens,
            log_probs,
        }
    }

    pub(super) fn into_draft(self) -> Draft {
        let Self { role, index, address, finish, log_prob, cost, .. } = self;
        let Self { text, program, tokens, log_probs, .. } = self;
        Draft { index, role, text, program, tokens, finish, log_prob, log_probs, cost, address }
    }
}

/// A [`SampleRecord`] of a problem; what its draft says already is left out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SampleLine {
    task_id: String,
    pub(super) sample: usize,
    pub(super) role: u32,
    pub(super) draft: usize,
    drafts: (usize, usize),
    why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    completion: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    #[serde(with = "form::text")]
    finish: FinishReason,
    tokens: usize,
    draft_tokens: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer_seconds: Option<f64>,
    verdict: Verdict,
    reason: String,
    cpu_seconds: f64,
    wall_seconds: f64,
}

impl SampleLine {
    /// The line of a record whose draft, if it is in the file, is `draft`.
    pub(super) fn new(task_id: &str, record: &SampleRecord, draft: Option<&DraftLine>) -> Self {
        let completion = draft.is_none_or(|draft| draft.text != record.completion);
        let program = draft.is_none_or(|draft| draft.program != record.program);
        Self {
            task_id: task_id.to_owned(),
            sample: record.sample,
            role: record.role,
            draft: record.draft,
            drafts: (record.drafts.start, record.drafts.end),
            why: record.why.clone(),
            completion: completion.then(|| record.completion.clone()),
            program: program.then(|| record.program.clone()),
            finish: record.finish,
            tokens: record.tokens,
            draft_tokens: record.draft_tokens,
            answer_seconds: record.answer_seconds,
            verdict: record.verdict,
            reason: record.reason.clone(),
            cpu_seconds: record.cpu_seconds,
            wall_seconds: record.wall_seconds,
        }
    }

    /// The record, with what the line left to its draft; `None` where the draft that it needs is missing.
    pub(super) fn into_record(self, draft: Option<&Draft>) -> Option<SampleRecord> {
        let (start, end) = self.drafts;
        Some(SampleRecord {
            sample: self.sample,
            role: self.role,
            draft: self.draft,
            drafts: Range { start, end },
            why: self.why,
            completion: self.completion.or_else(|| draft.map(|draft| draft.text.clone()))?,
            program: self.program.or_else(|| draft.map(|draft| draft.program.clone()))?,
            finish: self.finish,
            tokens: self.tokens,
            draft_tokens: self.draft_tokens,
            answer_seconds: self.answer_seconds,
            verdict: self.verdict,
            reason: self.reason,
            cpu_seconds: self.cpu_seconds,
            wall_seconds: self.wall_seconds,
        })
    }
}
