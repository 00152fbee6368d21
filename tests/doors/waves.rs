//! A selector in two waves that looks at what programs do, on a scripted judge.

use std::ops::ControlFlow;
use std::sync::Arc;

use infer_code_cad::checkpoint::Message;
use infer_code_cad::decode::{Greedy, Settings};
use infer_code_cad::engine::EngineConfig;
use infer_code_cad::sandbox::{Limits, Observation, Probe, ScriptedJudge};
use infer_code_cad::tasks::Problem;
use infer_code_cad::{
    Bench, Draft, DraftRequest, PaperTechnique, Prompted, SelectError, Selecting, Selection,
    Selector, Solution, SolveConfig, SolveEvent, Solver, Technique, embedded, solve,
};

/// Two drafts, of which one that passes the visible check is the answer; where none does, two more are
/// asked for with what was seen in the prompt, by greedy decoding.
#[derive(Debug)]
struct CheckThenRepair;

struct Repairing {
    problem: Problem,
}

const CHECK: &str = "assert total([1, 2]) == 3";

impl Selector for CheckThenRepair {
    fn most_drafts(&self) -> usize {
        2
    }

    fn begin(&self, problem: &Problem, _: usize) -> Result<Box<dyn Selecting>, SelectError> {
        Ok(Box::new(Repairing { problem: problem.clone() }))
    }

    fn settings(&self) -> Settings {
        Settings::new("check-then-repair")
    }
}

impl Selecting for Repairing {
    fn next(&mut self, drafts: &[Draft], bench: &Bench<'_>) -> Result<Selection, SelectError> {
        if !drafts.len().is_multiple_of(2) {
            return Ok(Selection::Wait);
        }
        for (at, draft) in drafts.iter().enumerate().skip(drafts.len() - 2) {
            let probes = [Probe::Check(CHECK)];
            let seen = bench.judge.observe(&draft.program, &probes, &Limits::default())?;
            if seen == [Observation::Held] {
                return Ok(Selection::answer(at, format!("passes, in wave {}", drafts.len() / 2)));
            }
        }
        if drafts.len() == 4 {
            return Ok(Selection::answer(0, "none passes: the first"));
        }
        let said = format!("{}\nThis fails {CHECK}. Repair it.", drafts[1].program);
        let mut more = DraftRequest::new(1, 0..2);
        more.prompt = Some(Prompted::new(vec![bench.writer.chat(&[Message::user(said)], "")?]));
        more.decoder = Some(Arc::new(Greedy));
        more.max_new_tokens = Some(40 + self.problem.docstring.len() % 2);
        Ok(Selection::More(vec![more]))
    }
}

/// What came of one problem: its drafts as they arrived, its solution or why there is none.
fn run(judge: ScriptedJudge) -> (Vec<Draft>, Result<Solution, String>) {
    let prompt = "def total(xs):\n    \"\"\"Return the sum of xs.\"\"\"\n";
    let problem = Problem::from_prompt("Doors/0", prompt).unwrap();
    let vanilla = PaperTechnique::Vanilla.build(&Default::default()).unwrap();
    let technique = Technique { selector: Arc::new(CheckThenRepair), ..vanilla };
    let mut solver = Solver::new(&embedded::model().unwrap(), &EngineConfig::default());
    solver.judge = Arc::new(judge);
    let config = SolveConfig { n_samples: 1, max_new_tokens: 60, ..SolveConfig::default() };
    let (mut drafts, mut outcome) = (vec![], None);
    solve(&technique, &[problem], &solver, &config, &mut |event| {
        match event {
            SolveEvent::Drafted { draft, .. } => drafts.push(draft.clone()),
            SolveEvent::Solution { solution, .. } => outcome = Some(Ok(solution)),
            SolveEvent::Failed { reason, .. } => outcome = Some(Err(reason)),
            _ => {}
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    drafts.sort_by_key(|draft| (draft.role, draft.index));
    (drafts, outcome.unwrap())
}

fn scripted(seen: &[(&Draft, bool)]) -> ScriptedJudge {
    seen.iter().fold(ScriptedJudge::new(), |judge, (draft, holds)| {
        let (kind, message) = ("AssertionError".to_owned(), String::new());
        let shown = if *holds { Observation::Held } else { Observation::Raised { kind, message } };
        judge.with_observation(&draft.program, Probe::Check(CHECK), shown)
    })
}

#[test]
fn a_second_wave_is_drawn_where_no_draft_of_the_first_passes() {
    // A judge without a script fails the sample and nothing else: by that the first wave is known.
    let (first, outcome) = run(ScriptedJudge::new());
    assert!(outcome.unwrap_err().contains("the script has no observation"));
    assert_eq!(first.len(), 2);

    let (drafts, outcome) = run(scripted(&[(&first[0], false), (&first[1], true)]));
    let solution = outcome.unwrap();
    assert_eq!((drafts.len(), solution.role, solution.draft), (2, 0, 1));
    assert_eq!(solution.why, "passes, in wave 1");

    let neither = [(&first[0], false), (&first[1], false)];
    let (both, outcome) = run(scripted(&neither));
    assert!(outcome.is_err(), "the second wave is not scripted yet");
    assert_eq!((both.len(), both[2].role, both[3].role), (4, 1, 1));
    assert_eq!(&both[..2], &first[..], "a wave does not change the one before");
    assert_eq!(both[2].tokens, both[3].tokens, "its own decoder is greedy");
    assert!(both[2].tokens.len() <= 41, "its own length");

    let (_, outcome) = run(scripted(&[neither[0], neither[1], (&both[2], true)]));
    let solution = outcome.unwrap();
    assert_eq!((solution.role, solution.draft), (1, 0));
    assert_eq!(solution.why, "passes, in wave 2");
    let (_, outcome) = run(scripted(&[neither[0], neither[1], (&both[2], false)]));
    assert_eq!(outcome.unwrap().why, "none passes: the first");
}
