//! Model text in its many forms, and that no text makes extraction fail.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use infer_code_cad_tasks::{Problem, extract_program};
use proptest::prelude::*;

const BODY: &str = "    total = 0\n    for x in xs:\n        total += x\n    return total\n";

fn problem() -> Problem {
    let prompt = "import math\n\n\ndef add(xs):\n    \"\"\"Add.\"\"\"\n";
    Problem::from_prompt("t", prompt).unwrap()
}

/// What comes after the preamble.
fn extract(completion: &str) -> String {
    let program = extract_program(&problem(), completion);
    program.strip_prefix("import math\n\n\n").unwrap().to_owned()
}

fn function() -> String {
    format!("def add(xs):\n{BODY}")
}

#[test]
fn bodies() {
    let lost = BODY.trim_start();
    let flat = BODY.replace("\n    ", "\n").trim_start().to_owned();
    for completion in [
        BODY.to_owned(),
        format!("\n{BODY}"),
        format!(" {BODY}"),
        BODY[1..].to_owned(),
        lost.to_owned(),
        flat.clone(),
        format!("```python\n{flat}```"),
        BODY.replace('\n', "\r\n"),
        format!("{BODY}\n\nThis function adds.\n\ndef add(xs):\n    return None\n"),
        format!("{BODY}```\n\nExplanation:\n```python\ndef add(xs):\n    return 0\n```\n"),
        format!("{BODY}\n\n# Test the function\nprint(add([1, 2]))\nassert add([]) == 1\n"),
        format!("{BODY}\nif __name__ == \"__main__\":\n    print(add(\n"),
        format!("{BODY}\n    print(total"),
        format!("Here's the body:\n\n{BODY}\nIt's simple."),
        format!("{flat}Done.\n"),
        format!("{}```\n", BODY.trim_end()),
        format!("1. Like this:\n   ~~~\n{BODY}   ~~~\n"),
    ] {
        assert_eq!(extract(&completion), function(), "{completion}");
    }
}

#[test]
fn a_first_line_that_opens_a_block_is_set_right() {
    let body = "    if not xs:\n        return 0\n    return sum(xs)\n";
    for completion in [body.trim_start().to_owned(), format!(" {body}"), body[1..].to_owned()] {
        assert_eq!(extract(&completion), format!("def add(xs):\n{body}"), "{completion}");
    }
    let only = "for x in xs:\n        yield x\n";
    assert_eq!(extract(only), format!("def add(xs):\n    {only}"));
    assert_eq!(extract("return sum(xs)"), "def add(xs):\n    return sum(xs)\n");
    assert_eq!(extract("\treturn sum(xs)"), "def add(xs):\n\treturn sum(xs)\n");
}

#[test]
fn modules() {
    let f = function();
    let outline = "1. Set total = 0 (it's the sum.\n2. Loop\n\n";
    for completion in [
        f.clone(),
        format!(" {f}"),
        format!("Sure! Here's the code:\n\n```python\n{f}```\n\nIt adds.\n```\nadd([1])\n```"),
        format!("Sure:\n~~~\n{f}~~~\n"),
        format!("```\n{f}"),
        format!("Plan:\n```\n1. loop\n```\nCode:\n```py\n{f}```\n"),
        format!("{outline}{f}\nThis isn't hard."),
        format!("{f}\n\nprint(add([1, 2, 3]))  # 6\n\nfor i in range(3):\n    add([i])\n"),
        format!("def add(xs):\n    \"\"\"Add.\"\"\"\n    pass\n\nNow:\n{f}"),
        f.replace('\n', "\r\n"),
        format!("He said \"\"\"unclosed\n{f}"),
    ] {
        assert_eq!(extract(&completion), f, "{completion}");
    }
    let indented: String = f.lines().map(|line| format!("    {line}\n")).collect();
    assert_eq!(extract(&indented), f.replace("\n    ", "\n        "));
}

#[test]
fn what_the_function_needs_is_kept() {
    let before = "import os\nfrom functools import cache\nLIMIT = 3\n\n# Helps.\n@cache\ndef helper(x):\n    return x\n\n";
    let program = extract(&format!("Code:\n{before}{}", function()));
    assert_eq!(program, format!("{before}{}", function()));

    let after = "def unused():\n    return 1\n\ndef twice(x):\n    return TWO * x\n\nTWO = 2\n";
    let program = extract(&format!("    return twice(sum(xs))\n\n{after}THREE = 3\n"));
    assert_eq!(program, format!("def add(xs):\n    return twice(sum(xs))\n{after}"));
}

#[test]
fn a_definition_that_cannot_be_loaded_is_dropped_unless_it_is_needed() {
    let test = "class TestAdd(unittest.TestCase):\n    def test(self):\n        add([1])\n";
    assert_eq!(extract(&format!("{}\n{test}", function())), function());
    let text = format!("import unittest\n{}\n{test}\nunittest.main()\n", function());
    assert_eq!(extract(&text), function(), "what tests needs its framework");
    let needed = "def add(xs):\n    return plus(xs)\n\n@cache\ndef plus(xs):\n    return sum(xs)\n";
    assert_eq!(extract(needed), needed, "the judge has the last word");
}

#[test]
fn functions_that_test_are_not_called() {
    let tests = "\ndef test_add():\n    assert add([1]) == 2\n";
    let called = format!("{}{tests}\ntest_add()\nmain(add)\n", function());
    assert_eq!(extract(&called), format!("{}{tests}", function()));
}

#[test]
fn a_full_stop_in_a_comment_is_no_prose() {
    let body = "    total = 0  # The running total.\n    return sum(xs)  # done.\n";
    assert_eq!(extract(body), format!("def add(xs):\n{body}"));
    let before = "import os  # For fsum.\ndef helper(a, b):  # Adds.\n    return a + b\n";
    assert_eq!(extract(&format!("{before}{}", function())), format!("{before}{}", function()));
}

#[test]
fn tables_and_computed_constants_are_kept() {
    let before = "memo = {}\nmemo[0] = 0\nfor i in range(3):\n    memo[i] = i\n";
    let text = format!("{before}{}", function());
    assert_eq!(extract(&text), text);
    let shown = format!("{before}print(memo)\n{}", function());
    assert_eq!(extract(&shown), text);
    let after = "def add(xs):\n    return ZERO + sum(xs)\nZERO = int('0')\n";
    assert_eq!(extract(&format!("{after}ONE = add([1])\n")), after);
}

#[test]
fn docstrings_do_not_deceive() {
    let body = "    \"\"\"Like:\n\ndef add(xs):\n    return None\n```\nx\n```\n\"\"\"\n    return sum(xs)\n";
    assert_eq!(extract(body), format!("def add(xs):\n{body}"));
    let module = format!("def add(xs):\n{body}");
    assert_eq!(extract(&module), module);
    let plain = body.replace("```\n", "");
    assert_eq!(extract(&plain), format!("def add(xs):\n{plain}"));
}

#[test]
fn the_function_may_be_a_lambda() {
    assert_eq!(extract("add = lambda xs: sum(xs)\nprint(1)"), "add = lambda xs: sum(xs)\n");
}

#[test]
fn a_variable_may_have_the_name_of_the_function() {
    let body = "    add = 1\n    for x in xs:\n        add += x\n    return add\n";
    assert_eq!(extract(body.trim_start()), format!("def add(xs):\n{body}"));
}

#[test]
fn text_without_code_gives_the_bare_signature() {
    assert_eq!(extract(""), "def add(xs):\n");
    assert_eq!(extract("I am sorry, I cannot help with that."), "def add(xs):\n");
}

#[test]
fn long_text_takes_linear_time() {
    let started = std::time::Instant::now();
    for piece in [
        "(",
        "\"\"\"",
        "def add(\n",
        "@a\n",
        "x = (\n",
        "```\n",
        "if x:\n",
        "Here's\n",
        "\\\n",
        "add = g(add)\n",
        "def add(xs):\n    return g(xs)\n",
        "```\ndef g(x):\n    return add(x)\n```\n",
        "A = B\n",
        "</think>\n",
        "'<|im_end|>' ",
        "x = f'{y}'\n",
        "class A:\n    x = add\n",
        "\"\"\"\n```\n\"\"\"\n",
        "for x in xs: y = x\n",
    ] {
        extract(&piece.repeat(10_000));
    }
    // Each needs the one before it.
    let chain =
        (0..5_000).map(|i| format!("def g{}(x):\n    return g{i}(x)\n", i + 1)).collect::<String>();
    extract(&format!("def add(xs):\n    return g5000(xs)\n{chain}"));
    assert!(started.elapsed().as_secs() < 20, "took {:?}", started.elapsed());
}

/// The first line of the extracted program that stands neither in the text nor in the problem, and
/// the whole program if it lacks the problem's imports.
fn invented(text: &str) -> Option<String> {
    let program = extract_program(&problem(), text);
    if !program.starts_with(&problem().preamble) {
        return Some(program);
    }
    let given = [text, &problem().preamble, &problem().signature].concat();
    program.lines().map(str::trim).find(|line| !given.contains(line)).map(str::to_owned)
}

/// Texts of pieces that code, fences and prose are made of.
fn code_like_text() -> impl Strategy<Value = String> {
    let pieces = vec![
        "def add(xs):",
        "def g():",
        "\n",
        "\n    ",
        "\n ",
        "\t",
        "return ",
        "if x:",
        "else:",
        "(",
        ")",
        "\"\"\"",
        "'",
        "\"",
        "```",
        "```python\n",
        "~~~",
        "\\",
        "#",
        "@a\n",
        "x = 1",
        "é",
        "import os",
        "class A:",
        "lambda",
        "add = 2",
        ":",
        "\r\n",
        "\r",
        ".",
        "print(1)",
        "Here is",
        "add",
        "g()",
        "=",
        "add = g(add)",
        "x",
        "</think>",
        "<|im_end|>",
        "import math\n",
        "\n    return x\n",
        "\ndef add(xs):",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..40).prop_map(|pieces| pieces.concat())
}

/// Texts of whole statements, prose, fences and marks.
fn lines_of_an_answer() -> impl Strategy<Value = String> {
    let lines = vec![
        "def add(xs):\n    return sum(xs)\n",
        "def add(xs):\n    \"\"\"Add.\"\"\"\n",
        "def g(x):\n    return x + TWO\n",
        "    total = g(xs)\n",
        "    return total\n",
        "return sum(xs)\n",
        "total = 0\n",
        "TWO = 2\n",
        "\n",
        "# note\n",
        "import math\n",
        "from __future__ import annotations\n",
        "from a import *\n",
        "add = g(add)\n",
        "old = add\n",
        "xs = [1]\n",
        "n = int(input())\n",
        "print(add(xs))\n",
        "assert add([]) == 0\n",
        "for x in xs:\n    g(x)\n",
        "if True:\n    y = 1\n",
        "if __name__ == '__main__':\n    add([1])\n",
        "@cache\n",
        "TWO += 1\n",
        "add = A().add\n",
        "class A:\n    def add(self, xs):\n        return g(xs)\n",
        "class B:\n    pass\n",
        "x = (1,\n     2)\n",
        "```\n",
        "```python\n",
        "Here is the code:\n",
        "It works, doesn't it?\n",
        "Result (sum)\n",
        "Time: O(n)\n",
        "<|im_end|>\n",
        "    unused = total +\n",
        "def g(",
        "    \"\"\"\n",
        "s = '''\n```\n'''\n",
    ];
    prop::collection::vec(prop::sample::select(lines), 0..16).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn prose_after_a_body_changes_nothing(text in "[A-Z][a-z]{1,8}( [a-z]{1,8}){2,8}[.!:]") {
        prop_assert_eq!(extract(&format!("{BODY}\n{text}\n")), function());
    }

    #[test]
    fn nothing_is_invented_for_any_text(text in any::<String>()) {
        prop_assert_eq!(invented(&text), None);
    }

    #[test]
    fn nothing_is_invented_for_code_like_text(text in code_like_text()) {
        prop_assert_eq!(invented(&text), None);
    }

    #[test]
    fn an_extracted_program_is_left_as_it_is(text in lines_of_an_answer()) {
        let once = extract_program(&problem(), &text);
        prop_assert_eq!(extract_program(&problem(), &once), once);
    }
}
