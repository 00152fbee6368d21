//! Which parts of a model's text make up the answer, where there are several or none that is plain.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use infer_code_cad_tasks::{Problem, extract_program};

const BODY: &str = "    best = xs[0]\n    return best\n";

/// The program for a function `first` without preamble.
fn extract(text: &str) -> String {
    extract_after("", text)
}

/// The program for a function `first` in a prompt that starts with `preamble`; extracting from it
/// again changes nothing.
fn extract_after(preamble: &str, text: &str) -> String {
    let prompt = format!("{preamble}def first(xs):\n    \"\"\"Give the first of xs.\"\"\"\n");
    let problem = Problem::from_prompt("t", &prompt).unwrap();
    let program = extract_program(&problem, text);
    assert_eq!(extract_program(&problem, &program), program, "{text}");
    program
}

fn function() -> String {
    format!("def first(xs):\n{BODY}")
}

#[test]
fn of_definitions_in_one_piece_the_last_whole_one_counts() {
    let f = function();
    let wrong = "def first(xs):\n    return xs[1]\n";
    for (earlier, later) in [(wrong, f.as_str()), (&f, wrong)] {
        let text = format!("{earlier}\n\n{later}");
        assert_eq!(extract(&text), text, "both are kept, as in Python");
    }
    let shown = "\nprint(first([1, 2]))\nr = first([1])\n";
    assert_eq!(extract(&format!("```\n{wrong}{shown}{f}```")), format!("{wrong}{f}"));
    assert_eq!(extract(&format!("{f}\ndef first(xs):\n    return xs[")), f, "cut off");
    assert_eq!(extract(&format!("{f}\ndef first(xs):\n    pass\n")), f, "empty");
    assert_eq!(extract(&format!("{f}\nThis is slow:\n\n{wrong}")), f, "after prose");
}

#[test]
fn a_function_kept_under_another_name_stays_with_its_successor() {
    let text = format!("{}plain = first\ndef first(xs):\n    return plain(list(xs))\n", function());
    assert_eq!(extract(&text), text);
    let decorated = format!("import functools\n{}first = functools.cache(first)\n", function());
    assert_eq!(extract(&format!("{decorated}first = first([1])\nprint(first)\n")), decorated);
}

#[test]
fn a_name_may_be_given_to_what_the_text_defines() {
    let method =
        "class Row:\n    def first(self, xs):\n        return xs[0]\nfirst = Row().first\n";
    assert_eq!(extract(&format!("Like this:\n\n{method}\nprint(first([1]))\n")), method);
    let other = "def head(xs):\n    return xs[0]\nfirst = head\n";
    assert_eq!(extract(&format!("```\n{other}```\n")), other);
    let body = "def head(ys):\n    return ys[0]\nfirst = head(xs)\nreturn first\n";
    assert!(extract(body).starts_with("def first(xs):\n    def head(ys):\n"));
}

#[test]
fn headings_are_no_calls() {
    let f = function();
    for heading in ["Answer (short)", "Approach: take the head\nCost: O(1)\n", "Cost: O(n) = O(1)"]
    {
        assert_eq!(extract(&format!("{heading}\n\n{f}")), f, "{heading}");
        assert_eq!(extract(&format!("{heading}\n\n{BODY}")), f, "{heading}");
    }
    assert_eq!(extract(&format!("steps (in words)\n\n{f}")), f);
    let calls =
        "import random\nrandom.seed(0)\ndef fill(t):\n    t.append(1)\ntable = []\nfill(table)\n";
    assert_eq!(extract(&format!("{calls}{f}")), format!("{calls}{f}"));
}

#[test]
fn helpers_in_blocks_of_their_own_are_fetched() {
    let helper = "def head(xs):\n    return xs[FIRST]\n";
    let constant = "FIRST = 0\n";
    let f = "def first(xs):\n    return head(xs)\n";
    let expected = format!("{helper}{constant}{f}");
    let text =
        |blocks: [&str; 4]| blocks.map(|block| format!("Then:\n```python\n{block}```\n")).concat();
    let shown = "unused = 2\nprint(first([1]))\n";
    assert_eq!(extract(&text([helper, constant, f, shown])), expected);
    assert_eq!(extract(&text([shown, helper, f, constant])), expected);
    let again = "def head(xs):\n    return None\n";
    let own = format!("{again}{f}");
    assert_eq!(extract(&text([helper, constant, &own, shown])), own, "its own helper comes first");
}

#[test]
fn the_task_restated_is_no_answer() {
    let f = function();
    let restated = "def first(xs):\n    \"\"\"Give the first of xs.\"\"\"\n";
    assert_eq!(extract(&format!("```\n{restated}```\nThe answer:\n```\n{f}```\n")), f);
    assert_eq!(extract(&format!("{restated}\n```\n{f}```\n")), f);
    assert_eq!(extract(&format!("```\n{restated}    ...\n```\n")), format!("{restated}    ...\n"));
}

#[test]
fn thinking_is_no_answer() {
    let f = function();
    let draft = "def first(xs):\n    return xs[1]\n";
    for text in [
        format!("<think>\nOr is it\n{draft}</think>\n{f}"),
        format!("It's\n```\n{draft}```\nno.</think>\n\n```python\n{f}```\n"),
        format!("[THINK]{draft}[/THINK]{f}"),
    ] {
        assert_eq!(extract(&text), f, "{text}");
    }
    assert_eq!(extract(&format!("<think>\n{f}</think>\n")), f, "nothing follows");
    let code = "def first(xs):\n    return xs[0].split('</think>')[0]\n";
    assert_eq!(extract(code), code);
}

#[test]
fn end_marks_end_the_text() {
    let body = BODY.trim_end();
    let bar = '\u{ff5c}';
    for mark in ["<|im_end|>", "<|endoftext|>import os\nprint(1)", "</s>", "<|eot_id|>\n\nfirst"] {
        assert_eq!(extract(&format!("{body}{mark}")), function(), "{mark}");
    }
    assert_eq!(extract(&format!("{body}<{bar}end\u{2581}of\u{2581}sentence{bar}>\n")), function());
    assert_eq!(extract(&format!("```\n{}<|im_end|>\n{BODY}", function())), function());
    assert_eq!(extract(&format!("<|endoftext|>{}", function())), function());
    let quoted = "def first(xs):\n    return xs[0].replace('</s>', \"\")\n";
    assert_eq!(extract(quoted), quoted);
}

#[test]
fn fences_inside_a_docstring_are_text() {
    let f = "def first(xs):\n    \"\"\"First.\n\n    ```\n    first([1])\n    ```\n    \"\"\"\n    return xs[0]\n";
    for text in [f.to_owned(), format!("```python\n{f}```\n"), format!("So:\n\n{f}\nThat is it.\n")]
    {
        assert_eq!(extract(&text), f, "{text}");
    }
}

#[test]
fn future_imports_come_first() {
    let future = "from __future__ import annotations\n";
    let preamble = "import os\n\n\n";
    let expected = format!("{future}{preamble}{}", function());
    assert_eq!(extract_after(preamble, &format!("{future}\n{}", function())), expected);
}

#[test]
fn what_the_preamble_has_is_not_repeated() {
    let preamble = "import os\n\n\ndef head(xs):\n    # One.\n    return xs[0]\n\n\n";
    let text = format!("{preamble}import re\n{}", function());
    let expected = format!("{preamble}import re\n{}", function());
    assert_eq!(extract_after(preamble, &text), expected);
}

#[test]
fn variables_of_a_demonstration_are_no_constants() {
    let f = "def first(xs: list) -> int:\n    for x in xs:\n        best = x + ZERO\n        return best\n";
    let shown = "xs = [1, 2]\nx, best = 1, 2\nZERO = 0\nprint(first(xs))\n";
    assert_eq!(extract(&format!("{f}\n{shown}")), format!("{f}ZERO = 0\n"));
    let global = "def first(xs):\n    global n\n    n = n + 1\n    return xs[0]\nn = 0\n";
    assert_eq!(extract(global), global);
    let waits = "n = int(input())\nrows = sys.stdin.read()\nZERO = 0\n";
    assert_eq!(extract(&format!("{waits}{f}")), format!("ZERO = 0\n{f}"));
}

#[test]
fn what_the_token_limit_cut_off_is_dropped() {
    let f = function();
    for torn in [
        "    x = best +",
        "    if best",
        "    for x in",
        "    return best if",
        "    x = best.",
        "    x =",
        "    while x:\n        y = 1 -",
        "    elif x",
        "    x = not",
        "    x = [",
        "    x = 'a",
        "    x = a \\",
    ] {
        assert_eq!(extract(&format!("{BODY}\n{torn}")), f, "{torn}");
        assert_eq!(extract(&format!("{f}\n{torn}")), f, "{torn}");
    }
    for whole in ["x = 1.", "x = ...", "x = 1,", "from a import *", "return", "x = a if b else c"] {
        let text = format!("def first(xs):\n    {whole}\n");
        assert_eq!(extract(&text), text);
    }
}

#[test]
fn classes_are_kept_for_the_judge() {
    let class = "class Node:\n    def __init__(self, value):\n        self.value = value\n";
    let f = function();
    assert_eq!(extract(&format!("{class}{f}")), format!("{class}{f}"));
    let test = "class TestFirst(unittest.TestCase):\n    def test(self):\n        first([1])\n";
    assert_eq!(
        extract(&format!("{f}\n\n@dataclass\n{class}\n{test}")),
        f,
        "loading these would fail"
    );
    let needs =
        "from dataclasses import dataclass\n@dataclass\nclass Pair:\n    a: int = ZERO\nZERO = 0\n";
    assert_eq!(extract(&format!("{f}{needs}ONE = 1\n")), format!("{f}{needs}"));
}
