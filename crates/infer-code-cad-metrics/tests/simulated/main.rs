//! The statistics on experiments whose truth is known, 2,000 each.
//!
//! An experiment draws 100 problems whose pass rates are Beta(0.3, 0.9), as a small model's are (most problems
//! hardly ever solved, a few nearly always, mean .25), and samples of each.

mod coverage;
mod power;
mod world;
