//! Samples that other tools have judged, as an arm.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use infer_code_cad_report::{Sample, Study, StudyArm, StudyProblem};
use infer_code_cad_tasks::read_judged;

use super::ArmFile;
use crate::JournalError;
use crate::journal::{RESULTS, RUN};

/// What stands for a model or a benchmark that no file tells.
const UNTOLD: &str = "not told";

/// Whether the file is to be read as samples that somebody judged: it is neither a journal nor derived from one.
pub(super) fn is_judged(path: &Path) -> bool {
    let mut beginning = vec![];
    // What cannot be read is refused by its reader.
    let _ = File::open(path).and_then(|file| file.take(16).read_to_end(&mut beginning));
    !beginning.starts_with(RUN) && !beginning.starts_with(RESULTS)
}

/// The file as an arm, of which neither model nor benchmark nor settings are known.
pub(super) fn arm(file: &ArmFile) -> Result<StudyArm, JournalError> {
    let mut problems: Vec<StudyProblem> = vec![];
    let mut places = BTreeMap::new();
    for judged in read_judged(&file.path)? {
        let place = *places.entry(judged.task_id.clone()).or_insert(problems.len());
        if place == problems.len() {
            problems.push(StudyProblem { task_id: judged.task_id, ..StudyProblem::default() });
        }
        let (reason, program) = (judged.reason, judged.program);
        problems[place].samples.push(Sample { reason, program, ..Sample::new(judged.verdict) });
    }
    let arm = StudyArm::new(&file.name, UNTOLD, UNTOLD);
    Ok(StudyArm { role: file.role.clone(), problems, ..arm })
}

/// Puts arms of such files beside the run that they are compared with, or else the first one.
pub(super) fn settle(study: &mut Study) {
    let (mut runs, mut untold) = (vec![], vec![]);
    for (number, arm) in study.arms.iter().enumerate() {
        if arm.benchmark == UNTOLD { untold.push(number) } else { runs.push(number) }
    }
    let arms = &mut study.arms;
    for &number in &untold {
        let is_partner = |&&run: &&usize| {
            let (arm, run) = (&arms[number], &arms[run]);
            arm.role.control() == Some(&run.name) || run.role.control() == Some(&arm.name)
        };
        if let Some(&run) = runs.iter().find(is_partner).or(runs.first()) {
            arms[number].model = arms[run].model.clone();
            arms[number].benchmark = arms[run].benchmark.clone();
        }
    }
    if !untold.is_empty() {
        let names: Vec<&str> = untold.iter().map(|&number| arms[number].name.as_str()).collect();
        study.notes.push(format!(
            "Read from samples that were judged elsewhere, which tell neither model nor benchmark nor settings, and \
             put beside the run that they are compared with: {}.",
            names.join(", ")
        ));
    }
}
