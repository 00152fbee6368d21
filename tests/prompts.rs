//! The prompts of the embedded model's training are those of Table 4, byte for byte.

use infer_code_cad::retrieval::parse_passages;
use infer_code_cad::tasks::{Task, prompts};
use infer_code_cad_tiny::{PASSAGES, PROBLEMS};

#[test]
fn the_generator_and_the_library_write_the_same_prompts() {
    let fixture = include_str!("../crates/infer-code-cad-tiny/data/prompts.jsonl");
    let tasks = infer_code_cad::tasks::parse_tiny(PROBLEMS).unwrap();
    let passages = parse_passages(PASSAGES).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for line in fixture.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let is_it = |task: &&Task| row["task_id"] == task.problem.task_id.as_str();
        let problem = &tasks.iter().find(is_it).unwrap().problem;
        let passage = || {
            let passage = passages.iter().find(|p| row["passage_id"] == p.id.as_str());
            passage.unwrap().content()
        };
        let technique = row["technique"].as_str().unwrap();
        let text = match technique {
            "vanilla" => prompts::vanilla(problem),
            "cad" => prompts::cad_context(problem),
            "question" => prompts::question(problem),
            "rag" => prompts::retrieved(problem, &passage()),
            "cad+rag" => prompts::retrieved_cad_context(problem, &passage()),
            "cot" => prompts::chain_of_thought(problem),
            other => panic!("no prompt is called {other}"),
        };
        assert_eq!(row["text"], text, "{technique}");
        seen.insert(technique.to_owned());
    }
    assert_eq!(seen.len(), 6, "the fixture must show every prompt");
}
