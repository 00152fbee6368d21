//! What does not fit into memory is foreseen.

use std::ops::ControlFlow;

use infer_code_cad::engine::EngineError;
use infer_code_cad::{
    Error, MemoryLimit, PaperTechnique, Settings, SolveConfig, SolveEvent, embedded, solve,
};

struct Outcome {
    /// Rows from and to; the notices come before anything else.
    lowered: Vec<(usize, usize)>,
    completions: Vec<String>,
}

fn run(memory: MemoryLimit) -> Result<Outcome, Error> {
    let retriever = Some(embedded::retriever()?);
    let technique = PaperTechnique::CadRag.build(&Settings { retriever, ..Settings::default() })?;
    let problems = crate::problems(20);
    let config = SolveConfig { n_samples: 3, memory, ..SolveConfig::default() };
    let (mut lowered, mut found) = (vec![], vec![]);
    let mut events = 0;
    solve(&technique, &problems, &crate::model(), &config, &mut |event| {
        match event {
            SolveEvent::RowsLowered { from, to, .. } => {
                assert_eq!(events, 0, "the notice comes first");
                lowered.push((from, to));
            }
            SolveEvent::Solution { problem, sample, solution } => {
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

#[test]
fn rows_are_lowered_to_what_fits_and_change_no_token() {
    let wide = run(MemoryLimit::Machine).unwrap();
    assert_eq!(wide.lowered, []);
    let Err(Error::Engine(EngineError::SequenceMemory { needed_bytes, available_bytes: 1000 })) =
        run(MemoryLimit::Bytes(1000))
    else {
        panic!("1000 bytes are too few");
    };
    let narrow = run(MemoryLimit::Bytes(2 * needed_bytes)).unwrap();
    // Three pairs of streams are needed for one sequence; six pairs hold four.
    assert_eq!(narrow.lowered, [(64, 8)]);
    assert_eq!(narrow.completions, wide.completions);
}
