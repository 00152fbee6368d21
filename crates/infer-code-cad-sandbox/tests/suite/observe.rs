//! Looking at single expressions of a program that is loaded once.

use std::time::{Duration, Instant};

use infer_code_cad_sandbox::{Judge, Limits, Observation, Probe};

use crate::common::sandbox_or_say;

const PROGRAM: &str = "import os, sys\n\
    state = []\n\
    loads = len(os.listdir('.'))\n\
    open('loaded%d' % loads, 'w').close()\n\
    class Point:\n    \
        def __init__(self, x, y): self.x, self.y, self._hidden = x, y, 1\n\
    class Same:\n    \
        def __eq__(self, other): return True\n\
    def same(x): return x\n\
    def note(x): state.append(x); open('note', 'a').write('x'); return len(state), os.path.getsize('note'), sorted(os.listdir('.'))\n\
    def sort(x, *, down=False): x.sort(reverse=down)\n\
    def count(n):\n    \
        yield from range(n)\n\
    def loop():\n    \
        while True: pass\n\
    def hold(): return bytearray(1 << 40)\n\
    def odd(x): raise LookupError('odd %d' % x)";

fn values(text: &[&str]) -> Vec<Observation> {
    text.iter().map(|&text| Observation::Value(text.to_owned())).collect()
}

#[test]
fn values_are_written_canonically() {
    let Some(sandbox) = sandbox_or_say("values_are_written_canonically", 1) else { return };
    let cases = [
        ("same([1, 2.5, 'a\\n', None, True])", "[1, 2.5, 'a\\n', None, True]"),
        ("same({3, 1, 2}), same(set())", "({1, 2, 3}, set({}))"),
        ("same({'b': 1, 'a': {2, 1}})", "{'a': {1, 2}, 'b': 1}"),
        ("same(0.1 + 0.2)", "0.30000000000000004"),
        ("same((1,))", "(1,)"),
        ("count(3)", "generator([0, 1, 2])"),
        ("Point(1, [2])", "<Point x=1, y=[2]>"),
        ("[Point(1, 2)]", "[<Point x=1, y=2>]"),
        ("sort([3, 1, 2])", "None, and its arguments are ([1, 2, 3])"),
        ("sort([3, 1], down=False)", "None, and its arguments are ([1, 3], down=False)"),
        ("same(None)", "None"),
        ("Same() == 1", "False"),
        ("  same(1) + same(2)\n", "3"),
        ("same(range(3))", "range(0, 3)"),
        ("[x for x in map(same, 'ab')]", "['a', 'b']"),
    ];
    let probes: Vec<_> = cases.iter().map(|case| Probe::Value(case.0)).collect();
    let seen = sandbox.observe(PROGRAM, &probes, &Limits::default()).unwrap();
    let expected: Vec<_> = cases.iter().map(|case| case.1).collect();
    assert_eq!(seen, values(&expected));
    let long =
        sandbox.observe(PROGRAM, &[Probe::Value("count(10**9)")], &Limits::default()).unwrap();
    assert!(
        matches!(&long[0], Observation::Value(text) if text.ends_with("998, 999, ...])")),
        "{long:?}"
    );
    let texts = ["same('a' * 10**6)", "same('a' * 10**6 + 'b')"].map(Probe::Value);
    let seen = sandbox.observe(PROGRAM, &texts, &Limits::default()).unwrap();
    assert!(seen[0] != seen[1] && format!("{:?}", seen[0]).len() < 70_000);
}

#[test]
fn each_probe_looks_at_a_fresh_copy_of_one_load() {
    let name = "each_probe_looks_at_a_fresh_copy_of_one_load";
    let Some(sandbox) = sandbox_or_say(name, 1) else { return };
    let probes = [Probe::Value("note(1)"); 3];
    let seen = sandbox.observe(PROGRAM, &probes, &Limits::default()).unwrap();
    assert_eq!(seen, values(&["(1, 1, ['loaded0', 'note'])"; 3]));
}

#[test]
fn ends_and_limits_are_told_apart_and_end_nothing_else() {
    let name = "ends_and_limits_are_told_apart_and_end_nothing_else";
    let Some(sandbox) = sandbox_or_say(name, 1) else { return };
    let limits =
        Limits { cpu_time: Duration::from_secs(1), output_bytes: 10_000, ..Limits::default() };
    let probes = [
        Probe::Check("assert same(1) == 2, 'no'"),
        Probe::Check("assert same(1) == 1"),
        Probe::Value("odd(3)"),
        Probe::Value("missing"),
        Probe::Value("1 +"),
        Probe::Value("loop()"),
        Probe::Value("hold()"),
        Probe::Value("os._exit(3)"),
        Probe::Value("sys.stdout.write('x' * 20000)"),
        Probe::Check("x = 1\nassert same(x) == 1"),
        Probe::Value("same(2)"),
    ];
    let raised = |kind: &str, message: &str| Observation::Raised {
        kind: kind.into(),
        message: message.into(),
    };
    let limit = |text: &str| Observation::Limit(text.into());
    let seen = sandbox.observe(PROGRAM, &probes, &limits).unwrap();
    let expected = [
        raised("AssertionError", "no"),
        Observation::Held,
        raised("LookupError", "odd 3"),
        raised("NameError", "name 'missing' is not defined"),
        raised("SyntaxError", "invalid syntax (<probe>, line 1)"),
        limit("cpu time limit of 1 s"),
        limit("memory: MemoryError"),
        limit("exited with status 3 before the tests ended"),
        limit("printed more than 10000 bytes"),
        Observation::Held,
        Observation::Value("2".into()),
    ];
    assert_eq!(seen, expected);
    let limits = Limits { wall_time: Duration::from_millis(500), ..limits };
    let start = Instant::now();
    let probes = [Probe::Value("__import__('time').sleep(9)"), Probe::Value("same(1)")];
    let program = format!("{PROGRAM}\nimport time\ndef sleep(): time.sleep(9)");
    let seen = sandbox.observe(&program, &[Probe::Value("sleep()"), probes[1]], &limits).unwrap();
    assert_eq!(seen, [limit("wall time limit of 0.5 s"), Observation::Value("1".into())]);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_program_that_does_not_load_shows_the_same_for_each_probe() {
    let name = "a_program_that_does_not_load_shows_the_same_for_each_probe";
    let Some(sandbox) = sandbox_or_say(name, 1) else { return };
    let judge: &dyn Judge = &sandbox;
    let probes = [Probe::Value("f(1)"), Probe::Check("f(1)")];
    for (program, kind) in [("def f(:", "SyntaxError"), ("1 / 0", "ZeroDivisionError")] {
        let seen = judge.observe(program, &probes, &Limits::default()).unwrap();
        assert_eq!(seen[0], seen[1]);
        assert!(matches!(&seen[0], Observation::Raised { kind: of, .. } if of == kind), "{seen:?}");
    }
    let seen = judge.observe("import os\nos._exit(0)", &probes, &Limits::default()).unwrap();
    assert_eq!(seen[1], Observation::Limit("exited with status 0 before the tests ended".into()));
    assert_eq!(judge.observe("1 / 0", &[], &Limits::default()).unwrap(), []);
}
