//! Known good programs come through extraction and sandbox as passed.

use infer_code_cad::sandbox::{Judge, Limits, Sandbox, SandboxConfig, Submission, Verdict};
use infer_code_cad::tasks::{
    MbppSplit, Renaming, Task, extract_program, load_humaneval, load_mbpp,
};

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
fn humaneval_under_other_names() {
    let Some(path) = crate::data("HumanEval.jsonl.gz") else { return };
    let tasks = load_humaneval(&path).unwrap();
    for seed in [0, 1] {
        let rename = |task: &Task| Renaming { seed }.task(task).unwrap();
        let renamed: Vec<Task> = tasks.iter().map(rename).collect();
        for (old, new) in tasks.iter().zip(&renamed) {
            let (old, new) = (&old.problem, &new.problem);
            assert_ne!(old.entry_point, new.entry_point);
            assert!(!new.signature.contains(&format!("def {}(", old.entry_point)));
            let calls = format!("{}(", old.entry_point);
            let is_start =
                |at: usize| !new.prompt[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let called = new.prompt.match_indices(&calls).any(|(at, _)| is_start(at));
            assert!(!called, "{}: {}", old.task_id, new.prompt);
            assert_eq!(old.visible_tests.len(), new.visible_tests.len(), "{}", old.task_id);
        }
        assert_canonical_passes(&renamed);
    }
}

#[test]
fn mbpp() {
    let Some(path) = crate::data("mbpp.jsonl") else { return };
    let tasks = load_mbpp(&path, MbppSplit::All).unwrap();
    assert_eq!(tasks.len(), 974);
    assert_canonical_passes(&tasks);
}

#[test]
fn mbpp_under_other_names() {
    let Some(path) = crate::data("mbpp.jsonl") else { return };
    let tasks = load_mbpp(&path, MbppSplit::Validation).unwrap();
    let renamed = tasks.iter().map(|task| Renaming { seed: 0 }.task(task).unwrap());
    assert_canonical_passes(&renamed.collect::<Vec<_>>());
}
