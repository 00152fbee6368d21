//! What a plan is run with: problems, passages, a name for the model.

use std::path::Path;

use infer_code_cad::tasks::Task;
use infer_code_cad::{Plan, Recipe, Supplies, embedded};

use crate::common::{Failure, PassageArgs, humaneval, mbpp};

/// The problems of each benchmark of a plan, of files in the folder `data`, or of the hub.
pub(crate) fn tasks(plan: &Plan, data: Option<&Path>) -> Result<Vec<Vec<Task>>, Failure> {
    let spec = |file: &str, name: &str| {
        data.map_or(name.to_owned(), |folder| folder.join(file).display().to_string())
    };
    let load = |name: &String| {
        let mut tasks = match name.split_once(' ') {
            None if name == "tiny" => embedded::tasks()?,
            None if name == "humaneval" => humaneval(&spec("HumanEval.jsonl.gz", name))?,
            Some(("mbpp", split)) => mbpp(&spec("mbpp.jsonl", "mbpp"), split.parse()?)?,
            _ => {
                return Err(format!(
                    "no benchmark is called {name:?}; say humaneval, mbpp SPLIT or tiny"
                )
                .into());
            }
        };
        tasks.truncate(plan.problems.unwrap_or(usize::MAX));
        Ok(tasks)
    };
    plan.benchmarks.iter().map(load).collect()
}

/// What the techniques of a plan need. Arms that read passages are left out where there are none.
pub(crate) fn supplies(plan: &mut Plan, passages: &PassageArgs) -> Result<Supplies, Failure> {
    let reads =
        |technique: &str| technique.parse::<Recipe>().is_ok_and(|recipe| recipe.passages.is_some());
    let mut supplies = Supplies::default();
    if plan.arms.iter().all(|arm| !reads(&arm.technique)) {
        return Ok(supplies);
    }
    supplies.retriever = passages.retriever(plan.benchmarks == ["tiny"])?;
    if supplies.retriever.is_none() {
        plan.keep(|arm| !reads(&arm.technique));
        plan.check()?;
        eprintln!(
            "notice: arms with rag are left out; give their passages, as by --index DIR of build_index"
        );
    }
    Ok(supplies)
}

/// A model's name in tables: of a path the last part, without ending.
pub(crate) fn model_name(spec: &str) -> &str {
    let name = spec.trim_end_matches('/');
    let name =
        if Path::new(name).exists() { name.rsplit('/').next().unwrap_or(name) } else { name };
    name.strip_suffix(".gguf").unwrap_or(name)
}
