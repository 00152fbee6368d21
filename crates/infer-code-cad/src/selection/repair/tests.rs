#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use infer_code_cad_sandbox::{Probe, ScriptedJudge};

use super::*;
use crate::selection::driven::{Answered, answered, draft, judge, problem, script};
use crate::{BestOfN, Stopping};

const TESTS: [&str; 2] = ["assert f(1) == 1", "assert f(2) == 2"];

/// A judge of programs that are what they do; those that give a wrong value give 7.
fn scripted(does: &[&str]) -> ScriptedJudge {
    does.iter().fold(judge(&TESTS, "--"), |judge, does| {
        let seven = Observation::Value("7".into());
        let judge = script(judge, does, &TESTS, does);
        let calls = ["f(1)", "f(2)"].into_iter();
        calls.fold(judge, |judge, call| {
            judge.with_observation(*does, Probe::Value(call), seven.clone())
        })
    })
}

/// A model that corrects just what raises a `NameError`, and repeats everything else.
fn repaired(said: &str) -> &'static str {
    match (said.contains("NameError"), said.contains("```python\nN-\n")) {
        (true, true) => "+-",
        (true, false) => "++",
        _ => "--",
    }
}

fn run(config: &BestOfN, plain: &[&str]) -> Answered {
    let judge = scripted(&["--", "+-", "++", "+N", "N-", "T-", "-T", "!"]);
    answered(config, &problem(&TESTS), &judge, |request, index| match request.role {
        0 => draft(0, index, plain[index]),
        role => {
            let said = &request.prompt.as_ref().unwrap().streams[0].text;
            assert!(request.decoder.as_ref().unwrap().arity() == 1 && request.stop == Some(vec![]));
            draft(role, index, repaired(said))
        }
    })
}

fn config(drafts: usize) -> BestOfN {
    BestOfN { drafts, wave: 2, repair: Some(Repair::default()), ..BestOfN::default() }
}

#[test]
fn a_name_error_is_repaired_after_the_second_wave() {
    let plain = ["--", "--", "+N", "--", "--", "--"];
    let run = self::run(&config(8), &plain);
    let asked: Vec<_> = run.requests.iter().map(|r| (r.role, r.drafts.clone())).collect();
    assert_eq!(asked, [(0, 0..2), (0, 2..4), (1, 0..1)], "half of the four left, in two rounds");
    assert_eq!((run.chosen, run.drafts[4].role), (4, 1));
    assert_eq!(run.why, "passes 2 of 2 visible tests; stop=first, draft 5 of 5, wave 3");
    let said = &run.requests[2].prompt.as_ref().unwrap().streams[0].text;
    assert!(said.contains("```python\n+N\n```"), "{said}");
    assert!(said.ends_with(
        "When it is run:\n- `f(2)` should give 2: it raises NameError: m.\n\n\
         Correct it. Return only the code of the whole function.</user>"
    ));
}

#[test]
fn without_it_no_repair_is_asked_for() {
    let off = BestOfN { repair: None, ..config(8) };
    let run = self::run(&off, &["--", "--", "+N", "--", "--", "--", "--", "--"]);
    assert!(run.requests.iter().all(|request| request.role == 0));
    assert_eq!(BestOfN::default().repair, None);
}

#[test]
fn a_pass_in_the_first_waves_needs_no_repair() {
    for stop in [Stopping::First, Stopping::All] {
        let run = self::run(&BestOfN { stop, ..config(6) }, &["+N", "--", "--", "++", "--", "--"]);
        assert!(run.requests.iter().all(|request| request.role == 0), "{stop}");
        assert_eq!(run.chosen, 3);
    }
}

#[test]
fn drafts_in_all_are_as_many_and_repeats_are_told() {
    // All stay wrong: both rounds repeat their draft, and plain drafts fill what is left.
    let run = self::run(&config(8), &["--"; 8]);
    let asked: Vec<_> = run.requests.iter().map(|r| (r.role, r.drafts.clone())).collect();
    assert_eq!(asked, [(0, 0..2), (0, 2..4), (1, 0..1), (2, 0..1), (0, 4..6)]);
    assert_eq!((run.drafts.len(), run.chosen), (8, 0));
    assert!(
        run.why.contains("; all drafts are equal; 2 repairs repeat their draft"),
        "{}",
        run.why
    );
    for drafts in 5..20 {
        assert_eq!(self::run(&config(drafts), &["--"; 20]).drafts.len(), drafts);
    }
}

#[test]
fn a_repeat_is_no_second_vote() {
    let doubling = BestOfN {
        stop: Stopping::Doubling(0.6),
        repair: Some(Repair { rounds: 1, ..Repair::default() }),
        drafts: 12,
        wave: 2,
        ..BestOfN::default()
    };
    // With the repeats of the one that passes a test, five of eight drafts would be alike.
    let judge = scripted(&["--", "+-", "-T"]);
    let plain = ["--", "--", "--", "+-", "--", "--", "--", "--"];
    let run = answered(&doubling, &problem(&TESTS), &judge, |request, index| match request.role {
        0 => draft(0, index, plain[index]),
        role => draft(role, index, "+-"),
    });
    assert_eq!((run.drafts.len(), run.requests[2].drafts.clone()), (12, 0..4));
}

#[test]
fn a_second_round_repairs_the_repairs() {
    let run = self::run(&config(8), &["N-", "--", "--", "--", "--", "--"]);
    // The first origin of most passes is the first draft of each kind of failure.
    let said = |at: usize| run.requests[at].prompt.as_ref().unwrap().streams[0].text.as_str();
    assert!(said(2).contains("```python\nN-\n"), "{}", said(2));
    assert!(said(3).contains("```python\n+-\n"), "the repair passes more: {}", said(3));
    assert!(said(3).contains("- `f(2)` should give 2: it gives 7.\n"), "{}", said(3));
}

#[test]
fn those_that_pass_the_most_are_shown_one_of_each_kind() {
    let five = BestOfN { drafts: 20, wave: 4, ..config(20) };
    let run = self::run(&five, &["--", "T-", "--", "N-", "--", "-T", "!", "--"].repeat(2));
    let repairs: Vec<_> = run.requests.iter().filter(|r| r.role > 0).take(4).collect();
    let said = |at: usize| repairs[at].prompt.as_ref().unwrap().streams[0].text.as_str();
    let shown = ["--", "T-", "N-", "!"];
    // 12 are left after two waves: six repairs in two rounds, three at a time.
    assert_eq!(repairs[..3].iter().map(|r| r.drafts.len()).sum::<usize>(), 3);
    for (at, program) in shown[..3].iter().enumerate() {
        assert!(said(at).contains(&format!("```python\n{program}\n")), "{}", said(at));
    }
    assert!(said(0).contains("- `f(1)` should give 1: it gives 7.\n- `f(2)` should"));
    assert!(said(1).contains("- `f(1)` should give 1: it was ended, cpu_time.\n"), "{}", said(1));
}

#[test]
fn what_does_not_load_is_one_fact_and_values_are_cut() {
    let judge = scripted(&["!"]);
    let run = answered(&config(6), &problem(&TESTS), &judge, |request, index| {
        draft(request.role, index, "!")
    });
    let said = &run.requests[2].prompt.as_ref().unwrap().streams[0].text;
    assert!(
        said.contains("When it is run:\n- The module does not load: it raises SyntaxError: m.\n\n")
    );
    assert_eq!(cut(&"é".repeat(201)), format!("{}...", "é".repeat(200)));
    assert_eq!(cut("a\n  b"), "a b");
    assert_eq!(cut(&"x".repeat(200)).len(), 200);
}
