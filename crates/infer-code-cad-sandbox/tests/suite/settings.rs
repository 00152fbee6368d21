//! What result files say about the sandbox.

use infer_code_cad_sandbox::{Judge, Limits, Settings, Verdict};

use crate::common::{judge, sandbox_or_say};

#[test]
fn two_sandboxes_on_one_machine_have_the_same_settings() {
    let name = "two_sandboxes_on_one_machine_have_the_same_settings";
    let Some(one) = sandbox_or_say(name, 1) else { return };
    let Some(two) = sandbox_or_say(name, 2) else { return };
    assert_eq!(one.settings(), two.settings());
    let text = Judge::settings(&one).to_string();
    assert_eq!(text.parse::<Settings>().unwrap(), one.settings());
    assert!(
        text.starts_with("sandbox(python=cpython 3.") && text.ends_with(",hashseed=0,judge=2)"),
        "{text}"
    );
    let tier = one.isolation().tier;
    assert_eq!(one.settings().get("isolation"), Some(tier.as_str()));
    assert!(!text.contains('/'), "{text}");
}

#[test]
fn candidates_run_by_the_interpreter_and_the_hash_seed_named() {
    let name = "candidates_run_by_the_interpreter_and_the_hash_seed_named";
    let Some(sandbox) = sandbox_or_say(name, 1) else { return };
    let python = sandbox.settings().get("python").unwrap().to_owned();
    let program = "import sys\n\
        def python(): return sys.implementation.name + ' ' + sys.version.split()[0]\n\
        def seed(): return sys.flags.hash_randomization";
    let tests = format!("assert python() == {python:?} and seed() == 0");
    let report = judge(&sandbox, program, &tests, &Limits::default());
    assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
}
