//! `docs/your-own-problems.md`: the file it shows is one that works.

use std::path::{Path, PathBuf};

use infer_code_cad::sandbox::{Judge, Limits, Sandbox, SandboxConfig, Submission, Verdict};
use infer_code_cad::task_tests;
use infer_code_cad::tasks::load_problems;
use serde_json::Value;

use crate::flags::succeeds;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn reference_solutions_of_the_documented_problems_pass() {
    let page = std::fs::read_to_string(root().join("docs/your-own-problems.md")).unwrap();
    let shown = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), shown).unwrap();
    let mut tasks = load_problems(file.path()).unwrap();
    tasks.extend(load_problems(&root().join("examples/own-problems/problems.jsonl")).unwrap());
    assert_eq!(tasks.len(), 5);
    let judge = Sandbox::start(&SandboxConfig::default()).unwrap();
    for task in &tasks {
        let tests = task_tests(task);
        let verdict = |program: &str| {
            judge.judge(&Submission::new(program, &tests), &Limits::default()).unwrap().verdict
        };
        assert!(page.contains(&task.problem.task_id));
        assert_eq!(verdict(&task.canonical_program().unwrap()), Verdict::Passed, "{task:?}");
        let empty = format!("{}    return None\n", task.problem.prompt);
        assert_eq!(verdict(&empty), Verdict::Failed, "{task:?}");
    }
}

#[test]
fn the_commands_of_the_page_go_hand_in_hand() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let problems = root().join("examples/own-problems/problems.jsonl");
    let own = ["--benchmark", "own", "--data", problems.to_str().unwrap()];
    let (results, samples) = (path("vanilla.jsonl"), path("samples.jsonl"));
    let written = ["--n", "1", "--max-new-tokens", "24", "--out", &results];
    succeeds("evaluate", &[&own[..], &written].concat());
    let about = ["--results", &results, "own/net_price"];
    let list = succeeds("explain", &about);
    assert!(list.starts_with("own/net_price, vanilla: 0 of 1 samples passed\n     0  "), "{list}");
    let all = [&about[..], &own, &["--sample", "0", "--run", "--json"]].concat();
    let explained: Value = serde_json::from_str(&succeeds("explain", &all)).unwrap();
    assert_eq!(explained["rerun"]["verdict"], explained["verdict"]);
    assert!(explained["tests"]["asserts"].as_str().unwrap().contains("Decimal('94.91')"));
    succeeds("export", &["--results", &results, "--form", "bigcode", "--out", &samples]);
    let judged = succeeds("execute", &["--problems", own[3], "--samples", &samples]);
    assert!(judged.starts_with("4 samples of 4 of 4 problems\n"), "{judged}");
}
