#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod analysis;
mod csv;
mod error;
mod figure;
mod html;
mod markdown;
mod paper;
mod pareto;
mod study;
mod study_report;
mod table;
mod tables;
mod text;

pub use analysis::{
    ArmResult, Comparison, DifferenceAt, Finding, PairedTest, PassAt, Results, Statistics,
};
pub use error::ReportError;
pub use figure::{Cost, Figure};
pub use paper::{PaperRow, TABLE_1, TABLE_2};
pub use pareto::pareto_front;
pub use study::{
    Memory, PASSED, PaperFigures, Percentiles, Prompt, Role, Sample, Speed, Study, StudyArm,
    StudyProblem,
};
pub use study_report::StudyReport;
