#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod available;
mod beta_interval;
mod bootstrap;
mod budget;
mod design;
mod distribution;
mod equivalence;
mod error;
mod holm;
mod interval;
mod mcnemar;
mod memory;
mod pass_at_k;
mod sign_flip;
mod spread;
mod throughput;
mod wilson;

pub use available::available_bytes;
pub use beta_interval::{clopper_pearson, jeffreys};
pub use bootstrap::Bootstrap;
pub use budget::{Arm, AtBudget, BudgetUnit, SampleCost, equal_budget, largest_budget};
pub use design::PairedDesign;
pub use equivalence::{Equivalence, exclusion_bound, student_interval};
pub use error::MetricError;
pub use holm::{Adjusted, holm};
pub use interval::Interval;
pub use mcnemar::McNemar;
pub use memory::{PeakMemory, peak_resident_bytes, resident_bytes};
pub use pass_at_k::{
    Tally, avg_at_n, mean_pass_at_k, mean_pass_hat_k, pass_at_k, pass_at_k_of_each, pass_hat_k,
};
pub use sign_flip::{Permutation, SignFlip, sign_flip_counts};
pub use spread::{Spread, differences};
pub use throughput::Throughput;
pub use wilson::wilson;
