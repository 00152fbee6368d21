use std::path::Path;

use infer_code_cad_tasks::{Programs, SampleForm};

use crate::{Error, StoredRun};

/// What [`export_samples`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Samples in the file.
    pub samples: usize,
    /// Samples of the run without a verdict, which are left out.
    pub unjudged: usize,
}

/// Writes the judged programs of a run into a new file, in a form that other tools read.
///
/// They are the programs that were judged, whole modules: [`judge_samples`](crate::judge_samples) gives them the same
/// verdicts. Problems come in the order of the run, samples in theirs.
///
/// # Errors
/// As [`StoredRun::record`] and [`SampleForm::write`].
///
/// # Examples
/// ```no_run
/// use std::path::Path;
///
/// use infer_code_cad::tasks::SampleForm;
/// use infer_code_cad::{StoredRun, export_samples};
///
/// let run = StoredRun::read(Path::new("cad.jsonl"))?;
/// let exported = export_samples(&run, SampleForm::HumanEval, Path::new("samples.jsonl"))?;
/// assert_eq!(exported.unjudged, 0);
/// # Ok::<(), infer_code_cad::Error>(())
/// ```
pub fn export_samples(run: &StoredRun, form: SampleForm, out: &Path) -> Result<Exported, Error> {
    let mut answers = vec![];
    for record in run.records() {
        let record = record?;
        let programs = record.samples.into_iter().map(|sample| sample.program).collect();
        answers.push(Programs { task_id: record.task_id, programs });
    }
    form.write(out, &answers)?;
    let samples = answers.iter().map(|answer| answer.programs.len()).sum();
    let all = answers.len() * run.header().n_samples;
    Ok(Exported { samples, unjudged: all.saturating_sub(samples) })
}
