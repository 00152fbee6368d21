//! The same seed gives the same tokens whatever else is in the batch.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use infer_code_cad::tasks::Problem;
use infer_code_cad::{
    LanguageModel, PaperTechnique, Settings, SolveConfig, SolveEvent, embedded, solve,
};

/// Completion of every (task, sample).
fn completions(
    name: PaperTechnique,
    problems: &[Problem],
    model: &LanguageModel,
    config: &SolveConfig,
) -> BTreeMap<(String, usize), String> {
    let retriever = Some(embedded::retriever().unwrap());
    let technique = name.build(&Settings { retriever, ..Settings::default() }).unwrap();
    let mut found = BTreeMap::new();
    solve(&technique, problems, model, config, &mut |event| {
        if let SolveEvent::Solution { problem, sample, solution } = event {
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
    let technique = PaperTechnique::CadRag;
    let wide = completions(technique, &problems, &model, &config);
    assert_eq!(wide.len(), 2 * problems.len());
    problems.reverse();
    for max_rows in [2, 7] {
        let narrow = SolveConfig { max_rows, ..config.clone() };
        assert_eq!(completions(technique, &problems, &model, &narrow), wide, "{max_rows} rows");
    }
}

#[test]
fn a_sample_does_not_depend_on_how_many_are_drawn() {
    let model = crate::model();
    let problems = crate::problems(16);
    let few = SolveConfig { n_samples: 2, ..SolveConfig::default() };
    let many = SolveConfig { n_samples: 5, ..few.clone() };
    let few = completions(PaperTechnique::Cad, &problems, &model, &few);
    let many = completions(PaperTechnique::Cad, &problems, &model, &many);
    assert!(few.iter().all(|(key, text)| many[key] == *text));
    let distinct: std::collections::BTreeSet<&String> = many.values().collect();
    assert!(distinct.len() > problems.len(), "samples of one problem should differ");
}

#[test]
fn another_seed_gives_other_tokens() {
    let model = crate::model();
    let problems = crate::problems(20);
    let config = SolveConfig { n_samples: 2, ..SolveConfig::default() };
    let mut found = vec![];
    for seed in [0, 1] {
        let config = SolveConfig { seed, ..config.clone() };
        found.push(completions(PaperTechnique::Vanilla, &problems, &model, &config));
    }
    assert_ne!(found[0], found[1], "the seed must matter");
}
