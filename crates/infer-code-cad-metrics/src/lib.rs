#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod available;
mod bootstrap;
mod error;
mod interval;
mod memory;
mod pass_at_k;
mod throughput;
mod wilson;

pub use available::available_bytes;
pub use bootstrap::Bootstrap;
pub use error::MetricError;
pub use interval::Interval;
pub use memory::{PeakMemory, peak_resident_bytes};
pub use pass_at_k::{Tally, mean_pass_at_k, pass_at_k};
pub use throughput::Throughput;
pub use wilson::wilson;
