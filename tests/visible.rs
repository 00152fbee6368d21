//! Selections by visible tests: what they see, what they draw, and what they solve.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use infer_code_cad::decode::Settings;
use infer_code_cad::engine::EngineConfig;
use infer_code_cad::sandbox::{
    Judge, JudgeError, Limits, Observation, Probe, Report, Sandbox, SandboxConfig, Submission,
    Verdict,
};
use infer_code_cad::tasks::{Hidden, Problem, Task, extract_program, load_humaneval, sides};
use infer_code_cad::{
    BestOfN, CodeT, Draft, FunctionalVote, KnownDraft, KnownDrafts, Repair, Selector, Solution,
    SolveConfig, SolveEvent, Solver, Stopping, Technique, solve, task_tests,
};

/// A sandbox that remembers what it was shown.
#[derive(Debug)]
struct Watched {
    sandbox: Sandbox,
    programs: Mutex<BTreeSet<String>>,
    probes: Mutex<BTreeSet<String>>,
}

impl Watched {
    fn start() -> Arc<Self> {
        let sandbox = Sandbox::start(&SandboxConfig::default()).unwrap();
        Arc::new(Self { sandbox, programs: Mutex::default(), probes: Mutex::default() })
    }
}

impl Judge for Watched {
    fn judge(&self, _: &Submission<'_>, _: &Limits) -> Result<Report, JudgeError> {
        panic!("a selection asks for verdicts");
    }

    fn observe(
        &self,
        program: &str,
        probes: &[Probe<'_>],
        limits: &Limits,
    ) -> Result<Vec<Observation>, JudgeError> {
        self.programs.lock().unwrap().insert(program.to_owned());
        let texts = probes.iter().map(|probe| match probe {
            Probe::Value(text) | Probe::Check(text) => (*text).to_owned(),
        });
        self.probes.lock().unwrap().extend(texts);
        Ok(self.sandbox.observe(program, probes, limits)?)
    }

    fn settings(&self) -> Settings {
        self.sandbox.settings()
    }
}

/// Tasks of the embedded set of whose asserts the first two are shown and all count.
fn tasks(step: usize) -> Vec<Task> {
    let asserts = |task: &Task| -> Vec<String> {
        let call = format!("{}(", task.problem.entry_point);
        let lines = task.hidden.asserts.lines().map(str::trim);
        let asserts = lines.filter(|line| line.starts_with("assert "));
        asserts.map(|line| line.replace("candidate(", &call)).collect()
    };
    let shown = |mut task: Task| {
        let asserts = asserts(&task);
        assert!(asserts.len() > 2);
        assert!(task.problem.visible_tests.is_empty(), "the embedded set shows none");
        task.problem.visible_tests = asserts[..2].to_vec();
        let hidden = Hidden { asserts: asserts.join("\n") + "\n", ..task.hidden };
        Task::new(task.problem, hidden)
    };
    crate::tasks(step).into_iter().map(shown).collect()
}

#[derive(Debug, Default, PartialEq)]
struct Run {
    /// By problem, role and index.
    drafts: BTreeMap<(usize, u32, usize), Draft>,
    solutions: BTreeMap<usize, Solution>,
}

/// The drafts that are known by their addresses.
#[derive(Debug)]
struct Known(HashMap<String, KnownDraft>);

impl KnownDrafts for Known {
    fn draft(&self, address: &str) -> Option<KnownDraft> {
        self.0.get(address).cloned()
    }
}

fn run(selector: &BestOfN, problems: &[Problem], judge: Arc<dyn Judge>) -> Run {
    run_with(selector, problems, judge, None)
}

fn run_with(
    selector: &BestOfN,
    problems: &[Problem],
    judge: Arc<dyn Judge>,
    known: Option<Arc<dyn KnownDrafts>>,
) -> Run {
    run_any(Arc::new(selector.clone()), problems, judge, known)
}

fn run_any(
    selector: Arc<dyn Selector>,
    problems: &[Problem],
    judge: Arc<dyn Judge>,
    known: Option<Arc<dyn KnownDrafts>>,
) -> Run {
    let technique = Technique { selector, ..crate::technique("vanilla") };
    let mut solver = Solver::new(&crate::model(), &EngineConfig::default());
    (solver.judge, solver.known) = (judge, known);
    let config = SolveConfig { n_samples: 1, ..SolveConfig::default() };
    let mut run = Run::default();
    solve(&technique, problems, &solver, &config, &mut |event| {
        match event {
            SolveEvent::Drafted { problem, draft, .. } => {
                run.drafts.insert((problem, draft.role, draft.index), draft.clone());
            }
            SolveEvent::Solution { problem, solution, .. } => {
                assert!(run.solutions.insert(problem, solution).is_none());
            }
            SolveEvent::Failed { reason, .. } => panic!("{reason}"),
            _ => {}
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(run.solutions.len(), problems.len());
    run
}

fn problems(tasks: &[Task]) -> Vec<Problem> {
    tasks.iter().map(|task| task.problem.clone()).collect()
}

#[test]
fn no_hidden_test_is_ever_looked_at() {
    let (tasks, judge) = (tasks(12), Watched::start());
    let repair = Some(Repair::default());
    let selector = BestOfN { drafts: 8, wave: 2, repair, ..BestOfN::default() };
    let run = run(&selector, &problems(&tasks), judge.clone());
    assert!(run.drafts.keys().any(|(_, role, _)| *role > 0), "some are repaired");

    let visible = tasks.iter().flat_map(|task| &task.problem.visible_tests);
    let calls = visible.clone().filter_map(|test| sides(test)).map(|(call, _)| call.to_owned());
    let mut allowed: BTreeSet<String> = visible.cloned().chain(calls).collect();
    allowed.insert("pass".to_owned());
    let probes = judge.probes.lock().unwrap();
    assert!(probes.is_subset(&allowed), "{:?}", probes.difference(&allowed).collect::<Vec<_>>());

    drop(probes);
    assert!(judge.programs.lock().unwrap().len() > tasks.len());
    expect_unseen(&tasks, &judge);
}

/// No hidden assert stands in anything that the judge was shown.
fn expect_unseen(tasks: &[Task], judge: &Watched) {
    let visible: Vec<&String> = tasks.iter().flat_map(|task| &task.problem.visible_tests).collect();
    let hidden = tasks.iter().flat_map(|task| task.hidden.asserts.lines());
    let hidden: Vec<&str> =
        hidden.filter(|line| !visible.iter().any(|test| test == line)).collect();
    assert!(hidden.len() > 3 * tasks.len());
    let (programs, probes) = (judge.programs.lock().unwrap(), judge.probes.lock().unwrap());
    assert!(!programs.is_empty() && !probes.is_empty());
    for shown in programs.iter().chain(probes.iter()) {
        assert!(!hidden.iter().any(|assert| shown.contains(assert)), "{shown}");
    }
}

#[test]
fn votes_and_the_models_own_tests_look_at_no_hidden_test_either() {
    let tasks = tasks(12);
    let selectors: [Arc<dyn Selector>; 4] = [
        Arc::new(FunctionalVote { drafts: 4, ..FunctionalVote::default() }),
        Arc::new(FunctionalVote { drafts: 4, sketch: true, ..FunctionalVote::default() }),
        Arc::new(FunctionalVote::mbr_exec(4)),
        Arc::new(CodeT { drafts: 4, tests: 2, ..CodeT::default() }),
    ];
    for selector in selectors {
        let judge = Watched::start();
        run_any(selector, &problems(&tasks), judge.clone(), None);
        expect_unseen(&tasks, &judge);
    }
}

#[test]
fn at_least_as_much_is_solved_as_by_the_first_draft() {
    let tasks = tasks(4);
    let judge = Arc::new(Sandbox::start(&SandboxConfig::default()).unwrap());
    let run = run(&BestOfN::default(), &problems(&tasks), judge.clone());
    let is_right = |task: &Task, program: &str| {
        let tests = task_tests(task);
        let submission = Submission::new(program, &tests);
        let report = Judge::judge(&*judge, &submission, &Limits::default()).unwrap();
        report.verdict == Verdict::Passed
    };
    let (mut vanilla, mut chosen) = (0, 0);
    for (number, task) in tasks.iter().enumerate() {
        let first = is_right(task, &run.drafts[&(number, 0, 0)].program);
        let answer = &run.solutions[&number];
        let best = is_right(task, &answer.program);
        assert!(best || !first, "{}: {}", task.problem.task_id, answer.why);
        vanilla += usize::from(first);
        chosen += usize::from(best);
    }
    println!("of {}: vanilla {vanilla}, visible tests {chosen}", tasks.len());
    assert!(chosen > vanilla, "{chosen} against {vanilla} of {}", tasks.len());
}

#[test]
fn waves_of_one_and_of_ten_draw_the_same_and_so_does_a_run_that_goes_on() {
    let problems = problems(&tasks(20));
    let judge = || Arc::new(Sandbox::start(&SandboxConfig::default()).unwrap());
    for stop in [Stopping::All, Stopping::First] {
        let wave = |wave| BestOfN { drafts: 10, wave, stop, ..BestOfN::default() };
        let (one, ten) = (run(&wave(1), &problems, judge()), run(&wave(10), &problems, judge()));
        let chosen = |run: &Run| -> Vec<(usize, String)> {
            run.solutions.values().map(|found| (found.draft, found.program.clone())).collect()
        };
        assert_eq!(chosen(&one), chosen(&ten));
        // A wave of ten may have drawn more before the first that passes was seen.
        for (key, draft) in &one.drafts {
            let (same, found) = (&ten.drafts[key], (&draft.tokens, &draft.address));
            assert_eq!((&same.tokens, &same.address), found);
        }
        if stop == Stopping::All {
            assert_eq!(one.drafts.len(), ten.drafts.len());
        }
        let half = one.drafts.values().step_by(2).map(|draft| {
            let mut known = KnownDraft::new(draft.text.clone(), draft.tokens.clone(), draft.finish);
            known.log_prob = draft.log_prob;
            (draft.address.clone(), known)
        });
        let known: Arc<dyn KnownDrafts> = Arc::new(Known(half.collect()));
        let again = run_with(&wave(1), &problems, judge(), Some(known));
        assert_eq!(again.solutions, one.solutions);
    }
}

/// Problems whose examples contradict the reference solution.
const WRONG_EXAMPLES: &[&str] =
    &["HumanEval/47", "HumanEval/116", "HumanEval/130", "HumanEval/148"];

#[test]
fn reference_solutions_pass_the_examples_of_their_prompts() {
    let Some(path) = crate::data("HumanEval.jsonl.gz") else { return };
    let sandbox = Sandbox::start(&SandboxConfig::default()).unwrap();
    let (mut shown, mut wrong) = (0, vec![]);
    for Task { problem, hidden, .. } in load_humaneval(&path).unwrap() {
        let program = extract_program(&problem, hidden.reference.as_deref().unwrap());
        let probes: Vec<_> = problem.visible_tests.iter().map(|test| Probe::Check(test)).collect();
        let seen = sandbox.observe(&program, &probes, &BestOfN::default().limits).unwrap();
        shown += usize::from(!probes.is_empty());
        if seen.iter().any(|seen| *seen != Observation::Held) {
            wrong.push(problem.task_id);
        }
    }
    assert_eq!((shown, wrong), (155, WRONG_EXAMPLES.iter().map(|id| (*id).to_owned()).collect()));
}
