use infer_code_cad_report::{
    Memory, ReportError, Role, Sample, Speed, Statistics, Study, StudyArm, StudyReport,
};

use crate::{against, arm, forms, report, study};

fn error(study: &Study) -> String {
    StudyReport::new(study, &Statistics::default()).unwrap_err().to_string()
}

#[test]
fn nothing_at_all_is_a_report() {
    let empty = Study::default();
    assert!(forms(&empty)[0].contains("The study has no arms."));
    assert!(report(&empty).figures().is_empty());
}

#[test]
fn no_form_holds_a_number_that_is_none() {
    let lone = arm("lone", Role::Control, &[2]);
    let same = [arm("a", Role::Control, &[4, 4]), arm("b", against("a"), &[4, 4])];
    let none = arm("none", Role::default(), &[]);
    for arms in [vec![lone], same.into(), vec![none]] {
        for form in forms(&study(arms)) {
            assert!(!form.contains("NaN") && !form.contains("inf,") && !form.contains("-0.000"));
        }
    }
}

#[test]
fn one_problem_is_compared_without_bounds() {
    let study = study(vec![arm("a", Role::Control, &[1]), arm("b", against("a"), &[3])]);
    let markdown = report(&study).markdown();
    assert!(markdown.contains("no difference"), "{markdown}");
}

#[test]
fn an_arm_without_problems_has_rates_alone() {
    let idle = StudyArm {
        speed: Speed { tokens_per_second: Some(21.0), ..Speed::default() },
        ..StudyArm::new("idle", "large", "set")
    };
    let study = study(vec![arm("a", Role::Control, &[1, 2]), idle]);
    let markdown = report(&study).markdown();
    assert!(
        markdown.contains("| 2 | idle (large, exploratory) | - | - | 21.0 | - | 0 | 0 |"),
        "{markdown}"
    );
    assert!(report(&study).figures().is_empty(), "no arm has both numbers");
}

#[test]
fn what_was_not_measured_is_left_out_of_figures() {
    let mut arms = vec![arm("a", Role::Control, &[1, 2]), arm("b", Role::Control, &[2, 2])];
    arms[1].memory = Memory { peak_bytes: Some(5_000_000), ..Memory::default() };
    let study = study(arms);
    let figures = report(&study).figures();
    assert_eq!(figures.iter().map(|figure| figure.name()).collect::<Vec<_>>(), ["set-memory"]);
}

#[test]
fn other_problems_are_an_error_that_names_them() {
    let study = study(vec![arm("a", Role::Control, &[1, 2]), arm("b", Role::Control, &[1, 2, 3])]);
    assert_eq!(
        error(&study),
        "b of tiny on set has problem t/2 and a of tiny on set has not; arms of one benchmark are compared problem by \
         problem: finish the run, or leave the problem out of both"
    );
}

#[test]
fn problems_in_another_order_are_the_same() {
    let arms = || vec![arm("a", Role::Control, &[0, 2, 4]), arm("b", against("a"), &[1, 2, 4])];
    let straight = study(arms());
    let mut turned = study(arms());
    turned.arms[1].problems.reverse();
    assert_eq!(report(&straight).results(), report(&turned).results());
    assert_eq!(report(&straight).problems_csv(), report(&turned).problems_csv());
    assert_eq!(straight.fingerprint(), turned.fingerprint());
}

#[test]
fn what_is_wrong_is_named() {
    let good = || study(vec![arm("a", Role::Control, &[1, 2]), arm("b", against("a"), &[1, 2])]);
    type Change = fn(&mut Study);
    let wrongs: [(Change, &str); 9] = [
        (|s| s.arms[1].name = "a".into(), "two arms are a of tiny on set"),
        (
            |s| s.arms[1].role = against("x"),
            "is x, which is no other arm of that model and benchmark; there are: a",
        ),
        (|s| s.arms[1].role = against("b"), "is b, which is no other arm"),
        (|s| s.arms[0].problems.clear(), "a has no problems"),
        (|s| s.arms[0].problems[1].task_id = "t/0".into(), "has problem t/0 twice"),
        (
            |s| s.arms[0].problems[0].samples.clear(),
            "problem t/0 of a of tiny on set has no sample",
        ),
        (
            |s| s.arms[0].speed.mean_of_rates = Some(f64::NAN),
            "mean_of_rates of a of tiny on set is NaN",
        ),
        (|s| s.ks.push(0), "pass@0"),
        (|s| s.tested_k = 9, "no figures of b of tiny on set: problem 0 cannot be scored: k = 9"),
    ];
    for (wrong, expected) in wrongs {
        let mut study = good();
        wrong(&mut study);
        let message = error(&study);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn unequal_samples_are_said() {
    let mut arms = vec![arm("a", Role::Control, &[1, 2]), arm("b", against("a"), &[1, 2])];
    arms[0].problems[0].samples.push(Sample::new("timeout"));
    arms[0].unjudged_samples = 1;
    let markdown = report(&study(arms)).markdown();
    assert!(markdown.contains("| 4 to 5 |"), "{markdown}");
    assert!(markdown.contains("a: 1 sample without a verdict, in no figure."));
}

#[test]
fn a_study_comes_back_and_a_changed_one_does_not() {
    let study = study(vec![arm("a", Role::Control, &[1, 2]), arm("b", against("a"), &[1, 2])]);
    assert_eq!(Study::from_json(&study.to_json().unwrap()).unwrap(), study);
    let json = report(&study).json().unwrap();
    assert_eq!(Study::from_json(&json).unwrap(), study);
    let changed = json.replacen("\"verdict\": \"failed\"", "\"verdict\": \"passed\"", 1);
    assert!(matches!(Study::from_json(&changed), Err(ReportError::Hash { .. })));
    let later = json.replacen("\"format\": 1", "\"format\": 2", 1);
    assert!(matches!(Study::from_json(&later), Err(ReportError::Format { found: 2, known: 1 })));
    assert!(matches!(Study::from_json("{}"), Err(ReportError::Json(_))));
}

#[test]
fn benchmarks_of_one_slug_have_files_of_their_own() {
    let mut arms = vec![arm("a", Role::Control, &[1, 2]), arm("b", Role::Control, &[1, 2])];
    arms[1].benchmark = "set!".into();
    for arm in &mut arms {
        arm.speed.tokens_per_second = Some(1.0);
    }
    let study = study(arms);
    let folder = tempfile::tempdir().unwrap();
    let written = report(&study).write_to(folder.path()).unwrap();
    let mut names: Vec<_> = written.iter().filter(|path| path.is_file()).collect();
    names.dedup();
    let pictures = if cfg!(feature = "png") { 4 } else { 2 };
    assert_eq!(names.len(), 5 + pictures, "{names:?}");
}
