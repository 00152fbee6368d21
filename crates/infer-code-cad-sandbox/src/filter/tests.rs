use std::os::unix::fs::PermissionsExt;

use super::calls::*;
use super::*;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

/// What the kernel answers behind the worker's filter and the one named: each program is run, the smallest action wins, the last on a tie.
fn kernel(name: &str, architecture: u32, call: c_long, arguments: [u64; 6]) -> u32 {
    let mut data = Vec::new();
    data.extend(u32::try_from(call).expect("a number").to_ne_bytes());
    data.extend(architecture.to_ne_bytes());
    data.extend([0; 8]); // the instruction pointer
    data.extend(arguments.iter().flat_map(|argument| argument.to_ne_bytes()));
    let programs = programs();
    let texts =
        programs["worker"].iter().chain(if name == "worker" { &[] } else { &programs[name][..] });
    let answers = texts.map(|text| run(text, &data)).collect::<Vec<_>>();
    let action = |answer: &u32| (answer & libc::SECCOMP_RET_ACTION_FULL).cast_signed();
    *answers.iter().rev().min_by_key(|answer| action(answer)).expect("there are programs")
}

/// An interpreter of the few instructions that a filter has.
fn run(program: &str, data: &[u8]) -> u32 {
    let byte =
        |at: usize| u8::from_str_radix(&program[2 * at..2 * at + 2], 16).expect("two digits");
    let word = |bytes: &[u8]| u32::from_ne_bytes(bytes.try_into().expect("four bytes"));
    let (mut at, mut register) = (0, 0);
    loop {
        let [a, b, then, otherwise, k @ ..] =
            [0, 1, 2, 3, 4, 5, 6, 7].map(|offset| byte(8 * at + offset));
        let k = word(&k);
        let jump = |holds| usize::from(if holds { then } else { otherwise });
        at += 1;
        match u16::from_ne_bytes([a, b]) {
            0x20 => register = word(&data[k as usize..k as usize + 4]),
            0x54 => register &= k,
            0x05 => at += k as usize,
            0x15 => at += jump(register == k),
            0x25 => at += jump(register > k),
            0x35 => at += jump(register >= k),
            0x06 => return k,
            other => panic!("no filter has the instruction {other:#x}"),
        }
    }
}

fn here() -> u32 {
    if cfg!(target_arch = "x86_64") { 0xC000_003E } else { 0xC000_00B7 }
}

fn error(number: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | number.unsigned_abs()
}

fn answer_to(name: &str, call: c_long, arguments: [u64; 6]) -> u32 {
    kernel(name, here(), call, arguments)
}

/// Arguments that satisfy all tests of a rule; what no test is about is large.
fn arguments_of(tests: &[Test]) -> [u64; 6] {
    let mut arguments = [u64::MAX; 6];
    for test in tests {
        match *test {
            Test::Is(at, value) => arguments[usize::from(at)] = 0xABCD_0000_0000 | value,
            Test::IsNot(at, value) => arguments[usize::from(at)] = value + 1,
            Test::Bits(at, mask, value) => arguments[usize::from(at)] = !mask | value,
            Test::Null(at) => arguments[usize::from(at)] = 0,
            Test::NotNull(at) => arguments[usize::from(at)] = 1 << 40,
        }
    }
    arguments
}

#[test]
fn every_row_of_the_tables_holds() {
    for call in ALLOWED.iter().filter(|call| SETTLED.iter().all(|rule| rule.0 != **call)) {
        assert_eq!(answer_to("allow", *call, [u64::MAX; 6]), ALLOW, "call {call}");
    }
    for (call, tests) in ALLOWED_IF {
        assert_eq!(answer_to("allow", *call, arguments_of(tests)), ALLOW, "call {call} {tests:?}");
    }
    for (call, tests) in FORKS.iter().chain(SETTLED) {
        assert_eq!(answer_to("fork", *call, arguments_of(tests)), ALLOW, "call {call} {tests:?}");
    }
    for name in ["allow", "fork"] {
        for call in REFUSED.iter().chain(TRUSTED) {
            assert_eq!(answer_to(name, *call, [0; 6]), error(libc::EPERM), "call {call}");
        }
        for (call, tests) in REFUSED_IF.iter().chain(NOT_TRUSTED) {
            let answer = answer_to(name, *call, arguments_of(tests));
            assert_eq!(answer, error(libc::EPERM), "call {call} {tests:?}");
        }
        for call in UNSUPPORTED {
            assert_eq!(answer_to(name, *call, [0; 6]), error(libc::EOPNOTSUPP), "call {call}");
        }
        for (option, first) in [(15, 0), (16, 0), (3, 0), (1, 9), (38, 1), (39, 0)] {
            let arguments = [option, first, 0, 0, 0, 0];
            assert_eq!(answer_to(name, libc::SYS_prctl, arguments), ALLOW, "prctl {option}");
        }
    }
    for call in TRUSTED {
        assert_eq!(answer_to("worker", *call, [0; 6]), ALLOW, "call {call}");
    }
    for (call, tests) in NO_FORKS.iter().chain(SETTLED) {
        let answer = answer_to("allow", *call, arguments_of(tests));
        assert_eq!(answer, error(libc::EPERM), "call {call} {tests:?}");
    }
    for (call, tests) in OWNER {
        let answer = answer_to("owner", *call, arguments_of(tests));
        assert_eq!(answer, error(libc::EPERM), "call {call}");
    }
}

#[test]
fn what_no_table_names_does_not_exist() {
    let rules = [ALLOWED_IF, TRUSTED_IF, FORKS, NO_FORKS, SETTLED, REFUSED_IF].concat();
    let named = |call: &c_long| {
        let listed = [ALLOWED, TRUSTED, REFUSED, UNSUPPORTED].concat().contains(call);
        listed || rules.iter().any(|rule| rule.0 == *call)
    };
    for call in (0..700).filter(|call| !named(call)) {
        assert_eq!(answer_to("allow", call, [0; 6]), error(libc::ENOSYS), "call {call}");
    }
    assert_eq!(answer_to("allow", libc::SYS_clone3, [0; 6]), error(libc::ENOSYS));
}

#[test]
fn a_call_allowed_with_some_arguments_is_not_with_others() {
    for (call, at, value) in [
        (libc::SYS_fcntl, 1, 8),           // F_SETOWN
        (libc::SYS_fcntl, 1, 1024),        // F_SETLEASE
        (libc::SYS_ioctl, 1, 0x5412),      // TIOCSTI
        (libc::SYS_ioctl, 1, 0x8901),      // FIOSETOWN
        (libc::SYS_clone, 0, 0x1001_0900), // a thread with a user namespace
        (libc::SYS_clone, 0, 0x0001_0000), // a thread with memory of its own
    ] {
        let mut arguments = [0; 6];
        arguments[at] = value;
        for name in ["allow", "fork"] {
            let answer = answer_to(name, call, arguments);
            assert_eq!(answer, error(libc::ENOSYS), "call {call} {value:#x}");
        }
    }
    for option in [4, 22, 24, 47, 59] {
        let answer = answer_to("fork", libc::SYS_prctl, [option, 0, 0, 0, 0, 0]);
        assert_eq!(answer, error(libc::EPERM), "prctl {option}");
    }
    for flags in [0x1000_0011, 0x8011, 0x2011, 0x1011] {
        let answer = answer_to("fork", libc::SYS_clone, [flags, 0, 0, 0, 0, 0]);
        assert_eq!(answer, error(libc::ENOSYS), "a process by {flags:#x}");
    }
}

#[test]
fn a_foreign_architecture_ends_the_process() {
    for name in ["allow", "fork", "owner"] {
        assert_eq!(kernel(name, 0x4000_0003, libc::SYS_read, [0; 6]), KILL); // 32 bits
    }
    // Another way to call by 32 bits, with numbers of its own.
    let answer = answer_to("allow", 0x4000_0000 + libc::SYS_read, [0; 6]);
    assert_eq!(answer, error(libc::ENOSYS));
}

/// Runs the driver's harness on a tier; `None`, with a line, where there is none.
fn harness(name: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/driver/harness.py");
    let python = std::path::Path::new("/usr/bin/python3"); // one that every user can read
    if !std::path::Path::new(script).exists() || !python.exists() {
        eprintln!("{name}: not run, it needs {} and {script}", python.display());
        return None;
    }
    let home = tempfile::tempdir().expect("a directory");
    std::fs::set_permissions(home.path(), PermissionsExt::from_mode(0o755)).expect("its owner");
    let filters = home.path().join("filters");
    let text = serde_json::to_string(&programs()).expect("strings only");
    std::fs::write(&filters, text).expect("a file");
    let mut command = std::process::Command::new(python);
    command.arg(script).arg(filters).args(arguments).current_dir(home.path());
    let output = command.output().expect("python runs");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Some((output.status.success(), text))
}

#[test]
fn the_self_test_finds_a_layer_left_out() {
    let name = "the_self_test_finds_a_layer_left_out";
    for (tier, layers) in [
        ("full", &["seccomp", "limits", "capabilities", "quota"][..]),
        ("container", &["seccomp", "limits", "landlock"][..]),
    ] {
        let Some((holds, text)) = harness(name, &[tier]) else { return };
        if !holds {
            eprintln!("{name}: {tier} not tried, {text}");
            continue;
        }
        assert!(!text.contains("Traceback") && !text.contains("not refused"), "{tier}: {text}");
        for layer in layers {
            let Some((holds, text)) = harness(name, &[tier, "--without", layer]) else { return };
            let found = text.contains("a candidate could");
            assert!(!holds && found, "{tier} without {layer}: {text}");
        }
    }
}

/// Prints what the harness of `tests/driver` takes: `cargo test .. print_programs -- --ignored --nocapture`.
#[test]
#[ignore = "prints"]
fn print_programs() {
    println!("{}", serde_json::to_string(&programs()).expect("strings only"));
}
