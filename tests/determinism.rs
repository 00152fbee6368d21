//! The same seed gives the same tokens whatever else is in the batch.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use infer_code_cad::engine::EngineConfig;
use infer_code_cad::tasks::Problem;
use infer_code_cad::{SolveConfig, SolveEvent, Solver, solve};

type Completions = BTreeMap<(String, usize), String>;

/// Completion of every (task, sample).
fn completions(
    name: &str,
    problems: &[Problem],
    solver: &Solver,
    config: &SolveConfig,
) -> Completions {
    let mut found = BTreeMap::new();
    solve(&crate::technique(name), problems, solver, config, &mut |event| {
        if let SolveEvent::Solution { problem, sample, solution, .. } = event {
            found.insert((problems[problem].task_id.clone(), sample), solution.completion);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

/// The whole embedded benchmark: row caps 2, 7 and 64, the problems forwards and backwards.
#[test]
fn rows_and_order_change_no_token() {
    let model = crate::model();
    let mut problems = crate::problems(1);
    let config = SolveConfig { n_samples: 2, seed: 11, ..SolveConfig::default() };
    let with_rows =
        |max_rows| Solver::new(&model, &EngineConfig { max_rows, ..EngineConfig::default() });
    let wide = completions("cad+rag", &problems, &with_rows(64), &config);
    assert_eq!(wide.len(), 2 * problems.len());
    problems.reverse();
    for max_rows in [2, 7] {
        let narrow = completions("cad+rag", &problems, &with_rows(max_rows), &config);
        assert_eq!(narrow, wide, "{max_rows} rows");
    }
}

#[test]
fn a_sample_does_not_depend_on_how_many_are_drawn() {
    let (solver, problems) = (crate::solver(), crate::problems(16));
    let few = SolveConfig { n_samples: 2, ..SolveConfig::default() };
    let many = SolveConfig { n_samples: 5, ..few.clone() };
    let few = completions("cad", &problems, &solver, &few);
    let many = completions("cad", &problems, &solver, &many);
    assert!(few.iter().all(|(key, text)| many[key] == *text));
    let distinct: BTreeSet<&String> = many.values().collect();
    assert!(distinct.len() > problems.len(), "samples of one problem should differ");
}

#[test]
fn another_seed_gives_other_tokens() {
    let (solver, problems) = (crate::solver(), crate::problems(20));
    let with_seed = |seed| {
        let config = SolveConfig { n_samples: 2, seed, ..SolveConfig::default() };
        completions("vanilla", &problems, &solver, &config)
    };
    assert_ne!(with_seed(0), with_seed(1), "the seed must matter");
}
