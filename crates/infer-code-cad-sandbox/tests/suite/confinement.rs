//! What a candidate starts with, and what it leaves.

use std::time::Duration;

use infer_code_cad_sandbox::{Limits, Tier, Verdict};

use crate::common::{judge, sandbox_or_say};

#[test]
fn a_candidate_starts_with_nothing() {
    let Some(sandbox) = sandbox_or_say("a_candidate_starts_with_nothing", 1) else { return };
    let program = "import os, sys, random\n\
        seen = os.listdir('.')\n\
        drawn = random.random()\n\
        environment = dict(os.environ)\n\
        given = sys.stdin.read()\n\
        open('left', 'w').close()\n\
        os.makedirs('a/b/c')\n\
        os.chmod('a', 0)\n\
        def is_open(fd):\n    \
            try: os.fstat(fd)\n    \
            except OSError: return False\n    \
            return True";
    let tests = "assert (seen, environment, given) == ([], {}, '')\n\
        assert drawn == 0.8444218515250481\n\
        assert [fd for fd in range(64) if is_open(fd)] == [0, 1, 2, 3]";
    for _ in 0..2 {
        let report = judge(&sandbox, program, tests, &Limits::default());
        assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
    }
}

/// Where a limit grants processes, there are so many and no more, and none is left for the next.
#[test]
fn processes_are_bounded_and_leftovers_killed() {
    let name = "processes_are_bounded_and_leftovers_killed";
    let Some(sandbox) = sandbox_or_say(name, 1) else { return };
    let limits = Limits { wall_time: Duration::from_secs(5), ..Limits::default() };
    let bomb = "import os, time\n\
        started = 0\n\
        try:\n    \
            while True:\n        \
                if os.fork() == 0:\n            \
                    time.sleep(60)\n        \
                started += 1\n\
        except OSError: pass";
    let report = judge(&sandbox, bomb, "assert started == 0", &limits);
    assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
    if sandbox.isolation().tier != Tier::Full {
        eprintln!("{name}: only in part, the count of processes is exact in the tier full");
        return;
    }
    let granted = Limits { processes: 4, threads: 4, ..limits };
    for _ in 0..2 {
        let report = judge(&sandbox, bomb, "assert started == 6", &granted);
        assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
    }
}
