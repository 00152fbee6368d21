mod arm;
mod check;
mod cost;
mod file;
mod fingerprint;
mod problem;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use arm::{Role, StudyArm};
pub use cost::{Memory, PaperFigures, Percentiles, Speed};
pub(crate) use file::FORMAT;
pub use problem::{PASSED, Prompt, Sample, StudyProblem};

/// What was measured: plain data, filled by whoever ran it.
///
/// # Examples
/// ```
/// use infer_code_cad_report::{Sample, Study, StudyArm, StudyProblem};
///
/// let samples = ["passed", "failed"].map(Sample::new).into();
/// let problem = StudyProblem { task_id: "t/1".into(), samples, ..StudyProblem::default() };
/// let arm = StudyArm { problems: vec![problem], ..StudyArm::new("vanilla", "tiny", "embedded") };
/// let study = Study { title: "A try".into(), arms: vec![arm], ..Study::default() };
/// assert_eq!(Study::from_json(&study.to_json()?)?, study);
/// # Ok::<(), infer_code_cad_report::ReportError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Study {
    /// The headline.
    pub title: String,
    /// Paragraphs that come first: what was asked, and what limits the answer.
    pub notes: Vec<String>,
    /// What results depend on, by name: checkpoint hash, template, stop set, sampler, seeds.
    pub settings: BTreeMap<String, String>,
    /// Where it ran, by name: machine, versions. It is shown, and is no part of [`Study::fingerprint`].
    pub environment: BTreeMap<String, String>,
    /// The k of pass@k, in the order of the columns; an arm with fewer samples has `-` there.
    pub ks: Vec<u64>,
    /// The k at which arms are tested against their controls.
    pub tested_k: u64,
    /// The arms, in the order of their numbers.
    pub arms: Vec<StudyArm>,
}

impl Default for Study {
    fn default() -> Self {
        Self {
            title: "Results".to_owned(),
            notes: vec![],
            settings: BTreeMap::new(),
            environment: BTreeMap::new(),
            ks: vec![1, 5, 10],
            tested_k: 1,
            arms: vec![],
        }
    }
}
