//! The embedded benchmark is what the model card says.

use std::path::{Path, PathBuf};
use std::process::Command;

use infer_code_cad::embedded;
use infer_code_cad::retrieval::{Query, parse_passages};

#[test]
fn it_is_large_enough_and_graded() {
    let tasks = crate::tasks(1);
    assert!(tasks.len() >= 120);
    assert!(tasks.iter().filter(|task| task.problem.term().is_some()).count() >= 40);
    for level in 1..=3 {
        let of_level = |task: &&infer_code_cad::tasks::Task| {
            task.problem.embedded.as_ref().is_some_and(|facts| facts.level == level)
        };
        assert!(tasks.iter().filter(of_level).count() >= 20, "level {level}");
    }
    for task in &tasks {
        let asserts = task.hidden.asserts.matches("assert ").count();
        assert!(asserts >= 3, "{}", task.problem.task_id);
    }
    assert!(parse_passages(infer_code_cad_tiny::PASSAGES).unwrap().len() >= 300);
}

/// A term stands in its docstring, is explained by one passage, and BM25 finds that passage.
#[test]
fn the_glossary_explains_every_term() {
    let (problems, retriever) = (crate::problems(1), embedded::retriever().unwrap());
    let passages = parse_passages(infer_code_cad_tiny::PASSAGES).unwrap();
    let (mut terms, mut found) = (0, 0);
    for problem in problems.iter().filter(|p| p.term().is_some()) {
        let (term, facts) = (problem.term().unwrap(), problem.embedded.as_ref().unwrap());
        let explains = |p: &&infer_code_cad::retrieval::Passage| p.title.contains(term);
        let explaining: Vec<_> = passages.iter().filter(explains).collect();
        assert_eq!(explaining.len(), 1, "{term}");
        assert_eq!(Some(&explaining[0].id), facts.passage_id.as_ref(), "{term}");
        let hits = retriever.search(&[Query::new(&problem.docstring)], 1).remove(0).unwrap();
        terms += 1;
        found += usize::from(hits[0].passage.id == explaining[0].id);
    }
    assert!(found * 10 >= terms * 9, "BM25 finds {found} of {terms} passages");
}

/// Goes through the whole training stream, and compares it with the public benchmarks where they
/// are at hand.
#[test]
fn training_never_saw_the_benchmark() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut check = Command::new("python3");
    check.arg("-B").arg(root.join("crates/infer-code-cad-tiny/training/check.py"));
    for (flag, file) in [("--humaneval", "HumanEval.jsonl.gz"), ("--mbpp", "mbpp.jsonl")] {
        let path: Option<PathBuf> = crate::data(file);
        check.args(path.iter().flat_map(|path| [Path::new(flag), path.as_path()]));
    }
    let output = check.output().expect("python3 is installed");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    println!("{out}");
}
