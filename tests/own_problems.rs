//! `docs/your-own-problems.md`: the file it shows is one that works.

use std::path::Path;

use infer_code_cad::sandbox::{Judge, Limits, Sandbox, SandboxConfig, Submission, Verdict};
use infer_code_cad::task_tests;
use infer_code_cad::tasks::load_problems;

#[test]
fn reference_solutions_of_the_documented_problems_pass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tasks = load_problems(&root.join("examples/own-problems/problems.jsonl")).unwrap();
    let judge = Sandbox::start(&SandboxConfig::default()).unwrap();
    for task in &tasks {
        let program = task.canonical_program().unwrap();
        let tests = task_tests(task);
        let judged = |program| {
            judge.judge(&Submission::new(program, &tests), &Limits::default()).unwrap().verdict
        };
        assert_eq!(judged(&program), Verdict::Passed, "{}", task.problem.task_id);
        let empty = format!("{}    return None\n", task.problem.prompt);
        assert_eq!(judged(&empty), Verdict::Failed, "{}", task.problem.task_id);
    }
    let page = std::fs::read_to_string(root.join("docs/your-own-problems.md")).unwrap();
    for task in &tasks {
        let id = &task.problem.task_id;
        assert!(page.contains(id.as_str()), "the page does not show {id}");
    }
}
