//! Loops over a vocabulary, compiled for the vector instructions of several processors.
//!
//! Every version computes the same bits: lanes are in a fixed order, products and sums never joined.

use multiversion::multiversion;

use crate::exp::exp;
use crate::ln::ln;

const LANES: usize = 16;

/// `sum f(row[i])` with `f` in f32 within blocks and the sums of blocks in f64.
macro_rules! sum_by_lanes {
    ($row:expr, $value:ident => $term:expr) => {{
        let mut total = 0.0;
        for block in $row.chunks(64 * LANES) {
            let mut sums = [0.0f32; LANES];
            let (chunks, rest) = block.as_chunks::<LANES>();
            for chunk in chunks {
                for lane in 0..LANES {
                    let $value = chunk[lane];
                    sums[lane] += $term;
                }
            }
            let rest = rest.iter().map(|&$value| f64::from($term));
            total += sums.iter().copied().map(f64::from).chain(rest).sum::<f64>();
        }
        total
    }};
}

/// The largest value and whether one is not a number, which the comparison passes over.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn peak(row: &[f32]) -> (f32, bool) {
    let (mut peaks, mut nans) = ([f32::NEG_INFINITY; LANES], [0u32; LANES]);
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            let value = chunk[lane];
            peaks[lane] = if value > peaks[lane] { value } else { peaks[lane] };
            nans[lane] |= u32::from(value.is_nan());
        }
    }
    let all = peaks.iter().chain(rest);
    let peak = all.fold(f32::NEG_INFINITY, |peak, &value| peak.max(value));
    (peak, nans != [0; LANES] || rest.iter().any(|value| value.is_nan()))
}

/// The weight of a token that its logit excludes.
pub(crate) const EXCLUDED: f32 = -1.0;

/// `weights[i] = exp((row[i] - peak) * scale)`, or [`EXCLUDED`]; `peak` is the largest, `scale`
/// positive.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn weigh(row: &[f32], peak: f32, scale: f32, weights: &mut [f32]) {
    for (weight, &logit) in weights.iter_mut().zip(row) {
        let of_it = exp((logit - peak) * scale);
        *weight = if logit == f32::NEG_INFINITY { EXCLUDED } else { of_it };
    }
}

/// `mixed[i] += weight * (row[i] - peak)`; what one of them excludes with `-inf` stays excluded.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn mix(mixed: &mut [f32], row: &[f32], peak: f32, weight: f32) {
    for (mixed, &logit) in mixed.iter_mut().zip(row) {
        let excluded = (logit == f32::NEG_INFINITY) | (*mixed == f32::NEG_INFINITY);
        let sum = *mixed + weight * (logit - peak);
        *mixed = if excluded { f32::NEG_INFINITY } else { sum };
    }
}

/// `sum exp(row[i] - peak)`, in f32 within blocks and in f64 over them; `peak` is the largest.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn mass(row: &[f32], peak: f32) -> f64 {
    sum_by_lanes!(row, logit => exp(logit - peak))
}

/// The sum of the weights that are not [`EXCLUDED`], in f32 within blocks and in f64 over them.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn sum(weights: &[f32]) -> f64 {
    sum_by_lanes!(weights, weight => if weight > 0.0 { weight } else { 0.0 })
}

/// `sum w ln w` with `w = exp(row[i] - peak)`; what is excluded adds nothing.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn moment(row: &[f32], peak: f32) -> f64 {
    sum_by_lanes!(row, logit => {
        let ln = (logit - peak).max(-100.0); // of which the weight is 0
        exp(ln) * ln
    })
}

/// `sum w^2` with `w = exp(row[i] - peak)`.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn squares(row: &[f32], peak: f32) -> f64 {
    sum_by_lanes!(row, logit => {
        let weight = exp(logit - peak);
        weight * weight
    })
}

/// The standard deviation of the logits that are not excluded; `peak` is the largest.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn deviation(row: &[f32], peak: f32) -> f64 {
    /// Less than this below the peak a logit counts as this far, so that no square overflows.
    const LEAST: f32 = -1e15;
    let is_known = |logit: f32| logit > f32::NEG_INFINITY;
    let n = sum_by_lanes!(row, logit => if is_known(logit) { 1.0 } else { 0.0 });
    let sum =
        sum_by_lanes!(row, logit => if is_known(logit) { (logit - peak).max(LEAST) } else { 0.0 });
    let mean = (sum / n) as f32;
    let squares = sum_by_lanes!(row, logit => {
        let apart = if is_known(logit) { (logit - peak).max(LEAST) - mean } else { 0.0 };
        apart * apart
    });
    (squares / n).sqrt()
}

/// `mixed[i] = row[i] - peak + alpha * exp(row[i] - peak) * (row[i] - other[i])`; what either excludes with `-inf`
/// is excluded.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn modulate(mixed: &mut [f32], rows: [&[f32]; 2], peak: f32, alpha: f32) {
    for (mixed, (&logit, &other)) in mixed.iter_mut().zip(rows[0].iter().zip(rows[1])) {
        let excluded = (logit == f32::NEG_INFINITY) | (other == f32::NEG_INFINITY);
        let logit_from_peak = logit - peak;
        let sum = logit_from_peak + alpha * exp(logit_from_peak) * (logit - other);
        *mixed = if excluded { f32::NEG_INFINITY } else { sum };
    }
}

/// The entropy in nats of the mean of two distributions, each `exp(row[i] - peak) / mass`.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn mean_entropy(rows: [(&[f32], f32); 2], masses: [f64; 2]) -> f64 {
    let [(first, first_peak), (second, second_peak)] = rows;
    let [first_share, second_share] = masses.map(|mass| (0.5 / mass) as f32);
    let mut total = 0.0;
    for (first, second) in first.chunks(64 * LANES).zip(second.chunks(64 * LANES)) {
        let mut sums = [0.0f32; LANES];
        for (first, second) in first.chunks(LANES).zip(second.chunks(LANES)) {
            for (sum, (first, second)) in sums.iter_mut().zip(first.iter().zip(second)) {
                let mean = first_share * exp(first - first_peak)
                    + second_share * exp(second - second_peak);
                *sum -= mean * ln(mean);
            }
        }
        total += sums.iter().copied().map(f64::from).sum::<f64>();
    }
    total
}
