//! Unbiased pass@k, intervals over problems, throughput and peak memory.
//!
//! Numbers in, numbers out: nothing here knows a model, a problem set or a sandbox.
//!
//! ```
//! use infer_code_cad_metrics::{Bootstrap, Tally, mean_pass_at_k, pass_at_k};
//!
//! // Three problems, five samples each, of which two, none and five passed.
//! let tallies = [2, 0, 5].map(|c| Tally { n: 5, c });
//! let mean = mean_pass_at_k(&tallies, 1)?;
//! assert!((mean - 7.0 / 15.0).abs() < 1e-15);
//!
//! let values = tallies.iter().map(|t| pass_at_k(t.n, t.c, 1)).collect::<Result<Vec<_>, _>>()?;
//! let interval = Bootstrap::default().percentile(&values)?;
//! assert!(interval.low <= mean && mean <= interval.high);
//! # Ok::<(), infer_code_cad_metrics::MetricError>(())
//! ```

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
