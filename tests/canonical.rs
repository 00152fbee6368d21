//! Known good programs come through extraction and sandbox as passed.

use infer_code_cad::sandbox::{Judge, Limits, Sandbox, SandboxConfig, Submission, Verdict};
use infer_code_cad::tasks::{MbppSplit, Task, extract_program, load_humaneval, load_mbpp};

fn assert_canonical_passes(tasks: &[Task]) {
    let sandbox = Sandbox::start(&SandboxConfig::default()).unwrap();
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..sandbox.workers() {
            scope.spawn(|| {
                while let Some(task) =
                    tasks.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    let Task { problem, hidden, .. } = task;
                    let program = extract_program(problem, hidden.reference.as_deref().unwrap());
                    let tests = infer_code_cad::task_tests(task);
                    let submission = Submission::new(&program, &tests);
                    let report = sandbox.judge(&submission, &Limits::default()).unwrap();
                    let outcome = (report.verdict, report.reason.as_str());
                    assert_eq!(outcome, (Verdict::Passed, ""), "{}", problem.task_id);
                }
            });
        }
    });
}

#[test]
fn embedded() {
    assert_canonical_passes(&crate::tasks(1));
}

#[test]
fn humaneval() {
    let Some(path) = crate::data("HumanEval.jsonl.gz") else { return };
    let tasks = load_humaneval(&path).unwrap();
    assert_eq!(tasks.len(), 164);
    assert_canonical_passes(&tasks);
}

#[test]
fn mbpp() {
    let Some(path) = crate::data("mbpp.jsonl") else { return };
    let tasks = load_mbpp(&path, MbppSplit::All).unwrap();
    assert_eq!(tasks.len(), 974);
    assert_canonical_passes(&tasks);
}
