#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod taken;

use taken::{TAKEN, UNFINISHED};

use super::*;
use proptest::prelude::*;

/// The number of the first dead line.
fn dead(text: &str) -> Option<usize> {
    let mut prefix = PythonPrefix::default();
    text.split_inclusive('\n').find_map(|line| prefix.push_line(line).err()).map(|dead| dead.line)
}

/// The last line of each is dead, and none before it.
const DEAD: &[&str] = &[
    "  x",
    "x = 1\n  y = 2",
    "if x:\n  y\n z",
    "if x:\n    y\n  z",
    "if x:\npass",
    "def f():\nreturn 1",
    "if x:\n  y\n\tz",
    "if x:\n        y\n\tz",
    "if x:\n\ty\n        z",
    "print 'x'",
    "print x",
    "exec 'x'",
    "raise A, 'b'",
    "try: x\nexcept A, b: y",
    "x <> y",
    "`x`",
    "else: x",
    "elif x: y",
    "x\nelse: y",
    "if x: y\nelse: z\nelse: w",
    "if x: y\nz\nelse: w",
    "except: x",
    "finally: x",
    "try: x\ny",
    "try:\n  x\ny",
    "def f():\n  try:\n    x\ny",
    "try: x\nelse: y",
    "try: x\nfinally: y\nexcept: z",
    "try: x\nexcept A: y\nexcept* B: z",
    "with a: b\nelse: c",
    "@a\nx = 1",
    "def f():\n  @a\nx",
    "@a\n@b\nif x: y",
    "case 1: x",
    "match x:\n  y = 1",
    "match x:\n  case 1: y\n  z",
    "match x: y",
    "x = ",
    "x = = y",
    "1 = x",
    "f() = x",
    "x + 1 = y",
    "None = x",
    "x = 1 = y",
    "'a' = x",
    "(x, 1) = y",
    "[f()] = y",
    "lambda: x = y",
    "(x for x in y) = z",
    "x, y: int",
    "[x]: int",
    "x, y += 1",
    "f() += 1",
    "x = y += 1",
    "del f()",
    "del x + y",
    "del *x",
    "del",
    "import",
    "import a.",
    "import a as b.c",
    "from a import",
    "from import a",
    "from a import (b",
    "from a import b,",
    "from a import ()",
    "from . import *, a",
    "global",
    "global a.b",
    "assert",
    "assert x, y, z",
    "return return",
    "pass x",
    "break 1",
    "x y",
    "x = y z",
    "1 2",
    "a b c d",
    "Here is the function:",
    "This function returns the sum of two numbers.",
    "The answer is `x`.",
    "```",
    "1. First, we",
    "x?",
    "$x",
    "f(a b)",
    "f(a=1, b)",
    "f(**a, b)",
    "f(**a, *b)",
    "f(a.b=1)",
    "f(x for x in y, 1)",
    "f(1, x for x in y)",
    "f(True=1)",
    "f(,)",
    "f(a,,b)",
    "a[]",
    "a[1:2:3:4]",
    "(*a)",
    "(a b)",
    "(,)",
    "[,]",
    "[a b]",
    "{a: b, c}",
    "{a, b: c}",
    "{**a for a in b}",
    "[*a for a in b]",
    "{a:}",
    "{:a}",
    "()()=",
    "(x := )",
    "x := 1",
    "(a.b := 1)",
    "[x for x y]",
    "[for x in y]",
    "[x for in y]",
    "[x for x in]",
    "not",
    "a not b",
    "a is",
    "a + not b",
    "a and",
    "a if b",
    "a if b else",
    "lambda",
    "lambda x",
    "lambda x y: z",
    "lambda (a, b): c",
    "x.",
    "x.1",
    "x.if",
    "await",
    "*",
    "**a",
    "a ** ",
    "a +* b",
    "+",
    "a ! b",
    "def f:",
    "def (x): y",
    "def f(x) y",
    "def f(x): y: z w",
    "if x:\n        a\n        if b:\n\t\tc",
    "def f(a, a=1, b): c",
    "def f(a=1, b): c",
    "def f(*): a",
    "def f(*, **k): a",
    "def f(**k, a): b",
    "def f(*a, *b): c",
    "def f(/): a",
    "def f(a, /, b, /): c",
    "def f(*a, /): b",
    "def f((a, b)): c",
    "def f(1): a",
    "def f(x) -> : a",
    "def class(): x",
    "class A(: pass",
    "class : pass",
    "class A pass",
    "if : x",
    "if x pass",
    "if x then: y",
    "if x = 1: y",
    "while : x",
    "for x y: z",
    "for x in : y",
    "for f() in x: y",
    "for 1 in x: y",
    "for x in y",
    "while x",
    "if x",
    "else",
    "try",
    "with : x",
    "with a as 1: x",
    "with a as f(): x",
    "async x",
    "async if x: y",
    "for x in y: if z: w",
    "if x: for y in z: w",
    "else: if x: y",
    ")",
    "(]",
    "x)",
    "f(x))",
    "[}",
    "'abc",
    "\"abc",
    "'abc\"",
    "f'{x'",
    "f'{}'",
    "f'}'",
    "f'{x!}'",
    "f'{a b}'",
    "f'{x:{}}'",
    "f'{lambda x: 1}'",
    "f'{x!r y}'",
    "f'{'",
    "f'{x:{y}'",
    "b'é'",
    "'a' b'b'",
    "f'a' b'b'",
    "'\\x1'",
    "'\\u123'",
    "'\\N'",
    "'\\N{x'",
    "'\\U00110000'",
    "b'\\x1g'",
    "012",
    "1__0",
    "1_",
    "0x",
    "0b2",
    "0o8",
    "1abc",
    "0_7",
    "1e",
    "x\\ y",
    "“x”",
    "x = ‘a’",
    "a → b",
    "x = y…",
    "a\u{a0}= 1",
    "x = 1 × 2",
    "😀",
    "\0",
    "x = 1 +\n",
    "x = 1 + \\\n\n",
    "def f():\n  x\n  def g():\n  y",
    "type X = ",
    "type X[] = int",
    "def f[]() : x",
    "match x:\n case a b: y",
    "match x:\n case f(): y\n case 1 + 2 + 3: y",
    "match x:\n case A(b=1, c): y",
    "match x:\n case a.b as c.d: y",
    "match x:\n case: y",
    "if x:\n  y\nelse:\nz",
    "if x: \n  # only a comment\ny",
    "return x y",
    "yield x = 1",
    "x = yield = y",
    "nonlocal",
    "import a, b,",
    "x = [1, 2",
    "raise x from",
    "raise from x",
];

#[test]
fn what_python_takes_is_taken() {
    let refused: Vec<_> =
        TAKEN.iter().chain(UNFINISHED).filter(|text| dead(text).is_some()).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn a_line_that_nothing_mends_is_dead_and_no_line_before_it() {
    let last = |text: &str| text.trim_end_matches('\n').lines().count();
    let wrong =
        |text: &&&str| !OPEN.contains(*text) && dead(&format!("{text}\n")) != Some(last(text));
    let wrong: Vec<_> = DEAD.iter().filter(wrong).map(|text| (text, dead(text))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Of [`DEAD`]: texts that end in an open bracket or behind a backslash, where no line has ended.
const OPEN: &[&str] =
    &["from a import (b", "x = [1, 2", "class A(: pass", "x = 1 + \\\n\n", "f'{'"];

#[test]
fn a_line_says_where_it_is_and_why() {
    let mut prefix = PythonPrefix::default();
    assert_eq!(prefix.push_line("def f():"), Ok(true));
    let error = prefix.push_line("pass").unwrap_err();
    assert_eq!(error, DeadLine { line: 2, reason: "the line before it needs an indented block" });
}

#[test]
fn a_function_is_left_by_a_statement_and_by_nothing_else() {
    let mut prefix = PythonPrefix::default();
    assert_eq!(prefix.open_function(), None);
    prefix.push_line("class A:\n").unwrap();
    prefix.push_line("  def f(self):\n").unwrap();
    assert_eq!(prefix.open_function(), Some(2));
    assert!(!prefix.leaves(2, "x"), "it has no body yet");
    prefix.push_line("    x = (1,\n").unwrap();
    assert!(!prefix.leaves(2, "  y"), "a bracket is open");
    prefix.push_line("  2)\n").unwrap();
    for (beginning, leaves) in [
        ("  y", true),
        ("y", true),
        ("```", true),
        ("   y", false),
        ("", false),
        ("#", false),
        ("  ", false),
    ] {
        assert_eq!(prefix.leaves(2, beginning), leaves, "{beginning:?}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "[a(:'\"\\\\#\n é\\[\\){}f=\t0.,*@!]{0,80}") {
        let _ = dead(&text);
    }
}
