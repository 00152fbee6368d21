use std::path::PathBuf;

use infer_code_cad_metrics::MetricError;

/// Why a study cannot be reported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Two arms are the same.
    #[error(
        "two arms are {arm}; arms are told apart by name, model and benchmark: rename one, or join their samples"
    )]
    DuplicateArm {
        /// Name, model and benchmark.
        arm: String,
    },
    /// An arm has a problem twice.
    #[error("{arm} has problem {task_id} twice; join its samples")]
    DuplicateProblem {
        /// The arm.
        arm: String,
        /// The problem.
        task_id: String,
    },
    /// A problem has no sample.
    #[error(
        "problem {task_id} of {arm} has no sample; judge one, or leave the problem out of every arm of the benchmark"
    )]
    NoSample {
        /// The arm.
        arm: String,
        /// The problem.
        task_id: String,
    },
    /// Two arms of one benchmark have different problems.
    #[error(
        "{first} has problem {task_id} and {second} has not; arms of one benchmark are compared problem by problem: \
         finish the run, or leave the problem out of both"
    )]
    DifferentProblems {
        /// The arm that has it.
        first: String,
        /// The arm that lacks it.
        second: String,
        /// The problem.
        task_id: String,
    },
    /// The control of an arm is not there.
    #[error(
        "the control of {arm} is {control}, which is no other arm of that model and benchmark; there are: {known}"
    )]
    UnknownControl {
        /// The arm.
        arm: String,
        /// The name of its control.
        control: String,
        /// The names that there are.
        known: String,
    },
    /// A side of a comparison has no problems.
    #[error(
        "{arm} cannot be compared: {side} has no problems; judge it, or make the role of {arm} that of a control"
    )]
    NotJudged {
        /// The arm with a control.
        arm: String,
        /// The one of the two that has none.
        side: String,
    },
    /// A number is NaN, infinite or negative.
    #[error(
        "{field} of {arm} is {value}, expected a finite number, at least 0; leave it out where it is not known"
    )]
    NotANumber {
        /// The arm.
        arm: String,
        /// The field.
        field: &'static str,
        /// Its value.
        value: f64,
    },
    /// A k is zero.
    #[error("pass@0 is asked for; k is the number of tries and starts at 1")]
    ZeroK,
    /// A figure of an arm is not defined.
    #[error("no figures of {arm}: {reason}")]
    Statistics {
        /// The arm.
        arm: String,
        /// What is wrong with it.
        reason: MetricError,
    },
    /// The correction over all contrasts is not defined.
    #[error("no correction over the contrasts: {0}")]
    Correction(MetricError),
    /// A file is no study.
    #[error("this is no study: {0}; expected the JSON that Study::to_json writes")]
    Json(#[from] serde_json::Error),
    /// A study file is of another format.
    #[error(
        "the study has format {found}, this release reads format {known}; write it anew, or use the release that wrote it"
    )]
    Format {
        /// The number in the file.
        found: u64,
        /// The number of this release.
        known: u64,
    },
    /// A study file was changed after its hash was taken.
    #[error(
        "the study says {stated}, its settings and tallies give {computed}; it was changed or cut: write it anew"
    )]
    Hash {
        /// The hash in the file.
        stated: String,
        /// The hash of what is in the file.
        computed: String,
    },
    /// A figure could not be drawn.
    #[error("figure {name} cannot be drawn: {reason}")]
    Figure {
        /// Its name.
        name: String,
        /// What the plotting library says.
        reason: String,
    },
    /// A file could not be written.
    #[error("{path} cannot be written: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}
