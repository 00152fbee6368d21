//! Tests that are made of EvalPlus's inputs, run in plain Python: what is right passes, what is wrong fails.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use infer_code_cad_tasks::load_problems;
use serde_json::{Value, json};

mod python;

use python::python;

/// Runs `(program, helpers, asserts)` triples: `passed`, or the exception.
const SCRIPT: &str = "import json, sys\n\
    for program, helpers, asserts in json.load(sys.stdin):\n    \
        scope = {'__name__': 'tests'}\n    \
        try:\n        \
            exec(program + '\\n' + helpers + '\\n' + asserts, scope)\n        \
            print('passed')\n    \
        except Exception as error:\n        \
            print(f'{type(error).__name__}: {error}')\n";

fn humaneval(entry: &str, solution: &str, inputs: &str, atol: &str) -> String {
    let prompt = format!("def {entry}(x):\n    \"\"\"Documented.\"\"\"\n");
    let [prompt, solution] = [prompt, format!("    return {solution}\n")].map(Value::from);
    format!(
        r#"{{"task_id": "HumanEval/1", "prompt": {prompt}, "entry_point": "{entry}", "canonical_solution": {solution},
        "contract": "", "base_input": [], "plus_input": {inputs}, "atol": {atol}}}"#
    )
    .replace('\n', " ")
}

fn mbpp(number: u32, code: &str, inputs: &str, atol: f64) -> String {
    let inputs: Value = serde_json::from_str(inputs).unwrap();
    let row = json!({
        "task_id": format!("Mbpp/{number}"), "prompt": "\"\"\"\nText.\n\"\"\"\n", "entry_point": "f",
        "canonical_solution": code, "base_input": inputs, "plus_input": [], "atol": atol, "assertion": "",
    });
    row.to_string()
}

/// What comes of each program under the tests of a row.
fn outcomes(row: &str, programs: &[&str]) -> Option<Vec<String>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), row).unwrap();
    let task = load_problems(file.path()).unwrap().pop().unwrap();
    let reference = task.canonical_program().unwrap();
    let programs = [reference.as_str()].into_iter().chain(programs.iter().copied());
    let hidden = &task.hidden;
    let triples = programs.map(|program| (program, &hidden.helpers, &hidden.asserts));
    let printed = python(SCRIPT, &triples.collect::<Vec<_>>())?;
    let mut outcomes: Vec<String> = printed.lines().map(str::to_owned).collect();
    assert_eq!(outcomes.remove(0), "passed", "the reference, {row}");
    Some(outcomes)
}

/// Each program with whether it is right.
fn check(row: &str, programs: &[(&str, bool)]) {
    let texts: Vec<&str> = programs.iter().map(|(program, _)| *program).collect();
    let Some(outcomes) = outcomes(row, &texts) else { return };
    for ((program, is_right), outcome) in programs.iter().zip(outcomes) {
        assert_eq!(outcome == "passed", *is_right, "{program}: {outcome}");
    }
}

#[test]
fn answers_are_compared_with_those_of_the_reference() {
    let row = humaneval("f", "sorted(x)", "[[[3, 1, 2]], [[]]]", "0");
    let wrong = "def f(x): return x";
    let right = "def f(x):\n    x.sort()\n    return x";
    check(&row, &[(right, true), (wrong, false), ("def f(x): return tuple(sorted(x))", false)]);
    let shown = "AssertionError: f([3, 1, 2]) is [3, 1, 2], not [1, 2, 3]";
    assert!(outcomes(&row, &[wrong]).is_none_or(|outcomes| outcomes == [shown]));
}

#[test]
fn floats_may_differ_a_little_and_nothing_else_may() {
    let row = humaneval("f", "[x * 0.1, x]", "[[1.5], [Infinity], [2.5]]", "0");
    check(
        &row,
        &[
            ("def f(x): return [x / 10 + 1e-7, x]", true),
            ("def f(x): return [x / 10 + 1e-5, x]", false),
            ("def f(x): return [0, x]", false),
        ],
    );
    let integers = humaneval("f", "x", "[[1], [123456789012345678901234567890]]", "0");
    check(&integers, &[("def f(x): return x + 0.0", false), ("def f(x): return int(x)", true)]);
    let root = humaneval("find_zero", "-x[0] / x[1]", "[[[1, 2]], [[-6, 3]]]", "1e-4");
    check(
        &root,
        &[
            ("def find_zero(x): return -x[0] / x[1] + 1e-6", true),
            ("def find_zero(x): return 1", false),
        ],
    );
}

#[test]
fn arguments_and_rules_of_mbpp_are_its_own() {
    let tuples =
        mbpp(2, "def f(a, b): return tuple(set(a) & set(b))", "[[[1, 2], [2, 3, 1]]]", 0.0);
    check(
        &tuples,
        &[
            ("def f(a, b): return [x for x in a + (2,) if x in b]", true),
            ("def f(a, b): return a + b", false),
        ],
    );
    let existence =
        mbpp(737, "import re\ndef f(s): return re.match('a', s)", "[[\"a\"], [\"b\"]]", 0.0);
    check(
        &existence,
        &[
            ("def f(s): return s[0] == 'a'", true),
            ("def f(s): return s if s == 'a' else None", true),
            ("def f(s): return True", false),
        ],
    );
    let digits = mbpp(
        558,
        "def f(a, b): return sum(abs(int(x) - int(y)) for x, y in zip(str(a), str(b)))",
        "[[1, 100]]",
        0.0,
    );
    check(
        &digits,
        &[
            ("def f(a, b): return 2", true),
            ("def f(a, b): return 0", true),
            ("def f(a, b): return 1", false),
        ],
    );
    let area = mbpp(581, "def f(b, h): return b * b + 2 * b * h", "[[3, 4]]", 0.0);
    check(
        &area,
        &[
            ("def f(b, h): return 35", true),
            ("def f(b, h): return 34", false),
            ("def f(b, h): return 33", true),
        ],
    );
    for (number, code, inputs) in [
        (
            63,
            "def f(a): return sum(x - y for x, y in a) if type(a[0]) is tuple else 1 / 0",
            "[[[[1, 2]]]]",
        ),
        (75, "def f(a, k): return [x + (k,) for x in a]", "[[[[1, 2]], 3]]"),
        (106, "def f(a, b): return b + (len(a),)", "[[[1], [2]]]"),
        (115, "def f(a): return [x | {1} if x else type(x) is dict for x in a]", "[[[[2], []]]]"),
        (124, "def f(a, b): return abs(b) + a", "[[\"1\", \"(3+4j)\"]]"),
        (252, "def f(a): return (a.real, a.imag)", "[[\"1j\"]]"),
        (259, "def f(a, b): return a[0] + b[0]", "[[[[1]], [[2]]]]"),
        (278, "def f(a): return a + ((1,),)", "[[[1, [2, 3]]]]"),
        (307, "def f(a, i, v): return a + (i, v)", "[[[1], 2, 3]]"),
        (722, "def f(a, h): return a['k'] + (h,)", "[[{\"k\": [1]}, 2]]"),
        (580, "def f(a): return a + a[0] + (1,)", "[[[[1], [[2]]]]]"),
        (600, "def f(a): return a + [1]", "[[[1]]]"),
    ] {
        check(&mbpp(number, code, inputs, 0.0), &[("def f(*a): return []", false)]);
    }
}
