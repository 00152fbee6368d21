//! Judging beside generation or after it: the same results, and times that say which it was.

use std::fs;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use infer_code_cad::decode::Settings;
use infer_code_cad::sandbox::{Limits, Probe, ScriptedJudge};
use infer_code_cad::tasks::Problem;
use infer_code_cad::{
    Bench, Draft, Evaluation, First, Judging, Progress, SelectError, Selecting, Selection,
    Selector, StoredRun, evaluate, table,
};

use crate::journal::{Run, run};

fn run_with(technique: &str, judging: Judging) -> Run {
    let mut run = run(technique);
    run.executor.judging = judging;
    run
}

fn go_on(_: Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn after_generation_nothing_is_judged_before_and_results_are_the_same() {
    for technique in ["vanilla", "sc(drafts=2)"] {
        let (beside, after) = (run(technique), run_with(technique, Judging::After));
        assert_eq!(beside.finish().judging, Some(Judging::Beside));
        let (mut generated, mut judged) = (false, 0);
        let evaluation = after.go(&mut |progress| {
            match progress {
                Progress::Generated { session } => {
                    assert_eq!(after.judged().load(Ordering::Relaxed), 0, "programs have run");
                    assert_eq!(session.judging, Judging::After);
                    assert!(session.decode_tokens > session.first_tokens);
                    assert_eq!(session.prompts, after.tasks.len() as u64);
                    generated = true;
                }
                Progress::Judged { .. } => {
                    assert!(generated);
                    judged += 1;
                }
                _ => {}
            }
            ControlFlow::Continue(())
        });
        assert_eq!((evaluation.unwrap().judging, judged), (Some(Judging::After), after.samples()));
        assert_eq!(after.results(), beside.results());
    }
}

/// Sessions that are broken off while they generate and while they judge.
#[test]
fn a_run_that_judges_after_generation_is_resumed() {
    let (whole, broken) = (run("vanilla"), run_with("vanilla", Judging::After));
    whole.finish();
    let mut drafts = 0;
    let first = broken.go(&mut |progress| {
        drafts += usize::from(is_draft(&progress));
        if drafts == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(first.unwrap().cancelled);
    assert_eq!(broken.judged().load(Ordering::Relaxed), 0);
    let mut known = 0;
    let second = broken.go(&mut |progress| {
        known += usize::from(is_known(&progress));
        if matches!(progress, Progress::Judged { .. }) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(second.unwrap().cancelled);
    assert_eq!(known, 3, "what was drawn is there");
    let mut drawn = 0;
    let third = broken.go(&mut |progress| {
        drawn += usize::from(is_draft(&progress) && !is_known(&progress));
        ControlFlow::Continue(())
    });
    assert_eq!(drawn, 0, "all was drawn before");
    assert_eq!(third.unwrap().judging, Some(Judging::After));
    assert_eq!(broken.results(), whole.results());
}

fn is_draft(progress: &Progress<'_>) -> bool {
    matches!(progress, Progress::Writing(infer_code_cad::SolveEvent::Drafted { .. }))
}

fn is_known(progress: &Progress<'_>) -> bool {
    use infer_code_cad::SolveEvent::Drafted;
    matches!(progress, Progress::Writing(Drafted { known: true, .. }))
}

#[test]
fn one_session_beside_makes_all_of_them_disturbed() {
    let mut run = run_with("vanilla", Judging::Beside);
    let mut drafts = 0;
    let first = run.go(&mut |progress| {
        drafts += usize::from(is_draft(&progress));
        if drafts == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(first.unwrap().cancelled);
    run.executor.judging = Judging::After;
    assert_eq!(run.finish().judging, Some(Judging::Beside));
    let text = fs::read_to_string(&run.path).unwrap();
    assert!(text.contains(r#""judging":"beside""#) && text.contains(r#""judging":"after""#));
    // A session of a file that is older than the choice was judged beside.
    let older = text.replace(r#""judging":"after","#, "").replace(r#""judging":"beside","#, "");
    fs::write(&run.path, older).unwrap();
    assert_eq!(StoredRun::read(&run.path).unwrap().judging(), Some(Judging::Beside));
    assert_eq!(run.finish().records.len(), run.tasks.len(), "it goes on");
}

#[test]
fn a_report_says_which_it_was() {
    for (judging, says) in [(Judging::Beside, true), (Judging::After, false)] {
        let run = run_with("vanilla", judging);
        let summary = run.finish().summary("vanilla", &[1]).unwrap();
        assert!(summary.first_token_seconds.unwrap() > 0.0);
        assert!(summary.decode_tokens_per_second > 0.0);
        let table = table(&[summary]);
        assert_eq!(table.contains("judge beside: programs ran"), says, "{table}");
        assert!(table.contains(&judging.to_string()), "{table}");
    }
}

/// Looks at what a draft does before it answers.
#[derive(Debug)]
struct Probing;

impl Selector for Probing {
    fn most_drafts(&self) -> usize {
        2
    }

    fn first_drafts(&self) -> usize {
        1
    }

    fn begin(&self, _: &Problem, _: usize) -> Result<Box<dyn Selecting>, SelectError> {
        Ok(Box::new(Self))
    }

    fn settings(&self) -> Settings {
        Settings::new("probing")
    }
}

impl Selecting for Probing {
    fn next(&mut self, drafts: &[Draft], bench: &Bench<'_>) -> Result<Selection, SelectError> {
        let _ = bench.judge.observe(&drafts[0].program, &[Probe::Value("1")], &Limits::default());
        Ok(Selection::answer(0, "looked at"))
    }
}

#[test]
fn a_selection_that_runs_programs_runs_them_beside_generation() {
    let mut run = run_with("vanilla", Judging::After);
    run.executor.solver.judge = Arc::new(ScriptedJudge::new());
    let judging = |run: &Run| -> Evaluation {
        evaluate(&run.technique, &run.tasks, &run.executor, &run.config, &mut go_on).unwrap()
    };
    assert_eq!(judging(&run).judging, Some(Judging::After));
    run.technique.selector = Arc::new(Probing);
    assert_eq!(judging(&run).judging, Some(Judging::Beside));
    run.technique.selector = Arc::new(First);
    assert_eq!(judging(&run).judging, Some(Judging::After));
}
