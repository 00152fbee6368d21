//! Known good programs come through extraction and sandbox as passed.

use infer_code_cad::sandbox::{Limits, Sandbox, SandboxConfig, Submission, Verdict};
use infer_code_cad::tasks::{MbppSplit, Problem, extract_program, load_humaneval, load_mbpp};

fn assert_canonical_passes(problems: &[Problem]) {
    let sandbox = Sandbox::start(&SandboxConfig::default()).unwrap();
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..sandbox.workers() {
            scope.spawn(|| {
                while let Some(problem) =
                    problems.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    let canonical = problem.canonical_solution.as_deref().unwrap();
                    let submission = Submission {
                        setup: &problem.setup,
                        program: &extract_program(problem, canonical),
                        tests: &problem.tests,
                    };
                    let report = sandbox.execute(&submission, &Limits::default()).unwrap();
                    let outcome = (report.verdict, report.reason.as_str());
                    assert_eq!(outcome, (Verdict::Passed, ""), "{}", problem.task_id);
                }
            });
        }
    });
}

#[test]
fn embedded() {
    assert_canonical_passes(&crate::problems(1));
}

#[test]
fn humaneval() {
    let Some(path) = crate::data("HumanEval.jsonl.gz") else { return };
    let problems = load_humaneval(&path).unwrap();
    assert_eq!(problems.len(), 164);
    assert_canonical_passes(&problems);
}

#[test]
fn mbpp() {
    let Some(path) = crate::data("mbpp.jsonl") else { return };
    let problems = load_mbpp(&path, MbppSplit::All).unwrap();
    assert_eq!(problems.len(), 974);
    assert_canonical_passes(&problems);
}
