//! HumanEval and MBPP as published: loading, splitting, and that every reference solution survives
//! extraction in all the forms that models write.
//!
//! The files are looked for in `$INFER_CODE_CAD_DATA`, else in `../shared/data` beside the workspace.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use infer_code_cad_tasks::{
    MbppSplit, Problem, extract_program, load_humaneval, load_mbpp, parse_tiny, prompts,
};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A name and how a model would write the reference solution.
type Form = (&'static str, fn(&Problem) -> String);

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

fn humaneval() -> Option<Vec<Problem>> {
    data("HumanEval.jsonl.gz").map(|path| load_humaneval(&path).unwrap())
}

fn mbpp(split: MbppSplit) -> Option<Vec<Problem>> {
    data("mbpp.jsonl").map(|path| load_mbpp(&path, split).unwrap())
}

/// Runs `script` with the programs as a JSON list of `[name, entry point, program]` on its input.
fn check_with_python(programs: &[(String, &str, String)]) {
    const SCRIPT: &str = "import ast, json, sys, warnings\n\
        warnings.simplefilter('ignore')\n\
        bad = []\n\
        for name, entry, program in json.load(sys.stdin):\n    \
            try:\n        \
                compile(program, name, 'exec')\n        \
                assert any(getattr(n, 'name', '') == entry for n in ast.parse(program).body), 'no entry'\n    \
            except Exception as error:\n        \
                bad.append(f'{name}: {error}')\n\
        print('\\n'.join(bad))\n";
    let child = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("not compiled: {} programs, python3 is missing", programs.len());
        return;
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&serde_json::to_vec(programs).unwrap()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the checking script failed");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "");
}

/// Asserts that `program` has all lines of `code`, white space at their ends and starts aside.
fn assert_lines(program: &str, code: &str, what: &str) {
    let lines: std::collections::HashSet<&str> = program.lines().map(str::trim).collect();
    for line in code.lines().map(str::trim).filter(|line| !line.is_empty()) {
        assert!(lines.contains(line), "{what}: `{line}` is lost in\n{program}");
    }
}

fn check_forms(problems: &[Problem], code: fn(&Problem) -> String, forms: &[Form]) {
    let mut programs = Vec::new();
    for problem in problems {
        for (form, text) in forms {
            let program = extract_program(problem, &text(problem));
            let name = format!("{} {form}", problem.task_id);
            assert_lines(&program, &code(problem), &name);
            programs.push((name, problem.entry_point.as_str(), program));
        }
    }
    check_with_python(&programs);
}

fn solution(problem: &Problem) -> String {
    problem.canonical_solution.clone().unwrap()
}

fn program(problem: &Problem) -> String {
    problem.canonical_program().unwrap()
}

fn in_prose(problem: &Problem) -> String {
    let code = program(problem);
    let call = format!("print({}())", problem.entry_point);
    format!(
        "Sure! Here's a solution (it's short):\n\n```python\n{code}\n```\n\nIt works: see below.\n```python\n{call}\n```\n"
    )
}

fn after_outline(problem: &Problem) -> String {
    format!(
        "1. Read the input; don't change it.\n2. Compute the result (see above).\n\n{}\n\nThis is the answer, isn't it?\n",
        program(problem)
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
        format!("{}\n\nprint({}(1))\n\nThat's it.", solution(p), p.entry_point)
    }),
];

#[test]
fn humaneval_loads_and_splits() {
    let Some(problems) = humaneval() else { return };
    assert_eq!(problems.len(), 164);
    for p in &problems {
        assert!(p.signature.starts_with(&format!("def {}(", p.entry_point)), "{}", p.task_id);
        assert!(p.signature.ends_with(':') && !p.signature.contains('\n'), "{}", p.task_id);
        assert!(
            p.docstring.len() > 10 && !p.docstring.contains("def "),
            "{}: {}",
            p.task_id,
            p.docstring
        );
        assert!(p.tests.ends_with(&format!("\ncheck({})\n", p.entry_point)));
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
        assert!(problems[index].preamble.contains(helper), "{index}");
        assert!(!problems[index].signature.contains(helper), "{index}");
    }
    assert_eq!(problems[115].preamble, "import math\n");
    assert!(problems[115].docstring.starts_with("You are given a rectangular grid"));
    assert_eq!(
        problems[50].docstring,
        "takes as input string encoded with encode_shift function. Returns decoded string."
    );
}

#[test]
fn humaneval_solutions_survive_extraction() {
    let Some(problems) = humaneval() else { return };
    check_forms(&problems, solution, BODY_FORMS);
    check_forms(&problems, solution, MODULE_FORMS);
}

#[test]
fn mbpp_loads_and_splits() {
    let Some(problems) = mbpp(MbppSplit::All) else { return };
    assert_eq!(problems.len(), 974);
    for (split, count) in [
        (MbppSplit::Prompt, 10),
        (MbppSplit::Test, 500),
        (MbppSplit::Validation, 90),
        (MbppSplit::Train, 374),
    ] {
        assert_eq!(mbpp(split).unwrap().len(), count, "{split:?}");
    }
    for p in &problems {
        let call = format!("{}(", p.entry_point);
        assert!(p.tests.replace(" (", "(").contains(&call), "{}", p.task_id);
        assert!(p.signature.starts_with("def ") && p.signature.ends_with(':'), "{}", p.task_id);
        assert!(!p.signature.contains(['\r', '\n', '#']), "{}: {}", p.task_id, p.signature);
    }
    let signature = |id: usize| problems[id - 1].signature.as_str();
    assert_eq!(signature(14), "def find_Volume(l,b,h) :");
    assert_eq!(signature(18), "def remove_dirty_chars(string, second_string):");
    assert_eq!(signature(966), "def remove_empty(tuple1):");
    let with_setup = problems.iter().filter(|p| !p.setup.is_empty());
    assert_eq!(
        with_setup.map(|p| p.task_id.as_str()).collect::<Vec<_>>(),
        ["MBPP/367", "MBPP/927"]
    );
}

#[test]
fn mbpp_solutions_survive_extraction() {
    let Some(problems) = mbpp(MbppSplit::All) else { return };
    check_forms(&problems, program, MODULE_FORMS);
    let prompts: Vec<_> = problems
        .iter()
        .map(|p| {
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
    let problems = parse_tiny(&problems).unwrap();
    check_forms(&problems, solution, BODY_FORMS);
    check_forms(&problems, solution, MODULE_FORMS);
    let objects = |text: &str| -> Vec<serde_json::Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let passages = objects(&passages);
    let passage = |id: &serde_json::Value| {
        let found = passages.iter().find(|passage| passage["id"] == *id).unwrap();
        format!("{}\n{}", found["title"].as_str().unwrap(), found["text"].as_str().unwrap())
    };
    for row in objects(&rows) {
        let problem = problems.iter().find(|p| row["task_id"] == *p.task_id).unwrap();
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
