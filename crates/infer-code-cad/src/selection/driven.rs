//! What tests of selectors share: drafts, a writer without a model, and a sample driven by hand.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::Range;

use infer_code_cad_checkpoint::Message;
use infer_code_cad_engine::FinishReason;
use infer_code_cad_sandbox::{Judge, Observation, Probe, ScriptedJudge};
use infer_code_cad_tasks::{Extraction, Problem};

use super::checks::stand_in;
pub(super) use super::trial::problem;
use crate::{
    Bench, Draft, DraftRequest, KnownDraft, PromptError, Selection, Selector, Stream, Writer,
};

/// Writes texts as they are, without tokens.
#[derive(Debug)]
pub(super) struct Plain;

impl Writer for Plain {
    fn chat(&self, messages: &[Message], _: &str) -> Result<Stream, PromptError> {
        let text = messages.iter().map(|message| message.content.as_str()).collect();
        Ok(Stream { text, tokens: vec![] })
    }

    fn raw(&self, text: &str) -> Result<Stream, PromptError> {
        Ok(Stream { text: text.to_owned(), tokens: vec![] })
    }

    fn spans(&self, _: &Stream, _: &[Range<usize>]) -> Result<Vec<Range<usize>>, PromptError> {
        Ok(vec![])
    }

    fn score(&self, _: &Stream, _: usize) -> Result<f64, PromptError> {
        Ok(0.0)
    }
}

/// A draft of one token and log-probability -1 whose program is this text.
pub(super) fn draft(role: u32, index: usize, program: &str) -> Draft {
    let mut known = KnownDraft::new(program, vec![1], FinishReason::Eos);
    known.log_prob = Some(-1.0);
    let drawn = Draft::new(&problem(&[]), Extraction::Plain, role, index, String::new(), known);
    Draft { program: program.to_owned(), ..drawn }
}

pub(super) fn answer(selection: Selection) -> (usize, String) {
    let Selection::Answer { draft, why, program: None } = selection else {
        panic!("{selection:?}")
    };
    (draft, why)
}

/// What came of a sample.
#[derive(Debug)]
pub(super) struct Answered {
    /// In the order they were shown.
    pub(super) drafts: Vec<Draft>,
    pub(super) requests: Vec<DraftRequest>,
    pub(super) chosen: usize,
    pub(super) why: String,
}

/// One sample, whose drafts `write` makes of a request and a number in it.
pub(super) fn answered(
    selector: &dyn Selector,
    problem: &Problem,
    judge: &dyn Judge,
    mut write: impl FnMut(&DraftRequest, usize) -> Draft,
) -> Answered {
    let mut selecting = selector.begin(problem, 0).unwrap();
    let bench = Bench::new(judge, &Plain);
    let mut requests = vec![DraftRequest::new(0, 0..selector.first_drafts())];
    let (mut drafts, mut at) = (vec![], 0);
    loop {
        let request = requests[at].clone();
        at += 1;
        assert!(request.drafts.end <= selector.most_drafts());
        for index in request.drafts.clone() {
            drafts.push(write(&request, index));
            match selecting.next(&drafts, &bench).unwrap() {
                Selection::Wait => {}
                Selection::More(more) => requests.extend(more),
                selection => {
                    let (chosen, why) = answer(selection);
                    return Answered { drafts, requests, chosen, why };
                }
            }
        }
    }
}

/// Scripts what a program does on tests: a letter for each, `+` held, `-` wrong, `N` a `NameError`, `S` a `SyntaxError`,
/// `T` a timeout. The module loads unless the first is `!`.
pub(super) fn script(
    judge: ScriptedJudge,
    program: &str,
    tests: &[&str],
    does: &str,
) -> ScriptedJudge {
    let raised = |kind: &str| Observation::Raised { kind: kind.into(), message: "m".into() };
    let fault = does.starts_with('!').then(|| raised("SyntaxError"));
    let load = fault.clone().unwrap_or(Observation::Held);
    let judge = judge.with_observation(program, Probe::Check("pass"), load);
    let does = does.trim_start_matches('!').chars().chain(std::iter::repeat('-'));
    tests.iter().zip(does).fold(judge, |judge, (test, letter)| {
        let seen = match letter {
            '+' => Observation::Held,
            '-' => raised("AssertionError"),
            'N' => raised("NameError"),
            'S' => raised("SyntaxError"),
            _ => Observation::Limit("cpu_time".into()),
        };
        judge.with_observation(program, Probe::Check(test), fault.clone().unwrap_or(seen))
    })
}

/// A judge that knows what the tests do with a function that does nothing.
pub(super) fn judge(tests: &[&str], alone: &str) -> ScriptedJudge {
    script(ScriptedJudge::new(), &stand_in(&problem(tests)), tests, alone)
}
