//! A sample of a selector that is driven by hand, and a judge that is scripted in a letter per test.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use infer_code_cad_sandbox::{Judge, Observation, Probe, ScriptedJudge};
use infer_code_cad_tasks::Problem;

use super::checks::stand_in;
pub(super) use super::trial::problem;
use super::trial::{self, Bytes};
use crate::{Bench, Draft, DraftRequest, Selection, Selector};

/// A draft of log-probability -1.
pub(super) fn draft(role: u32, index: usize, program: &str) -> Draft {
    Draft { role, index, ..trial::draft(program, -1.0) }
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
    let bench = Bench::new(judge, &Bytes);
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
