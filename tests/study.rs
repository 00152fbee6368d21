//! Result files side by side: what a study reads out of them.

use std::fs;
use std::ops::ControlFlow;

use infer_code_cad::report::{PASSED, ReportError, Role, Statistics, Study, StudyReport};
use infer_code_cad::tasks::SampleForm;
use infer_code_cad::{
    ArmFile, JournalError, Progress, SampleJudging, StoredRun, export_samples, judge_samples,
    read_arm, read_study,
};

use crate::journal::{Even, Run, run};

fn file(name: &str, run: &Run) -> ArmFile {
    ArmFile::new(name, &run.path)
}

fn against(control: &str, file: ArmFile) -> ArmFile {
    ArmFile { role: Role::Confirmatory { control: control.to_owned() }, ..file }
}

fn report(study: &Study) -> Result<StudyReport<'_>, ReportError> {
    StudyReport::new(study, &Statistics::default())
}

#[test]
fn two_result_files_become_a_report_with_the_figures_of_their_summaries() {
    let runs = ["control", "cad"].map(run);
    let evaluations = runs.each_ref().map(Run::finish);
    let files = [file("control", &runs[0]), against("control", file("cad", &runs[1]))];
    let mut study = read_study("CAD", &files).unwrap();
    study.ks = vec![1, 2];
    let report = report(&study).unwrap();
    for ((arm, result), evaluation) in
        study.arms.iter().zip(&report.results().arms).zip(&evaluations)
    {
        let summary = evaluation.summary(&arm.name, &[1, 2]).unwrap();
        assert_eq!((result.problems, arm.unjudged_samples), (summary.problems, 0));
        let values: Vec<f64> = summary.pass_at.iter().map(|pass_at| pass_at.value).collect();
        assert_eq!(result.pass_at.iter().map(|p| p.value).collect::<Vec<_>>(), values);
        for (problem, record) in arm.problems.iter().zip(&evaluation.records) {
            assert_eq!(problem.task_id, record.task_id);
            assert_eq!(problem.tally().c as usize, record.passes());
            let tokens = record.samples.iter().map(|sample| Some(sample.tokens as u64));
            assert!(problem.samples.iter().map(|sample| sample.tokens).eq(tokens));
            let streams = &record.prompt.as_ref().unwrap().streams;
            assert!(problem.prompts.iter().zip(streams).all(|(a, b)| a.text == *b));
        }
        assert_eq!(arm.speed.tokens_per_second, Some(summary.useful_tokens_per_second));
        assert_eq!(arm.memory.peak_bytes, summary.peak_bytes);
    }
    for arm in &study.arms {
        let times = arm.speed.answer_seconds.unwrap();
        assert!(0.0 < times.p50 && times.p50 <= times.p95 && times.p95 <= times.p99, "{times:?}");
        assert!(arm.speed.mean_of_rates.unwrap() > 0.0);
        assert_eq!(arm.memory.weight_bytes, crate::model().causal_lm.weight_bytes());
        assert!(arm.memory.kv_cache_bytes.unwrap() > 0);
        assert!(arm.memory.kv_cache_bytes < arm.memory.peak_bytes);
    }
    assert!(report.results().arms.iter().any(|arm| arm.verdicts.contains_key(PASSED)));
    assert_eq!(study.arms[0].role, Role::Control, "another arm names it");
    assert!(report.results().comparisons[0].test.adjusted_p.is_some());
    assert_eq!(study.settings["seed"], "0");
    assert_ne!(study.arms[0].settings["technique"], study.arms[1].settings["technique"]);
    let folder = runs[0].path.with_file_name("report");
    report.write_to(&folder).unwrap();
    assert!(fs::read_to_string(folder.join("index.html")).unwrap().contains("<h1>CAD</h1>"));
    assert!(fs::read_to_string(folder.join("report.md")).unwrap().contains("| cad"));
}

#[test]
fn arms_of_other_problems_and_controls_that_are_not_there_are_refused() {
    let (all, mut few) = (run("vanilla"), run("vanilla"));
    few.tasks.truncate(2);
    all.finish();
    few.finish();
    let study = read_study("", &[file("all", &all), file("few", &few)]).unwrap();
    assert!(matches!(report(&study), Err(ReportError::DifferentProblems { .. })));
    let study = read_study("", &[against("none", file("all", &all))]).unwrap();
    assert!(matches!(report(&study), Err(ReportError::UnknownControl { .. })));
}

#[test]
fn a_file_of_a_run_that_stopped_counts_what_has_no_verdict() {
    let run = run("vanilla");
    run.go(&mut |progress| match progress {
        Progress::Judged { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })
    .unwrap();
    let arm = read_arm(&file("vanilla", &run)).unwrap();
    let judged: usize = arm.problems.iter().map(|problem| problem.samples.len()).sum();
    assert!(judged > 0 && arm.problems.iter().all(|problem| !problem.samples.is_empty()));
    let samples = run.tasks.len() * run.config.n_samples;
    assert_eq!(arm.unjudged_samples as usize, samples - judged);
    assert_eq!(arm.settings["n_samples"], "2");
}

#[test]
fn samples_that_were_judged_elsewhere_are_compared_with_a_run() {
    let run = run("vanilla");
    run.finish();
    let stored = StoredRun::read(&run.path).unwrap();
    let [samples, results] = ["s", "r"].map(|name| run.path.with_file_name(name));
    export_samples(&stored, SampleForm::HumanEval, &samples).unwrap();
    let judging = SampleJudging::new(Even::default());
    judge_samples(&samples, &results, &run.tasks, &judging, &mut |_| ControlFlow::Continue(()))
        .unwrap();
    let theirs = against("vanilla", ArmFile::new("theirs", &results));
    let files = [file("vanilla", &run), theirs.clone()];
    let study = read_study("", &files).unwrap();
    let [own, other] = &study.arms[..] else { panic!("two files") };
    assert_eq!((&own.model, &own.benchmark), (&other.model, &other.benchmark));
    assert!(own.problems.iter().zip(&other.problems).all(|(a, b)| a.tally() == b.tally()));
    assert_eq!(study.settings["seed"], "0", "an arm without settings leaves the others' together");
    assert!(study.notes[1].contains("judged elsewhere"), "{:?}", study.notes);
    assert_eq!(report(&study).unwrap().results().comparisons[0].at[0].value, 0.0);

    let text = fs::read_to_string(&results).unwrap();
    fs::write(&results, text.lines().skip(2).collect::<Vec<_>>().join("\n")).unwrap();
    let study = read_study("", &files).unwrap();
    assert!(matches!(report(&study), Err(ReportError::DifferentProblems { .. })));
    let unjudged = read_study("", &[ArmFile::new("samples", &samples)]).unwrap_err();
    assert!(matches!(unjudged, JournalError::Samples(_)), "{unjudged}");
    assert!(unjudged.to_string().contains("line 1: field `passed`"), "{unjudged}");
}
