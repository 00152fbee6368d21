//! What a session is said to have cost: tokens and times of the same work, also when it is broken off.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use infer_code_cad::decode::{Greedy, Settings};
use infer_code_cad::engine::{GenerateStats, Request};
use infer_code_cad::metrics::Throughput;
use infer_code_cad::tasks::Problem;
use infer_code_cad::{
    Bench, Draft, Progress, SelectError, Selecting, Selection, Selector, SessionRecord,
    SolveConfig, SolveEvent, Solver, StoredRun, Technique, solve,
};

use crate::journal::{Run, run};

/// A session as it was told of, and what was stored of it.
#[derive(Debug, Default)]
struct Told {
    tokens: u64,
    /// Drafts that have a token.
    begun: BTreeSet<(usize, u32, usize)>,
    problems: BTreeSet<usize>,
    /// Tokens of drafts that are done.
    finished: u64,
    session: SessionRecord,
}

/// Goes on with a run until so many tokens were told.
fn go(run: &Run, tokens: u64) -> Told {
    let mut told = Told::default();
    run.go(&mut |progress| {
        match progress {
            Progress::Writing(&SolveEvent::Text { problem, role, draft, .. }) => {
                told.tokens += 1;
                told.begun.insert((problem, role, draft));
                told.problems.insert(problem);
            }
            Progress::Writing(SolveEvent::Drafted { draft, known: false, .. }) => {
                told.finished += draft.tokens.len() as u64;
            }
            Progress::Generated { session } => told.session = *session,
            _ => {}
        }
        if told.tokens < tokens { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .unwrap();
    told
}

#[test]
fn a_session_that_is_broken_off_counts_the_drafts_it_gave_up() {
    let mut run = run("vanilla");
    run.config.n_samples = 20;
    // In the middle of drafts of a problem, and again, and then to the end.
    let broken = [go(&run, 30), go(&run, 30)];
    for told in &broken {
        let session = &told.session;
        assert!(told.finished < told.tokens, "{told:?}");
        assert!(session.decode_tokens >= told.tokens, "{told:?}");
        assert!(session.first_tokens >= told.begun.len() as u64, "{told:?}");
        assert!(session.first_tokens < session.decode_tokens, "{told:?}");
        assert!(session.prefill_tokens > 0, "{told:?}");
        assert_eq!(session.prompts, told.problems.len() as u64);
    }
    let last = go(&run, u64::MAX);
    assert_eq!(last.session.decode_tokens, last.tokens);
    assert_eq!(last.session.decode_tokens, last.finished);
    assert_eq!(last.session.first_tokens, last.begun.len() as u64);
    assert_eq!(last.session.prompts, last.problems.len() as u64);
    let sessions = broken.iter().chain([&last]).map(|told| told.session.throughput());
    let stored = StoredRun::read(&run.path).unwrap().throughput();
    let all: Throughput = sessions.sum();
    let counts = |t: Throughput| (t.decode_tokens, t.first_tokens, t.prefill_tokens, t.prompts);
    assert_eq!(counts(stored), counts(all));
}

/// The engine's time is shared out, so that of two runs is not more than went by.
#[test]
fn runs_on_one_engine_have_each_their_own_time() {
    let (solver, technique) = (crate::solver(), crate::technique("cad"));
    let other = Solver::on(&solver.model, solver.engine().unwrap());
    let go = |solver: &Solver, seed| -> GenerateStats {
        let config = SolveConfig { n_samples: 10, seed, ..SolveConfig::default() };
        let go_on = &mut |_: SolveEvent<'_>| ControlFlow::Continue(());
        solve(&technique, &crate::problems(8), solver, &config, go_on).unwrap()
    };
    let clock = Instant::now();
    let (one, two) = thread::scope(|scope| {
        let one = scope.spawn(|| go(&solver, 1));
        (go(&other, 2), one.join().unwrap())
    });
    let (passed, times) = (clock.elapsed(), [one, two].map(|s| s.prefill_time + s.decode_time));
    assert!(times[0] + times[1] <= passed, "{times:?} in {passed:?}");
}

#[test]
fn a_single_token_takes_no_time_of_decoding() {
    let mut run = run("vanilla");
    run.config.max_new_tokens = 1;
    let evaluation = run.finish();
    let cost = evaluation.throughput;
    assert_eq!((cost.decode_tokens, cost.first_tokens), (run.samples() as u64, cost.decode_tokens));
    assert!(cost.decode_time.is_zero() && cost.prompts == run.tasks.len() as u64, "{cost:?}");
    assert_eq!(evaluation.summary("vanilla", &[1]).unwrap().decode_tokens_per_second, 0.0);
}

/// Asks for more drafts than it looks at.
#[derive(Debug)]
struct Hasty;

impl Selector for Hasty {
    fn most_drafts(&self) -> usize {
        6
    }

    fn begin(&self, _: &Problem, _: usize) -> Result<Box<dyn Selecting>, SelectError> {
        Ok(Box::new(Self))
    }

    fn settings(&self) -> Settings {
        Settings::new("hasty")
    }
}

impl Selecting for Hasty {
    fn next(&mut self, _: &[Draft], _: &Bench<'_>) -> Result<Selection, SelectError> {
        Ok(Selection::answer(0, "the first"))
    }
}

/// What the engine of a solver did, once it has told of all that was asked of it.
fn engine_stats(solver: &Solver) -> GenerateStats {
    let engine = solver.engine().unwrap();
    // The figures are there when something is heard of the step after.
    for _ in 0..2 {
        let mut nothing = Request::new("nothing", vec![vec![0]], Arc::new(Greedy));
        nothing.max_new_tokens = 0;
        engine.submit(nothing).1.into_iter().for_each(drop);
    }
    engine.stats()
}

#[test]
fn a_run_alone_has_cost_what_its_engine_did_whatever_was_given_up() {
    let technique = Technique { selector: Arc::new(Hasty), ..crate::technique("vanilla") };
    let config = SolveConfig { n_samples: 3, ..SolveConfig::default() };
    for most in [2, usize::MAX] {
        let (solver, mut solutions) = (crate::solver(), 0);
        let stats = solve(&technique, &crate::problems(10), &solver, &config, &mut |event| {
            solutions += usize::from(matches!(event, SolveEvent::Solution { .. }));
            if solutions < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .unwrap();
        let all = engine_stats(&solver);
        assert_eq!(stats.cancelled, most == 2);
        assert_eq!(
            (stats.prefill_tokens, stats.reused_tokens, stats.first_tokens, stats.decode_tokens),
            (all.prefill_tokens, all.reused_tokens, all.first_tokens, all.decode_tokens),
        );
    }
}
