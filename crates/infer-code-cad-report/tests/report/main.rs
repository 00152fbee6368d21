//! Reports as their readers see them.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod edges;
mod hostile;
mod page;
mod snapshots;
#[path = "../synthetic/mod.rs"]
mod synthetic;

use infer_code_cad_report::{Role, Sample, Statistics, Study, StudyArm, StudyProblem, StudyReport};

/// An arm with so many passes of four on each problem.
fn arm(name: &str, role: Role, passes: &[usize]) -> StudyArm {
    let verdict = |i: usize, passes| if i < passes { "passed" } else { "failed" };
    let problems = passes.iter().enumerate().map(|(task, &passes)| StudyProblem {
        task_id: format!("t/{task}"),
        samples: (0..4).map(|i| Sample::new(verdict(i, passes))).collect(),
        ..StudyProblem::default()
    });
    StudyArm { role, problems: problems.collect(), ..StudyArm::new(name, "tiny", "set") }
}

fn against(control: &str) -> Role {
    Role::Confirmatory { control: control.into() }
}

fn study(arms: Vec<StudyArm>) -> Study {
    Study { title: "A study".into(), ks: vec![1, 2], arms, ..Study::default() }
}

fn report(study: &Study) -> StudyReport<'_> {
    StudyReport::new(study, &Statistics::default()).unwrap()
}

/// All forms of a report.
fn forms(study: &Study) -> Vec<String> {
    let report = report(study);
    let mut forms = vec![
        report.html().unwrap(),
        report.markdown(),
        report.arms_csv(),
        report.problems_csv(),
        report.json().unwrap(),
    ];
    forms.extend(report.figures().iter().map(|figure| figure.svg().unwrap()));
    forms
}
