//! What `PythonPrefix` says beside what CPython says: on functions of the standard library of the Python that is
//! installed, on copies of them with a mistake, and on the reference solutions of the benchmarks.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::{Path, PathBuf};

use infer_code_cad_tasks::{MbppSplit, PythonPrefix, Task, load_humaneval, load_mbpp};
use serde_json::json;

mod python;

use python::python;

/// How a text ends: the bytes up to the end of its first dead line, and up to the last end of a logical line that
/// was in order.
#[derive(Debug, Clone, Copy)]
struct Read {
    dead: Option<usize>,
    alive: usize,
}

fn read(text: &str) -> Read {
    let (mut prefix, mut end, mut alive) = (PythonPrefix::default(), 0, 0);
    for line in text.split_inclusive('\n') {
        end += line.len();
        match prefix.push_line(line) {
            Ok(true) => alive = end,
            Ok(false) => {}
            Err(_) => return Read { dead: Some(end), alive },
        }
    }
    Read { dead: None, alive }
}

fn functions(count: usize, seed: u64) -> Option<Vec<(String, String)>> {
    let made =
        python(include_str!("prefix/functions.py"), &json!({ "count": count, "seed": seed }))?;
    Some(serde_json::from_str(&made).unwrap())
}

/// Whether CPython can go on from each beginning; nothing where it cannot tell.
fn oracle(beginnings: &[&str]) -> Vec<Option<bool>> {
    let told = python(include_str!("prefix/oracle.py"), &beginnings).unwrap();
    serde_json::from_str(&told).unwrap()
}

/// The texts that the unit tests call dead and unfinished are so to CPython.
#[test]
fn texts_of_the_unit_tests() {
    if python("print()", &()).is_none() {
        return;
    }
    let lines: serde_json::Value =
        serde_json::from_str(include_str!("../src/prefix/lines.json")).unwrap();
    for (key, goes_on) in [("dead", false), ("unfinished", true)] {
        let texts = lines[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
        let texts: Vec<String> =
            texts.map(|text| [text.trim_end_matches('\n'), "\n"].concat()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let told = texts.iter().zip(oracle(&texts));
        // A field of an f-string goes on in the next line from Python 3.12 on.
        let mut wrong =
            told.filter(|(text, told)| *told == Some(!goes_on) && !text.starts_with("f'{x\n"));
        assert_eq!(wrong.next(), None, "{key}");
    }
}

/// No function has a dead line; a line of a broken one that is dead is so to CPython, and not before.
fn beside_cpython(count: usize) {
    let Some(functions) = functions(count, 7) else { return };
    assert!(functions.len() * 10 >= count * 9, "{} functions were found", functions.len());
    for (function, _) in &functions {
        let read = read(function);
        assert_eq!((read.dead, read.alive), (None, function.len()), "{function}");
    }
    let texts: Vec<&str> = functions.iter().map(|(_, broken)| broken.as_str()).collect();
    let dead = dead_lines_are_dead(&texts);
    assert!(dead * 4 > count, "of {count} broken texts only {dead} have a dead line");
}

/// CPython goes on from no dead line. Returns how many texts have one.
fn dead_lines_are_dead(texts: &[&str]) -> usize {
    let count = texts.len();
    let reads: Vec<Read> = texts.iter().map(|text| read(text)).collect();
    let ends = reads.iter().zip(texts);
    let dead: Vec<&str> =
        ends.clone().filter_map(|(read, text)| Some(&text[..read.dead?])).collect();
    let alive: Vec<&str> = ends.map(|(read, text)| &text[..read.alive]).collect();
    let mended = dead.iter().zip(oracle(&dead)).filter(|(_, goes_on)| *goes_on == Some(true));
    let mended: Vec<&str> = mended.map(|(text, _)| *text).collect();
    assert!(mended.is_empty(), "{} dead lines are not: {}", mended.len(), mended.join("\n=====\n"));
    let late = alive.iter().zip(oracle(&alive)).filter(|(_, goes_on)| *goes_on == Some(false));
    let late: Vec<&str> = late.map(|(text, _)| *text).collect();
    eprintln!(
        "{count} texts, {} with a dead line, {} told late:\n{}",
        dead.len(),
        late.len(),
        late.join("\n=====\n")
    );
    // What is newer than the Python at hand, and what is taken on purpose.
    assert!(late.len() * 200 <= count, "{} are told late", late.len());
    dead.len()
}

/// Code that a model wrote, such as what stands in the fences of a run's drafts: a JSON list of texts.
#[test]
#[ignore = "INFER_CODE_CAD_COMPLETIONS=FILE names the texts"]
fn completions_of_a_model() {
    let Some(path) = std::env::var_os("INFER_CODE_CAD_COMPLETIONS") else {
        eprintln!("not checked: set INFER_CODE_CAD_COMPLETIONS");
        return;
    };
    let texts: Vec<String> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    dead_lines_are_dead(&texts.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn functions_of_the_standard_library() {
    beside_cpython(1_000);
}

#[test]
#[ignore = "half a minute: .ci/more prefixes"]
fn ten_thousand_functions_of_the_standard_library() {
    beside_cpython(10_000);
}

#[test]
fn no_reference_solution_has_a_dead_line() {
    let folder = std::env::var_os("INFER_CODE_CAD_DATA");
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = folder.map_or_else(beside, PathBuf::from);
    let mut checked = 0;
    let mut check = |tasks: Vec<Task>| {
        for task in &tasks {
            let program = [&task.canonical_program().unwrap(), "\n"].concat();
            assert!(read(&program).dead.is_none(), "{}: {program}", task.problem.task_id);
        }
        checked += tasks.len();
    };
    for name in ["HumanEval.jsonl.gz", "mbpp.jsonl"] {
        let path = folder.join(name);
        if !path.exists() {
            eprintln!("not checked: {} is missing; set INFER_CODE_CAD_DATA", path.display());
        } else if name == "mbpp.jsonl" {
            check(load_mbpp(&path, MbppSplit::All).unwrap());
        } else {
            check(load_humaneval(&path).unwrap());
        }
    }
    eprintln!("{checked} reference solutions");
}
