mod agreement;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use infer_code_cad_decode::{Nucleus, Settings};
use infer_code_cad_sandbox::{Judge, Observation, Probe};
use infer_code_cad_tasks::{Problem, StopPreset, prompts, written_asserts};

use self::agreement::{Agreement, Passes};
use super::functional_vote::{at_least_one, calls_of, inputs, vote};
use super::likelihood::{first_best, mean};
use super::observation::observed;
use crate::{
    Bench, Draft, DraftRequest, Prompted, SelectError, Selecting, Selection, Selector, VoteRule,
};

/// The tests kept of one completion.
const TESTS_KEPT: usize = 5;

/// Tokens of one completion of tests.
const TEST_TOKENS: usize = 300;

/// Inputs of the vote where tests decide nothing.
const INPUTS: usize = 12;

/// The draft that agrees best with tests that the model wrote itself.
///
/// The model goes on behind `assert` below the function's stub without its examples
/// ([`test_writing`](crate::tasks::prompts::test_writing), raw, at temperature 0.8 and top-p 0.95).
/// Of each completion the first five asserts are kept that name the function and are one logical
/// line of Python. Every draft is run against every test. Drafts that pass the same tests are a
/// group, of score `sqrt(drafts) * tests passed`, repeated drafts and tests included; the answer
/// is, of the best group, the draft of the highest mean log-probability, then the first.
///
/// [`TestWeights::Aces`] sums weights of tests in place of their number. Where no test can be read,
/// or no draft passes a test that weighs something, the softly counted
/// [`FunctionalVote`](crate::FunctionalVote) on the tests' calls chooses, on what the prompt shows
/// where there are none; the reason says so.
///
/// A sample owns as many drafts of each role as the larger of the two numbers, and draws the first
/// of them. Chen et al., [CodeT](https://arxiv.org/abs/2207.10397), section 2; the tests' time
/// limit is a second of the processor.
///
/// # Examples
/// ```
/// use infer_code_cad::{CodeT, Selector};
///
/// let codet = CodeT { drafts: 5, ..CodeT::default() };
/// assert_eq!(codet.settings().to_string(), "codet(drafts=5,tests=10,weights=count)");
/// assert_eq!((codet.first_drafts(), codet.most_drafts()), (5, 10));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeT {
    /// Drafts per sample.
    pub drafts: usize,
    /// Completions with tests per sample, at least 1, of role 1.
    pub tests: usize,
    /// What a test weighs.
    pub weights: TestWeights,
}

/// What a test weighs in [`CodeT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum TestWeights {
    /// `count`: each the same, as published. Tests that all drafts pass or none count too.
    #[default]
    Count,
    /// `aces`: how far a test agrees with the others. It is left out, with its copies; drafts are
    /// scored by how many of the other tests they pass; AUC is the share of pairs, one draft that
    /// passes it and one that fails it, in which the first has the higher score, equal scores by
    /// half; the weight is `max(0, 2 AUC - 1)`. Tests that all drafts pass or none tell nothing and
    /// weigh nothing. Where every weight is 0, tests are counted.
    ///
    /// This is our reading of ACES-C from its abstract, whose closed form may have other factors;
    /// and the weights enter the score of CodeT, where ACES ranks drafts by the sum of weights
    /// alone. Sun et al., [ACES: Who Tests the Tests?](https://arxiv.org/abs/2604.03922).
    Aces,
}

impl Default for CodeT {
    /// Ten drafts, ten completions with tests, counted.
    fn default() -> Self {
        Self { drafts: 10, tests: 10, weights: TestWeights::Count }
    }
}

impl Selector for CodeT {
    fn most_drafts(&self) -> usize {
        self.drafts.max(self.tests)
    }

    fn first_drafts(&self) -> usize {
        self.drafts
    }

    fn begin(&self, problem: &Problem, _: usize) -> Result<Box<dyn Selecting>, SelectError> {
        at_least_one("codet", "tests", self.tests)?;
        Ok(Box::new(Testing { codet: self.clone(), problem: problem.clone() }))
    }

    fn settings(&self) -> Settings {
        Settings::new("codet")
            .with("drafts", self.drafts)
            .with("tests", self.tests)
            .with("weights", self.weights)
    }
}

struct Testing {
    codet: CodeT,
    problem: Problem,
}

impl Selecting for Testing {
    fn next(&mut self, drafts: &[Draft], bench: &Bench<'_>) -> Result<Selection, SelectError> {
        let CodeT { drafts: count, tests, .. } = self.codet;
        if drafts.len() == 1 {
            return Ok(Selection::More(vec![self.request(bench)?]));
        }
        if drafts.len() < count + tests {
            return Ok(Selection::Wait);
        }
        let (drafts, written) = drafts.split_at(count);
        let tests = self.tests(written);
        let (draft, why) = self.choose(drafts, &tests, bench.judge)?;
        Ok(Selection::answer(draft, why))
    }
}

impl Testing {
    fn request(&self, bench: &Bench<'_>) -> Result<DraftRequest, SelectError> {
        let stream = bench.writer.raw(&prompts::test_writing(&self.problem))?;
        let nucleus = Nucleus { temperature: 0.8, top_p: 0.95, ..Nucleus::default() };
        let stop = StopPreset::LmEval.strings(); // those of CodeT's code too
        let mut request = DraftRequest::new(1, 0..self.codet.tests);
        request.prompt = Some(Prompted::new(vec![stream]));
        request.decoder = Some(Arc::new(nucleus));
        request.max_new_tokens = Some(TEST_TOKENS);
        request.stop = Some(stop.iter().map(ToString::to_string).collect());
        Ok(request)
    }

    /// The tests of some completions, with how often each was written.
    fn tests(&self, written: &[Draft]) -> BTreeMap<String, usize> {
        let mut tests = BTreeMap::new();
        for draft in written {
            let text = format!("assert {}", draft.text.trim_start());
            let asserts = written_asserts(&text, &self.problem.entry_point);
            for test in asserts.into_iter().take(TESTS_KEPT) {
                *tests.entry(test).or_default() += 1;
            }
        }
        tests
    }

    fn choose(
        &self,
        drafts: &[Draft],
        tests: &BTreeMap<String, usize>,
        judge: &dyn Judge,
    ) -> Result<(usize, String), SelectError> {
        let written = tests.values().sum::<usize>();
        let rule = self.codet.weights;
        let told = format!("codet by {rule}: {} tests ({written} written)", tests.len());
        if tests.is_empty() {
            return self.by_vote(
                drafts,
                tests,
                judge,
                &format!("codet by {rule}: no test can be read"),
            );
        }
        let (programs, passes) = run(drafts, tests, judge)?;
        let decided = agreement(&passes, rule);
        let Some((found, counted)) = decided else {
            return self.by_vote(
                drafts,
                tests,
                judge,
                &format!("{told}, of which no draft passes any"),
            );
        };
        let is_best = |at: &usize| found.best.contains(&programs[*at]);
        let best =
            first_best((0..drafts.len()).filter(is_best), |at| mean(&drafts[at])).unwrap_or(0);
        Ok((best, format!("{told}; {}", why(&found, counted, drafts.len()))))
    }

    /// What chooses where tests do not.
    fn by_vote(
        &self,
        drafts: &[Draft],
        tests: &BTreeMap<String, usize>,
        judge: &dyn Judge,
        reason: &str,
    ) -> Result<(usize, String), SelectError> {
        let mut calls = calls_of(tests.keys(), &self.problem.entry_point, INPUTS);
        if calls.is_empty() {
            calls = inputs(&self.problem, None, INPUTS);
        }
        let (draft, why) = vote(drafts, &calls, VoteRule::Soft, judge)?;
        Ok((draft, format!("{reason}: {why}")))
    }
}

/// Of each draft the number of its program, and what passes what.
fn run(
    drafts: &[Draft],
    tests: &BTreeMap<String, usize>,
    judge: &dyn Judge,
) -> Result<(Vec<usize>, Passes), SelectError> {
    let probes: Vec<Probe<'_>> = tests.keys().map(|test| Probe::Check(test)).collect();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut programs, mut passes, mut copies) = (vec![], vec![], vec![]);
    for draft in drafts {
        let number = *known.entry(&draft.program).or_insert(passes.len());
        if number == passes.len() {
            let seen = observed(judge, &draft.program, &probes)?;
            passes.push(seen.iter().map(|seen| *seen == Observation::Held).collect());
            copies.push(0);
        }
        copies[number] += 1;
        programs.push(number);
    }
    let tests = tests.values().copied().collect();
    Ok((programs, Passes { passes, drafts: copies, tests }))
}

/// The best groups by the rule, or by counting where no weight is left; and whether it is by
/// counting in place of the rule.
fn agreement(passes: &Passes, rule: TestWeights) -> Option<(Agreement, bool)> {
    let by = |rule| passes.agreement(&passes.weights(rule));
    let found = by(rule).map(|found| (found, false));
    found.or_else(|| by(TestWeights::Count).map(|found| (found, true)))
}

fn why(found: &Agreement, counted: bool, drafts: usize) -> String {
    let Agreement { groups, passed, weighing, .. } = found;
    let sizes: Vec<_> = groups.iter().map(ToString::to_string).collect();
    let instead =
        if counted { "no test agrees with the others, so they are counted; " } else { "" };
    format!(
        "{instead}{weighing} weigh; {drafts} drafts in groups {}, the first passes {passed}",
        sizes.join("+")
    )
}

impl TestWeights {
    const ALL: [Self; 2] = [Self::Count, Self::Aces];
}

impl fmt::Display for TestWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Count => "count",
            Self::Aces => "aces",
        })
    }
}

impl FromStr for TestWeights {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|one| one.to_string() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests;
