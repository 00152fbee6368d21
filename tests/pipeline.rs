//! Every technique of the paper, from problem to verdict.

use std::ops::ControlFlow;

use infer_code_cad::decode::Greedy;
use infer_code_cad::metrics::Throughput;
use infer_code_cad::sandbox::{Limits, Sandbox, SandboxConfig};
use infer_code_cad::{
    Error, Executor, PaperTechnique, Progress, Prompter, Selector, Settings, SolveConfig,
    SolveEvent, Summary, Technique, embedded, evaluate, solve, table,
};

fn settings() -> Settings {
    Settings { retriever: Some(embedded::retriever().unwrap()), ..Settings::default() }
}

#[test]
fn every_technique_is_measured() {
    let (model, problems) = (crate::model(), crate::problems(12));
    let sandbox = Sandbox::start(&SandboxConfig::default()).unwrap();
    let executor = Executor { model: &model, sandbox: &sandbox, limits: Limits::default() };
    let config = SolveConfig { n_samples: 2, ..SolveConfig::default() };
    let mut summaries = vec![];
    for name in PaperTechnique::ALL {
        let technique = name.build(&settings()).unwrap();
        let (mut judged, mut finished) = (0, 0);
        let evaluation = evaluate(&technique, &problems, &executor, &config, &mut |event| {
            judged += usize::from(matches!(event, Progress::Judged { .. }));
            finished += usize::from(matches!(event, Progress::Finished(_)));
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(!evaluation.cancelled);
        assert_eq!((judged, finished), (2 * problems.len(), problems.len()), "{name}");
        let order: Vec<&str> = evaluation.records.iter().map(|r| r.task_id.as_str()).collect();
        let expected: Vec<&str> = problems.iter().map(|p| p.task_id.as_str()).collect();
        assert_eq!(order, expected);
        let retrieves = matches!(name, PaperTechnique::Rag | PaperTechnique::CadRag);
        assert_eq!(evaluation.records.iter().any(|r| !r.passages.is_empty()), retrieves);
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
fn breaking_off_keeps_what_was_finished() {
    let (model, problems) = (crate::model(), crate::problems(12));
    let sandbox = Sandbox::start(&SandboxConfig::default()).unwrap();
    let executor = Executor { model: &model, sandbox: &sandbox, limits: Limits::default() };
    let technique = PaperTechnique::Vanilla.build(&settings()).unwrap();
    let config = SolveConfig { n_samples: 1, max_rows: 1, ..SolveConfig::default() };
    let mut finished = 0;
    let evaluation = evaluate(&technique, &problems, &executor, &config, &mut |event| {
        finished += usize::from(matches!(event, Progress::Finished(_)));
        if finished == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert!(evaluation.cancelled);
    assert_eq!(evaluation.records.len(), 2);
}

/// The golden run: what the shipped weights answer when nothing is left to chance.
#[test]
fn greedy_answers_are_those_of_the_shipped_weights() {
    let model = crate::model();
    let technique = Technique {
        name: "greedy".into(),
        prompter: Prompter::Plain,
        decoder: Box::new(Greedy),
        selector: Selector::First,
    };
    let config = SolveConfig { n_samples: 1, max_new_tokens: 200, ..SolveConfig::default() };
    let mut answers = String::new();
    for problem in crate::problems(30) {
        let problem = std::slice::from_ref(&problem);
        solve(&technique, problem, &model, &config, &mut |event| {
            if let SolveEvent::Solution { solution, .. } = event {
                answers += &format!("# {}\n{}", problem[0].task_id, solution.program);
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    }
    let golden = include_str!("fixtures/greedy.py");
    let actual = concat!(env!("CARGO_TARGET_TMPDIR"), "/greedy.py");
    std::fs::write(actual, &answers).unwrap();
    assert_eq!(answers, golden, "after new weights, copy {actual} to tests/fixtures");
}

#[test]
fn what_a_technique_lacks_is_said_before_any_work() {
    let bare = Settings::default();
    let missing = PaperTechnique::Rag.build(&bare).unwrap_err();
    assert!(matches!(missing, Error::NoRetriever { .. }), "{missing}");
    let none = Settings { drafts: 0, ..bare };
    let none = PaperTechnique::SelfConsistency.build(&none).unwrap_err();
    assert!(matches!(none, Error::NoDrafts { .. }), "{none}");
    assert!("nucleus".parse::<PaperTechnique>().unwrap_err().to_string().contains("cad+rag"));
    let empty = Summary::new("vanilla", &[], &Throughput::default(), None, &[1]);
    assert!(matches!(empty, Err(Error::Metric(_))));
}
