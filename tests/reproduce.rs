//! Plans: what is written down before, run, resumed, archived and reported.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use infer_code_cad::engine::EngineConfig;
use infer_code_cad::report::{Role, Statistics, StudyReport};
use infer_code_cad::sandbox::{Limits, ScriptedJudge};
use infer_code_cad::{
    Executor, Experiment, ExperimentError, Folders, Pace, Plan, Progress, SolveEvent, Solver,
    State, Supplies,
};

use crate::journal::Even;

const PLAN: &str = r#"
title = "A try"
benchmarks = ["one", "two"]
pooled = "both"
samples = 2
seeds = [0, 7]
k = [1, 2]
max_new_tokens = 12
spread = { between = 0.01, within = 0.1 }
[[arm]]
name = "plain"
technique = "control"
[[arm]]
name = "contrast"
technique = "cad(alpha=0.2)"
confirms_against = "plain"
"#;

fn experiment<'a>(plan: &'a Plan, folder: &Path) -> Experiment<'a> {
    let tasks = crate::tasks(40);
    let (one, two) = tasks.split_at(2);
    let model = crate::model();
    let solver = Solver::new(&model, &EngineConfig::default());
    Experiment {
        plan,
        model: "tiny".to_owned(),
        tasks: vec![one.to_vec(), two.to_vec()],
        executor: Executor::new(solver, Even::default(), Limits::default()),
        supplies: Supplies::default(),
        folders: Folders { journals: folder.join("runs"), archives: Some(folder.join("archives")) },
    }
}

fn run_all(experiment: &Experiment<'_>) {
    for unit in experiment.plan.units(&experiment.model).unwrap() {
        let evaluation = experiment.run(&unit, &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(!evaluation.cancelled);
        assert_eq!(experiment.state(&unit).unwrap(), State::Done);
    }
}

#[test]
fn a_plan_is_run_and_its_archives_tell_what_its_journals_do() {
    let folder = tempfile::tempdir().unwrap();
    let plan: Plan = PLAN.parse().unwrap();
    let experiment = experiment(&plan, folder.path());
    assert_eq!(plan.units("tiny").unwrap().len(), 8, "two arms, benchmarks and seeds");
    run_all(&experiment);
    let models = ["tiny".to_owned()];
    let whole = plan.study(&models, &experiment.folders).unwrap();
    let [plain, contrast] = &whole.arms[..] else { panic!("{:?}", whole.arms) };
    assert_eq!(plain.role, Role::Control);
    assert_eq!(contrast.role, Role::Confirmatory { control: "plain".to_owned() });
    assert_eq!(contrast.benchmark, "both");
    assert_eq!(contrast.problems.len(), 4, "of both benchmarks");
    assert!(contrast.problems.iter().all(|problem| problem.samples.len() == 4), "of both seeds");
    assert_eq!(whole.settings["seed"], "0, 7");
    // Without journals the archives give the same figures, and no programs.
    let only = Folders { journals: folder.path().join("none"), ..experiment.folders.clone() };
    let archived = plan.study(&models, &only).unwrap();
    let results = |study| {
        let report = StudyReport::new(study, &Statistics::default()).unwrap();
        (serde_json::to_value(report.results()).unwrap(), report.arms_csv())
    };
    assert_eq!(results(&archived), results(&whole));
    assert!(whole.arms[0].problems[0].samples[0].program.is_some());
    assert!(archived.arms[0].problems[0].samples[0].program.is_none());
    let units = plan.units("tiny").unwrap();
    assert_eq!(Experiment { folders: only, ..experiment }.state(&units[0]).unwrap(), State::Done);
}

#[test]
fn the_time_of_a_plan_counts_a_completion_once() {
    let arm = |name: &str, technique: &str, samples: usize| {
        format!("[[arm]]\nname = \"{name}\"\ntechnique = \"{technique}\"\nsamples = {samples}\n")
    };
    let head =
        "title = \"A try\"\nbenchmarks = [\"one\", \"two\"]\nsamples = 1\nmax_new_tokens = 100\n";
    let arms = [
        arm("ten", "vanilla", 10),
        arm("of five", "vanilla|log-prob(n=5)", 1),
        arm("of twelve", "vanilla|log-prob(n=12)", 1),
        arm("contrast", "cad", 1),
        arm("tests", "vanilla|codet(n=5,tests=3)", 1),
        arm("weighed", "vanilla|codet(n=5,tests=3,weights=aces)", 1),
    ];
    let plan: Plan = (head.to_owned() + &arms.concat()).parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let experiment = experiment(&plan, folder.path());
    let second = Duration::from_secs(1);
    let pace = Pace { row: second, prompt: Duration::ZERO, peak_bytes: None };
    let mut units: Vec<(_, State)> = plan
        .units("tiny")
        .unwrap()
        .into_iter()
        .map(|unit| (unit, State::Begun { judged: 0 }))
        .collect();
    let drafts = |units: &[_]| -> Vec<u64> {
        let times = experiment.times(units, &pace).unwrap();
        times.iter().map(|time| time.as_secs() / 60).collect()
    };
    // Two problems each, sixty tokens a draft.
    assert_eq!(drafts(&units)[..6], [20, 0, 4, 4, 6, 0]);
    assert_eq!(drafts(&units)[6..], drafts(&units)[..6], "of the other benchmark");
    units[0].1 = State::Begun { judged: 15 };
    assert_eq!(drafts(&units)[..2], [5, 0]);
    // Of what is done elsewhere there are verdicts, and no drafts.
    units[0].1 = State::Done;
    assert_eq!(drafts(&units)[..3], [0, 10, 14]);
}

#[test]
fn a_stopped_plan_goes_on_and_seeds_count_once_all_arms_have_them() {
    let folder = tempfile::tempdir().unwrap();
    let plan: Plan = PLAN.parse().unwrap();
    let experiment = experiment(&plan, folder.path());
    let units = plan.units("tiny").unwrap();
    let stopped = experiment.run(&units[0], &mut |progress| match progress {
        Progress::Writing(SolveEvent::Drafted { .. }) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert!(stopped.unwrap().cancelled);
    let State::Begun { judged } = experiment.state(&units[0]).unwrap() else {
        panic!("it is done")
    };
    assert!(judged < 4, "{judged}");
    assert!(!units[0].archive(&folder.path().join("archives")).exists(), "it is not whole");
    let study = || plan.study(&["tiny".to_owned()], &experiment.folders).unwrap();
    assert_eq!(study().arms.len(), 0);
    assert!(study().notes[0].contains("not run yet: plain on both, contrast on both"));
    experiment.run(&units[1], &mut |_| ControlFlow::Continue(())).unwrap();
    experiment.run(&units[3], &mut |_| ControlFlow::Continue(())).unwrap();
    let alone = study();
    assert_eq!(
        (alone.arms.len(), &alone.arms[0].role),
        (1, &Role::default()),
        "its control is not there"
    );
    assert!(StudyReport::new(&alone, &Statistics::default()).is_ok());
    for unit in &units[..5] {
        experiment.run(unit, &mut |_| ControlFlow::Continue(())).unwrap();
    }
    // All of seed 0, and of seed 7 one arm of one benchmark, which waits for the others.
    let study = study();
    assert!(study.arms.iter().all(|arm| arm.problems.iter().all(|one| one.samples.len() == 2)));
    assert_eq!(study.settings["seed"], "0");
}

#[test]
fn a_run_that_the_judge_failed_is_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let plan: Plan = PLAN.parse().unwrap();
    let mut experiment = experiment(&plan, folder.path());
    experiment.executor.judge = Arc::new(ScriptedJudge::new()); // knows no program
    let unit = &plan.units("tiny").unwrap()[0];
    experiment.run(unit, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(experiment.state(unit).unwrap(), State::Begun { judged: 0 });
    assert!(!unit.archive(&folder.path().join("archives")).exists());
}

#[test]
fn results_of_other_settings_are_never_taken_for_those_of_the_plan() {
    let folder = tempfile::tempdir().unwrap();
    let plan: Plan = PLAN.parse().unwrap();
    let first = experiment(&plan, folder.path());
    run_all(&first);
    let unit = &plan.units("tiny").unwrap()[0];
    let mut other = experiment(&plan, folder.path());
    other.executor.limits = Limits { cpu_time: Duration::from_secs(7), ..Limits::default() }.into();
    let refused = |experiment: &Experiment<'_>, file: &str| {
        let error = experiment.state(unit).unwrap_err();
        assert!(matches!(error, ExperimentError::OtherSettings { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(file) && text.contains("limits"), "{text}");
    };
    refused(&other, "csv.gz");
    other.folders.archives = None;
    refused(&other, "jsonl");
    // What is no archive, or a part of one, is named.
    let path = unit.archive(&folder.path().join("archives"));
    let bytes = fs::read(&path).unwrap();
    for broken in [&b"task,sample\n"[..], &bytes[..bytes.len() - 20], b""] {
        fs::write(&path, broken).unwrap();
        let error = first.state(unit).unwrap_err();
        assert!(matches!(error, ExperimentError::Archive { .. }), "{error}");
    }
}

#[test]
fn a_plan_that_cannot_be_is_refused_with_the_reason() {
    for (from, to, reason) in [
        ("samples = 2", "samples = 0", "samples: there must be at least one"),
        ("samples = 2", "", "missing field `samples`"),
        ("seeds = [0, 7]", "seeds = [7, 7]", "a seed is there twice"),
        ("\"two\"", "\"one\"", "a benchmark is there twice"),
        ("name = \"contrast\"", "name = \"plain\"", "an arm is there twice"),
        ("cad(alpha=0.2)", "control", "two arms have the technique control"),
        ("against = \"plain\"", "against = \"plan\"", "\"plan\" is no other arm"),
        ("cad(alpha=0.2)", "cad(beta=1)", "cad has no \"beta\""),
        ("confirms_against", "confirm_against", "unknown field `confirm_against`"),
        ("title", "preset = \"fair\"\ntitle", "choose default, paper or paper-code"),
        ("confirms_against", "against = \"plain\"\nconfirms_against", "exclude each other"),
    ] {
        let error = PLAN.replacen(from, to, 1).parse::<Plan>().unwrap_err().to_string();
        assert!(error.contains(reason), "{from} -> {to}: {error}");
    }
}

#[test]
fn an_arm_alone_is_set_beside_nothing() {
    for contrast in ["confirms_against", "against"] {
        let mut plan: Plan = PLAN.replace("confirms_against", contrast).parse().unwrap();
        plan.keep(|arm| arm.name == "contrast");
        plan.check().unwrap();
        assert_eq!(plan.arms.len(), 1);
        assert_eq!((&plan.arms[0].against, &plan.arms[0].confirms_against), (&None, &None));
    }
}

#[test]
fn what_a_contrast_will_find_is_known_before_the_run() {
    let plan: Plan = PLAN.parse().unwrap();
    let found = plan.smallest_detectable(&[100, 300]).unwrap();
    // (z(.975) + z(.8)) * sqrt((.01 + .1 / 4) / 400)
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "both");
    assert!((found[0].1 - 2.8016 * (0.035_f64 / 400.0).sqrt()).abs() < 1e-4, "{}", found[0].1);
    let exploratory: Plan = PLAN.replace("confirms_against", "against").parse().unwrap();
    assert!(exploratory.smallest_detectable(&[100, 300]).unwrap().is_empty());
}

#[test]
fn switches_are_chosen_on_their_own_problems_and_turned_only_by_a_sure_gain() {
    let folder = tempfile::tempdir().unwrap();
    let text = PLAN
        .replace("[\"one\", \"two\"]", "[\"mbpp train\"]")
        .replace("pooled = \"both\"\n", "")
        .replace("confirms_against", "against");
    let plan: Plan = text.parse().unwrap();
    let mut experiment = experiment(&plan, folder.path());
    experiment.tasks = vec![crate::tasks(40)];
    let tune = |plan: &Plan| plan.tune("tiny", &experiment.folders);
    let reason = |plan: &Plan| tune(plan).unwrap_err().to_string();
    assert!(reason(&plan).contains("not run yet"), "{}", reason(&plan));
    run_all(&experiment);
    let switches = tune(&plan).unwrap();
    let gains: Vec<_> = switches.tried.iter().map(|tried| tried.gain).collect();
    assert!(gains.len() == 2 && gains[0].is_none());
    let [_, low, _] = gains[1].unwrap();
    let chosen = if low > 0.0 { "cad(alpha=0.2)" } else { "control" };
    assert_eq!((switches.technique.as_str(), switches.preset.as_str()), (chosen, "default"));
    for (from, to, why) in [
        ("mbpp train", "mbpp test", "which is in no table"),
        ("k = [1, 2]", "k = [2]", "k must begin with 1"),
        ("against = \"plain\"", "", "must be set against the first arm, plain"),
    ] {
        let plan: Plan = text.replace(from, to).parse().unwrap();
        assert!(reason(&plan).contains(why), "{}", reason(&plan));
    }
}

/// The tables of docs/results.md are those of the archives beside it.
#[test]
fn the_figures_that_are_told_are_those_of_the_archives() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let results = root.join("docs/results");
    let models = ["SmolLM2-135M-Instruct.Q4_1".to_owned()];
    for name in [
        "alpha",
        "budget",
        "contrasts",
        "decoding",
        "drafts",
        "factors",
        "family",
        "search",
        "selection",
        "spa",
        "tables",
        "tune",
    ] {
        let plan = Plan::read(&root.join(format!("examples/reproduce/{name}.toml"))).unwrap();
        let folders = Folders { journals: results.join("none"), archives: Some(results.clone()) };
        let study = plan.study(&models, &folders).unwrap();
        let report = StudyReport::new(&study, &Statistics::default()).unwrap();
        let told = fs::read_to_string(results.join(format!("{name}.csv"))).unwrap();
        assert_eq!(report.arms_csv(), told, "{name}: docs/results.md is to be written anew");
    }
}
