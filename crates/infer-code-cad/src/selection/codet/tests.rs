#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use infer_code_cad_sandbox::ScriptedJudge;

use super::*;
use crate::selection::trial::{draft, problem, select};

/// A judge to which each program holds these checks of all, and gives these values of calls.
fn judge(
    programs: &[(&str, &[&str])],
    checks: &[&str],
    values: &[(&str, &str, &str)],
) -> ScriptedJudge {
    let failed = || Observation::Raised { kind: "AssertionError".into(), message: String::new() };
    let mut judge = ScriptedJudge::new();
    for (program, held) in programs {
        for check in checks {
            let shown = if held.contains(check) { Observation::Held } else { failed() };
            judge = judge.with_observation(*program, Probe::Check(check), shown);
        }
    }
    for (program, call, value) in values {
        judge = judge.with_observation(
            *program,
            Probe::Value(call),
            Observation::Value((*value).into()),
        );
    }
    judge
}

const A: &str = "assert f(1) == 1";
const B: &str = "assert f(2) == 2";
const C: &str = "assert f(3) == 9";

fn codet(drafts: usize, tests: usize, weights: TestWeights) -> CodeT {
    CodeT { drafts, tests, weights }
}

#[test]
fn the_group_that_agrees_best_with_the_tests_is_chosen_and_told() {
    let judge = judge(&[("x", &[A, B]), ("y", &[A, B]), ("z", &[C]), ("w", &[])], &[A, B, C], &[]);
    let drafts =
        [draft("z", -1.0), draft("x", -3.0), draft("w", 0.0), draft("y", -2.0), draft("x", -3.0)];
    let tests = [
        draft(" f(1) == 1\nassert f(2) == 2  # two\nassert g(2) == 2", 0.0),
        draft(" f(3) == 9\nassert f(2) == 2\nassert f(", 0.0),
    ];
    let outcome = select(&codet(5, 2, TestWeights::Count), &problem(&[]), &drafts, &tests, &judge);
    // Three drafts pass three tests as they were written, one passes one.
    let expected = "codet by count: 3 tests (4 written); 3 weigh; \
                    5 drafts in groups 3+1+1, the first passes 3";
    assert_eq!((outcome.draft, outcome.why.as_str()), (3, expected));
    let [asked] = &outcome.asked[..] else { panic!("one request") };
    assert_eq!((asked.role, asked.drafts.clone(), asked.max_new_tokens), (1, 0..2, Some(300)));
    let prompt = &asked.prompt.as_ref().unwrap().streams[0].text;
    assert_eq!(
        prompt,
        "def f(x):\n    \"\"\"Do it.\"\"\"\n    pass\n\n# check the correctness of f\nassert"
    );
    let settings = asked.decoder.as_ref().unwrap().settings().to_string();
    assert_eq!(settings, "nucleus(temperature=0.8,top_p=0.95)");
}

#[test]
fn weights_turn_what_counting_decides() {
    let all = ["assert f(0)", A, B, C];
    let judge = judge(&[("x", &[all[0], A, B]), ("z", &[C])], &all, &[]);
    let drafts = [draft("x", -2.0), draft("x", -2.0), draft("z", -1.0), draft("z", -1.0)];
    let tests: Vec<Draft> = [" f(0)\nassert f(1) == 1\nassert f(2) == 2"]
        .iter()
        .chain(&[" f(3) == 9"; 4])
        .map(|text| draft(text, 0.0))
        .collect();
    let chosen =
        |weights| select(&codet(4, 5, weights), &problem(&[]), &drafts, &tests, &judge).draft;
    assert_eq!(chosen(TestWeights::Count), 2, "four copies of a test outnumber three tests");
    // Against four copies no other test agrees either: nothing weighs, and tests are counted.
    assert_eq!(chosen(TestWeights::Aces), 2);
    let fewer: Vec<Draft> = tests[..2].to_vec();
    let outcome = select(&codet(4, 2, TestWeights::Aces), &problem(&[]), &drafts, &fewer, &judge);
    let expected =
        "codet by aces: 4 tests (4 written); 3 weigh; 4 drafts in groups 2+2, the first passes 3";
    assert_eq!((outcome.draft, outcome.why.as_str()), (0, expected));
}

#[test]
fn where_tests_decide_nothing_a_vote_does() {
    let values = [
        ("x", "f(1)", "7"),
        ("y", "f(1)", "8"),
        ("z", "f(1)", "8"),
        ("x", "f(len('a'))", "5"),
        ("y", "f(len('a'))", "5"),
        ("z", "f(len('a'))", "6"),
    ];
    let judge = judge(&[("x", &[]), ("y", &[]), ("z", &[])], &[A], &values);
    let drafts = [draft("x", 0.0), draft("y", -2.0), draft("z", -1.0)];
    let codet = codet(3, 1, TestWeights::Aces);
    let outcome = select(&codet, &problem(&[]), &drafts, &[draft("f(1) == 1", 0.0)], &judge);
    let expected = "codet by aces: 1 tests (1 written), of which no draft passes any: \
                    soft vote of 3: score 2; classes 2+1 of 3 drafts with values; \
                    1 of 1 inputs count (1 written by the model)";
    assert_eq!((outcome.draft, outcome.why.as_str()), (2, expected));
    let none = [draft("True", 0.0)];
    // The call that the prompt shows; it has no literal to vary.
    let shown = problem(&["assert f(len('a')) == 1"]);
    let outcome = select(&codet, &shown, &drafts, &none, &judge);
    let expected = "codet by aces: no test can be read: soft vote of 3: score 2; \
                    classes 2+1 of 3 drafts with values; 1 of 1 inputs count (1 visible)";
    assert_eq!((outcome.draft, outcome.why.as_str()), (0, expected));
    let outcome = select(&codet, &problem(&[]), &drafts, &none, &judge);
    let expected = "codet by aces: no test can be read: soft vote of 3: no input is known: \
                    highest mean log-probability of 3";
    assert_eq!((outcome.draft, outcome.why.as_str()), (0, expected));
}

#[test]
fn a_single_test_has_no_other_to_agree_with_and_is_counted() {
    let judge = judge(&[("x", &[A]), ("y", &[])], &[A], &[]);
    let drafts = [draft("y", 0.0), draft("x", -2.0)];
    let outcome = select(
        &codet(2, 1, TestWeights::Aces),
        &problem(&[]),
        &drafts,
        &[draft("f(1) == 1", 0.0)],
        &judge,
    );
    let expected = "codet by aces: 1 tests (1 written); no test agrees with the others, \
                    so they are counted; 1 weigh; 2 drafts in groups 1+1, the first passes 1";
    assert_eq!((outcome.draft, outcome.why.as_str()), (1, expected));
}

#[test]
fn five_tests_of_a_completion_are_kept_and_parameters_are_told() {
    let testing = Testing { codet: CodeT::default(), problem: problem(&[]) };
    let text: Vec<_> = (0..9).map(|i| format!("f({i}) == 1")).collect();
    let written = [draft(&text.join("\nassert "), 0.0), draft("f(0) == 1", 0.0)];
    let tests = testing.tests(&written);
    assert_eq!((tests.len(), tests["assert f(0) == 1"]), (5, 2));
    let settings = |codet: CodeT| codet.settings().to_string();
    let aces = codet(10, 10, TestWeights::Aces);
    assert_eq!(settings(aces), "codet(drafts=10,tests=10,weights=aces)");
    for weights in TestWeights::ALL {
        assert_eq!(weights.to_string().parse(), Ok(weights));
    }
    let error = codet(3, 0, TestWeights::Aces).begin(&problem(&[]), 0).err().unwrap().to_string();
    assert_eq!(error, "tests of codet is \"0\", expected a whole number of at least 1");
}
