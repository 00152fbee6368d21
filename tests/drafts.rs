//! Drafts of an earlier run are not drawn again.

use std::ops::ControlFlow;
use std::sync::Arc;

use infer_code_cad::engine::LogProbs;
use infer_code_cad::{JournalDrafts, Progress, SolveEvent};

use crate::journal::{Run, run};

/// Drafts that were known and that were drawn, and tokens that were drawn.
fn drafts(run: &Run) -> (usize, usize, u64) {
    let (mut known_drafts, mut drawn) = (0, 0);
    let evaluation = run.go(&mut |progress| {
        if let Progress::Writing(SolveEvent::Drafted { known, .. }) = progress {
            *(if *known { &mut known_drafts } else { &mut drawn }) += 1;
        }
        ControlFlow::Continue(())
    });
    (known_drafts, drawn, evaluation.unwrap().throughput.decode_tokens)
}

/// The plain prompt's run with ten samples, and another technique's that may use its drafts.
fn over(earlier: &Run, technique: &str) -> Run {
    let mut later = run(technique);
    later.executor.solver.known = Some(Arc::new(JournalDrafts::read(&earlier.path).unwrap()));
    later
}

fn vanilla() -> Run {
    let mut vanilla = run("vanilla");
    vanilla.config.n_samples = 10;
    vanilla.finish();
    vanilla
}

#[test]
fn self_consistency_over_what_the_plain_prompt_drew_draws_nothing() {
    let vanilla = vanilla();
    let (later, alone) = (over(&vanilla, "sc"), run("sc"));
    assert_eq!(drafts(&later), (10 * later.tasks.len(), 0, 0));
    let (known, drawn, tokens) = drafts(&alone);
    assert_eq!((known, drawn), (0, 10 * later.tasks.len()));
    assert!(tokens > 0);
    assert_eq!(later.results(), alone.results());
    std::fs::remove_file(&vanilla.path).unwrap();
    later.executor.solver.known.as_ref().unwrap(); // the later file has all of them by now
    assert_eq!(drafts(&later), (0, 0, 0), "and everything is judged");
}

#[test]
fn what_an_earlier_run_lacks_is_drawn() {
    let vanilla = vanilla();
    let mut more = over(&vanilla, "sc");
    more.config.n_samples = 3;
    assert_eq!(drafts(&more).0, 10 * more.tasks.len());
    assert_eq!(drafts(&over(&vanilla, "sc(drafts=4)")).1, 0);

    let mut scored = over(&vanilla, "vanilla");
    scored.config.log_probs = LogProbs::Chosen;
    assert_eq!(drafts(&scored).0, 0, "they have no log-probabilities");
    let unscored = over(&scored, "vanilla");
    assert_eq!(drafts(&unscored).1, 0, "more than is asked for is enough");
}

#[test]
fn drafts_of_other_settings_are_others() {
    let vanilla = vanilla();
    let known = |change: fn(&mut Run)| {
        let mut other = over(&vanilla, "vanilla");
        change(&mut other);
        drafts(&other).0
    };
    assert_eq!(known(|run| run.config.seed = 1), 0);
    assert_eq!(known(|run| run.config.max_new_tokens = 47), 0);
    assert_eq!(known(|run| run.config.stop = vec!["\n\n".into()]), 0);
    assert_eq!(known(|run| run.executor.solver.model.eos.clear()), 0);
    assert_eq!(known(|run| run.technique = crate::technique("greedy")), 0);
    assert_eq!(known(|run| run.technique = crate::technique("cot")), 0);
}
