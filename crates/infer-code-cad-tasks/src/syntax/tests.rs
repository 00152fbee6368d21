use super::*;

fn statement(code: &str) -> Option<Statement<'_>> {
    let lines = logical_lines(code);
    assert_eq!(lines.len(), 1, "{code}");
    Syntax::new().statement(&lines[0])
}

fn read(code: &str) -> Statement<'_> {
    statement(code).unwrap_or_else(|| panic!("{code}"))
}

/// Python, and not just by chance.
fn is_python(code: &str) -> bool {
    statement(code).is_some_and(|statement| statement.kind != Kind::Inert)
}

#[test]
fn python_is_python() {
    for code in [
        "return x",
        "total = 0  # The running total.",
        "import math  # For fsum.",
        "def helper(a, b):  # Adds.",
        "return sum(xs)  # done.",
        "case = len(xs)",
        "*rest, last = xs",
        "a, b = b, a",
        "x[i] += 1",
        "for i in range(n): s += i",
        "if not x or (y is None and z):",
        "import os, sys",
        "from a.b import c as d",
        "pass",
        "print('a' 'b', f\"{d['k']}\")",
        "\"\"\"doc string here\"\"\"",
        "yield from g(x)",
        "async def f(x):",
        "with open(p) as f:",
        "@lru_cache(maxsize=None)",
        "match point:",
        "x = y if a else b",
        "return 1.",
        "return lambda a: a",
        "assert x != 1",
        "x: int = 3",
        "return [x for x in xs if x > 0]",
        "(a, b) = f()",
        "else:",
        "s = 'it''s' # fine really",
        "return (a and\n  b)",
        "global count",
        "except ValueError:",
        "[table.append(x) for x in xs]",
    ] {
        assert!(is_python(code), "{code}");
    }
}

#[test]
fn rare_python_is_python() {
    for code in [
        "try: x = 1",
        "try:",
        "finally: x = 1",
        "elif (n := len(a)) > 10:",
        "except* (TypeError, OSError) as group:",
        "case {'a': [1, *rest], **more} | Point(x=0) as p if rest:",
        "case _: return 0",
        "match = case + 1",
        "with (open(a) as f, open(b) as g):",
        "async with lock, other as o:",
        "async for x in y:",
        "def f(a, /, b: int = 1, *c: int, d, e=2, **f) -> 'A':",
        "def f[T: (int, str), *Ts, **P](x: T) -> T:",
        "type Vector[T] = list[T]",
        "class A[T](B, metaclass=M): x = 1",
        "@(lambda f: f)",
        "x = f'{a!r:>{width}}' rb'\\n'",
        "x = f\"{d[\"k\"]}\"",
        "x = [await y async for y in z]",
        "return *a, b",
        "x = a[*b, ..., 1:2:3] @ c",
        "x = 0x_ff + 1_000j + 0o7 + 1e-3 + .5",
        "del x[0], y.z",
        "raise A from None",
        "x = yield",
        "print(*a, **b, sep='')",
        "ñ = 'é'",
        "x = a if b else \\\n    c",
        "from . import a",
        "from ..a import (b, c as d,)",
        "lambda x, *y, z=1, **k: (yield)",
    ] {
        assert!(statement(code).is_some(), "{code}");
    }
}

#[test]
fn prose_is_prose() {
    for text in [
        "Here is the code:",
        "Here's the solution",
        "Explanation:",
        "1. Sort the list",
        "Done.",
        "Note: x",
        "- use f(x)",
        "* loop",
        "if the list is empty, return 0",
        "it is so",
        "This function returns x.",
        "for each element in the list:",
        "while true",
        "Sure!",
        "What now?",
        "import the module (math)",
        "f(x) returns y = 2",
        "**Approach**",
        "```",
        "Solution (Python):",
        "from the list",
        "Time: O(1)",
        "Space: O(n) = O(1)",
        "Solution (direct)",
        "\u{201c}quoted\u{201d}",
        "class of functions",
        "pass the value",
        "return the list",
        "w, h",
        "[x] done",
    ] {
        assert!(!is_python(text), "{text}");
    }
}

#[test]
fn what_was_cut_off_and_python_2_are_no_python() {
    for code in [
        "x = a +",
        "x = [1,",
        "if x",
        "def f(",
        "def f(x)",
        "from a import b,",
        "from a import",
        "import",
        "case",
        "x = 'a",
        "x =",
        "return not",
        "@",
        "print 'x'",
        "print >> f, x",
        "exec 'x'",
        "x = `y`",
        "if a <> b:",
    ] {
        assert!(statement(code).is_none(), "{code}");
    }
}

#[test]
fn kinds() {
    use Kind::{Assignment, Class, Clause, Decorator, Effect, Function, Import, Inert, Jump, Text};
    for (code, kind) in [
        ("import a", Import),
        ("from __future__ import annotations", Import),
        ("async def f(): pass", Function),
        ("class A:", Class),
        ("@a.b", Decorator),
        ("x: int = 1", Assignment),
        ("x.y += 1", Assignment),
        ("(x := 1)", Inert),
        ("f(x)", Effect),
        ("await f(x)", Effect),
        ("[f(x) for x in y]", Effect),
        ("[x for x in y]", Inert),
        ("while x:", Effect),
        ("except A:", Clause),
        ("case 1:", Clause),
        ("return f(x)", Jump),
        ("assert f(x)", Jump),
        ("yield x", Jump),
        ("'a' 'b'", Text),
        ("...", Text),
        ("x", Inert),
        ("x, f(y)", Inert),
        ("Solution (direct)", Inert),
        ("solution (direct)", Effect),
        ("x: int", Inert),
    ] {
        assert_eq!(read(code).kind, kind, "{code}");
    }
}

#[test]
fn targets_are_plain_names() {
    for (code, expected) in [
        ("a, (b, *c) = 1", vec!["a", "b", "c"]),
        ("a = b = 1", vec!["a", "b"]),
        ("x: Dict[a, b] = {}", vec!["x"]),
        ("x[i] = y.z = 1", vec![]),
        ("x == 1", vec![]),
        ("f(x <= 1)", vec![]),
        ("f(a=1)", vec![]),
        ("if (n := f(x)):", vec!["n"]),
        ("with f(x) as g, h() as (i, j):", vec!["g", "i", "j"]),
        ("for k, (v, w) in x:", vec!["k", "v", "w"]),
        ("except E as e:", vec!["e"]),
        ("from a import b as c", vec!["c"]),
        ("import a.b, c.d as e", vec!["a", "e"]),
        ("def f(a=1):", vec!["f"]),
        ("class A(B):", vec!["A"]),
        ("x = [y for y in z]", vec!["x"]),
        ("type V[T] = list[T]", vec!["V"]),
    ] {
        assert_eq!(read(code).binds, expected, "{code}");
    }
    let augmented = read("x += 1");
    assert_eq!((augmented.binds, augmented.changes), (vec![], vec!["x"]));
}

#[test]
fn names_are_neither_attributes_nor_words_of_strings() {
    let uses = |code| -> Vec<(&str, bool, bool)> {
        let uses = read(code).uses.into_iter();
        uses.map(|used| (used.name, used.called, used.deferred)).collect()
    };
    let code = "x.y(z (1), 'a', rb\"b\", f'{c}d', k=v) # e";
    let plain = [("x", false, false), ("z", true, false), ("c", false, false), ("v", false, false)];
    assert_eq!(uses(code), plain);
    assert_eq!(
        uses("h = lambda a=b: c(a)"),
        [("b", false, false), ("c", true, true), ("a", false, true)]
    );
    assert_eq!(
        uses("def f(x: A = B) -> C: return d"),
        [("A", false, false), ("B", false, false), ("C", false, false), ("d", false, true)]
    );
}

#[test]
fn what_a_statement_may_change() {
    for (code, expected) in [
        ("x.append(y)", vec!["x", "y"]),
        ("x[0].y = z", vec!["x"]),
        ("fill(t, 1)", vec!["fill", "t"]),
        ("print(t)", vec![]),
        ("[t.append(x) for x in y]", vec!["t", "x"]),
        ("x = f(y)", vec![]),
        ("def f(): t.append(1)", vec![]),
    ] {
        assert_eq!(read(code).changes, expected, "{code}");
    }
}

#[test]
fn arguments_are_counted() {
    for (parameters, least, most) in [
        ("", 0, Some(0)),
        ("a, b: int", 2, Some(2)),
        ("a, /, b=1, c: int = 2", 1, Some(3)),
        ("a, *b", 1, None),
        ("a, *b: int, c=1, **d: int", 1, None),
        ("a, *, b=1, **c", 1, Some(1)),
        ("*a", 0, None),
    ] {
        let code = format!("def f({parameters}):");
        assert_eq!(read(&code).arity, Some(Arity { least, most }), "{code}");
    }
    assert_eq!(read("def f(a, *, b):").arity, None);
    assert_eq!(read("def f(a, *b, c: int):").arity, None);
}

#[test]
fn lines_of_a_text_that_is_python_are_read_as_alone() {
    let text = "@a\nclass A(B):\n    x: int = 1\n\n    async def f(self, *a):\n        try:\n            x = (\n1)\n        except (C, D) as e:\n            raise\n        else:\n            return [i for i in a]\nif x:\n    y, z = A, 1\nelif y: z = 1\nfor i in y: print(i)\n";
    let lines = logical_lines(text);
    let mut syntax = Syntax::new();
    assert!(syntax.accepts(text));
    let whole = syntax.statements(text, &lines);
    for (line, whole) in lines.iter().zip(whole) {
        let (Some(whole), Some(alone)) = (whole, syntax.statement(line)) else {
            panic!("{}", line.text);
        };
        assert_eq!((whole.kind, whole.arity), (alone.kind, alone.arity), "{}", line.text);
        let names = |statement: &Statement<'_>| {
            let uses = statement.uses.iter().map(|used| used.name.to_owned());
            let bound = statement.binds.iter().chain(&statement.locals).map(|name| (*name).into());
            (uses.collect::<Vec<_>>(), bound.collect::<Vec<String>>())
        };
        assert_eq!(names(&whole), names(&alone), "{}", line.text);
    }
}

#[test]
fn a_text_is_python_as_a_whole_or_not_at_all() {
    let mut syntax = Syntax::new();
    assert!(syntax.accepts(""));
    assert!(syntax.accepts("# only\n\nx = 1 # this\n"));
    for text in ["def f():\n", "def f():\n# x\n", "x = 1\nelse:\n  y = 1\n", "print 'x'\n"] {
        assert!(!syntax.accepts(text), "{text}");
    }
}
