//! What a candidate can reach, and what it leaves.

use std::time::Duration;

use infer_code_cad_sandbox::{Limits, Verdict};

use crate::common::{judge, sandbox_or_say};

#[test]
fn the_network_is_out_of_reach() {
    let Some(sandbox) = sandbox_or_say("the_network_is_out_of_reach", 1) else { return };
    if !sandbox.isolation().network {
        eprintln!("the_network_is_out_of_reach: not run, the kernel refuses a network namespace");
        return;
    }
    let program = "import socket\n\
        def reach(address):\n    \
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.connect(address)\n\
        def refused(address):\n    \
            try: reach(address)\n    \
            except OSError: return True";
    let tests = "assert refused(('192.0.2.1', 53)) and refused(('127.0.0.1', 53))";
    let report = judge(&sandbox, program, tests, &Limits::default());
    assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
}

#[test]
fn a_candidate_starts_with_nothing() {
    let Some(sandbox) = sandbox_or_say("a_candidate_starts_with_nothing", 1) else { return };
    let program = "import os, sys\n\
        seen = os.listdir('.')\n\
        where = os.getcwd()\n\
        open('left', 'w').close()\n\
        os.makedirs('a/b/c')\n\
        os.chmod('a', 0)";
    let tests = "assert seen == [] and not os.environ and sys.stdin.read() == ''\n\
        for fd in range(4, 64):\n    \
            try: os.fstat(fd)\n    \
            except OSError: continue\n    \
            assert False, fd\n\
        assert not os.path.exists(os.path.join(os.path.dirname(where), str(int(os.path.basename(where)) - 1)))\n\
        import random\n\
        assert random.random() == 0.8444218515250481";
    for _ in 0..2 {
        let report = judge(&sandbox, program, tests, &Limits::default());
        assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
    }
}

#[test]
fn processes_are_bounded_and_leftovers_killed() {
    let name = "processes_are_bounded_and_leftovers_killed";
    let Some(sandbox) = sandbox_or_say(name, 1) else { return };
    if !sandbox.isolation().reaper {
        eprintln!("{name}: not run, the system has no subreaper");
        return;
    }
    let limits = Limits { wall_time: Duration::from_secs(5), ..Limits::default() };
    // A daemon in a session of its own, which ignores what it can.
    let daemon = "import os, signal, time\n\
        if os.fork() == 0:\n    \
            os.setsid()\n    \
            signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    \
            if os.fork() == 0: pass\n    \
            while True: time.sleep(1)";
    let report = judge(&sandbox, daemon, "assert True", &limits);
    assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
    // Processes of an earlier candidate would count against this limit.
    let bomb = "import os, time\n\
        started = 0\n\
        try:\n    \
            while True:\n        \
                if os.fork() == 0:\n            \
                    time.sleep(60)\n        \
                started += 1\n\
        except OSError: pass";
    let exact = sandbox.isolation().user.is_some() || sandbox.isolation().network;
    let tests = if exact { "assert started == 7" } else { "assert started < 64" };
    for _ in 0..2 {
        let report = judge(&sandbox, bomb, tests, &limits);
        assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
    }
    let report = judge(
        &sandbox,
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        "",
        &limits,
    );
    assert_eq!(report.verdict, Verdict::Timeout, "{report:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_unprivileged_candidate_cannot_touch_the_system() {
    let name = "an_unprivileged_candidate_cannot_touch_the_system";
    let Some(sandbox) = sandbox_or_say(name, 1) else { return };
    if sandbox.isolation().user.is_none() {
        eprintln!("{name}: not run, it needs root");
        return;
    }
    let program = "import os\n\
        def refused(act, *args):\n    \
            try: act(*args)\n    \
            except OSError: return True\n    \
            return False";
    let tests = "assert os.getuid() >= 60000 and os.getgroups() == []\n\
        assert refused(os.setuid, 0)\n\
        assert refused(open, '/etc/shadow')\n\
        assert refused(open, '/etc/hostname', 'w')\n\
        assert refused(os.kill, os.getppid(), 0)\n\
        assert refused(os.listdir, '/proc/%d/fd' % os.getppid())\n\
        assert refused(os.listdir, '..')";
    let report = judge(&sandbox, program, tests, &Limits::default());
    assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
}
