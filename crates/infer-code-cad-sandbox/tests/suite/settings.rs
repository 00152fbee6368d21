//! What result files say about the sandbox.

use infer_code_cad_sandbox::{Judge, JudgeError, Limits, Probe, Settings, Verdict};

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
        text.starts_with("sandbox(python=cpython 3.") && text.ends_with(",hashseed=0)"),
        "{text}"
    );
    assert_eq!(one.settings().get("isolation").unwrap(), one.isolation().to_string());
    let user = one.isolation().user.map_or("/".to_owned(), |user| user.to_string());
    assert!(!text.contains('/') && !text.contains(&user), "{text}");
}

#[test]
fn candidates_run_by_the_interpreter_and_the_hash_seed_named() {
    let name = "candidates_run_by_the_interpreter_and_the_hash_seed_named";
    let Some(sandbox) = sandbox_or_say(name, 1) else { return };
    let python = sandbox.settings().get("python").unwrap().to_owned();
    let tests = format!(
        "assert sys.implementation.name + ' ' + sys.version.split()[0] == {python:?}\n\
         assert sys.flags.hash_randomization == 0"
    );
    let report = judge(&sandbox, "import sys", &tests, &Limits::default());
    assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
}

#[test]
fn the_sandbox_gives_verdicts_only() {
    let Some(sandbox) = sandbox_or_say("the_sandbox_gives_verdicts_only", 1) else { return };
    let error = sandbox.observe("x = 1", &[Probe::Value("x")], &Limits::default()).unwrap_err();
    assert!(matches!(&error, JudgeError::Unsupported { judge } if judge == "sandbox"), "{error}");
}
