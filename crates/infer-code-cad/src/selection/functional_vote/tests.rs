#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};

use infer_code_cad_sandbox::{
    JudgeError, Limits, Observation, Probe, Report, ScriptedJudge, Submission,
};

use super::*;
use crate::selection::trial::{draft, problem, select};

/// A judge to which a program is a list of words, one per call in turn: a value, `!` for an
/// exception, `~` for a limit and `?` for another value each time.
#[derive(Debug, Default)]
struct Words {
    calls: AtomicUsize,
}

impl Judge for Words {
    fn judge(&self, _: &Submission<'_>, _: &Limits) -> Result<Report, JudgeError> {
        unreachable!("a vote asks for values")
    }

    fn observe(
        &self,
        program: &str,
        probes: &[Probe<'_>],
        _: &Limits,
    ) -> Result<Vec<Observation>, JudgeError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let words: Vec<&str> = program.split(' ').collect();
        let show = |probe: &Probe<'_>| {
            let Probe::Value(input) = probe else { panic!("{probe:?}") };
            let at: usize = input
                .strip_prefix("f(")
                .and_then(|x| x.strip_suffix(')'))
                .unwrap()
                .parse()
                .unwrap();
            match words[at] {
                "!" => Observation::Raised { kind: "E".into(), message: String::new() },
                "~" => Observation::Limit("cpu".into()),
                "?" => Observation::Value(call.to_string()),
                word => Observation::Value(word.to_owned()),
            }
        };
        Ok(probes.iter().map(show).collect())
    }

    fn settings(&self) -> Settings {
        Settings::new("words")
    }
}

/// The drafts' programs are words; the later, the more probable.
fn chosen(programs: &[&str], rule: VoteRule) -> (usize, String, usize) {
    let judge = Words::default();
    let drafts: Vec<Draft> = programs.iter().zip(-9..).map(|(p, at)| draft(p, at.into())).collect();
    let inputs = programs[0].split(' ').enumerate();
    let inputs =
        inputs.map(|(at, _)| Input { call: format!("f({at})"), origin: inputs::Origin::Visible });
    let (draft, why) = vote(&drafts, &inputs.collect::<Vec<_>>(), rule, &judge).unwrap();
    (draft, why, judge.calls.into_inner())
}

#[test]
fn the_rule_the_classes_and_the_inputs_are_told() {
    let programs = ["1 2 3", "1 2 3", "1 2 9", "1 7 !", "! ! !", "5 6 !"];
    let (draft, why, calls) = chosen(&programs, VoteRule::Soft);
    assert_eq!(draft, 1, "of equal programs the more probable");
    let expected = "soft vote of 6: score 9; classes 2+1+1+1 of 5 drafts with values; \
                    3 of 3 inputs count (3 visible)";
    assert_eq!((why.as_str(), calls), (expected, 10), "equal programs run once, each twice");
    let (draft, why, _) = chosen(&programs, VoteRule::Hard);
    assert_eq!((draft, why.split(';').next().unwrap()), (1, "hard vote of 6: score 2"));
}

#[test]
fn what_differs_from_run_to_run_or_is_refused_by_most_weighs_nothing() {
    let (draft, why, _) = chosen(&["1 ? 8 4", "1 0 ! 5", "2 0 ~ 5"], VoteRule::Soft);
    assert_eq!(draft, 1);
    let expected = "soft vote of 3: score 4; classes 1+1+1 of 3 drafts with values; \
                    2 of 4 inputs count (4 visible), 1 without a value of most \
                    drafts, 1 of which a draft gives two values";
    assert_eq!(why, expected);
}

#[test]
fn where_nothing_is_agreed_the_most_probable_is_chosen_and_that_is_said() {
    let (at, why, _) = chosen(&["1", "2", "!"], VoteRule::Soft);
    let expected = "soft vote of 3: no two of 2 drafts agree: highest mean \
                    log-probability of these; 1 of 1 inputs count (1 visible)";
    assert_eq!((at, why.as_str()), (1, expected));
    let (at, why, _) = chosen(&["!", "~", "!"], VoteRule::Hard);
    assert_eq!(at, 2);
    assert!(
        why.starts_with("hard vote of 3: no draft gives a value that counts: highest mean"),
        "{why}"
    );
    let (at, why, _) = chosen(&["!", "2", "!"], VoteRule::Soft);
    assert!(why.starts_with("soft vote of 3: one draft alone gives a value; 1 of 1"), "{why}");
    assert_eq!(at, 1);
    let outcome = select(
        &FunctionalVote { drafts: 2, ..FunctionalVote::default() },
        &problem(&[]),
        &[draft("a", -1.0), draft("b", -2.0)],
        &[],
        &ScriptedJudge::new(),
    );
    let expected = "soft vote of 2: no input is known: highest mean log-probability of 2";
    assert_eq!((outcome.draft, outcome.why.as_str()), (0, expected));
}

#[test]
fn a_program_that_does_not_end_is_given_up() {
    let (_, why, calls) = chosen(&["~ ~ ~ 1 1", "~ ~ 1 1 1"], VoteRule::Soft);
    assert!(why.contains("one draft alone") && why.contains("3 of 5 inputs"), "{why}");
    assert_eq!(calls, 1 + 2 + 1, "three probes; three, two, and again those without a limit");
}

#[test]
fn mbr_exec_looks_once_at_the_first_call_and_sums() {
    let value = |text: &str| Observation::Value(text.into());
    let call = Probe::Value("f(1)");
    let judge = ScriptedJudge::new()
        .with_observation("a", call, value("1"))
        .with_observation("b", call, value("1.0"))
        .with_observation("c", call, value("2"));
    let mut drafts = [draft("a", -3.0), draft("b", -4.0), draft("c", -1.0)];
    drafts[1].tokens = vec![1; 8]; // the higher mean, the lower sum
    let shown = problem(&["assert f(1) == 1", "assert f(2) == 4"]);
    let outcome = select(&FunctionalVote::mbr_exec(3), &shown, &drafts, &[], &judge);
    let expected = "mbr-exec vote of 3: score 2; classes 2+1 of 3 drafts with values; \
                    1 of 1 inputs count (1 visible)";
    assert_eq!((outcome.draft, outcome.why.as_str()), (0, expected));
    let soft = FunctionalVote { drafts: 3, inputs: 1, ..FunctionalVote::default() };
    assert_eq!(select(&soft, &shown, &drafts, &[], &judge).draft, 1);
}

#[test]
fn a_sketch_is_asked_for_once_and_its_tuples_are_inputs() {
    let judge = [("a", ["4", "5"]), ("b", ["4", "5"]), ("c", ["4", "6"])]
        .into_iter()
        .flat_map(|(program, values)| {
            [(program, "f(2)", values[0]), (program, "f('x')", values[1])]
        })
        .fold(ScriptedJudge::new(), |judge, (program, call, value)| {
            judge.with_observation(program, Probe::Value(call), Observation::Value(value.into()))
        });
    let drafts = [draft("a", -3.0), draft("c", -1.0), draft("b", -2.0)];
    let vote = FunctionalVote { drafts: 3, sketch: true, ..FunctionalVote::default() };
    let sketch = draft("(2,), ('x',)]", -1.0);
    let outcome = select(&vote, &problem(&[]), &drafts, &[sketch], &judge);
    let [asked] = &outcome.asked[..] else { panic!("one request") };
    assert_eq!((asked.role, asked.drafts.clone()), (1, 0..1));
    let prompt = &asked.prompt.as_ref().unwrap().streams[0].text;
    assert!(prompt.contains("def f(x):") && prompt.ends_with("arguments = ["), "{prompt}");
    let expected = "soft vote of 3: score 5; classes 2+1 of 3 drafts with values; \
                    2 of 2 inputs count (2 sketched)";
    assert_eq!((outcome.draft, outcome.why.as_str()), (2, expected));
}

#[test]
fn votes_that_may_differ_have_settings_of_their_own_and_none_is_without_inputs() {
    let base = FunctionalVote::default;
    let votes = [
        base(),
        FunctionalVote { drafts: 9, ..base() },
        FunctionalVote { inputs: 9, ..base() },
        FunctionalVote { rule: VoteRule::Hard, ..base() },
        FunctionalVote { sketch: true, ..base() },
        FunctionalVote::mbr_exec(10),
    ];
    let settings: std::collections::BTreeSet<_> =
        votes.iter().map(|vote| vote.settings().to_string()).collect();
    assert_eq!(settings.len(), votes.len());
    for rule in VoteRule::ALL {
        assert_eq!(rule.to_string().parse(), Ok(rule));
    }
    let none = FunctionalVote { inputs: 0, ..base() };
    let error = none.begin(&problem(&[]), 0).err().unwrap().to_string();
    assert_eq!(error, "inputs of vote is \"0\", expected a whole number of at least 1");
}

#[test]
fn a_judge_that_gives_too_little_is_at_fault() {
    #[derive(Debug)]
    struct Mute;
    impl Judge for Mute {
        fn judge(&self, _: &Submission<'_>, _: &Limits) -> Result<Report, JudgeError> {
            unreachable!()
        }
        fn observe(
            &self,
            _: &str,
            _: &[Probe<'_>],
            _: &Limits,
        ) -> Result<Vec<Observation>, JudgeError> {
            Ok(vec![])
        }
        fn settings(&self) -> Settings {
            Settings::new("mute")
        }
    }
    let inputs = [Input { call: "f(1)".into(), origin: inputs::Origin::Visible }];
    let error = vote(&[draft("a", 0.0)], &inputs, VoteRule::Soft, &Mute).unwrap_err().to_string();
    assert!(error.contains("mute gave 0 observations for 1 probes"), "{error}");
}
