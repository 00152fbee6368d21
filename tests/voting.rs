//! Drafts chosen by what they do: on programs whose values are known, and on what the embedded
//! model writes, both in the real sandbox.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use infer_code_cad::checkpoint::Message;
use infer_code_cad::engine::{EngineConfig, FinishReason};
use infer_code_cad::sandbox::{Sandbox, SandboxConfig};
use infer_code_cad::tasks::{Extraction, Problem, Task};
use infer_code_cad::{
    Bench, CodeT, Draft, FunctionalVote, KnownDraft, PromptError, Selection, Selector, Solution,
    SolveConfig, SolveEvent, Solver, Stream, Technique, TestWeights, VoteRule, Writer, solve,
};

/// Prompts without tokens, for drafts that are there already.
#[derive(Debug)]
struct NoModel;

impl Writer for NoModel {
    fn chat(&self, messages: &[Message], answer: &str) -> Result<Stream, PromptError> {
        self.raw(&format!("{}{answer}", messages[0].content))
    }

    fn raw(&self, text: &str) -> Result<Stream, PromptError> {
        Ok(Stream { text: text.to_owned(), tokens: vec![] })
    }

    fn spans(&self, _: &Stream, _: &[Range<usize>]) -> Result<Vec<Range<usize>>, PromptError> {
        unreachable!()
    }

    fn score(&self, _: &Stream, _: usize) -> Result<f64, PromptError> {
        unreachable!()
    }
}

fn problem(visible_tests: &[&str]) -> Problem {
    let mut problem = Problem::from_prompt("p", "def f(x):\n    \"\"\"Do it.\"\"\"\n").unwrap();
    problem.visible_tests = visible_tests.iter().map(ToString::to_string).collect();
    problem
}

/// Drafts with these texts, each less probable than the one before.
fn drafts(texts: &[&str], role: u32) -> Vec<Draft> {
    let draft = |(index, text): (usize, &&str)| {
        let known = KnownDraft::new(*text, vec![1], FinishReason::Eos);
        let address = String::new();
        let mut draft = Draft::new(&problem(&[]), Extraction::Plain, role, index, address, known);
        draft.program = (*text).to_owned();
        draft.log_prob = Some(-(index as f64));
        draft
    };
    texts.iter().enumerate().map(draft).collect()
}

/// The choice of a selector among programs, and why.
fn choose(
    selector: &dyn Selector,
    problem: &Problem,
    programs: &[&str],
    written: &[&str],
) -> (usize, String) {
    let judge = Sandbox::start(&SandboxConfig::default()).unwrap();
    let all = [drafts(programs, 0), drafts(written, 1)].concat();
    let mut selecting = selector.begin(problem, 0).unwrap();
    let bench = Bench::new(&judge, &NoModel);
    for shown in 1..=all.len() {
        if let Selection::Answer { draft, why, .. } = selecting.next(&all[..shown], &bench).unwrap()
        {
            return (draft, why);
        }
    }
    panic!("no answer")
}

fn vote(problem: &Problem, programs: &[&str]) -> (usize, String) {
    let vote = FunctionalVote { drafts: programs.len(), ..FunctionalVote::default() };
    choose(&vote, problem, programs, &[])
}

#[test]
fn six_right_drafts_outvote_four_that_are_wrong_in_four_ways() {
    let right = "def f(x):\n    return sum(x)";
    let programs = [
        "def f(x):\n    return 6",
        "def f(x):\n    return x[0]",
        "def f(x):\n    while True: pass",
        "def f(x:\n    return 1",
        right,
        "def f(x):\n    total = 0.0\n    for y in x: total += y\n    return total",
        "import functools, operator\ndef f(x):\n    return functools.reduce(operator.add, x, 0)",
        right,
        "def f(x):\n    return sum(y for y in x)",
        "def f(x):\n    return -sum(-y for y in x)",
    ];
    let (draft, why) = vote(&problem(&["assert f([1, 2, 3]) == 6"]), &programs);
    assert_eq!(draft, 4, "{why}");
    assert!(why.contains("classes 6+1+1 of 8 drafts"), "{why}");
    let mut same = programs;
    same[..6].fill("def f(x):\n    return len(x)");
    assert_eq!(vote(&problem(&["assert f([1, 2, 3]) == 6"]), &same).0, 0);
}

#[test]
fn values_that_are_equal_vote_together_whatever_they_are() {
    for (call, alike, other) in [
        ("f(3)", ["0.1 + 0.2", "0.3"], "0.31"),
        ("f(3)", ["{'a': 1, 'b': {2, 1}}", "{'b': {1, 2}, 'a': 1.0}"], "{'a': 1}"),
        ("f(3)", ["float('nan')", "float('nan')*2"], "0"),
        ("f(3)", ["(y for y in range(x))", "(y for y in [0, 1, 2])"], "(y for y in [1])"),
        ("f([3, 1, 2])", ["x.sort()", "x.__init__(sorted(x))"], "x.reverse()"),
    ] {
        let program = |value: &str| format!("def f(x):\n    return {value}");
        let programs = [other, alike[0], alike[1]].map(program);
        let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
        let (draft, why) = vote(&problem(&[&format!("assert {call} == 0")]), &programs);
        assert_eq!(draft, 1, "{alike:?}: {why}");
    }
}

#[test]
fn an_input_of_which_a_draft_shows_another_value_each_time_is_dropped() {
    let clock = "import time\ndef f(x):\n    return time.time_ns() if x > 1 else 0";
    let programs = [clock, "def f(x):\n    return 7", "def f(x):\n    return 7"];
    let (draft, why) = vote(&problem(&["assert f(1) == 0"]), &programs);
    assert_eq!(draft, 1, "{why}");
    // f(1), f(2), f(-1), f(0): the second is unsteady.
    assert!(
        why.contains("3 of 4 inputs count") && why.contains("1 of which a draft gives two"),
        "{why}"
    );
}

#[test]
fn drafts_and_tests_that_agree_are_chosen_in_the_sandbox() {
    let right = "def f(x):\n    return x * 2";
    let programs = ["def f(x):\n    return x", right, "def f(x):\n    while True: pass", right];
    let written = [
        " f(1) == 2\nassert f(2) == 4\nassert f('a') == 'aa'",
        " f(1) == 1  # wrong\nassert f(1) == 2\nassert f(",
    ];
    for weights in [TestWeights::Count, TestWeights::Aces] {
        let codet = CodeT { drafts: 4, tests: 2, weights };
        let (draft, why) = choose(&codet, &problem(&[]), &programs, &written);
        assert_eq!(draft, 1, "{why}");
        assert!(why.contains("4 tests (5 written)"), "{why}");
    }
}

/// Problems that show the first of their asserts.
fn shown(task: Task) -> Problem {
    let asserts = task.hidden.asserts.lines().find(|line| line.contains("assert ")).unwrap();
    let mut problem = task.problem;
    problem.visible_tests = vec![asserts.trim().replace("candidate", &problem.entry_point)];
    problem
}

fn solutions(selector: Arc<dyn Selector>, max_rows: usize) -> BTreeMap<(usize, usize), Solution> {
    let config = EngineConfig { max_rows, ..EngineConfig::default() };
    let mut solver = Solver::new(&crate::model(), &config);
    solver.judge = Arc::new(Sandbox::start(&SandboxConfig::default()).unwrap());
    let technique = Technique { selector, ..crate::technique("vanilla") };
    let problems: Vec<Problem> = crate::tasks(49).into_iter().map(shown).collect();
    let config = SolveConfig { n_samples: 2, ..SolveConfig::default() };
    let mut found = BTreeMap::new();
    solve(&technique, &problems, &solver, &config, &mut |event| {
        match event {
            SolveEvent::Solution { problem, sample, solution, .. } => {
                found.insert((problem, sample), solution);
            }
            SolveEvent::Failed { reason, .. } => panic!("{reason}"),
            _ => {}
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(found.len(), 2 * problems.len());
    found
}

#[test]
fn the_embedded_model_is_voted_on_the_same_way_whatever_the_rows() {
    let vote = FunctionalVote { drafts: 4, inputs: 6, rule: VoteRule::Hard, sketch: true };
    let selectors: [(Arc<dyn Selector>, &str); 3] = [
        (Arc::new(vote), "hard vote of 4: "),
        (Arc::new(FunctionalVote::mbr_exec(3)), "mbr-exec vote of 3: "),
        (Arc::new(CodeT { drafts: 3, tests: 4, weights: TestWeights::Aces }), "codet by aces: "),
    ];
    for (selector, begins) in selectors {
        let most = selector.most_drafts();
        let found = solutions(selector.clone(), 64);
        for ((problem, sample), solution) in &found {
            println!("{problem}/{sample}: {}", solution.why);
            assert!(solution.why.starts_with(begins), "{}", solution.why);
            assert_eq!(
                (solution.role, &solution.drafts),
                (0, &(sample * most..(sample + 1) * most))
            );
            assert!(
                (sample * most..sample * most + selector.first_drafts()).contains(&solution.draft)
            );
        }
        assert!(solutions(selector, 3) == found);
    }
}
