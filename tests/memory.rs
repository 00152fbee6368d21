//! What does not fit into memory is foreseen.

use std::ops::ControlFlow;

use infer_code_cad::engine::{EngineConfig, EngineError};
use infer_code_cad::{Error, SolveConfig, SolveEvent, Solver, solve};

struct Outcome {
    /// Rows from and to; the notices come before anything else.
    lowered: Vec<(usize, usize)>,
    completions: Vec<String>,
}

fn run(solver: &Solver) -> Result<Outcome, Error> {
    let problems = crate::problems(20);
    let config = SolveConfig { n_samples: 3, ..SolveConfig::default() };
    let (mut lowered, mut found) = (vec![], vec![]);
    let mut events = 0;
    solve(&crate::technique("cad+rag"), &problems, solver, &config, &mut |event| {
        match event {
            SolveEvent::RowsLowered { from, to, .. } => {
                assert_eq!(events, 0, "the notice comes first");
                lowered.push((from, to));
            }
            SolveEvent::Solution { problem, sample, solution, .. } => {
                found.push((problem, sample, solution.completion));
            }
            _ => {}
        }
        events += 1;
        ControlFlow::Continue(())
    })?;
    found.sort();
    let completions = found.into_iter().map(|(.., completion)| completion).collect();
    Ok(Outcome { lowered, completions })
}

fn within(bytes: u64) -> Solver {
    let config = EngineConfig { cache_bytes: Some(bytes), ..EngineConfig::default() };
    Solver::new(&crate::model(), &config)
}

#[test]
fn rows_are_lowered_to_what_fits_and_change_no_token() {
    let wide = run(&crate::solver()).unwrap();
    assert_eq!(wide.lowered, []);
    let Err(Error::Engine(EngineError::SequenceMemory { needed_bytes, available_bytes })) =
        run(&within(1000))
    else {
        panic!("1000 bytes are too few");
    };
    assert!(available_bytes <= 1000);
    let solver = within(2 * needed_bytes);
    let narrow = run(&solver).unwrap();
    let [(64, rows)] = narrow.lowered[..] else { panic!("{:?}", narrow.lowered) };
    assert!((2..10).contains(&rows) && rows % 2 == 0, "{rows} rows hold whole pairs of streams");
    assert_eq!(narrow.completions, wide.completions);
    // The engine runs now, so it stays as it is.
    assert_eq!(run(&solver).unwrap().lowered, []);
}

#[test]
fn an_engine_without_room_for_one_sequence_is_refused_at_once() {
    let config = EngineConfig { max_rows: 1, ..EngineConfig::default() };
    let error = run(&Solver::new(&crate::model(), &config)).err().unwrap();
    assert!(matches!(error, Error::Engine(EngineError::RowCap { max_rows: 1, .. })), "{error}");
}
