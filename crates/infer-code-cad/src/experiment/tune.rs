use infer_code_cad_report::{Statistics, StudyReport};

use super::{ExperimentError, Folders, Plan, PlannedArm};
use crate::{Switches, Tried};

/// The benchmark on which switches are chosen, which is in no table and no contrast.
const TUNING: &str = "mbpp train";

impl Plan {
    /// Chooses among the arms of a plan that was run with a model: the first, unless another one is better with an
    /// interval of 95 % that excludes 0; then the best of those.
    ///
    /// # Errors
    /// [`ExperimentError::Plan`] unless the plan's only benchmark is `mbpp train`, which has a part
    /// in no table and no contrast, k begins with 1, every arm is set against the first, and all were run; those of the files.
    pub fn tune(&self, model: &str, folders: &Folders) -> Result<Switches, ExperimentError> {
        let refuse = |reason: String| Err(ExperimentError::Plan { reason });
        if self.benchmarks != [TUNING] {
            return refuse(format!("switches are chosen on {TUNING} alone, which is in no table"));
        }
        if self.k.first() != Some(&1) {
            return refuse("switches are chosen by pass@1; k must begin with 1".to_owned());
        }
        let first = &self.arms[0].name;
        if let Some(arm) = self.arms[1..].iter().find(|arm| arm.against.as_ref() != Some(first)) {
            return refuse(format!("{} must be set against the first arm, {first}", arm.name));
        }
        let study = self.study(&[model.to_owned()], folders)?;
        if study.arms.len() < self.arms.len() {
            return refuse(study.notes.join(" "));
        }
        let report = StudyReport::new(&study, &Statistics::default())
            .map_err(|error| ExperimentError::Plan { reason: error.to_string() })?;
        let results = report.results();
        let tried = |(index, arm): (usize, &PlannedArm)| {
            let compared = results.comparisons.iter().find(|one| one.arm == index);
            let gain = compared.map(|one| one.test.difference);
            Tried {
                preset: arm.preset(self).to_string(),
                technique: arm.technique.clone(),
                pass_at_1: results.arms[index].pass_at(1).map_or(0.0, |pass_at| pass_at.value),
                gain: gain.map(|gain| [gain.value, gain.low, gain.high]),
            }
        };
        let tried: Vec<Tried> = self.arms.iter().enumerate().map(tried).collect();
        let gain = |one: &&Tried| one.gain.filter(|[_, low, _]| *low > 0.0).map(|[gain, ..]| gain);
        let best = tried.iter().filter_map(|one| Some((gain(&one)?, one)));
        let best = best.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, one)| one);
        let Tried { preset, technique, .. } = best.unwrap_or(&tried[0]).clone();
        let problems = results.arms[0].problems;
        let samples = results.arms[0].fewest_samples;
        let measured = format!("{TUNING}, {problems} problems, {samples} samples");
        Ok(Switches { model: model.to_owned(), measured, preset, technique, tried })
    }
}
