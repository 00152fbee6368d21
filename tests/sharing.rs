//! Several callers on one engine: what each gets is what it gets alone.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use infer_code_cad::engine::EngineConfig;
use infer_code_cad::{PromptFormat, SolveConfig, SolveEvent, Solver, Stream, Writer, solve};

type Completions = BTreeMap<(usize, usize), String>;

fn completions(name: &str, seed: u64, solver: &Solver) -> Completions {
    let (technique, problems) = (crate::technique(name), crate::problems(8));
    let config = SolveConfig { n_samples: 3, seed, ..SolveConfig::default() };
    let mut found = BTreeMap::new();
    solve(&technique, &problems, solver, &config, &mut |event| {
        if let SolveEvent::Solution { problem, sample, solution, .. } = event {
            found.insert((problem, sample), solution.completion);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(found.len(), 3 * problems.len());
    found
}

/// A text of some hundred tokens, scored as often as it takes the others.
fn score(solver: &Solver) -> f64 {
    let writer = PromptFormat::Raw.writer(solver).unwrap();
    let text: String = crate::problems(40).iter().map(|problem| problem.prompt.as_str()).collect();
    let stream: Stream = writer.raw(&text).unwrap();
    let whole = writer.score(&stream, 0).unwrap();
    let halves = [0, stream.tokens.len() / 2].map(|from| writer.score(&stream, from).unwrap());
    assert!(halves[0] == whole && whole < halves[1] && halves[1] < 0.0, "{whole} {halves:?}");
    assert_eq!(writer.score(&stream, stream.tokens.len()).unwrap(), 0.0);
    whole
}

#[test]
fn two_runs_and_a_score_share_an_engine() {
    let apart = (
        completions("cad", 1, &crate::solver()),
        completions("sc", 2, &crate::solver()),
        score(&crate::solver()),
    );
    let shared = crate::solver();
    let config = EngineConfig::default();
    assert_eq!(shared.engine().unwrap().config(), &config, "nothing is lowered once it runs");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let cad = scope.spawn(|| completions("cad", 1, &shared));
        let other = Solver::on(&shared.model, shared.engine().unwrap());
        let sc = scope.spawn(move || completions("sc", 2, &other));
        let scores = scope.spawn(|| {
            let mut scores = vec![score(&shared)];
            while !done.load(Ordering::Relaxed) {
                scores.push(score(&shared));
            }
            scores
        });
        assert!(cad.join().unwrap() == apart.0, "cad is what it is alone");
        assert!(sc.join().unwrap() == apart.1, "sc is what it is alone");
        done.store(true, Ordering::Relaxed);
        let scores = scores.join().unwrap();
        assert!(scores.iter().all(|score| *score == apart.2), "{scores:?}");
    });
    assert!(shared.engine().unwrap().stats().completions >= 3 * 19 * 6);
}

#[test]
fn whoever_breaks_off_returns_at_once_and_leaves_the_others_alone() {
    let alone = completions("vanilla", 5, &crate::solver());
    let shared = crate::solver();
    thread::scope(|scope| {
        let other = scope.spawn(|| completions("vanilla", 5, &shared));
        let (technique, problems) = (crate::technique("sc"), crate::problems(1));
        let config = SolveConfig { n_samples: 50, ..SolveConfig::default() };
        let mut broke = None;
        let stats = solve(&technique, &problems, &shared, &config, &mut |event| match event {
            SolveEvent::Drafted { .. } => {
                broke = Some(Instant::now());
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        })
        .unwrap();
        assert!(stats.cancelled);
        assert!(broke.unwrap().elapsed() < Duration::from_secs(1));
        assert!(other.join().unwrap() == alone, "it is what it is alone");
    });
}

#[test]
fn what_is_given_up_costs_nothing_more() {
    let (solver, technique) = (crate::solver(), crate::technique("sc"));
    let config = SolveConfig { n_samples: 50, ..SolveConfig::default() };
    let stats =
        solve(&technique, &crate::problems(1), &solver, &config, &mut |event| match event {
            SolveEvent::Drafted { .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
        .unwrap();
    assert!(stats.cancelled && stats.completions == 1, "{stats:?}");
    // The pass that runs ends; after it there is none.
    let engine = solver.engine().unwrap();
    let idle = (0..50).any(|_| {
        let before = engine.stats();
        thread::sleep(Duration::from_millis(100));
        engine.stats() == before
    });
    assert!(idle && engine.stats().completions < 200, "{:?}", engine.stats());
}
