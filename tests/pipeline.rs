//! Every technique of the paper, from problem to verdict.

use std::ops::ControlFlow;

use infer_code_cad::engine::EngineConfig;
use infer_code_cad::metrics::Throughput;
use infer_code_cad::sandbox::{Limits, Sandbox, SandboxConfig};
use infer_code_cad::{
    Error, Executor, PaperTechnique, Progress, SolveConfig, SolveEvent, Solver, Summary, Supplies,
    Technique, TechniqueError, evaluate, solve, table,
};

fn executor(solver: Solver) -> Executor {
    let sandbox = Sandbox::start(&SandboxConfig::default()).unwrap();
    Executor::new(solver, sandbox, Limits::default())
}

#[test]
fn every_technique_is_measured() {
    let tasks = crate::tasks(12);
    let executor = executor(crate::solver());
    let config = SolveConfig { n_samples: 2, ..SolveConfig::default() };
    let mut summaries = vec![];
    for name in PaperTechnique::ALL {
        let technique = crate::technique(&name.to_string());
        let mut judged = 0;
        let evaluation = evaluate(&technique, &tasks, &executor, &config, &mut |event| {
            judged += usize::from(matches!(event, Progress::Judged { .. }));
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(!evaluation.cancelled);
        assert_eq!(judged, 2 * tasks.len(), "{name}");
        let order: Vec<&str> = evaluation.records.iter().map(|r| r.task_id.as_str()).collect();
        let expected: Vec<&str> = tasks.iter().map(|task| task.problem.task_id.as_str()).collect();
        assert_eq!(order, expected);
        let retrieves = matches!(name, PaperTechnique::Rag | PaperTechnique::CadRag);
        assert_eq!(evaluation.records.iter().any(|r| r.passages().count() > 0), retrieves);
        let generated: usize =
            evaluation.records.iter().flat_map(|r| &r.samples).map(|s| s.draft_tokens).sum();
        assert_eq!(generated as u64, evaluation.throughput.decode_tokens, "{name}");
        let cost = &evaluation.throughput;
        let (records, peak) = (&evaluation.records, evaluation.peak_bytes);
        summaries.push(Summary::new(&technique.name, records, cost, peak, &[1, 5]).unwrap());
    }
    let table = table(&summaries);
    assert_eq!(table.lines().count(), 7);
    assert!(table.contains("pass@1") && !table.contains("pass@5"), "two samples give no pass@5");
    assert!(summaries[0].pass_at[0].value > 0.0, "the model solves something:\n{table}");
}

#[test]
fn breaking_off_keeps_what_was_judged() {
    let tasks = crate::tasks(12);
    let engine = EngineConfig { max_rows: 1, ..EngineConfig::default() };
    let executor = executor(Solver::new(&crate::model(), &engine));
    let config = SolveConfig { n_samples: 1, ..SolveConfig::default() };
    let mut judged = 0;
    let technique = crate::technique("vanilla");
    let evaluation = evaluate(&technique, &tasks, &executor, &config, &mut |event| {
        judged += usize::from(matches!(event, Progress::Judged { .. }));
        if judged == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert!(evaluation.cancelled);
    let kept: usize = evaluation.records.iter().map(|record| record.samples.len()).sum();
    // A program that was being judged may still come in.
    assert!(kept == judged && (2..tasks.len()).contains(&kept), "{kept} of {judged}");
}

/// The golden run: what the shipped weights answer when nothing is left to chance.
#[test]
fn greedy_answers_are_those_of_the_shipped_weights() {
    let (solver, problems) = (crate::solver(), crate::problems(30));
    let config = SolveConfig { n_samples: 1, max_new_tokens: 200, ..SolveConfig::default() };
    let mut answers = vec![String::new(); problems.len()];
    solve(&crate::technique("greedy"), &problems, &solver, &config, &mut |event| {
        if let SolveEvent::Solution { problem, solution, .. } = event {
            answers[problem] = format!("# {}\n{}", problems[problem].task_id, solution.program);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    let golden = include_str!("fixtures/greedy.py");
    let actual = concat!(env!("CARGO_TARGET_TMPDIR"), "/greedy.py");
    std::fs::write(actual, answers.concat()).unwrap();
    assert_eq!(answers.concat(), golden, "after new weights, copy {actual} to tests/fixtures");
}

#[test]
fn what_a_technique_lacks_is_said_before_any_work() {
    let supplies = Supplies::default();
    let missing = Technique::named("rag", &supplies).unwrap_err();
    assert!(matches!(missing, Error::Technique(TechniqueError::NoRetriever { .. })), "{missing}");
    let none = Technique::named("sc(drafts=0)", &supplies).unwrap_err();
    assert!(
        none.to_string().contains("expected a whole number of at least 1 and at most 100000"),
        "{none}"
    );
    assert!("nucleus".parse::<PaperTechnique>().unwrap_err().to_string().contains("cad+rag"));
    let empty = Summary::new("vanilla", &[], &Throughput::default(), None, &[1]);
    assert!(matches!(empty, Err(Error::Metric(_))));
}
