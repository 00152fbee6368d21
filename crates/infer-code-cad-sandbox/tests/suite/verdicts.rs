//! Every verdict, and programs that try to get a better one.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use infer_code_cad_sandbox::{
    Limits, Sandbox, SandboxConfig, SandboxError, Submission, Tests, Verdict,
};

use crate::common::{judge, sandbox_or_say};

/// Program, tests, verdict, a part of the reason.
type Case = (&'static str, &'static str, Verdict, &'static str);

#[test]
fn ordinary_programs() {
    let cases: [Case; 10] = [
        ("def f(x):\n    return x + 1", "assert f(1) == 2", Verdict::Passed, ""),
        ("x = 1\r\ny = 'a\\r\\n'\r\n", "assert (x, y) == (1, 'a\\r\\n')", Verdict::Passed, ""),
        (
            "é = '\u{10ffff}🐍'\nlone = '\\ud800'\nprint(lone)",
            "assert len(é) == 2",
            Verdict::Passed,
            "",
        ),
        (
            "def f(x):\n    return x",
            "ok = 1\nassert f(1) == 2, 'no'",
            Verdict::Failed,
            "assert f(1) == 2, 'no': AssertionError: no",
        ),
        (
            "def f(x):\n    return x + ''",
            "assert (\n  f(1)\n  == 2)",
            Verdict::Failed,
            "== 2): TypeError: ",
        ),
        (
            "def f():\n    raise ValueError(f)",
            "f()",
            Verdict::Failed,
            "f(): ValueError: <function f at 0x...>",
        ),
        ("import nothing_of_this_name", "", Verdict::Failed, "program line 1: ModuleNotFoundError"),
        ("def f(n):\n    return f(n + 1)", "f(0)", Verdict::Failed, "f(0): RecursionError"),
        ("x = 1\ndef f(:", "", Verdict::SyntaxError, "line 2"),
        ("x = '\0'", "", Verdict::SyntaxError, "null"),
    ];
    run("ordinary_programs", &cases, &Limits::default());
}

/// What goes wrong while a failure is described is the candidate's doing as well.
#[test]
fn a_hostile_failure_is_a_verdict() {
    let cases: [Case; 4] = [
        (
            "class M(type):\n    __name__ = property(lambda c: 1 / 0)\nclass E(Exception, metaclass=M):\n    pass\nraise E('x')",
            "",
            Verdict::Failed,
            "E: x",
        ),
        (
            "class E(Exception):\n    __traceback__ = property(lambda e: 1 / 0)\ndef f():\n    raise E('x')",
            "f()",
            Verdict::Failed,
            "f(): E: x",
        ),
        (
            "exec(compile('\\n' * 5000 + 'boom', '<tests>', 'exec'))",
            "",
            Verdict::Failed,
            "NameError",
        ),
        (
            "kept = []\nsize = 1 << 24\nwhile size:\n    try:\n        kept.append(bytearray(size))\n    except MemoryError:\n        size //= 2",
            "assert not kept",
            Verdict::Memory,
            "MemoryError",
        ),
    ];
    run("a_hostile_failure_is_a_verdict", &cases, &Limits::default());
}

#[test]
fn an_early_end_never_passes() {
    let cases: [Case; 7] = [
        ("import os\nos._exit(0)", "", Verdict::Crashed, "status 0"),
        ("import sys\nsys.exit(0)", "", Verdict::Failed, "SystemExit: 0"),
        ("def f():\n    raise SystemExit", "f()", Verdict::Failed, "f(): SystemExit"),
        (
            "def f():\n    import os\n    os._exit(0)",
            "f()\nassert False",
            Verdict::Crashed,
            "status 0",
        ),
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
            "",
            Verdict::Failed,
            "PermissionError",
        ),
        ("import ctypes\nctypes.string_at(0)", "", Verdict::Crashed, "SIGSEGV"),
        ("import os\nif os.fork(): os._exit(0)", "assert True", Verdict::Failed, "PermissionError"),
    ];
    run("an_early_end_never_passes", &cases, &Limits::default());
}

#[test]
fn meddling_with_the_harness_does_not_pass() {
    let flood = "import os\nfor fd in range(64):\n    try: os.write(fd, b'passed\\n')\n    except OSError: pass";
    let cases: [Case; 8] = [
        ("print('passed')", "assert False", Verdict::Failed, "assert False"),
        (flood, "assert True", Verdict::Crashed, "broke the judge's protocol"),
        ("import os\nos.closerange(0, 64)", "assert True", Verdict::Crashed, "status"),
        (
            "import os, time\nos.closerange(0, 64)\ntime.sleep(60)",
            "assert True",
            Verdict::Crashed,
            "closed the judge's channel",
        ),
        (
            "import builtins\nbuiltins.AssertionError = KeyError\nbuiltins.all = lambda _: True",
            "assert all([False])",
            Verdict::Failed,
            "AssertionError",
        ),
        (
            "import os, json\nos.write = os._exit = json.dumps = lambda *_: None",
            "assert False",
            Verdict::Failed,
            "assert False",
        ),
        (
            "import os, signal\ntry: os.kill(os.getppid(), 9)\nexcept OSError as e: raise ValueError('refused')",
            "",
            Verdict::Failed,
            "refused",
        ),
        (
            "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E",
            "",
            Verdict::Failed,
            "program line 3: E",
        ),
    ];
    run("meddling_with_the_harness_does_not_pass", &cases, &Limits::default());
}

#[test]
fn limits_hold() {
    let limits = Limits {
        cpu_time: Duration::from_secs(1),
        wall_time: Duration::from_secs(30),
        memory_bytes: 64 << 20,
        output_bytes: 10_000,
        file_bytes: 1 << 20,
        ..Limits::default()
    };
    let cases: [Case; 8] = [
        ("while True: pass", "", Verdict::Timeout, "cpu time limit of 1 s"),
        (
            "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
            "",
            Verdict::Timeout,
            "",
        ),
        ("x = bytearray(1 << 30)", "", Verdict::Memory, "MemoryError"),
        ("x = []\nwhile True: x.append(bytes(1000))", "", Verdict::Memory, "MemoryError"),
        ("x = len(bytearray(32 << 20))", "assert x", Verdict::Passed, ""),
        ("print('x' * 9000)", "assert True", Verdict::Passed, ""),
        ("while True: print('passed' * 100)", "", Verdict::OutputLimit, "10000 bytes"),
        (
            "with open('f', 'wb') as f:\n    f.write(bytes(2 << 20))",
            "",
            Verdict::Failed,
            "File too large",
        ),
    ];
    run("limits_hold", &cases, &limits);
    let limits = Limits { wall_time: Duration::from_millis(1500), ..limits };
    let sleep = "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass";
    run("limits_hold", &[(sleep, "", Verdict::Timeout, "wall time limit of 1.5 s")], &limits);
}

#[test]
fn a_huge_program_is_judged() {
    let Some(sandbox) = sandbox_or_say("a_huge_program_is_judged", 1) else { return };
    let lines = format!("# {}\n{}", "x".repeat(2 << 20), "y = 1\n".repeat(20_000));
    let report = judge(&sandbox, &lines, "assert y == 1", &Limits::default());
    assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
    // However this one ends, it is the candidate's end and not the sandbox's.
    let report = judge(&sandbox, &"(".repeat(100_000), "", &Limits::default());
    assert_ne!(report.verdict, Verdict::Passed, "{report:?}");
}

#[test]
fn setup_runs_between_program_and_tests() {
    let Some(sandbox) = sandbox_or_say("setup_runs_between_program_and_tests", 1) else { return };
    let tests = Tests::new("assert root.data == 1").with_setup("root = Node(1)");
    let program = "class Node:\n    def __init__(self, data): self.data = data";
    let submission = Submission::new(program, &tests);
    let report = sandbox.execute(&submission, &Limits::default()).unwrap();
    assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
    assert!(report.max_rss_bytes > 1 << 20 && report.wall_time > Duration::ZERO, "{report:?}");
}

#[test]
fn tests_that_do_not_compile_are_an_error() {
    let Some(sandbox) = sandbox_or_say("tests_that_do_not_compile_are_an_error", 1) else { return };
    let tests = Tests::new("assert (");
    let submission = Submission::new("", &tests);
    match sandbox.execute(&submission, &Limits::default()) {
        Err(SandboxError::InvalidSubmission { part, .. }) => assert_eq!(part, "tests"),
        other => panic!("{other:?}"),
    }
}

/// What a program cannot be the cause of is not held against it.
#[test]
fn a_fault_of_the_trusted_part_is_an_error() {
    let Some(sandbox) = sandbox_or_say("a_fault_of_the_trusted_part_is_an_error", 1) else {
        return;
    };
    let missing = "import not_installed";
    let cases = [
        (Tests::new(missing), "tests"),
        (Tests::new(format!("f(1)\n{missing}")), "tests"),
        (Tests::new("expected = 1 / 0\nassert f(1)"), "tests"),
        (Tests::new("").with_helpers(missing), "helpers"),
        (Tests::new("").with_helpers("1 / 0"), "helpers"),
        (Tests::new("").with_setup(missing), "setup"),
        (Tests::new("").with_setup("x ="), "setup"),
    ];
    for (tests, expected) in cases {
        let submission = Submission::new("def f(x): return x", &tests);
        match sandbox.execute(&submission, &Limits::default()) {
            Err(SandboxError::InvalidSubmission { part, .. }) => assert_eq!(part, expected),
            other => panic!("{tests:?}: {other:?}"),
        }
    }
    // What the tests hand over in vain is theirs, unless it came from the program.
    let deep = "for _ in range(150): x = [x]\nassert f(x)";
    let program = "def f(x): return x\ndef g(x):\n    for _ in range(150): x = [x]\n    return x";
    for (start, own) in [("x = []\nfor _ in range(150): x = [x]\n", true), ("x = g([])\n", false)] {
        let tests = Tests::new(format!("{start}{deep}"));
        match sandbox.execute(&Submission::new(program, &tests), &Limits::default()) {
            Err(SandboxError::InvalidSubmission { .. }) if own => {}
            Ok(report) if !own => assert_eq!(report.verdict, Verdict::Failed, "{report:?}"),
            other => panic!("{tests:?}: {other:?}"),
        }
    }
    let feigned = "def f(x): raise ModuleNotFoundError('numpy')\nclass Node:\n    def __init__(self): import not_there";
    let tests = Tests::new("f(1)").with_setup("root = Node()");
    let report = sandbox.execute(&Submission::new(feigned, &tests), &Limits::default()).unwrap();
    assert_eq!(report.verdict, Verdict::Failed, "{report:?}");
}

#[test]
fn values_are_copied_and_the_rest_is_a_handle() {
    let program = "import collections, decimal, fractions, datetime\n\
        from functools import partial\n\
        Pair = collections.namedtuple('Pair', 'a b')\n\
        class Stack:\n    \
            def __init__(self): self.items = []\n    \
            def push(self, x): self.items.append(x); return self\n    \
            def __len__(self): return len(self.items)\n    \
            def __getitem__(self, i): return self.items[i]\n\
        class Odd(ValueError): pass\n\
        def same(x): return x\n\
        def sort(x): x.sort()\n\
        def odd(): raise Odd('no')\n\
        def count(n):\n    \
            yield from range(n)\n\
        add = partial(lambda a, b: a + b, 1)\n\
        def apply(f, x): return f(x)\n\
        class Same:\n    \
            def __eq__(self, other): return True\n    \
            def __sub__(self, other): return 0";
    let passing = [
        "for x in [1, -1.5, float('inf'), 10**4000, 'a\\ud83d\\ude00', b'\\0', None, True, (1, [2, {3}]), {1: (2,)}, \
         {(1, 2)}, frozenset([1]), range(3), 1j, ..., bytearray(b'x'), slice(1, None, 2)]:\n    \
         y = same(x)\n    assert type(y) is type(x) and y == x and repr(y) == repr(x), x",
        "import math\nassert math.isnan(same(math.nan)) and str(same(-0.0)) == '-0.0'",
        "from decimal import Decimal as D\nfrom fractions import Fraction as F\nimport datetime as d\n\
         for x in [D('1.10'), F(1, 3), d.date(2020, 1, 2), d.datetime(2020, 1, 2, 3, tzinfo=d.timezone.utc), d.timedelta(1)]:\n    \
         assert same(x) == x and type(same(x)) is type(x)",
        "from collections import Counter, deque, defaultdict\nassert same(Counter('aab')).most_common(1) == [('a', 2)]\n\
         assert same(deque([1, 2], 2)).maxlen == 2 and same(defaultdict(int))[3] == 0",
        "assert Pair(1, 2) == (1, 2)",
        "s = Stack().push(3).push(4)\nassert len(s) == 2 and s[0] == 3 and list(s) == [3, 4] and s.items == [3, 4]\n\
         assert s is s.push(5) and s == s and s != Stack()",
        "x = [3, 1]\nsort(x)\nassert x == [1, 3]\nsort(x=x)",
        "try: odd()\nexcept Odd as e: assert str(e) == 'no'\ntry: odd()\nexcept ValueError: pass\nelse: assert False",
        "assert list(count(3)) == [0, 1, 2] and sum(count(4)) == 6 and next(count(1)) == 0",
        "assert add(2) == 3 and apply(lambda x: x * 2, 4) == 8 and apply(len, 'abc') == 3",
        "assert sorted({'b': 1, 'a': 2}.keys()) == sorted(same({'b': 1, 'a': 2}.keys()))",
    ];
    let failing = [
        "assert same(Same()) == 1",
        "x = Same()\nassert x == 1",
        "assert abs(Same() - 1.5) < 1e-6",
        "assert 1 in [Same()]",
        "assert Same() in [1]",
        "assert Same() in {1: 2}",
        "x = [2, 1]\nassert same(x) is x",
    ];
    let cases: Vec<Case> = passing
        .iter()
        .map(|&tests| (program, tests, Verdict::Passed, ""))
        .chain(failing.iter().map(|&tests| (program, tests, Verdict::Failed, "")))
        .collect();
    run("values_are_copied_and_the_rest_is_a_handle", &cases, &Limits::default());
}

#[test]
fn builtins_are_the_tests_own_but_for_the_entry_point() {
    let name = "builtins_are_the_tests_own_but_for_the_entry_point";
    let Some(sandbox) = sandbox_or_say(name, 1) else { return };
    let program = "def sum(a, b): return 0";
    for (tests, verdict) in [
        (Tests::new("assert sum([1, 2]) == 3"), Verdict::Passed),
        (Tests::new("assert sum(1, 2) == 0").with_entry_point("sum"), Verdict::Passed),
        (
            Tests::new("assert poly(1) == 2").with_helpers("def poly(x): return 2 * x"),
            Verdict::Passed,
        ),
        (Tests::new("assert poly(1) == 2"), Verdict::Failed),
    ] {
        let report =
            sandbox.execute(&Submission::new(program, &tests), &Limits::default()).unwrap();
        assert_eq!(report.verdict, verdict, "{tests:?}: {report:?}");
    }
}

#[test]
fn eight_threads_share_two_workers() {
    let Some(sandbox) = sandbox_or_say("eight_threads_share_two_workers", 2) else { return };
    thread::scope(|scope| {
        for thread in 0..8 {
            let sandbox = &sandbox;
            scope.spawn(move || {
                for run in 0..4 {
                    let wanted = [Verdict::Passed, Verdict::Failed][(thread + run) % 2];
                    let tests = format!("assert x == {run} + {}", (thread + run) % 2);
                    let report = judge(sandbox, &format!("x = {run}"), &tests, &Limits::default());
                    assert_eq!(report.verdict, wanted, "{report:?}");
                }
            });
        }
    });
}

#[test]
fn a_missing_or_unfit_interpreter_is_named() {
    let start = |python: &str| {
        let python = PathBuf::from(python);
        Sandbox::start(&SandboxConfig { python, workers: 1, ..SandboxConfig::default() })
    };
    let error = start("/nowhere/python3").unwrap_err();
    assert!(matches!(error, SandboxError::PythonMissing { .. }), "{error}");
    assert!(error.to_string().contains("/nowhere/python3"), "{error}");
    let error = start(env!("CARGO_MANIFEST_PATH")).unwrap_err();
    assert!(matches!(error, SandboxError::PythonStart { .. }), "{error}");
    let error = start("/bin/false").unwrap_err();
    assert!(matches!(error, SandboxError::PythonUnfit { .. } | SandboxError::PythonMissing { .. }));
}

fn run(name: &str, cases: &[Case], limits: &Limits) {
    let Some(sandbox) = sandbox_or_say(name, 2) else { return };
    for (program, tests, verdict, reason) in cases {
        let report = judge(&sandbox, program, tests, limits);
        assert_eq!(report.verdict, *verdict, "{program}: {report:?}");
        assert!(report.reason.contains(reason), "{program}: {report:?}");
    }
}
