//! HumanEval and MBPP as published: loading, splitting, and that every reference solution survives
//! extraction in all the forms that models write.
//!
//! The files are looked for in `$INFER_CODE_CAD_DATA`, else in `../shared/data` beside the workspace.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use infer_code_cad_tasks::{
    MbppSplit, Task, extract_program, load_humaneval, load_mbpp, parse_tiny, prompts, sides,
};
use std::path::{Path, PathBuf};

mod python;

use python::python;

/// A name and how a model would write the reference solution.
type Form = (&'static str, fn(&Task) -> String);

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("INFER_CODE_CAD_DATA");
    let path = folder.map_or_else(|| workspace().join("../shared/data"), PathBuf::from).join(name);
    if !path.exists() {
        eprintln!(
            "not checked: {} is missing; set INFER_CODE_CAD_DATA to its folder",
            path.display()
        );
        return None;
    }
    Some(path)
}

fn humaneval() -> Option<Vec<Task>> {
    data("HumanEval.jsonl.gz").map(|path| load_humaneval(&path).unwrap())
}

fn mbpp(split: MbppSplit) -> Option<Vec<Task>> {
    data("mbpp.jsonl").map(|path| load_mbpp(&path, split).unwrap())
}

/// Compiles programs, each `(name, entry point, program)`.
fn check_with_python(programs: &[(String, &str, String)]) {
    const SCRIPT: &str = "import ast, json, sys, warnings\n\
        warnings.simplefilter('ignore')\n\
        for name, entry, program in json.load(sys.stdin):\n    \
            try:\n        \
                compile(program, name, 'exec')\n        \
                assert any(getattr(n, 'name', '') == entry for n in ast.parse(program).body), 'no entry'\n    \
            except Exception as error:\n        \
                print(f'{name}: {error}')\n";
    assert_eq!(python(SCRIPT, &programs).unwrap_or_default(), "");
}

/// Runs programs, each `(name, program)`: a line for each that raises.
fn run_with_python(programs: &[(String, String)]) -> Option<String> {
    const SCRIPT: &str = "import json, sys\n\
        for name, program in json.load(sys.stdin):\n    \
            try:\n        \
                exec(program, {'__name__': name})\n    \
            except Exception as error:\n        \
                print(f'{name}: {error!r}')\n";
    python(SCRIPT, &programs)
}

/// Asserts that `program` has all lines of `code`, white space at their ends and starts aside.
fn assert_lines(program: &str, code: &str, what: &str) {
    let lines: std::collections::HashSet<&str> = program.lines().map(str::trim).collect();
    for line in code.lines().map(str::trim).filter(|line| !line.is_empty()) {
        assert!(lines.contains(line), "{what}: `{line}` is lost in\n{program}");
    }
}

fn check_forms(tasks: &[Task], code: fn(&Task) -> String, forms: &[Form]) {
    let mut programs = Vec::new();
    for task in tasks {
        let problem = &task.problem;
        for (form, text) in forms {
            let program = extract_program(problem, &text(task));
            let name = format!("{} {form}", problem.task_id);
            assert_lines(&program, &code(task), &name);
            assert_eq!(extract_program(problem, &program), program, "{name}, extracted twice");
            programs.push((name, problem.entry_point.as_str(), program));
        }
    }
    check_with_python(&programs);
}

fn solution(task: &Task) -> String {
    task.hidden.reference.clone().unwrap()
}

fn program(task: &Task) -> String {
    task.canonical_program().unwrap()
}

fn in_prose(task: &Task) -> String {
    let code = program(task);
    let call = format!("print({}())", task.problem.entry_point);
    format!(
        "Sure! Here's a solution (it's short):\n\n```python\n{code}\n```\n\nIt works: see below.\n```python\n{call}\n```\n"
    )
}

fn after_outline(task: &Task) -> String {
    format!(
        "1. Read the input; don't change it.\n2. Compute the result (see above).\n\n{}\n\nThis is the answer, isn't it?\n",
        program(task)
    )
}

const MODULE_FORMS: &[Form] = &[
    ("bare module", program),
    ("fenced module", |p| format!("```python\n{}\n```", program(p))),
    ("open fence", |p| format!("```\n{}", program(p))),
    ("in prose", in_prose),
    ("after an outline", after_outline),
];

const BODY_FORMS: &[Form] = &[
    ("body", solution),
    ("body after a signature", |p| format!("\n{}", solution(p))),
    ("one leading space", |p| format!(" {}", solution(p))),
    ("lost indentation", |p| solution(p).trim_start().to_owned()),
    ("one space short", |p| {
        solution(p).strip_prefix(' ').map_or_else(|| solution(p), str::to_owned)
    }),
    ("body, then tests", |p| {
        format!("{}\n\nprint({}(1))\n\nThat's it.", solution(p), p.problem.entry_point)
    }),
];

#[test]
fn humaneval_loads_and_splits() {
    let Some(tasks) = humaneval() else { return };
    assert_eq!(tasks.len(), 164);
    for Task { problem: p, hidden, .. } in &tasks {
        assert!(p.signature.starts_with(&format!("def {}(", p.entry_point)), "{}", p.task_id);
        assert!(p.signature.ends_with(':') && !p.signature.contains('\n'), "{}", p.task_id);
        assert!(
            p.docstring.len() > 10 && !p.docstring.contains("def "),
            "{}: {}",
            p.task_id,
            p.docstring
        );
        assert!(hidden.asserts.ends_with(&format!("\ncheck({})\n", p.entry_point)));
        assert!(prompts::vanilla(p).ends_with(&p.prompt));
        if p.task_id != "HumanEval/115" {
            assert!(p.prompt.trim_start().starts_with(&prompts::question(p)), "{}", p.task_id);
        }
    }
    let helpers = [
        (10, "is_palindrome"),
        (32, "poly"),
        (38, "encode_cyclic"),
        (50, "encode_shift"),
        (64, "FIX"),
    ];
    for (index, helper) in helpers {
        assert!(tasks[index].problem.preamble.contains(helper), "{index}");
        assert!(!tasks[index].problem.signature.contains(helper), "{index}");
    }
    assert_eq!(tasks[115].problem.preamble, "import math\n");
    assert!(tasks[115].problem.docstring.starts_with("You are given a rectangular grid"));
    assert_eq!(
        tasks[50].problem.docstring,
        "takes as input string encoded with encode_shift function. Returns decoded string."
    );
}

/// Examples that contradict the reference solution: the benchmark's own slips.
const WRONG_EXAMPLES: &[&str] =
    &["HumanEval/47", "HumanEval/116", "HumanEval/130", "HumanEval/148"];

#[test]
fn humaneval_examples_hold_for_the_reference_solutions() {
    let Some(tasks) = humaneval() else { return };
    let shown = |task: &&Task| !task.problem.visible_tests.is_empty();
    assert_eq!(tasks.iter().filter(shown).count(), 155);
    let all = tasks.iter().flat_map(|task| &task.problem.visible_tests);
    assert_eq!(all.clone().count(), 447);
    assert!(all.clone().all(|test| sides(test).is_some()));
    let visible = |id: usize| tasks[id].problem.visible_tests.join("\n");
    assert_eq!(visible(2), "assert truncate_number(3.5) == 0.5");
    assert_eq!(visible(32).lines().next(), Some("assert round(find_zero([1, 2]), 2) == -0.5"));
    assert_eq!(visible(12).lines().count(), 2, "the first example has no result");

    let programs = tasks.iter().filter(shown).map(|task| {
        let tests = task.problem.visible_tests.join("\n");
        (task.problem.task_id.clone(), format!("{}\n{tests}\n", program(task)))
    });
    let Some(failed) = run_with_python(&programs.collect::<Vec<_>>()) else { return };
    let failed: Vec<&str> = failed.lines().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(failed, WRONG_EXAMPLES);
}

#[test]
fn humaneval_solutions_survive_extraction() {
    let Some(tasks) = humaneval() else { return };
    check_forms(&tasks, solution, BODY_FORMS);
    check_forms(&tasks, solution, MODULE_FORMS);
}

#[test]
fn mbpp_loads_and_splits() {
    let Some(tasks) = mbpp(MbppSplit::All) else { return };
    assert_eq!(tasks.len(), 974);
    for (split, count) in [
        (MbppSplit::Prompt, 10),
        (MbppSplit::Test, 500),
        (MbppSplit::Validation, 90),
        (MbppSplit::Train, 374),
    ] {
        assert_eq!(mbpp(split).unwrap().len(), count, "{split:?}");
    }
    for Task { problem: p, hidden, .. } in &tasks {
        let call = format!("{}(", p.entry_point);
        assert!(p.visible_tests.is_empty(), "{}", p.task_id);
        assert!(hidden.asserts.replace(" (", "(").contains(&call), "{}", p.task_id);
        assert!(p.signature.starts_with("def ") && p.signature.ends_with(':'), "{}", p.task_id);
        assert!(!p.signature.contains(['\r', '\n', '#']), "{}: {}", p.task_id, p.signature);
    }
    let shown: Vec<Task> = tasks.iter().cloned().map(Task::with_tests_shown).collect();
    let tests = shown.iter().map(|task| task.problem.visible_tests.len());
    assert_eq!(tests.sum::<usize>(), 2917, "all but a few call the entry point at once");
    let prompts = shown.iter().map(|Task { problem: p, .. }| {
        (p.task_id.clone(), p.entry_point.as_str(), format!("{}    pass\n", p.prompt))
    });
    check_with_python(&prompts.collect::<Vec<_>>());
    let signature = |id: usize| tasks[id - 1].problem.signature.as_str();
    assert_eq!(signature(14), "def find_Volume(l,b,h) :");
    assert_eq!(signature(18), "def remove_dirty_chars(string, second_string):");
    assert_eq!(signature(966), "def remove_empty(tuple1):");
    let with_setup = tasks.iter().filter(|task| !task.hidden.setup.is_empty());
    assert_eq!(
        with_setup.map(|task| task.problem.task_id.as_str()).collect::<Vec<_>>(),
        ["MBPP/367", "MBPP/927"]
    );
}

/// The reference solution, its class behind its function.
fn class_last(task: &Task) -> String {
    let code = program(task).replace("\r\n", "\n");
    let function = code.find("def get_height").or_else(|| code.find("def max_height")).unwrap();
    format!("{}\n{}", &code[function..], &code[..function])
}

#[test]
fn classes_that_only_the_hidden_half_uses_survive_extraction() {
    let Some(tasks) = mbpp(MbppSplit::All) else { return };
    let mut programs = Vec::new();
    for task in tasks.iter().filter(|task| task.hidden.setup.contains("Node(")) {
        for (form, text) in [MODULE_FORMS, &[("class last", class_last)]].concat() {
            let program = extract_program(&task.problem, &text(task));
            let source = [&program, &task.hidden.setup, &task.hidden.asserts].map(String::as_str);
            programs.push((format!("{} {form}", task.problem.task_id), source.join("\n")));
        }
    }
    assert_eq!(programs.len(), 2 * (MODULE_FORMS.len() + 1));
    assert_eq!(run_with_python(&programs).unwrap_or_default(), "");
}

#[test]
fn mbpp_solutions_survive_extraction() {
    let Some(tasks) = mbpp(MbppSplit::All) else { return };
    check_forms(&tasks, program, MODULE_FORMS);
    let prompts: Vec<_> = tasks
        .iter()
        .map(|Task { problem: p, .. }| {
            (
                format!("{} prompt", p.task_id),
                p.entry_point.as_str(),
                format!("{}    pass\n", p.prompt),
            )
        })
        .collect();
    check_with_python(&prompts);
}

#[test]
fn embedded_prompts_equal_those_the_model_was_trained_on() {
    let folder = workspace().join("crates/infer-code-cad-tiny/data");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let (Some(problems), Some(rows), Some(passages)) =
        (read("problems.jsonl"), read("prompts.jsonl"), read("passages.jsonl"))
    else {
        eprintln!("not checked: the embedded set is not beside this crate");
        return;
    };
    let tasks = parse_tiny(&problems).unwrap();
    check_forms(&tasks, solution, BODY_FORMS);
    check_forms(&tasks, solution, MODULE_FORMS);
    let objects = |text: &str| -> Vec<serde_json::Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let passages = objects(&passages);
    let passage = |id: &serde_json::Value| {
        let found = passages.iter().find(|passage| passage["id"] == *id).unwrap();
        format!("{}\n{}", found["title"].as_str().unwrap(), found["text"].as_str().unwrap())
    };
    for row in objects(&rows) {
        let mut problems = tasks.iter().map(|task| &task.problem);
        let problem = problems.find(|p| row["task_id"] == *p.task_id).unwrap();
        let text = match row["technique"].as_str().unwrap() {
            "vanilla" => prompts::vanilla(problem),
            "cad" => prompts::cad_context(problem),
            "question" => prompts::question(problem),
            "cot" => prompts::chain_of_thought(problem),
            "rag" => prompts::retrieved(problem, &passage(&row["passage_id"])),
            "cad+rag" => prompts::retrieved_cad_context(problem, &passage(&row["passage_id"])),
            other => panic!("unknown technique {other}"),
        };
        assert_eq!(row["text"], text, "{} {}", problem.task_id, row["technique"]);
    }
}
