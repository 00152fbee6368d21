use super::*;
use proptest::prelude::*;

/// The number of the first dead line.
fn dead(text: &str) -> Option<usize> {
    let mut prefix = PythonPrefix::default();
    text.split_inclusive('\n').find_map(|line| prefix.push_line(line).err()).map(|dead| dead.line)
}

/// Whole statements, each of which CPython takes.
const TAKEN: &[&str] = &[
    "", "\n\n", "# only a comment", "pass", "x = 1", "x", "x;", "x; y = 2;", "...", "()", "[]", "{}",
    "x = y = *a, b", "*a, b = c", "a, *b = c", "(a, b), [c, *d] = e", "[] = ()", "x, = y", "*a", "*a, b",
    "x: int", "x.y: int = 3", "x[0]: int", "(x): int = 1", "x: tuple = 1, 2", "x += yield", "x = yield",
    "x = y = yield z", "x: int = yield", "a.b[0] += 1", "(a) += 1", "x @= y", "x **= 2", "x //= 2",
    "del a, b[0], c.d", "del (a, b), [c]", "del a,", "assert x, 'y'", "assert x", "global a, b",
    "nonlocal a", "return", "return 1, 2", "return *a, b", "raise", "raise x", "raise x from y", "break",
    "import a", "import a.b as c, d", "from . import a", "from ... import a", "from .a.b import (c, d as e,)",
    "from a import *", "from .... import b", "print('x')", "print >>f, x", "match = 1", "match(x)",
    "match[x]: int = 3", "match.x", "case = match", "case(x)", "type = 1", "type(x)", "type X = int",
    "type X[T: int = str, *Ts, **P] = list[T]", "_ = 1", "print", "exec(x)", "async_ = 1",
    "a if b else c", "lambda: 0", "lambda x, *y, z=1, **k: (yield)", "lambda *, a: a", "lambda a, /, b: a",
    "lambda: lambda: 1 if x else 2", "not not a", "a and not b or c", "a not in b is not c < d", "- + ~x ** -y",
    "await x ** 2", "a < b == c >= d != e", "x if a else y if b else z", "a @ b % c // d << e | f ^ g & h",
    "f(x)(y)[z].w", "f(x for x in y)", "f(a, *b, c, d=1, *e, f=2, **g, h=3)", "f(**a, **b)", "f(a := 1)",
    "f(a,)", "f((x for x in y), 1)", "a[1]", "a[:]", "a[::]", "a[1:2, ::3, ...]", "a[*b]", "a[b := 1]", "a[x,]",
    "(yield)", "(yield from x)", "x = (yield)", "(x := 1)", "(x := 1, 2)", "[x := 1, 2]", "{x := 1}",
    "[x for x in y if a if b for z in w]", "[x async for x in y]", "{x: y for x, y in z}", "{x for x in y}",
    "{**a, 'b': 1, **c,}", "{*a, b}", "[*a, *b]", "(*a,)", "(x for x in y)", "[(x, y) for x, y, in z]",
    "[x for (x, *y), z.w, v[0] in u]", "[lambda: x for x in y]", "[x if a else b for x in y]",
    "1_000 + 0xFf + 0o17 + 0b11 + 1e5 + 1.5j + .5 + 5. + 00 + 0_0 + 01.5 + 1if x else y", "1 .real", "1..real",
    "0xfor x", "'a' \"b\" '''c''' r'd' u'e' f'f' Rf'g'", "b'a' rb'b' BR'c'", "'\\x41\\u1234\\U0010ffff\\N{DASH}'",
    "r'\\x'", "b'\\u1'", "'\\\\' '\\''", "'a\\\nb'", "\"'\" '\"'", "''", "''''''", "'''a'b''c'''",
    "f''", "f'{x}'", "f'{{}} {{x}}'", "f'{x!r:>{w}.{p}}'", "f'{x=}'", "f'{x = !s}'", "f'{a != b}'", "f'{a == b}'",
    "f'{x:%H:%M}'", "f'{(lambda x: 1)}'", "f'{x[\"a\"]:{y}}'", "f'{a['b']}'", "f'{f'{f'{1}'}'}'", "f'{\"\\n\".join(x)}'",
    "f'''{\nx\n}'''", "f'{x,}' f'{*a, b}' 'c'", "f'{yield x}'", "rf'\\{x}'", "f'\\{x}'", "f'\\N{DASH}{x}'", "f'{ {1: 2}[1] }'",
    "f'{x:=5}'", "f'{(x:=5)}'", "f\"{'a' if x else 'b'}\"", "f'{x:{{1: 2}[1]}}'",
    "x = (1,\n# comment\n\n  2)", "x = 1 + \\\n  2", "x = [\n'a',\n]", "'''\nfree text ' \" (\n'''",
    "if x: pass", "if x:\n pass", "if x: a; b\nelse: c", "if x:\n a\nelif y:\n b\nelif z: c\nelse:\n d",
    "while x:\n break\nelse:\n pass", "for x in y: pass\nelse: pass", "for x, in y, z:\n pass", "for x in *a, b: pass",
    "for x.y, z[0] in w: pass", "try:\n a\nexcept:\n b", "try: a\nexcept A: b\nexcept (B, C) as d: e\nelse: f\nfinally: g",
    "try: a\nfinally: b", "try: a\nexcept* A: b\nexcept *B as c: d\nelse: e", "with a: pass", "with a, b as c, d as (e, f): pass",
    "with (a as b, c as d,): pass", "with (a, b): pass", "with (a): pass", "with (a) as b: pass", "with (a, b) as c: pass",
    "with (yield): pass", "with open(x) as f, (b): pass", "with (a).b as c: pass", "class A: pass", "class A(): x = 1", "class A(B, metaclass=C): pass",
    "class A[T](B): pass", "def f(): pass", "def f(a, b=1, /, c=2, *d, e, f=3, **g) -> x: pass", "def f(*, a): pass",
    "def f(a,): pass", "def f(a, /): pass", "def f(*a: *b, **k: c): pass", "def f[T: (int, str)](a: T) -> T: ...",
    "def f(a: int = 1, *, b: str): return a", "async def f():\n async for x in y: pass\n async with a as b: await c",
    "@a\ndef f(): pass", "@a.b(c)\n@d[0]\n\n# comment\nclass A: pass", "@x\nasync def f(): pass",
    "match x:\n case 1: pass", "match x, y:\n case 1, 2:\n  a\n case _: b", "match (x):\n case (a, b) | [c, *_]: d",
    "match *a, b:\n case -1 | 1+2j | 'a' 'b' | None: pass", "match x:\n case {'a': 1, **r} if r: pass\n case {}: pass",
    "match x:\n case A.B(1, c=D()) as e: pass", "match -x:\n case _: pass", "match w := x,:\n case y as v,: pass", "match x := 1:\n case _ if y := 2: pass",
    "match [x]:\n case []: pass", "match match:\n case case: pass", "match x:\n case *a, b: pass\n case 1,: pass",
    "if x:\n\tif y:\n\t\tpass\n\tz", "if x:\n  a\n# comment\n\n      # comment\n  b",
    "def f():\n  'doc'\n\n  return 1\n\nx = f()", "é = ñ + 变量", "x\x0c = 1", "if a:\n  b\nelse:\n      c\nd", "x = 1\r\ny = 2\r\n",
    "def f(x):\n    if x:\n        return 1\n    else:\n        return 2\n", "\\\nx = 1", "x = 5 if y else(6)", "return(x)", "x = not(y)",
    "print(f\"{x:.2f}\", end='')", "a = b if c else lambda: d", "a = b, = c", "assert(x), y", "f(*a or b)", "f(**a or b)", "@x if y else z\ndef f(): pass",
    "f(a)(b for b in c)", "x = yield a, b", "x[a, b:c, *d] = 1", "for (x) in y: pass", "for [a, b] in c: pass", "lambda x=lambda: 1: x", "async def f(): return [await x for x in y]",
];

/// Texts that end in the middle of something: each can go on, so no line of them is dead.
const UNFINISHED: &[&str] = &[
    "def f():\n", "@decorator\n", "if x:\n", "try:\n  x\n", "f(\n", "x = [1,\n2,\n", "'''abc\ndef\n", "x = 1 + \\\n",
    "class A:\n  def f(self):\n", "try: x\nexcept: y\n", "match x:\n", "match x:\n case 1:\n", "if x:\n  # comment\n\n",
    "f'''{x\n", "f'{x\n", "for x in y:\n  if z:\n", "x = {\n 'a': [(\n",
];

/// The last line of each is dead, and none before it.
const DEAD: &[&str] = &[
    "  x", "x = 1\n  y = 2", "if x:\n  y\n z", "if x:\n    y\n  z", "if x:\npass", "def f():\nreturn 1", "if x:\n  y\n\tz",
    "if x:\n        y\n\tz", "if x:\n\ty\n        z", "print 'x'", "print x", "exec 'x'", "raise A, 'b'", "try: x\nexcept A, b: y", "x <> y", "`x`",
    "else: x", "elif x: y", "x\nelse: y", "if x: y\nelse: z\nelse: w", "if x: y\nz\nelse: w", "except: x", "finally: x", "try: x\ny", "try:\n  x\ny",
    "def f():\n  try:\n    x\ny", "try: x\nelse: y", "try: x\nfinally: y\nexcept: z", "try: x\nexcept A: y\nexcept* B: z", "with a: b\nelse: c",
    "@a\nx = 1", "def f():\n  @a\nx", "@a\n@b\nif x: y", "case 1: x", "match x:\n  y = 1", "match x:\n  case 1: y\n  z", "match x: y",
    "x = ", "x = = y", "1 = x", "f() = x", "x + 1 = y", "None = x", "x = 1 = y", "'a' = x", "(x, 1) = y", "[f()] = y", "lambda: x = y", "(x for x in y) = z",
    "x, y: int", "[x]: int", "x, y += 1", "f() += 1", "x = y += 1", "del f()", "del x + y", "del *x", "del", "import", "import a.", "import a as b.c", "from a import", "from import a",
    "from a import (b", "from a import b,", "from a import ()", "from . import *, a", "global", "global a.b", "assert", "assert x, y, z", "return return", "pass x", "break 1",
    "x y", "x = y z", "1 2", "a b c d", "Here is the function:", "This function returns the sum of two numbers.", "The answer is `x`.", "```", "1. First, we", "x?", "$x",
    "f(a b)", "f(a=1, b)", "f(**a, b)", "f(**a, *b)", "f(a.b=1)", "f(x for x in y, 1)", "f(1, x for x in y)", "f(True=1)", "f(,)", "f(a,,b)", "a[]", "a[1:2:3:4]",
    "(*a)", "(a b)", "(,)", "[,]", "[a b]", "{a: b, c}", "{a, b: c}", "{**a for a in b}", "[*a for a in b]", "{a:}", "{:a}", "()()=", "(x := )", "x := 1", "(a.b := 1)", "[x for x y]", "[for x in y]", "[x for in y]", "[x for x in]",
    "not", "a not b", "a is", "a + not b", "a and", "a if b", "a if b else", "lambda", "lambda x", "lambda x y: z", "lambda (a, b): c", "x.", "x.1", "x.if", "await", "*", "**a", "a ** ", "a +* b", "+", "a ! b",
    "def f:", "def (x): y", "def f(x) y", "def f(x): y: z w", "if x:\n        a\n        if b:\n\t\tc", "def f(a, a=1, b): c", "def f(a=1, b): c", "def f(*): a", "def f(*, **k): a", "def f(**k, a): b", "def f(*a, *b): c", "def f(/): a", "def f(a, /, b, /): c", "def f(*a, /): b", "def f((a, b)): c", "def f(1): a", "def f(x) -> : a", "def class(): x",
    "class A(: pass", "class : pass", "class A pass", "if : x", "if x pass", "if x then: y", "if x = 1: y", "while : x", "for x y: z", "for x in : y", "for f() in x: y", "for 1 in x: y", "for x in y", "while x", "if x", "else", "try", "with : x", "with a as 1: x", "with a as f(): x", "async x", "async if x: y", "for x in y: if z: w", "if x: for y in z: w", "else: if x: y",
    ")", "(]", "x)", "f(x))", "[}", "'abc", "\"abc", "'abc\"", "f'{x'", "f'{}'", "f'}'", "f'{x!}'", "f'{a b}'", "f'{x:{}}'", "f'{lambda x: 1}'", "f'{x!r y}'", "f'{'", "f'{x:{y}'", "b'é'", "'a' b'b'", "f'a' b'b'",
    "'\\x1'", "'\\u123'", "'\\N'", "'\\N{x'", "'\\U00110000'", "b'\\x1g'", "012", "1__0", "1_", "0x", "0b2", "0o8", "1abc", "0_7", "1e", "x\\ y", "“x”", "x = ‘a’", "a → b", "x = y…", "a\u{a0}= 1", "x = 1 × 2", "😀", "\0",
    "x = 1 +\n", "x = 1 + \\\n\n", "def f():\n  x\n  def g():\n  y", "type X = ", "type X[] = int", "def f[]() : x", "match x:\n case a b: y", "match x:\n case f(): y\n case 1 + 2 + 3: y", "match x:\n case A(b=1, c): y", "match x:\n case a.b as c.d: y", "match x:\n case: y",
    "if x:\n  y\nelse:\nz", "if x: \n  # only a comment\ny", "return x y", "yield x = 1", "x = yield = y", "nonlocal", "import a, b,", "x = [1, 2", "raise x from", "raise from x",
];

#[test]
fn what_python_takes_is_taken() {
    let refused: Vec<_> = TAKEN.iter().chain(UNFINISHED).filter(|text| dead(text).is_some()).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn a_line_that_nothing_mends_is_dead_and_no_line_before_it() {
    let last = |text: &str| text.trim_end_matches('\n').lines().count();
    let wrong = |text: &&&str| !OPEN.contains(*text) && dead(&format!("{text}\n")) != Some(last(text));
    let wrong: Vec<_> = DEAD.iter().filter(wrong).map(|text| (text, dead(text))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Of [`DEAD`]: texts that end in an open bracket or behind a backslash, where no line has ended.
const OPEN: &[&str] = &["from a import (b", "x = [1, 2", "class A(: pass", "x = 1 + \\\n\n", "f'{'"];

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
    for (beginning, leaves) in
        [("  y", true), ("y", true), ("```", true), ("   y", false), ("", false), ("#", false), ("  ", false)]
    {
        assert_eq!(prefix.leaves(2, beginning), leaves, "{beginning:?}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "[a(:'\"\\\\#\n é\\[\\){}f=\t0.,*@!]{0,80}") {
        let _ = dead(&text);
    }
}
